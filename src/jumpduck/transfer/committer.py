"""Files get their names in batches: data first, then names, then the rows that tell of them."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from jumpduck.storage.atomic_files import sync_folder, sync_part
from jumpduck.transfer.manifest_reader import Plate
from jumpduck.transfer.output_folder import Results, Row

BATCH = 64
"""Files that get their names together."""

LINGER = 0.1
"""Seconds that a batch waits for more: each costs the disk two commits beside its files."""

SYNCS = 8
"""Files brought to the disk at the same time."""


class DiskError(Exception):
    """The disk takes no more: the end of the run; the cause says why.

    `rows` and `size` are those of a file that it did not take.
    """

    def __init__(self, rows: int, size: int) -> None:
        super().__init__()
        self.rows = rows
        self.size = size


@dataclass(frozen=True, slots=True)
class Finished:
    """A job that is over: its rows, and the written file that waits for its name, if any."""

    plate: Plate
    rows: Sequence[dict[str, object]]
    file: int | None = None
    part: Path | None = None
    target: Path | None = None


class Keeper(Thread):
    """Brings files to the disk, gives them their names and adds their rows to the journal.

    One thread, apart from those that fetch and compute: a disk that is slow to confirm makes
    larger batches, not a slower run. What is done, or the error that ends the run, goes to `done`.
    """

    def __init__(self, results: Results, done: "SimpleQueue[Finished | BaseException]") -> None:
        super().__init__(name="keeper", daemon=True)
        self._results = results
        self._done = done
        self._todo: SimpleQueue[Finished | None] = SimpleQueue()
        # at once, so that one commit of the file system's journal serves many files
        self._disk = ThreadPoolExecutor(SYNCS, "disk")

    def put(self, finished: Finished) -> None:
        """Hand over a job that is over."""
        self._todo.put(finished)

    def close(self, seconds: float) -> None:
        """Finish what was handed over, within so many seconds."""
        self._todo.put(None)
        if self.is_alive():
            self.join(seconds)
        self._disk.shutdown(wait=False)

    def run(self) -> None:
        """Work until closed."""
        item = None
        while True:
            batch: list[Finished] = []
            with suppress(Empty):
                item = self._todo.get()
                until = time.monotonic() + LINGER
                while item is not None:
                    batch.append(item)
                    if len(batch) == BATCH:
                        break
                    item = self._todo.get(timeout=max(0.0, until - time.monotonic()))
            try:
                self._keep(batch)
            except OSError as error:
                full = DiskError(len(batch[0].rows), int(str(batch[0].rows[0].get("size") or 0)))
                full.__cause__ = error
                self._done.put(full)
            except BaseException as error:  # noqa: BLE001
                self._done.put(error)
            if item is None:
                return

    def _keep(self, batch: Sequence[Finished]) -> None:
        files = [one for one in batch if one.file is not None]
        synced = [self._disk.submit(sync_part, one.file or 0) for one in files]
        wait(synced)
        try:
            for future in synced:
                future.result()
        except BaseException:
            for one in files:
                discard(one)
            raise
        for one in files:
            os.close(one.file or 0)
            try:
                Path(str(one.part)).replace(str(one.target))
            except OSError as error:  # something else has that name
                for row in one.rows:
                    row |= {"status": "failed", "error": str(error), "checksum": None, "size": None}
                with suppress(OSError):
                    Path(str(one.part)).unlink()
        for folder in {one.target.parent for one in files if one.target}:
            sync_folder(folder)
        by_plate: dict[Plate, list[Row]] = {}
        for one in batch:
            by_plate.setdefault(one.plate, []).extend(one.rows)
        for plate, rows in by_plate.items():
            self._results.append(plate, rows)
        for one in batch:
            self._done.put(one)


def discard(one: Finished) -> None:
    """Throw away a file that waits for its name."""
    if one.file is not None and one.part is not None:
        with suppress(OSError):
            os.close(one.file)
        with suppress(OSError):
            one.part.unlink()
