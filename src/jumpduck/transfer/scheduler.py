"""The download engine: jobs on threads, rows out of them, plates one after the other.

Network threads fetch; the CPU threads make the file; the network thread writes it under a
provisional name; the keeper brings batches to the disk, names them and keeps their rows. The
main thread feeds jobs, never more than a few ahead, and closes plates.
"""

import errno
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TypeVar

import polars as pl

from jumpduck.errors import StoreError
from jumpduck.recipes.base import Recipe
from jumpduck.schema import MANIFEST, RESULTS, SITE_KEY
from jumpduck.storage.atomic_files import free_bytes, sizes_in, sync_folder
from jumpduck.storage.object_reader import ObjectReader
from jumpduck.transfer.committer import DiskError, Finished, Keeper, discard
from jumpduck.transfer.disk_space import Space
from jumpduck.transfer.manifest_reader import Part, Plan, Plate
from jumpduck.transfer.output_folder import Results
from jumpduck.transfer.output_paths import with_targets
from jumpduck.transfer.size_check import mark_odd_shapes
from jumpduck.transfer.worker import Row, Worker

Event = Mapping[str, object]

_T = TypeVar("_T")

AHEAD = 64
"""Jobs that wait beyond those that have a connection."""

SCARCE = 2**20
"""Free bytes below which a table that cannot be written means a full disk."""

POLL_SECONDS = 0.2
"""Between looks at the world: a signal that another thread takes wakes nobody who waits."""

LEAVE_SECONDS = 1.0
"""Time for what is finished to reach the disk when a run is interrupted."""


@dataclass(slots=True)
class OpenPlate:
    """A plate that is being worked on: what was there before, and what has come."""

    part: Part
    present: pl.DataFrame
    earlier: pl.DataFrame
    left: int
    new: list[Row] = field(default_factory=list[Row])


