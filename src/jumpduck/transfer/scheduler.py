"""The order of a run: tasks on threads, their outcomes back, one plate after the other.

Network threads, of this process or of worker processes, do tasks: they fetch, wait for the recipe,
which runs on one thread for each core, and write a file under a provisional name. The committer
names files and journals their rows. The main thread hands out tasks, a few more than there are
connections, and closes plates.
"""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

import polars as pl

from jumpduck.containers.whole_files import WholeFiles
from jumpduck.daemon_pool import DaemonPool
from jumpduck.errors import StoreError
from jumpduck.recipes.base import Recipe
from jumpduck.recipes.preprocessing import PlateContext
from jumpduck.rows import Row
from jumpduck.schema import RESULTS_FILE, SITES_FILE
from jumpduck.storage.object_reader import ObjectReader
from jumpduck.storage.open_files import reason_of
from jumpduck.transfer.asked import Run
from jumpduck.transfer.committer import Committer
from jumpduck.transfer.disk_space import NO_SPACE, DiskSpace
from jumpduck.transfer.manifest_reader import Manifest, PlateKey
from jumpduck.transfer.memory_budget import CONTEXT_BYTES
from jumpduck.transfer.output_folder import OutputFolder
from jumpduck.transfer.plate_progress import PlateProgress, close_plate, keep, open_plate
from jumpduck.transfer.scratch import MAX_MOVING_PLATES, Scratch
from jumpduck.transfer.task_threads import TaskRunner, TaskThreads
from jumpduck.transfer.tasks import Concurrency, DiskError, InScratch, Outcome, Task
from jumpduck.transfer.worker import Worker

Event = Mapping[str, object]

_T = TypeVar("_T")


def no_progress(_event: Event) -> None:
    """Report nothing."""


POLL_SECONDS = 0.2
"""Longest wait of the main thread, because a signal to another thread does not interrupt it."""

NOT_LAST = (
    f"another run fills this folder, too; the last one to end writes {RESULTS_FILE} and "
    f"{SITES_FILE}, and `jumpduck status --gather` writes them at any time"
)

OTHERWISE: Mapping[str, object] = {
    "status": "failed",
    "error": "it would not become the file that it was, because other images of its plate decide "
    "on it now; `jumpduck download` with its manifest makes it anew",
    "attempts": 0,
}
"""What the results say of a file that a repair cannot make as it was."""

STOP_SECONDS = 1.0
"""Time for outcomes to reach the disk after an interruption."""


