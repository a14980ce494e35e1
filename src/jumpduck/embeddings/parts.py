"""Tables of parts of a run, kept until all are there: what a killed run had done is not lost."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from jumpduck.errors import StoreError
from jumpduck.rows import PLATE_KEY
from jumpduck.schema import CANNOT_READ
from jumpduck.storage.atomic_files import atomic_path, make_folder

PART_SAMPLES = 512
"""Samples of a part at most: what is computed again after a kill."""

SUFFIX = ".parts"
"""Ends the name of the folder of the parts, which lies beside the table."""

_OWN = re.compile(r"[0-9a-f]{32}")
"""Name of the folder of the parts of one run."""


@dataclass(frozen=True)
class PlatePart:
    """Successive samples of one plate.

    Attributes
    ----------
    number
        From 0, in the order of the samples.
    plate
        Source, batch and plate.
    rows
        Numbers of the samples.
    """

    number: int
    plate: tuple[str, ...]
    rows: range


def parts_of(table: pl.DataFrame) -> list[PlatePart]:
    """Get the parts of a table of samples that is sorted by plate."""
    parts: list[PlatePart] = []
    start = 0
    for *plate, count in table.group_by(PLATE_KEY, maintain_order=True).len().iter_rows():
        for first in range(start, start + count, PART_SAMPLES):
            rows = range(first, min(first + PART_SAMPLES, start + count))
            parts.append(PlatePart(len(parts), tuple(plate), rows))
        start += count
    return parts


def digest_of(known: Mapping[str, Any]) -> str:
    """Get the SHA-256 of what a run computes: its samples, its model and its parameters."""
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


class PartFolder:
    """The parts of one run that are there.

    Parameters
    ----------
    table
        The file that the parts will become.
    digest
        What `digest_of` says of the run: parts of other runs are not taken.
    """

    def __init__(self, table: Path, digest: str) -> None:
        self._all = table.with_name(table.name + SUFFIX)
        self._folder = self._all / digest[:32]

    def missing(self, parts: Sequence[PlatePart]) -> list[PlatePart]:
        """Get the parts that are not there."""
        return [part for part in parts if not self._file(part).exists()]

    def write(self, part: PlatePart, frame: pl.DataFrame) -> None:
        """Keep the table of a part."""
        file = self._file(part)
        try:
            make_folder(file.parent)
            with atomic_path(file) as target:
                frame.write_parquet(target, compression="zstd")
        except (OSError, pl.exceptions.PolarsError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            raise StoreError(
                f"cannot write {file}: {reason or error}; what is finished is kept, and the same "
                "command goes on"
            ) from error

    def read(self, parts: Iterable[PlatePart]) -> Iterator[pl.DataFrame]:
        """Get the tables of parts that are there."""
        for part in parts:
            file = self._file(part)
            try:
                yield pl.read_parquet(file, memory_map=False)
            except CANNOT_READ as error:
                raise StoreError(
                    f"cannot read {file}: {error}; remove it, and the same command makes it again"
                ) from error

    def remove(self) -> None:
        """Remove the parts of this run and of earlier ones, which the table stands for now."""
        with suppress(FileNotFoundError):
            for entry in list(self._all.iterdir()):
                if _OWN.fullmatch(entry.name) and not entry.is_symlink():
                    shutil.rmtree(entry, ignore_errors=True)
        with suppress(OSError):  # something else may lie there
            self._all.rmdir()

    def _file(self, part: PlatePart) -> Path:
        return self._folder / f"{part.number:08}.parquet"
