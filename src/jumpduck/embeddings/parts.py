"""Parts of a table: what a killed run had done, and what an earlier table has, is not lost."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from jumpduck.errors import StoreError
from jumpduck.rows import PLATE_KEY
from jumpduck.schema import CANNOT_READ
from jumpduck.storage.atomic_files import atomic_write, make_folder

PART_SAMPLES = 512
"""Samples of a part at most: what is computed again after a kill."""

SUFFIX = ".parts"
"""Ends the name of the folder of the parts, which lies beside the table."""

_OWN = re.compile(r"[0-9a-f]{64}\.parquet")
"""Name of the file of a part."""


@dataclass(frozen=True)
class PlatePart:
    """Successive samples of one plate.

    Attributes
    ----------
    plate
        Source, batch and plate.
    rows
        Numbers of the samples.
    digest
        SHA-256 of the samples, and of all that decides what is computed of them.
    """

    plate: tuple[str, ...]
    rows: range
    digest: str


def parts_of(table: pl.DataFrame, digest_of: Callable[[range], str]) -> list[PlatePart]:
    """Get the parts of a table of samples that is sorted by plate.

    Parameters
    ----------
    digest_of
        Gets the digest of samples by their numbers.
    """
    parts: list[PlatePart] = []
    start = 0
    for *plate, count in table.group_by(PLATE_KEY, maintain_order=True).len().iter_rows():
        for first in range(start, start + count, PART_SAMPLES):
            rows = range(first, min(first + PART_SAMPLES, start + count))
            parts.append(PlatePart(tuple(plate), rows, digest_of(rows)))
        start += count
    return parts


def digest_of(known: Mapping[str, Any]) -> str:
    """Get the SHA-256 of values that JSON can hold."""
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


class PartTables:
    """The tables of the parts that are there: files of a folder, and rows of an earlier table.

    Parameters
    ----------
    table
        The file that the parts become.
    ledger
        Digest and number of rows of each part of the table that is there, in its order.
    """

    def __init__(self, table: Path, ledger: Sequence[tuple[str, int]]) -> None:
        self._table = table
        self._folder = table.with_name(table.name + SUFFIX)
        self._earlier: dict[str, tuple[int, int]] = {}
        start = 0
        for digest, rows in ledger:
            self._earlier[digest] = start, rows
            start += rows

    def missing(self, parts: Sequence[PlatePart]) -> list[PlatePart]:
        """Get the parts that are not there."""
        return [
            part for part in parts if not (self._is_in_table(part) or self._file(part).exists())
        ]

    def are_the_table(self, parts: Sequence[PlatePart]) -> bool:
        """Get whether the table that is there has all of these parts, and nothing else."""
        ledger = [*self._earlier.items()]
        return [part.digest for part in parts] == [digest for digest, _ in ledger] and all(
            self._is_in_table(part) for part in parts
        )

    def write(self, part: PlatePart, frame: pl.DataFrame) -> None:
        """Keep the table of a part."""
        file, data = self._file(part), BytesIO()
        frame.write_parquet(data, compression="zstd")
        try:
            make_folder(file.parent)
            # not by Polars, which does not say why a file cannot be written
            atomic_write(file, data.getvalue())
        except OSError as error:
            raise StoreError(
                f"cannot write {file}: {error.strerror or error}; what is finished is kept, and "
                "the same command goes on"
            ) from error

    def read(self, parts: Iterable[PlatePart]) -> Iterator[pl.DataFrame]:
        """Get the tables of parts that are there."""
        for part in parts:
            file = self._file(part)
            try:
                if self._is_in_table(part):
                    file = self._table
                    rows = pl.scan_parquet(file, glob=False).slice(*self._earlier[part.digest])
                    yield rows.collect()
                else:
                    yield pl.read_parquet(file, glob=False, memory_map=False)
            except CANNOT_READ as error:
                raise StoreError(
                    f"cannot read {file}: {error}; remove it, and the same command makes it again"
                ) from error

    def remove(self) -> None:
        """Remove the files of the parts, which the table stands for now."""
        with suppress(FileNotFoundError):
            for entry in list(self._folder.iterdir()):
                if _OWN.fullmatch(entry.name):
                    entry.unlink(missing_ok=True)
        with suppress(OSError):  # something else may lie there
            self._folder.rmdir()

    def _is_in_table(self, part: PlatePart) -> bool:
        """Get whether an earlier table has all samples of a part; one left out is tried again."""
        return self._earlier.get(part.digest, (0, 0))[1] == len(part.rows)

    def _file(self, part: PlatePart) -> Path:
        return self._folder / f"{part.digest}.parquet"