class Engine:
    """Does what a plan says, into one output folder."""

    def __init__(
        self,
        results: Results,
        stores: ObjectReader,
        recipe: Recipe,
        *,
        connections: int,
        workers: int,
        progress: Callable[[Event], None],
        only: pl.Series | None = None,
    ) -> None:
        """Take `only` the files of these paths; the plan's others are known to the recipe."""
        self._results = results
        self._out = results.out
        self._stores = stores
        self._recipe = recipe
        self._progress = progress
        self._only = only
        self._network = ThreadPoolExecutor(connections, "network")
        self._cores = ThreadPoolExecutor(workers, "pixels")
        self._plates = ThreadPoolExecutor(1, "plates")
        self._worker = Worker(results.out, stores, recipe, self._cores)
        self._ahead = connections + AHEAD
        self._done: SimpleQueue[Finished | BaseException] = SimpleQueue()
        self._keeper = Keeper(results, self._done)
        self._stopping = threading.Event()
        self._open: dict[Plate, OpenPlate] = {}
        self._closed: list[pl.DataFrame] = []
        self._outstanding = 0
        self._taken = 0
        self._space = Space(results.out)

    def run(self, plan: Plan) -> Generator[pl.DataFrame]:
        """Get the results of each plate as soon as all its rows are known."""
        self._space.left = plan.files
        if not self._recipe.per_site:
            self._space.look_back(plan, self._worker.name)
        self._keeper.start()
        try:
            for part in plan.parts:
                rows = with_targets(plan.rows(part), self._recipe)
                plate, todo = self._open_plate(part, rows)
                if not todo:
                    self._close_plate(plate)
                else:
                    seen = self._plates.submit(self._worker.prepare, rows.rows(named=True))
                    context, reason = _wait_for(seen)
                    self._space.check()
                    for job in todo:
                        self._network.submit(self._work, part.plate, job, context, reason)
                        self._outstanding += 1
                        self._settle(self._ahead)
                while self._closed:
                    yield self._closed.pop(0)
            self._settle(0)
            yield from self._closed
            _wait_for(self._plates.submit(self._results.gather))
        finally:
            self._leave()

    def forget(self, plan: Plan) -> None:
        """Forget what earlier runs made of the plan's files, so that all are fetched again.

        All of it before the first is fetched: so the run that goes on after an interruption needs
        no word that this one was to begin from nothing, and the status is true from the start.
        """
        self._results.forgetting.touch()
        sync_folder(self._results.folder)
        for part in plan.parts:
            self._results.drop(part.plate, with_targets(plan.rows(part), self._recipe)["path"])
        self._results.gather()
        self._results.forgetting.unlink()

    def _open_plate(self, part: Part, rows: pl.DataFrame) -> tuple[OpenPlate, list[list[Row]]]:
        """Find what is there from earlier runs, and the jobs that are left."""
        earlier = self._results.open(part.plate)
        folders = rows["path"].str.extract("^(.*)/").unique().sort()
        sizes = {
            f"{folder}/{name}": size
            for folder in folders
            for name, size in sizes_in(self._out / folder).items()
        }
        whole = earlier.filter(
            pl.col("status") == "fetched",
            pl.col("recipe") == self._worker.name,
            pl.col("parameters") == self._worker.parameters,
            pl.Series([sizes.get(path, -1) for path in earlier["path"]], dtype=pl.Int64)
            == pl.col("size"),
        )
        key = ["path", "Metadata_Channel"]
        if self._recipe.per_site:  # a file of a site is there only if all of its channels are
            absent = rows.join(whole, on=key, how="anti")
            whole = whole.join(absent, on="path", how="anti")
        measured = [name for name in RESULTS if name not in MANIFEST]
        present = rows.join(whole.select(*key, *measured), on=key, maintain_order="left").select(
            *RESULTS
        )
        todo = rows.join(present, on=key, how="anti")
        if self._only is not None:
            todo = todo.filter(pl.col("path").is_in(self._only.implode()))
        by = "path" if self._recipe.per_site else None
        groups = todo.partition_by(by, maintain_order=True) if by and todo.height else [todo]
        jobs = (
            [group.rows(named=True) for group in groups]
            if by
            else [[row] for row in todo.iter_rows(named=True)]
        )
        jobs = [job for job in jobs if job]
        if present.height:
            self._space.left -= present.height
            self._progress({"event": "present", "files": present.height})
        plate = OpenPlate(part, present, earlier, len(jobs))
        if jobs:
            self._open[part.plate] = plate
        return plate, jobs

    def _settle(self, at_most: int) -> None:
        """Take in what is finished until few enough jobs are outstanding."""
        while self._outstanding > at_most:
            try:
                one = self._done.get(timeout=POLL_SECONDS)
            except Empty:
                continue
            if isinstance(one, BaseException):
                raise _explain(one, self._space) from None
            self._take(one)

    def _take(self, one: Finished) -> None:
        self._outstanding -= 1
        plate = self._open[one.plate]
        plate.new.extend(one.rows)
        plate.left -= 1
        self._space.left -= len(one.rows)
        self._taken += len(one.rows)
        self._results.beat(self._taken)
        if one.rows[0]["status"] == "fetched":
            self._space.took(len(one.rows), int(str(one.rows[0]["size"])))
        for row in one.rows:
            self._progress({"event": "file", **row})
        if not plate.left:
            self._close_plate(plate)

    def _close_plate(self, plate: OpenPlate) -> None:
        """Look at the plate as a whole, keep its rows and hand them on."""
        new = pl.DataFrame(plate.new, RESULTS, orient="row")
        whole, odd = mark_odd_shapes(pl.concat([plate.present, new]))
        for path in odd:
            with suppress(FileNotFoundError):
                (self._out / path).unlink()
        known = plate.earlier.join(whole, on=["path", "Metadata_Channel"], how="semi")
        if not whole.sort(*SITE_KEY, "path", "Metadata_Channel").equals(known):
            try:
                self._results.write(plate.part.plate, whole)
                _wait_for(self._plates.submit(self._results.gather, due=True))
            except StoreError:
                if free_bytes(self._out) < SCARCE:
                    raise self._space.full() from None
                raise
        self._open.pop(plate.part.plate, None)
        before = whole["path"].is_in(plate.present["path"].implode())
        again = pl.when(before & (whole["status"] == "fetched"))
        shown = whole.with_columns(
            status=again.then(pl.lit("present")).otherwise("status"),
            attempts=again.then(pl.lit(0, pl.Int32)).otherwise("attempts"),
            seconds=again.then(pl.lit(0.0)).otherwise("seconds"),
        )
        self._closed.append(shown)
        source, batch, name = plate.part.plate
        counts = dict(shown["status"].value_counts().sort("status").iter_rows())
        self._progress(
            {"event": "plate", "source": source, "batch": batch, "plate": name, **counts}
        )

    def _work(self, plate: Plate, rows: Sequence[Row], context: object, reason: Row | None) -> None:
        """Do one job on a network thread."""
        if self._stopping.is_set():
            return
        try:
            finished = self._worker.do(plate, rows, context, reason)
        except BaseException as error:  # noqa: BLE001
            self._done.put(error)
            return
        if self._stopping.is_set():
            discard(finished)
        else:
            self._keeper.put(finished)

    def _leave(self) -> None:
        """Keep what is finished; leave at once what is not."""
        self._stopping.set()
        self._plates.shutdown(wait=False, cancel_futures=True)
        self._network.shutdown(wait=False, cancel_futures=True)
        self._cores.shutdown(wait=False, cancel_futures=True)
        self._keeper.close(LEAVE_SECONDS)
        with suppress(OSError):
            self._results.beat(self._taken, due=False)
        while not self._done.empty():
            one = self._done.get()
            if isinstance(one, Finished) and one.plate in self._open:
                self._open[one.plate].new.extend(one.rows)
        for key, plate in self._open.items():
            with suppress(OSError, StoreError):  # on a full disk the journal has them
                self._results.write(key, pl.DataFrame(plate.new, RESULTS, orient="row"))


def _wait_for(future: Future[_T]) -> _T:
    """Get what comes of work on a thread: neither a fetch nor a large table can be interrupted."""
    while not wait([future], POLL_SECONDS).done:
        pass
    return future.result()


def _explain(error: BaseException, space: Space) -> BaseException:
    cause = error.__cause__ if isinstance(error, DiskError) else error
    if not isinstance(cause, OSError):
        return error
    if cause.errno in (errno.ENOSPC, errno.EDQUOT):
        if isinstance(error, DiskError):
            space.learn(error.rows, error.size)
        return space.full()
    return StoreError(f"cannot write to {space.folder}: {cause.strerror or cause}")
