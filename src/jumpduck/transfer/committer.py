"""Files get their names in batches: first the data is on the disk, then the names, then the rows.

That order is the promise of an output folder: a file that has its name is complete, and a row says
fetched only if its file has its name.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from threading import Event, Lock, Thread

from jumpduck.daemon_pool import DaemonPool
from jumpduck.rows import DONE
from jumpduck.storage.atomic_files import sync_folder
from jumpduck.transfer.manifest_reader import PlateKey
from jumpduck.transfer.outcome_batches import SYNC_THREADS, OutcomeBatches, sync_files
from jumpduck.transfer.plate_tables import PlateTables
from jumpduck.transfer.tasks import DiskError, InScratch, Outcome, discard


class Committer(Thread):
    """Brings files to the disk, gives them their names and adds their rows to the journal.

    It is a thread of its own, apart from those that fetch and compute. So a disk that confirms
    slowly makes the batches larger, and not the run slower. Outcomes that are committed, or the
    error that ends the run, go to `committed`. No file gets its name once `is_lost` says that
    another run has taken its plate over.
    """

    def __init__(
        self,
        plates: PlateTables,
        committed: "SimpleQueue[Outcome | InScratch | BaseException]",
        is_lost: Callable[[PlateKey], bool],
    ) -> None:
        super().__init__(name="committer", daemon=True)
        self._plates = plates
        self._committed = committed
        self._is_lost = is_lost
        self._batches = OutcomeBatches()
        self._ended = Event()
        self._naming = Lock()
        self._disk = DaemonPool(SYNC_THREADS, "disk")

    def put(self, outcome: Outcome) -> None:
        """Hand over an outcome."""
        self._batches.put(outcome)

    def close(self, seconds: float) -> None:
        """Commit what was handed over, within so many seconds; afterwards no file gets its name.

        Because another run may fill the folder as soon as this one has ended, a disk that is still
        busy with a file must not be waited for, and the file must not get its name later.
        """
        self._batches.close()
        if self.is_alive():
            self.join(seconds)
        with self._naming:
            self._ended.set()
        self._disk.shutdown()

    def run(self) -> None:
        """Commit outcomes until `close` is called."""
        closed = False
        while not closed:
            batch, closed = self._batches.next()
            try:
                self._commit(batch)
            except OSError as error:
                size = int(str(batch[0].rows[0].get("size") or 0))
                disk_error = DiskError(len(batch[0].rows), size)
                disk_error.__cause__ = error
                self._committed.put(disk_error)
            except BaseException as error:  # noqa: BLE001
                # because the main thread must end the run, it gets the error
                self._committed.put(error)

    def _commit(self, batch: Sequence[Outcome]) -> None:
        batch = sync_files(batch, self._disk)
        files = [outcome for outcome in batch if outcome.part is not None]
        with self._naming:
            if self._ended.is_set() or any(map(self._is_lost, {one.task.plate for one in batch})):
                for outcome in files:
                    discard(outcome)
                return
            for outcome in files:
                _give_name(outcome)
            for folder in {outcome.target.parent for outcome in files if outcome.target}:
                sync_folder(folder)
            by_plate: dict[PlateKey, list[Outcome]] = {}
            for outcome in batch:
                by_plate.setdefault(outcome.task.plate, []).append(outcome)
            for plate, outcomes in by_plate.items():
                rows = [
                    row
                    for outcome in outcomes
                    for row in outcome.rows
                    if row["status"] in DONE or not outcome.task.repair
                ]
                if rows:
                    self._plates.append(plate, rows, outcomes[0].task.columns)
        for outcome in batch:
            self._committed.put(outcome)


def _give_name(outcome: Outcome) -> None:
    """Rename a file that is on the disk; where its name is taken by a folder, its rows say so."""
    assert outcome.part is not None
    assert outcome.target is not None
    try:
        outcome.part.replace(outcome.target)
    except OSError as error:
        for row in outcome.rows:
            row |= {"status": "failed", "error": str(error), "checksum": None, "size": None}
        with suppress(OSError):
            outcome.part.unlink()
