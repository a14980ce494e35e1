"""The files of a manifest: one Parquet file as it is, CSV and several files put together."""

import csv
import glob
import json
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import polars as pl

from jumpduck.errors import ManifestError
from jumpduck.options import expanded
from jumpduck.schema import CANNOT_READ, MANIFEST, OPTIONAL, OUTCOME, is_csv, manifest_types
from jumpduck.storage.replaced_files import is_parquet
from jumpduck.transfer.held_file import HeldFile
from jumpduck.transfer.shard_files import (
    INDEX_FILE,
    SHARD,
    ShardNote,
    check_unchanged,
    shards_in,
)

ManifestFiles = str | Path | Sequence[str | Path]
"""A Parquet or CSV file, a pattern of such names, or several of them."""

MAX_HEADER_LETTERS = 100_000
"""Letters of a first line that may name the columns of a manifest in CSV."""

MAX_DOUBLED_ROWS = 5_000_000
"""Rows with a path that another manifest has, too, which are compared in memory."""

SUFFIXES = (".parquet", ".csv")
"""Ends of the names that a pattern takes, because other files may lie in the same folder."""

PART, NUMBER = "\tpart", "\tnumber"
"""Columns that are added while files are put together; a manifest's own names are printable."""


class OpenFiles(NamedTuple):
    """The rows of a manifest's files.

    Attributes
    ----------
    rows
        All rows, to be read when they are needed.
    endpoint
        S3 server that the files name; None for AWS.
    file
        The file to watch; None where the rows are a copy of them.
    notes
        What the metadata of all files say of the manifest.
    shards
        What each file says of itself; None of one that is not a shard.
    origins
        `notes` of each file; those that are the same once.
    """

    rows: pl.LazyFrame
    endpoint: str | None
    file: HeldFile | None
    notes: Mapping[str, str] = MappingProxyType({})
    shards: Sequence[ShardNote | None] = ()
    origins: Sequence[Mapping[str, str]] = ()

    @property
    def part(self) -> Mapping[str, str]:
        """What the files have of the manifest that was split: ``shard`` or ``shards``.

        It is nothing where they are all of it. A ``shard`` is that of `jumpduck download --shard`.
        """
        found = [shard for shard in self.shards if shard]
        if not found:
            return {}
        one, numbers = found[0], sorted({shard.number for shard in found})
        is_one_split = len(found) == len(self.shards) and len({each.split for each in found}) == 1
        if is_one_split and one.divided != "some" and len(numbers) == one.of:
            return {}
        if len(self.shards) == 1 and one.divided == "plates":
            return {"shard": f"{one.number}/{one.of}"}
        return {"shards": f"{', '.join(map(str, numbers))} of {one.of}"}

    @property
    def cuts_plates(self) -> bool:
        """Whether a plate may be here in part, because shards that cut plates are, and not all."""
        found = [shard for shard in self.shards if shard]
        cut = {shard.split for shard in found if shard.cut}
        have = {one: {shard.number for shard in found if shard.split == one} for one in cut}
        parts = any(len(have[shard.split]) < shard.of for shard in found if shard.cut)
        return parts or any(shard.of_cut for shard in found)


def is_manifest(file: Path) -> bool:
    """Get whether a file is a manifest, also one of an earlier version.

    Results have the columns of a manifest, too, and are told by those that they add.
    """
    if is_parquet(file):
        try:
            if "jumpduck.query" in pl.read_parquet_metadata(file):
                return True
            names = set(pl.read_parquet_schema(file))
        except CANNOT_READ:
            return False
    else:
        with file.open(encoding="utf-8", errors="replace", newline="") as lines:
            names = set(next(csv.reader([lines.readline(MAX_HEADER_LETTERS)]), ()))
    return names >= set(MANIFEST) and names.isdisjoint(OUTCOME)


def open_files(manifest: ManifestFiles) -> OpenFiles:
    """Get the rows of a manifest's files; what several files have in common is there once.

    Raises
    ------
    ManifestError
        A file is not there or cannot be read, or two files say different things of one path.
    """
    paths = files_of(manifest)
    found = [_open_csv(path) if is_csv(path) else _open_parquet(path) for path in paths]
    return found[0] if len(found) == 1 else _together(paths, found)


