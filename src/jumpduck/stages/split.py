"""The manifest -> shards: manifests of some of its plates each, for as many jobs."""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from jumpduck.counts import counted
from jumpduck.errors import QueryError
from jumpduck.options import expanded, takes
from jumpduck.schema import manifest_types
from jumpduck.transfer.manifest_files import (
    ManifestFiles,
    files_of,
    open_files,
    reading,
    rows_as_file,
)
from jumpduck.transfer.missing_rows import MissingRows
from jumpduck.transfer.output_folder import OutputFolder, OutputFolders, folders_of
from jumpduck.transfer.shard_files import INDEX, sha256_of
from jumpduck.transfer.shard_writer import ShardFolder
from jumpduck.transfer.shards import (
    NEAR_ROWS,
    MeasuredPlates,
    Shard,
    one_a_plate,
    shards_of,
    shards_up_to,
    why_unbalanced,
)


def no_progress(_files: int, _total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class SplitOptions:
    """How to divide a manifest.

    Parameters
    ----------
    manifest
        Parquet or CSV file made by `jumpduck manifest`; several files, a pattern of their names, or
        a folder of shards count as one manifest.
    shards
        Folder for the shards and their index.
    into
        Number of shards, of about the same number of bytes to fetch.
    by
        ``plate``: a shard for each plate.
    gb
        Gigabytes to fetch of a shard at most, as far as whole plates allow.
    cut
        Plates may be divided, between two sites.
    left
        Only what `out` does not have: files that are not there as they were fetched.
    out
        Folders that `jumpduck download` fills; images by default.
    progress
        Called with the number of rows that were written since the last call, and with all.
    """

    manifest: ManifestFiles = "manifest.parquet"
    shards: str | Path = "shards"
    _: KW_ONLY
    into: int | None = None
    by: Literal["plate"] | None = None
    gb: float | None = None
    cut: bool = False
    left: bool = False
    out: OutputFolders | None = None
    progress: Callable[[int, int], None] = no_progress

    def __post_init__(self) -> None:
        asked = [name for name in ("into", "by", "gb") if getattr(self, name) is not None]
        if len(asked) != 1:
            given = f"`{'` and `'.join(asked)}` are given" if asked else "none is given"
            raise QueryError(f"`into`, `by` or `gb` says how to divide, and {given}; give one")
        if self.into is not None and self.into < 1:
            raise QueryError(f"into {self.into} is below 1; give the number of shards")
        if self.by not in (None, "plate"):
            raise QueryError(f"by {self.by!r} is not known; give plate")
        if self.gb is not None and not 0 < self.gb < math.inf:
            raise QueryError(
                f"gb {self.gb} is not above 0, or without an end; give gigabytes of a shard"
            )
        if self.by and self.cut:
            raise QueryError("cut divides plates, and `by` plate does not; give one of them")
        if self.out is not None and not self.left:
            names = " ".join(map(str, folders_of(self.out)))
            raise QueryError(f"out {names} is read with `left` only; give both, or leave it out")


@takes(SplitOptions)
def split(options: SplitOptions) -> pl.DataFrame:
    """Write shards: manifests of some of the rows each, which together are the manifest.

    They are balanced by the bytes to fetch. A plate is in one shard unless `cut` is given, and rows
    keep their order. The same manifest gives the same files, byte for byte. `shards` also gets
    ``index.tsv``.

    Returns
    -------
    pl.DataFrame
        A row for each shard: shard, file, plates, files, gb (of 1e9 bytes to fetch; null where the
        manifest has no estimate) and sha256. No rows if nothing is left.

    Raises
    ------
    QueryError
        An option is out of range.
    ManifestError
        The manifest is not one.
    StoreError
        `shards` cannot be written or has shards of another split, or `out` was not filled.
    """
    return write_split(options).index


@dataclass(frozen=True, slots=True)
class Split:
    """What the shards of a manifest hold.

    Attributes
    ----------
    index
        As `split` returns it; without checksums if nothing was written.
    plates, files
        Of all shards.
    estimated_bytes
        Bytes to fetch; None if the manifest does not say.
    unbalanced
        Why the largest shard is larger than it should be.
    not_had
        With `left`: number of rows, by status, that a run tried and could not have.
    """

    index: pl.DataFrame
    plates: int
    files: int
    estimated_bytes: int | None
    unbalanced: str | None = None
    not_had: Mapping[str, int] = field(default_factory=dict[str, int])


def write_split(options: SplitOptions, *, dry_run: bool = False) -> Split:
    """Do what `split` does, and get more of what it found; nothing is written with `dry_run`."""
    target = expanded(options.shards)
    opened = open_files(options.manifest)
    checksums = [sha256_of(file) for file in files_of(options.manifest)]
    digest = checksums[0] if len(checksums) == 1 else _digest(checksums)
    with reading(opened.file):
        rows, columns = opened.rows, dict(opened.rows.collect_schema())
        manifest_types(columns, "the manifest")
        not_had = Counter[str]()
        if options.left:
            folders = [OutputFolder.read(out) for out in folders_of(options.out or "images")]
            missing = MissingRows(folders, columns)
            rows, left = _left(MeasuredPlates(rows), missing)
            digest, not_had = _digest([digest, left]), missing.not_had
            if rows is None:
                return Split(pl.DataFrame(schema=dict(INDEX)), 0, 0, 0)
        plates = MeasuredPlates(rows)
        shards = _shards(plates, options)
        is_part = options.left or any(opened.shards)
        divided = "some" if is_part else "sites" if options.cut else "plates"
        folder = ShardFolder(target, shards, digest, of_cut=opened.cuts_plates, divided=divided)
        folder.refuse_others()
        index = folder.index(in_bytes=plates.in_bytes)
        if not dry_run:

            def progress(files: int) -> None:
                options.progress(files, plates.files)

            index = folder.write(plates.rows, opened.notes, index, progress)
    return Split(
        index,
        len(plates.keys),
        plates.files,
        sum(plates.sizes) if plates.in_bytes else None,
        _why_larger(plates, shards, options),
        not_had,
    )


def _why_larger(
    plates: MeasuredPlates, shards: Sequence[Shard], options: SplitOptions
) -> str | None:
    """Get why shards are larger than was asked for."""
    if options.gb is not None:
        larger = sum(shard.size > options.gb * 1e9 for shard in shards)
        part = (
            plates.why_not_cut_further()
            if options.cut
            else "a plate is not divided; `cut` divides plates"
        )
        return (
            f"{counted(larger, 'shard')} of more than {options.gb:,} GB, because {part}"
            if larger
            else None
        )
    if options.into is None:
        return None
    return why_unbalanced(plates, shards, cut=options.cut)


def _shards(plates: MeasuredPlates, options: SplitOptions) -> list[Shard]:
    if options.into is not None:
        return shards_of(plates, options.into, cut=options.cut)
    if options.gb is None:
        return one_a_plate(plates)
    if not plates.in_bytes:
        raise QueryError(
            "gb needs the column estimated_bytes, and the manifest has none or it is not filled "
            "in; give `into` or `by`"
        )
    return shards_up_to(plates, options.gb * 1e9, cut=options.cut)


def _left(plates: MeasuredPlates, missing: MissingRows) -> tuple[pl.LazyFrame | None, str]:
    """Get a copy of the rows that are missing, None if there are none, and what tells them."""
    is_left = np.zeros(plates.files, dtype=np.bool_)
    for first, count, places in _read_together(plates):
        rows = plates.rows.select(missing.columns).slice(first, count).collect()
        for place in places:
            at, height = plates.ranges[place]
            own = missing.of_plate(rows.slice(at - first, height))
            is_left[at : at + height] = own.to_numpy()
    if not is_left.any():
        return None, ""

    def source(*_: object) -> Iterator[pl.DataFrame]:
        for first, count, _places in _read_together(plates):
            here = is_left[first : first + count]
            if here.any():
                yield plates.rows.slice(first, count).collect().filter(pl.Series(here))

    rows = register_io_source(source, schema=plates.rows.collect_schema())
    return rows_as_file(rows), hashlib.sha256(np.packbits(is_left).tobytes()).hexdigest()


def _read_together(plates: MeasuredPlates) -> Iterator[tuple[int, int, Sequence[int]]]:
    """Get plates that are read together: first row, number of rows, places."""
    numbers = range(len(plates.ranges))
    for _, group in groupby(numbers, key=lambda number: plates.ranges[number][0] // NEAR_ROWS):
        places = tuple(group)
        first = plates.ranges[places[0]][0]
        yield first, sum(plates.ranges[places[-1]]) - first, places


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