class Scheduler:
    """Fills an output folder from a manifest.

    Parameters
    ----------
    folder
        An open output folder.
    reader
        Reads URLs.
    recipe
        Makes the files.
    asked
        Where to write how far the run is; None for a repair.
    scratch
        Where the files of a plate wait until all of them are made; None for the output folder.
    concurrency
        Files fetched, and images made, at the same time, and by how many processes.
    progress
        Called with each event.
    """

    def __init__(
        self,
        folder: OutputFolder,
        reader: ObjectReader,
        recipe: Recipe,
        asked: Run | None,
        scratch: Scratch | None,
        *,
        concurrency: Concurrency,
        progress: Callable[[Event], None],
    ) -> None:
        self._folder, self._recipe = folder, recipe
        self._asked, self._scratch = asked, scratch
        self._progress = progress
        self._reader = reader
        self._background = DaemonPool(1, "background")
        cores = DaemonPool(concurrency.workers, "cores")
        place, run = (scratch or folder).path, folder.runs.token
        self._whole_files = WholeFiles(place, run, reader.save)
        self._worker = Worker(
            place,
            run,
            reader,
            recipe,
            cores,
            whole_files=self._whole_files,
            workers=concurrency.workers,
        )
        self._runner: TaskRunner
        if concurrency.processes > 1:
            # Windows does not have what it imports, and one process does not need it
            from jumpduck.transfer.task_processes import TaskProcesses

            self._runner = TaskProcesses(
                place,
                run,
                self._worker,
                reader,
                recipe,
                concurrency=concurrency,
                hand_over=self._hand_over,
            )
        else:
            connections = concurrency.connections
            self._runner = TaskThreads(self._worker, reader, cores, connections, self._hand_over)
        self._numbers = itertools.count()
        self._committed: SimpleQueue[Outcome | InScratch | BaseException] = SimpleQueue()
        self._committer = Committer(folder.plates, self._committed, folder.is_lost)
        self._plates: dict[PlateKey, PlateProgress] = {}
        self._context_bytes: dict[PlateKey, int] = {}
        self._closed: list[pl.DataFrame] = []
        self._paused: float | None = None
        self._outstanding = self._done = 0
        self._kept = Counter[PlateKey]()
        self._moving = set[PlateKey]()
        """Plates that are copied from scratch."""

    def run(self, manifest: Manifest, only: pl.Series | None = None) -> Generator[pl.DataFrame]:
        """Get the results of each plate as soon as all of its files are done.

        Parameters
        ----------
        only
            Paths of the only files to fetch, even if they are there; the recipe knows all rows.
        """
        self._committer.start()
        try:
            for task in self._tasks(manifest, only):
                if task is not None:
                    self._runner.submit(task)
                    del task  # because it would keep the illumination functions of a plate
                    self._outstanding += 1
                    self._collect(self._runner.max_outstanding)
                yield from self._take_closed()
            self._collect(0)
            self._end_moves(0)
            yield from self._take_closed()
            self._write_done()
            if not _wait_for(self._background.submit(self._folder.gather_if_last)):
                self._progress({"event": "remark", "text": f"{NOT_LAST} ({self._folder.path})"})
        finally:
            self._stop()

    def _tasks(self, manifest: Manifest, only: pl.Series | None) -> Iterator[Task | None]:
        """Get the tasks of all plates, each plate opened when its first task is due.

        None stands for a plate without tasks, so that its results are handed on at once and do not
        take memory.
        """
        for rows in self._folder.locks.each(manifest.plates(), self._wait_for_others):
            if rows is None:
                yield None
                continue
            self._end_moves(MAX_MOVING_PLATES)
            plate, groups = open_plate(self._folder, rows, self._recipe, only)
            context, reason, not_repairable = None, None, frozenset[object]()
            if groups:
                context, reason = self._prepare(plate)
                if only is None and reason is None:
                    groups += plate.rows_to_make_again(self._recipe, context)
                elif reason is None:
                    not_repairable = plate.not_repairable(self._recipe, context)
            if plate.present.height and only is None:
                self._folder.disk.rows_left -= plate.present.height
                self._progress({"event": "present", "files": plate.present.height})
            if not groups:
                self._close(plate)
                yield None
                continue
            self._plates[plate.key] = plate
            self._folder.disk.check()
            columns = plate.columns
            groups.reverse()
            while groups:
                group = groups.pop()  # because the rows of a whole plate take much memory
                why = OTHERWISE if group[0]["path"] in not_repairable else reason
                number = next(self._numbers)
                yield Task(number, plate.key, group, columns, context, why, plate.repair)

    def _wait_for_others(self, taken: Sequence[PlateKey], seconds: float) -> None:
        """Report the plates that other runs have, and take committed outcomes for some time."""
        by = sorted({self._folder.locks.holder(key) for key in taken})
        self._progress({"event": "taken", "plates": len(taken), "by": by})
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._outstanding or self._moving:
                self._take_next()
            else:
                time.sleep(POLL_SECONDS)
                self._folder.check_held()

    def _prepare(self, plate: PlateProgress) -> tuple[object, Row | None]:
        """Get what the recipe needs to know of a plate, when there is memory for it."""
        while self._outstanding and sum(self._context_bytes.values()) > CONTEXT_BYTES:
            self._collect(self._outstanding - 1)
        if self._recipe.prepare is None:
            return self._runner.share(plate.key, None), None
        rows = plate.targets.rows(named=True)
        context, reason = _wait_for(self._background.submit(self._worker.prepare, rows))
        if isinstance(context, PlateContext):
            self._context_bytes[plate.key] = context.memory_bytes
        return self._runner.share(plate.key, context), reason

    def _hand_over(self, outcome: Outcome | BaseException) -> None:
        """Take an outcome, or the error that ends the run, from another thread."""
        if self._scratch is not None:
            self._committed.put(self._scratch.take(outcome))
        else:
            self._commit(outcome)

    def _commit(self, outcome: Outcome | BaseException) -> None:
        if isinstance(outcome, Outcome):
            self._committer.put(outcome)
        else:
            self._committed.put(outcome)

    def _collect(self, at_most: int) -> None:
        """Take outcomes until no more than `at_most` tasks are outstanding."""
        while self._outstanding > at_most:
            self._take_next()

    def _end_moves(self, at_most: int) -> None:
        """Take outcomes until no more than `at_most` plates are copied from scratch."""
        while len(self._moving) > at_most:
            self._take_next()

    def _take_next(self) -> None:
        """Take an outcome that is committed or in scratch, or do not wait longer for one."""
        try:
            outcome = self._committed.get(timeout=POLL_SECONDS)
        except Empty:
            self._folder.check_held()
            self._report_pause()
            return
        self._report_pause()
        if isinstance(outcome, BaseException):
            raise _explain(outcome, self._folder.disk) from None
        if isinstance(outcome, InScratch):
            self._take_in_scratch(outcome.plate)
            return
        if self._scratch is None:
            self._outstanding -= 1
        self._take(outcome)

    def _take_in_scratch(self, plate: PlateKey) -> None:
        """Count a file in scratch, and copy those of its plate when all of them are there."""
        self._outstanding -= 1
        self._kept[plate] += 1
        if self._scratch is not None and self._kept[plate] == self._plates[plate].tasks_left:
            self._moving.add(plate)
            del self._kept[plate]
            self._scratch.move(plate, self._commit)

    def _report_pause(self) -> None:
        """Report when the run begins to wait for the network, and when it goes on."""
        since = self._runner.paused_since
        if since is not None and self._paused is None:
            self._progress({"event": "paused", "reason": "no answer from any server"})
        elif since is None and self._paused is not None:
            self._progress({"event": "resumed", "seconds": time.time() - self._paused})
        self._paused = since

    def _take(self, outcome: Outcome) -> None:
        rows, disk = outcome.rows, self._folder.disk
        plate = self._plates[outcome.task.plate]
        plate.add(rows)
        plate.tasks_left -= 1
        disk.rows_left -= len(rows)
        self._done += len(rows)
        self._folder.runs.update(self._done)
        if rows[0]["status"] == "fetched":
            disk.add(len(rows), int(str(rows[0]["size"])))
        for row in rows:
            self._progress({"event": "file", **row})
        if not plate.tasks_left:
            self._close(plate)

    def _close(self, plate: PlateProgress) -> None:
        """Write the table of a plate and report its results."""
        self._folder.check_held()
        try:
            results = close_plate(self._folder, plate, self._recipe)
            self._folder.locks.release(plate.key)
            gathered = self._folder.gathered
            _wait_for(self._background.submit(self._folder.gather_if, gathered.write_if_cheap))
        except StoreError:
            if self._folder.is_full:
                raise self._folder.disk.full() from None
            raise
        self._plates.pop(plate.key, None)
        self._moving.discard(plate.key)
        self._context_bytes.pop(plate.key, None)
        self._runner.forget(plate.key)
        self._whole_files.remove_but(one.addresses for one in self._plates.values())
        self._closed.append(results)
        source, batch, name = plate.key
        counts = dict(results["status"].value_counts().sort("status").iter_rows())
        self._progress(
            {"event": "plate", "source": source, "batch": batch, "plate": name, **counts}
        )

    def _write_done(self) -> None:
        if self._asked and not self._folder.runs.is_lost():
            self._asked.write(self._done)

    def _take_closed(self) -> Iterator[pl.DataFrame]:
        while self._closed:
            yield self._closed.pop(0)

    def _stop(self) -> None:
        """Keep what is committed, and do not wait for the rest."""
        self._reader.stop()
        self._runner.stop()
        self._whole_files.remove_but(())
        if self._scratch is not None:
            self._scratch.stop()
        self._background.shutdown(cancel_futures=True)
        self._committer.close(STOP_SECONDS)
        with suppress(OSError):
            self._write_done()
        while not self._committed.empty():
            outcome = self._committed.get()
            if isinstance(outcome, Outcome) and outcome.task.plate in self._plates:
                self._plates[outcome.task.plate].add(outcome.rows)
        for plate in self._plates.values():
            if not self._folder.is_lost(plate.key):
                with suppress(OSError, StoreError):  # on a full disk, the journal has the rows
                    keep(self._folder, plate, plate.new_rows())


def _wait_for(future: Future[_T]) -> _T:
    """Get the result of work on a thread, while signals can still interrupt the wait."""
    while not wait([future], POLL_SECONDS).done:
        pass
    return future.result()


def _explain(error: BaseException, disk: DiskSpace) -> BaseException:
    """Get the error to raise for one that came from a thread."""
    cause = error.__cause__ if isinstance(error, DiskError) else error
    if not isinstance(cause, OSError):
        return error
    if cause.errno in NO_SPACE:
        if isinstance(error, DiskError):
            disk.add_unwritten(error.rows, error.size)
        return disk.full()
    return StoreError(f"cannot write to {disk.folder}: {reason_of(cause)}")
