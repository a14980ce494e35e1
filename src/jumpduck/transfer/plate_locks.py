"""One run at a time for each plate, among all runs that fill an output folder."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from jumpduck.storage.atomic_files import make_folder
from jumpduck.storage.heartbeat_lock import HeartbeatLock
from jumpduck.transfer.manifest_reader import PlateKey, PlateRows

FIRST_WAIT_SECONDS = 0.2
"""Time before the second look at plates that other runs have open; it doubles while that changes
nothing."""

MAX_WAIT_SECONDS = 5.0
"""Longest time between two looks."""


class PlateLocks:
    """The plates that this run has open.

    ``SOURCE/BATCH/PLATE.lock`` lies beside the table of the plate: a client of NFS that makes a
    file in a folder learns of all names there that others have made, replaced or removed.

    Parameters
    ----------
    folder
        Where the tables of the plates are; it need not exist.
    out
        The output folder, for messages.
    """

    def __init__(self, folder: Path, out: Path) -> None:
        self._folder = folder
        self._out = out
        self._held: dict[PlateKey, HeartbeatLock] = {}
        self._waited: dict[PlateKey, HeartbeatLock] = {}

    def each(
        self, plates: Iterable[PlateRows], wait: Callable[[Sequence[PlateKey], float], object]
    ) -> Iterator[PlateRows | None]:
        """Get all plates, each when this run has it; None while all that are left are taken.

        A plate that another run has open comes later: that run may have done all of it by then.

        Parameters
        ----------
        wait
            Called with the plates that other runs have, and the seconds to wait for them.
        """
        count, seconds = 0, FIRST_WAIT_SECONDS
        while True:
            taken: list[PlateRows] = []
            for plate in plates:
                if self.acquire(plate.key):
                    yield plate
                else:
                    taken.append(plate)
            if not taken:
                return
            longer = min(2 * seconds, MAX_WAIT_SECONDS)
            seconds = longer if len(taken) == count else FIRST_WAIT_SECONDS
            count = len(taken)
            wait([plate.key for plate in taken], seconds)
            yield None
            plates = taken

    def acquire(self, key: PlateKey) -> bool:
        """Take a plate and get True, unless another run has it, or may have it.

        It does not wait; further calls learn from what the calls before saw.
        """
        source, batch, plate = key
        lock = self._waited.get(key)
        if lock is None:
            file = self._folder / source / batch / f"{plate}.lock"
            make_folder(file.parent)
            lock = HeartbeatLock(file, f"plate {plate} of {self._out}")
        if not lock.acquire():
            self._waited[key] = lock
            return False
        self._waited.pop(key, None)
        self._held[key] = lock
        return True

    def holder(self, key: PlateKey) -> str:
        """Get who has a plate that `acquire` did not get."""
        return self._waited[key].holder

    def release(self, key: PlateKey) -> None:
        """Give a plate back."""
        self._held.pop(key).release()

    def release_all(self) -> None:
        """Give all plates back."""
        for key in tuple(self._held):
            self.release(key)

    def is_lost(self, key: PlateKey) -> bool:
        """Get whether another run has taken a plate over, because this one showed no sign."""
        lock = self._held.get(key)
        return lock is None or lock.is_lost()

    def check(self) -> None:
        """Raise StoreError if another run has taken a plate over."""
        for lock in tuple(self._held.values()):
            lock.check()
