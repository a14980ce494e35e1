"""A task, its outcome, and the error that ends all tasks."""

import errno
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jumpduck.rows import PlateKey, Row
from jumpduck.storage.open_files import TOO_MANY_FILES

if TYPE_CHECKING:
    import polars as pl


NO_OTHER_FILE_EITHER = {
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, *TOO_MANY_FILES,
}  # fmt: skip
"""What a system answers where it takes no further file; any other error is that of one file."""


class DiskError(Exception):
    """The disk takes no further file, which ends the run; the cause says why.

    `rows` and `size` are those of a file that was not written.
    """

    def __init__(self, rows: int, size: int) -> None:
        super().__init__(rows, size)
        self.rows = rows
        self.size = size


@dataclass(frozen=True, slots=True)
class Concurrency:
    """What is done at the same time, by all processes together."""

    processes: int
    connections: int
    workers: int


@dataclass(frozen=True, slots=True)
class Task:
    """One file to make: its rows of the manifest, and what the recipe knows of the plate."""

    number: int
    """No other task of the run has it; it names the part file."""
    plate: PlateKey
    rows: Sequence[Row]
    columns: "Mapping[str, pl.DataType]"
    """Names and types of the columns of the plate's results."""
    context: object
    reason: Row | None = None
    """Why no file of the plate can be made."""
    repair: bool = False
    """The row of an earlier run stays until a new file is complete."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a task: its results, and the written file that has no name yet, if any."""

    task: Task
    rows: Sequence[dict[str, object]]
    part: Path | None = None
    target: Path | None = None
    descriptor: int | None = None
    """Of the part file, until it is on the disk."""


@dataclass(frozen=True, slots=True)
class InScratch:
    """Says that an outcome waits for the others of its plate."""

    plate: PlateKey


def discard(outcome: Outcome) -> None:
    """Remove the file of an outcome that is not committed."""
    if outcome.descriptor is not None:
        with suppress(OSError):
            os.close(outcome.descriptor)
    if outcome.part is not None:
        with suppress(OSError):
            outcome.part.unlink()


def without_file(outcome: Outcome, error: OSError) -> Outcome:
    """Remove the file of an outcome, which cannot have its name; the rows say why."""
    discard(outcome)
    failed = {"status": "failed", "error": str(error), "checksum": None, "size": None}
    return Outcome(outcome.task, [{**row, **failed} for row in outcome.rows])
