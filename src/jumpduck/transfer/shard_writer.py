"""Shards of a manifest -> a folder of their files, and the index that lists them."""

import hashlib
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import polars as pl

from jumpduck.errors import StoreError
from jumpduck.schema import CANNOT_READ
from jumpduck.storage.atomic_files import atomic_path, make_folder
from jumpduck.storage.replaced_files import is_parquet
from jumpduck.transfer.manifest_files import SUFFIXES
from jumpduck.transfer.shard_files import (
    INDEX,
    INDEX_FILE,
    SHARD,
    ShardNote,
    file_name,
    sha256_of,
)
from jumpduck.transfer.shards import NEAR_ROWS, Shard, rows_of

ROW_GROUP_ROWS = 1 << 18

WRITERS = 2
"""Shards that are written at the same time, because one does not keep two cores busy."""

MAX_READ_ROWS = 3 * NEAR_ROWS // 2
"""Rows that are in memory at once, twice; a plate may begin in one read and end in the next."""

DIGITS = 6
"""Of gigabytes, behind the point."""


class ShardFolder:
    """A folder for the shards of a manifest.

    Parameters
    ----------
    path
        The folder; it need not exist.
    shards
        What to write.
    digest
        Of the manifest.
    of_cut
        Whether the manifest has parts of plates already.
    divided
        As `ShardNote` has it.
    """

    def __init__(
        self, path: Path, shards: Sequence[Shard], digest: str, *, of_cut: bool, divided: str
    ) -> None:
        self.path = path
        self._shards = shards
        self._files = [path / file_name(number + 1, len(shards)) for number in range(len(shards))]
        ranges = json.dumps([digest, [shard.ranges for shard in shards]])
        self._split = hashlib.sha256(ranges.encode()).hexdigest()[:16]
        self._notes = [
            ShardNote(number, len(shards), digest, self._split, shard.cut, of_cut, divided)
            for number, shard in enumerate(shards, 1)
        ]

    def refuse_others(self) -> None:
        """Check that the folder has no manifests, or only shards of the same split.

        Raises
        ------
        StoreError
            It has others, or it is not a folder.
        """
        if self.path.exists() and not self.path.is_dir():
            raise StoreError(f"shards {self.path} is not a folder; give another name")
        there = self.path.iterdir() if self.path.is_dir() else ()
        for file in sorted(one for one in there if one.suffix.lower() in SUFFIXES):
            note = ShardNote.read(_metadata(file))
            if note is None or note.split != self._split:
                what = "not a shard" if note is None else "a shard of another split"
                raise StoreError(
                    f"shards {self.path} has {file.name}, which is {what}; jobs that read all "
                    f"shards would read it, too: give another folder, or remove "
                    f"{self.path}/*.parquet when no job reads them any more"
                )

    def index(self, *, in_bytes: bool) -> pl.DataFrame:
        """Get the index, without checksums. The sizes of the shards are bytes, or unknown."""
        gigabytes = [round(shard.size / 1e9, DIGITS) for shard in self._shards]
        columns = {
            "shard": range(1, len(self._shards) + 1),
            "file": [file.name for file in self._files],
            "plates": [shard.plates for shard in self._shards],
            "files": [shard.files for shard in self._shards],
            "gb": gigabytes if in_bytes else None,
            "sha256": None,
        }
        return pl.DataFrame(columns, schema=dict(INDEX))

    def write(
        self,
        rows: pl.LazyFrame,
        metadata: Mapping[str, str],
        index: pl.DataFrame,
        progress: Callable[[int], None],
    ) -> pl.DataFrame:
        """Write all shards, then the index with their checksums, and get it.

        Parameters
        ----------
        rows
            The manifest.
        metadata
            What its file says of itself.
        index
            Without checksums.
        progress
            Called with the number of rows that were written since the last call.

        Raises
        ------
        StoreError
            A file cannot be written.
        """

        def write(number: int, own: pl.LazyFrame) -> str:
            with atomic_path(self._files[number]) as part:
                own.sink_parquet(
                    part,
                    compression="zstd",
                    compression_level=1,
                    statistics=False,  # because a job reads all of it
                    row_group_size=ROW_GROUP_ROWS,
                    metadata={**metadata, SHARD: self._notes[number].text()},
                )
            return sha256_of(self._files[number])

        checksums: list[str] = []
        try:
            make_folder(self.path)
            with ThreadPoolExecutor(WRITERS) as pool:
                waiting: list[Future[str]] = []
                for some in self._read_together(rows):
                    # before more is read, because memory should hold the rows of two reads only
                    checksums += [one.result() for one in waiting]
                    waiting = [pool.submit(write, number, own) for number, own in some]
                    progress(sum(self._shards[number].files for number, _ in some))
                checksums += [one.result() for one in waiting]
            written = index.with_columns(sha256=pl.Series(checksums, dtype=pl.String))
            with atomic_path(self.path / INDEX_FILE) as part:
                written.write_csv(part, separator="\t")
        except OSError as error:
            raise StoreError(
                f"cannot write to {self.path}: {error.strerror or error}; the same "
                "`jumpduck split` writes all shards again"
            ) from error
        return written

    def _read_together(self, rows: pl.LazyFrame) -> Generator[list[tuple[int, pl.LazyFrame]]]:
        """Get shards by number, with their rows, which are in memory if several are near."""
        start = 0
        while start < len(self._shards):
            first, end = self._shards[start].span
            stop = start + 1
            while stop < len(self._shards):
                next_first, next_end = self._shards[stop].span
                if max(end, next_end) - min(first, next_first) > MAX_READ_ROWS:
                    break
                first, end, stop = min(first, next_first), max(end, next_end), stop + 1
            if stop - start > 1:
                read = rows.slice(first, end - first).collect().lazy()
            else:
                read, first = rows, 0
            yield [
                (number, rows_of(read, ((at - first, n) for at, n in self._shards[number].ranges)))
                for number in range(start, stop)
            ]
            start = stop


def _metadata(file: Path) -> Mapping[str, str]:
    try:
        return pl.read_parquet_metadata(file) if is_parquet(file) else {}
    except (OSError, *CANNOT_READ):
        return {}
