"""Scratch: a folder on a local disk, where the files of a plate wait until all of them are made.

Then they are copied to the output folder together. So a shared disk gets whole plates, and the
threads that make files do not wait for it. What a run has in scratch is its own; a run that is
killed loses the plates that it had in work, and a later one makes them again.
"""

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock

from jumpduck.daemon_pool import DaemonPool
from jumpduck.errors import QueryError, StoreError
from jumpduck.options import expanded
from jumpduck.rows import PlateKey
from jumpduck.storage.atomic_files import free_bytes, part_path, write_part
from jumpduck.storage.heartbeat_lock import HeartbeatLock, is_held
from jumpduck.transfer.disk_space import NO_SPACE, DiskSpace, size_text
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.output_folder import OutputFolder
from jumpduck.transfer.roots import is_inside
from jumpduck.transfer.tasks import (
    NO_OTHER_FILE_EITHER,
    DiskError,
    InScratch,
    Outcome,
    discard,
    without_file,
)

COPY_THREADS = 8
"""Files that are copied at the same time."""

STOP_SECONDS = 0.5
"""Time for copies to end after an interruption."""

MAX_MOVING_PLATES = 1
"""Plates that are being copied while another one is opened, because scratch holds them, too."""

PLATES_IN_SCRATCH = 3
"""Plates whose files can be in scratch at once: one that is copied, and two in work."""

OWN = "jumpduck-"
"""Begins the name of a run's folder in scratch, and of its lock."""


def check_scratch(scratch: str | Path, outs: Iterable[str | Path]) -> Path:
    """Get the folder of an option `scratch`, in which $NAME is a variable; writes nothing.

    Raises
    ------
    QueryError
        It and an output folder are inside one another.
    StoreError
        It is not there, or cannot be written to.
    """
    place = Path(os.path.expandvars(expanded(scratch)))
    for out in map(expanded, outs):
        if is_inside(place, out) or is_inside(out, place):
            raise QueryError(
                f"scratch {place} and output folder {out} are one folder, or one is inside the "
                "other; give `scratch` a folder beside it, on a local disk"
            )
    if "$" in str(place) and not place.exists():
        raise StoreError(
            f"scratch {place} has a variable that is not set; set it, or name a folder"
        )
    if not place.is_dir():
        raise StoreError(
            f"scratch {place} is not there; name a folder of a local disk of this machine, or make "
            "it: it is not made, because without its disk it would be on the disk of the system"
        )
    if not os.access(place, os.W_OK | os.X_OK):
        raise StoreError(f"cannot write to scratch {place}; name a folder that may be written to")
    return place


def check_scratch_space(place: Path, manifest: Manifest, disk: DiskSpace) -> str | None:
    """Check the space in scratch for plates, and get what is doubtful.

    Raises
    ------
    StoreError
        The largest plate has surely no space.
    """
    largest = max(plate.count for plate in manifest.plates())
    free, needed = free_bytes(place), disk.bytes_of(largest)
    if needed is None or PLATES_IN_SCRATCH * needed <= free:
        return None
    if needed * disk.sure_share > free:
        raise _full(place, needed)
    return (
        f"scratch {place} may have too little space: {size_text(free)} are free, and "
        f"{PLATES_IN_SCRATCH} plates at once, each of up to {size_text(needed)}, may lie there"
    )


