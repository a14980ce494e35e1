"""One task: from rows of the manifest to a file under a provisional name, and its results."""

import hashlib
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

from jumpduck.containers.image_reader import ImageReader
from jumpduck.containers.whole_files import WholeFiles
from jumpduck.errors import ImageError, JumpduckError, ManifestError, StoreError
from jumpduck.recipes.base import Encoded, Recipe, Source
from jumpduck.rows import DONE, Row
from jumpduck.storage.atomic_files import part_path, write_part
from jumpduck.storage.object_reader import ObjectReader
from jumpduck.storage.open_files import TOO_MANY_FILES
from jumpduck.storage.repeated_requests import FetchedFile
from jumpduck.transfer.memory_budget import FETCHED_BYTES, WORK_BYTES, MemoryBudget, Reservation
from jumpduck.transfer.tasks import NO_OTHER_FILE_EITHER, DiskError, Outcome, Task

MAX_PREPARE_BYTES = FETCHED_BYTES // 8
"""Bytes of one file that a recipe may read before the first image of a plate."""

_MEASURED = ("width", "height", "low", "high", "mean", "saturated", "focus", "constant")


@dataclass(frozen=True, slots=True)
class Memory:
    """The two memory budgets of a worker."""

    fetched: MemoryBudget
    work: MemoryBudget


class Worker:
    """Does a task on the thread that calls it; the recipe runs on a thread of `cores`.

    Parameters
    ----------
    folder, run
        The output folder, and what only this run has in the names of its part files.
    reader
        Reads URLs.
    recipe
        Makes the files.
    cores
        As many threads as images may be made at the same time.
    whole_files
        Keeps the files that a server sends only as a whole.
    memory
        What fetched files, and the work on them, may take; all of it by default.
    workers
        How many images are made at the same time.
    """

    def __init__(
        self,
        folder: Path,
        run: str,
        reader: ObjectReader,
        recipe: Recipe,
        cores: Executor,
        *,
        whole_files: WholeFiles | None = None,
        memory: Memory | None = None,
        workers: int = 1,
    ) -> None:
        self._folder = folder
        self._run = run
        self._reader = ImageReader(reader, whole_files)
        self._recipe = recipe
        self._cores = cores
        work = max(WORK_BYTES, recipe.worker_bytes * workers)
        memory = memory or Memory(MemoryBudget(FETCHED_BYTES), MemoryBudget(work))
        self._fetched_memory, self._work_memory = memory.fetched, memory.work

    def prepare(self, rows: Sequence[Row]) -> tuple[object, Row | None]:
        """Get what the recipe needs to know of a plate, or the reason why it cannot.

        Raises
        ------
        ManifestError
            The manifest lacks a column that the recipe needs, in each plate.
        """
        if self._recipe.prepare is None:
            return None, None
        try:
            return self._recipe.prepare(rows, self._read_small), None
        except ManifestError:
            raise
        except (JumpduckError, OSError) as error:
            return None, _failure(error)

    def run(self, task: Task) -> Outcome:
        """Do a task; a failure is in the rows of the outcome.

        Raises
        ------
        DiskError
            The disk takes no further file.
        OSError
            The process has too many open files.
        """
        started = time.perf_counter()
        try:
            if task.reason is not None:
                outcome = _failed(task, task.reason)
            else:
                outcome = self._fetch_and_make(task)
        except (JumpduckError, OSError) as error:
            if isinstance(error, OSError) and error.errno in TOO_MANY_FILES:
                raise
            if isinstance(error, OSError) and error.errno in NO_OTHER_FILE_EITHER:
                raise DiskError(len(task.rows), 0) from error
            outcome = _failed(task, _failure(error))
        made_by = {"recipe": self._recipe.label, "parameters": self._recipe.parameters_text}
        seconds = time.perf_counter() - started
        rows = [{**row, **made_by, "seconds": seconds} for row in outcome.rows]
        # without the context, because a plate may be done before its outcomes are
        return replace(outcome, rows=rows, task=replace(task, context=None))

    def _fetch_and_make(self, task: Task) -> Outcome:
        """Fetch, make and write; a broken image is fetched again until the same bytes come twice.

        Memory is reserved before bytes are read.
        """
        if self._recipe.check is not None:
            for row in task.rows:
                self._recipe.check(row, task.context)
        attempts = [0] * len(task.rows)
        digests: set[bytes] = set()
        needed = 0
        while True:
            with self._fetched_memory.reserve(needed) as reservation:
                files = self._fetch(task.rows, reservation)
                if isinstance(files, int):
                    needed = files
                    continue
                attempts = [n + file.attempts for n, file in zip(attempts, files, strict=True)]
                try:
                    encoded = self._make(task, files)
                except ImageError as error:
                    digest = hashlib.sha256(b"".join(file.data for file in files)).digest()
                    if digest in digests or len(digests) + 1 == self._reader.attempts:
                        error.attempts = max(attempts)
                        raise
                    digests.add(digest)
                    continue
                rows = _fetched(task, encoded, files, attempts)
                return self._write(task, rows, encoded.data)

    def _fetch(self, rows: Sequence[Row], reservation: Reservation) -> list[FetchedFile] | int:
        """Get the files of a task, or the bytes of memory that they need beyond the reservation."""
        files: list[FetchedFile] = []
        for number, row in enumerate(rows):
            held = sum(len(file.data) for file in files)
            # the files that follow are taken to be as large as this one, up to the whole budget,
            # because images of one file share what is in memory of it
            to_come = len(rows) - number
            needed = 0

            def on_size(size: int, held: int = held, to_come: int = to_come) -> bool:
                nonlocal needed
                most = max(held + size, self._fetched_memory.total)
                needed = min(held + size * to_come, most)
                return reservation.cover(needed, may_wait=not held)

            try:
                file = self._reader.read_if(str(row["url"]), on_size)
            except (JumpduckError, OSError) as error:
                if len(rows) > 1:
                    error.add_note(f"channel {row['Metadata_Channel']}")
                raise
            if file is None:
                return needed
            files.append(file)
        return files

    def _make(self, task: Task, files: Sequence[FetchedFile]) -> Encoded:
        """Run the recipe, with memory reserved for the planes that it decodes."""
        sources = [Source(file.data, row) for file, row in zip(files, task.rows, strict=True)]
        work_bytes = min(self._recipe.memory_for(sources), self._work_memory.total)
        with self._work_memory.reserve(work_bytes):
            return self._cores.submit(self._recipe.make, sources, task.context).result()

    def _write(
        self, task: Task, rows: Sequence[dict[str, object]], data: bytes | memoryview
    ) -> Outcome:
        target = self._folder / str(task.rows[0]["path"])
        part = part_path(self._run, target, task.number)
        try:
            descriptor = write_part(target, part, data)
        except OSError as error:
            if error.errno in NO_OTHER_FILE_EITHER:
                raise DiskError(len(rows), len(data)) from error
            raise
        return Outcome(task, rows, part, target, descriptor)

    def _read_small(self, url: str) -> bytes:
        file = self._reader.read_if(url, lambda size: size <= MAX_PREPARE_BYTES)
        if file is None:
            raise StoreError(
                f"{url} has more than {MAX_PREPARE_BYTES} bytes, the most that a recipe reads "
                "before the first image of a plate"
            )
        return bytes(file.data)