def files_of(manifest: ManifestFiles) -> list[Path]:
    """Get the files that are meant, as the pattern of a name or a folder of shards means several.

    Raises
    ------
    ManifestError
        No file is meant, or a folder is not one of shards.
    """
    given = [manifest] if isinstance(manifest, str | Path) else list(manifest)
    names = [expanded(name) for name in given]
    paths: list[Path] = []
    for name in names:
        pattern = str(name)
        if name.is_dir():
            paths += shards_in(name)
            continue
        if name.name == INDEX_FILE and name.is_file():
            raise ManifestError(
                f"{name} is the index of shards, and no manifest; give its folder, {name.parent}, "
                f"for all shards, or one of them, such as {name.parent / '0001.parquet'}"
            )
        if Path(name).exists() or not glob.has_magic(pattern):
            paths.append(Path(name))
            continue
        found = sorted(map(Path, glob.glob(pattern)))  # noqa: PTH207 (a Path has no absolute patterns)
        matches = [path for path in found if path.suffix.lower() in SUFFIXES]
        if not matches:
            raise ManifestError(
                f"no manifest has a name like {pattern}; a pattern takes files whose names end in "
                f"{' or '.join(SUFFIXES)}: check the pattern, or name the files"
            )
        paths += matches
    if not paths:
        raise ManifestError("no manifest was given; make one with `jumpduck manifest`")
    return list(dict.fromkeys(paths))