class Scratch:
    """What a run has in scratch.

    Parameters
    ----------
    place
        The folder that the user gave.
    out, run
        The output folder, and what only this run has in the names of its part files.

    Attributes
    ----------
    path
        The run's own folder, which takes the place of the output folder for who makes files.
    """

    def __init__(self, place: Path, out: Path, run: str) -> None:
        self._place = place
        self.path = place / f"{OWN}{run}"
        self._out = out
        self._run = run
        self._kept: dict[PlateKey, list[Outcome]] = defaultdict(list)
        self._lock = Lock()
        self._stopping = Event()
        self._pool = DaemonPool(COPY_THREADS, "scratch")
        self._copies: list[Future[None]] = []

    def take(self, outcome: Outcome | BaseException) -> InScratch | BaseException:
        """Take an outcome, or explain an error of who writes into scratch."""
        if isinstance(outcome, BaseException):
            return self._explained(outcome)
        if outcome.descriptor is not None:
            os.close(outcome.descriptor)
        with self._lock:
            self._kept[outcome.task.plate].append(replace(outcome, descriptor=None))
        return InScratch(outcome.task.plate)

    def move(self, plate: PlateKey, hand_over: Callable[[Outcome | BaseException], None]) -> None:
        """Copy the files of a plate to the output folder, and hand its outcomes over."""
        with self._lock:
            outcomes = self._kept.pop(plate)
        self._copies = [one for one in self._copies if not one.done()]
        self._copies += [self._pool.submit(self._move, one, hand_over) for one in outcomes]

    def stop(self) -> None:
        """Begin no further copy, and wait a moment for those that are under way."""
        self._stopping.set()
        self._pool.shutdown(cancel_futures=True)
        wait([one for one in self._copies if not one.done()], STOP_SECONDS)

    def _explained(self, error: BaseException) -> BaseException:
        cause = error.__cause__ if isinstance(error, DiskError) else None
        if not isinstance(cause, OSError):
            return error
        if cause.errno in NO_SPACE:
            return _full(self._place, None)
        return StoreError(f"cannot write to scratch {self._place}: {cause.strerror or cause}")

    def _move(self, outcome: Outcome, hand_over: Callable[[Outcome | BaseException], None]) -> None:
        if self._stopping.is_set():
            return
        try:
            copy = self._copied(outcome)
        except BaseException as error:  # noqa: BLE001
            # because the main thread must end the run, it gets the error
            hand_over(error)
            return
        if self._stopping.is_set():
            discard(copy)
        else:
            hand_over(copy)

    def _copied(self, outcome: Outcome) -> Outcome:
        """Get an outcome with its file in the output folder, not yet on the disk."""
        if outcome.part is None:
            return outcome
        try:
            data = outcome.part.read_bytes()
        except OSError as error:
            raise StoreError(
                f"cannot read {outcome.part}, which this run wrote: {error.strerror or error}; run "
                "the same command again: it makes the files of that plate again"
            ) from error
        target = self._out / str(outcome.task.rows[0]["path"])
        part = part_path(self._run, target, outcome.task.number)
        try:
            descriptor = write_part(target, part, data)
        except OSError as error:
            if error.errno in NO_OTHER_FILE_EITHER:
                raise DiskError(len(outcome.rows), len(data)) from error
            return without_file(outcome, error)
        outcome.part.unlink()
        return replace(outcome, part=part, target=target, descriptor=descriptor)


@contextmanager
def open_scratch(place: Path | None, folder: OutputFolder) -> Generator[Scratch | None]:
    """Make a run's folder in scratch, and remove it at the end; get None if no scratch is named.

    Raises
    ------
    StoreError
        It cannot be made.
    """
    if place is None:
        yield None
        return
    scratch = Scratch(place, folder.path, folder.runs.token)
    lock = HeartbeatLock(scratch.path.with_suffix(".lock"), scratch.path)
    try:
        _remove_left(place)
        lock.acquire()
        scratch.path.mkdir(mode=0o700)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise _full(place, None) from error
        raise StoreError(f"cannot write to scratch {place}: {error.strerror or error}") from error
    try:
        yield scratch
    finally:
        scratch.stop()
        shutil.rmtree(scratch.path, ignore_errors=True)
        lock.release()


def _full(place: Path, needed: int | None) -> StoreError:
    """Get the error that says what scratch needs."""
    size = "more" if needed is None else f"about {size_text(needed)}"
    return StoreError(
        f"no space in scratch {place}: {size_text(free_bytes(place))} are free, and the files of a "
        f"plate, which lie there until all of them are made, need {size}; free some space, name "
        "another folder, or leave `scratch` out, and run the same command again: it goes on from "
        "here"
    )


def _remove_left(place: Path) -> None:
    """Remove what runs left in scratch that were killed."""
    for path in {file.with_suffix("") for file in place.glob(f"{OWN}*")}:
        lock = HeartbeatLock(path.with_suffix(".lock"), path)
        with suppress(OSError):  # in a folder of many users, what others left cannot be removed
            if not is_held(lock.path) and lock.acquire():
                shutil.rmtree(path, ignore_errors=True)
                lock.release()