def _fetched(
    task: Task, encoded: Encoded, files: Sequence[FetchedFile], attempts: Sequence[int]
) -> list[dict[str, object]]:
    """Get the results of a file that was made."""
    shared: Row = {
        "status": DONE[0],
        "size": len(encoded.data),
        "checksum": hashlib.sha256(encoded.data).hexdigest(),
    }
    return [
        {
            **row,
            **shared,
            "bytes": len(file.data),
            "etag": file.etag,
            "attempts": count,
            **{name: getattr(measured, name) for name in _MEASURED},
            **({} if measured.url_illum is None else {"url_illum": measured.url_illum}),
        }
        for row, file, count, measured in zip(
            task.rows, files, attempts, encoded.measured, strict=True
        )
    ]


def _failed(task: Task, reason: Row) -> Outcome:
    return Outcome(task, [{**row, **reason} for row in task.rows])


def _failure(error: Exception) -> Row:
    """Get the columns of the results that say why there is no file."""
    status = "failed"
    if isinstance(error, FileNotFoundError):
        status = "missing"
    elif isinstance(error, ImageError):
        status = "corrupt"
    # the note of a site's file says which of its images it is about
    text = ": ".join([*getattr(error, "__notes__", ()), str(error)])
    return {"status": status, "error": text, "attempts": getattr(error, "attempts", 1)}