def rows_as_file(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Get rows from a file without a name, so that they need not be in memory."""
    with tempfile.TemporaryFile() as file:
        rows.sink_parquet(file)
        file.seek(0)
        copy = pl.scan_parquet(file, glob=False)
        copy.collect_schema()
        return copy


@contextmanager
def reading(file: HeldFile | None) -> Generator[None]:
    """Raise ManifestError if rows that the block reads are damaged or no longer the same."""
    try:
        yield
    except CANNOT_READ as error:
        wrong_type = isinstance(error, pl.exceptions.InvalidOperationError)
        fault = "has a column of another type than expected" if wrong_type else "is damaged"
        raise ManifestError(
            f"the manifest {fault}: {first_line(error)}; write it with `jumpduck manifest`"
        ) from error
    finally:
        if file is not None:
            file.check()


def first_line(error: BaseException) -> str:
    """Get the first line of what an error says."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _open_parquet(path: Path) -> OpenFiles:
    _check_there(path)
    check_unchanged(path)
    try:
        # the open file and not its path, because another file may get the name during the run
        with path.open("rb") as file:
            held = HeldFile(path, file.fileno())
            rows = pl.scan_parquet(file, glob=False)
            rows.collect_schema()
            written = pl.read_parquet_metadata(file)
        notes: dict[str, str | None] = dict(json.loads(written.get("jumpduck.catalog", "{}")))
    except (*CANNOT_READ, ValueError, TypeError) as error:
        raise ManifestError(
            f"{path} is not a Parquet file: {first_line(error)}; make it with `jumpduck manifest`"
        ) from error
    if "jumpduck.query" in written and "jumpduck.sql" not in written:
        raise ManifestError(
            f"{path} was made by an earlier version of jumpduck; make it again with "
            "`jumpduck manifest`"
        )
    own = {name: text for name, text in written.items() if name.startswith("jumpduck.")}
    shard = ShardNote.read(own)
    own.pop(SHARD, None)
    return OpenFiles(rows, notes.get("endpoint"), held, own, [shard], [own])


def _open_csv(path: Path) -> OpenFiles:
    """Get the rows of a CSV file, as Parquet because a plate is read without those before it.

    Columns that a manifest may have get their types. Any other column is text, because CSV does
    not say that 01 is a name and not a number.
    """
    _check_there(path)
    try:
        names = pl.scan_csv(path, infer_schema=False, glob=False).collect_schema().names()
        known = {**MANIFEST, **OPTIONAL}
        types = {name: known.get(name, pl.String()) for name in names}
        rows = pl.scan_csv(path, schema=types, glob=False)
        return OpenFiles(rows_as_file(rows), None, None)
    except (*CANNOT_READ, ValueError) as error:
        raise ManifestError(
            f"{path} cannot be read as CSV: {first_line(error)}; make it with `jumpduck manifest`"
        ) from error


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise ManifestError(
            f"there is no manifest {path} ({path.absolute()}); make it with `jumpduck manifest` or "
            "`jumpduck split`, or go to the folder that has it"
        )


def _together(paths: Sequence[Path], found: Sequence[OpenFiles]) -> OpenFiles:
    endpoints = {one.endpoint for one in found}
    if len(endpoints) > 1:
        servers = " and ".join(sorted(one or "AWS" for one in endpoints))
        raise ManifestError(
            f"the manifests are of different S3 servers, {servers}; download them one by one"
        )
    parts: list[pl.LazyFrame] = []
    try:
        for number, (path, one) in enumerate(zip(paths, found, strict=True)):
            types = manifest_types(dict(one.rows.collect_schema()), str(path))
            rows = one.rows.select(pl.col(name).cast(dtype) for name, dtype in types.items())
            parts.append(rows.with_columns(pl.lit(number, pl.Int32).alias(PART)))
        rows = pl.concat(parts, how="diagonal_relaxed").with_row_index(NUMBER)
        doubled = _doubled(rows, paths)
        kept = rows.filter(~pl.col(NUMBER).is_in(doubled.implode()))
        copy = rows_as_file((kept if len(doubled) else rows).drop(PART, NUMBER))
    except CANNOT_READ as error:
        names = ", ".join(map(str, paths))
        raise ManifestError(
            f"the manifests {names} cannot be put together: {first_line(error)}"
        ) from error
    for one in found:
        if one.file is not None:
            one.file.check()
    endpoint = endpoints.pop()
    first, *others = (one.notes for one in found)
    notes = {"jumpduck.catalog": json.dumps({"endpoint": endpoint})} | {
        name: text for name, text in first.items() if all(one.get(name) == text for one in others)
    }
    shards = [shard for one in found for shard in one.shards]
    origins = [origin for one in found for origin in one.origins]
    different = [one for place, one in enumerate(origins) if one not in origins[:place]]
    return OpenFiles(copy, endpoint, None, notes, shards, different)


def _doubled(rows: pl.LazyFrame, paths: Sequence[Path]) -> pl.Series:
    """Get the numbers of rows that an earlier file has, too."""
    # 12 bytes a row, because the paths themselves would not fit for all of JUMP
    hashed = pl.col("path").hash(seed=0)
    hashes = rows.select(NUMBER, path=hashed).collect(engine="streaming")
    doubled = hashes.filter(pl.col("path").is_duplicated())
    if doubled.height > MAX_DOUBLED_ROWS:
        raise ManifestError(
            f"{doubled.height:,} rows of the manifests have a path that another row has, too; that "
            "is too many to compare: download them one by one"
        )
    same = rows.filter(hashed.is_in(doubled["path"].unique().implode())).collect()
    within = same.filter(pl.struct("path", PART).is_duplicated())
    if within.height:
        path, part = within.select("path", PART).row(0)
        raise ManifestError(
            f"path {path!r} occurs twice in {paths[part]}; each row needs a path of its own"
        )
    values = same.drop(NUMBER, PART)
    different = values.unique().filter(pl.col("path").is_duplicated())
    if different.height:
        path = different["path"].sort()[0]
        one, other = different.filter(pl.col("path") == path).head(2).rows(named=True)
        column = next(name for name in different.columns if one[name] != other[name])
        parts: list[int] = same.filter(pl.col("path") == path)[PART].to_list()
        names = " and ".join(str(paths[part]) for part in parts)
        raise ManifestError(
            f"path {path!r} is in {names}, with different values of {column}; make one manifest of "
            "both choices, or download them into different folders"
        )
    return same.filter(~pl.col("path").is_first_distinct())[NUMBER]
