"""Tables of profiles from files."""

import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import ProfileError
from jumpduck.profile_tables.columns import KEYS, ROW_NUMBER, features_of, metadata_of, nearest
from jumpduck.profile_tables.conditions import rows_where
from jumpduck.profile_tables.profiles import Features, Profiles
from jumpduck.profile_tables.table_files import TableFile, open_files
from jumpduck.schema import CANNOT_READ

FACTS_PREFIX = "jumpduck."
"""Of the facts that are carried on; others describe the file that they were read from."""

BLOCK_BYTES = 64 * 2**20
"""Of features, which are read at a time."""

GROUP_BYTES = 256 * 2**20
"""Of features, of groups that are read together: a file whose plates are mixed is read several
times, once for each so many."""


class ProfileTable:
    """A table of profiles in files: its metadata in memory, its features read by row.

    Parameters
    ----------
    files
        Its files.
    features, where
        As `read_profiles` takes them.

    Attributes
    ----------
    names
        Names of the features.
    metadata
        The other columns of the rows that `where` chooses.
    facts
        What the first file says of itself.
    """

    def __init__(
        self, files: Sequence[TableFile], features: Sequence[str] = (), where: str | None = None
    ) -> None:
        self._files = files
        self.names = features_of(files[0].schema, features)
        for file in files[1:]:
            _check_same_features(files[0], file, self.names, features)
        self._starts = [0, *accumulate(file.height for file in files)]
        others = [
            as_metadata(file.read(metadata_of(file.schema, self.names), 0, file.height))
            for file in files
        ]
        self.metadata = pl.concat(others, how="diagonal_relaxed") if len(others) > 1 else others[0]
        self._rows = np.arange(self._starts[-1])
        if where is not None:
            self._rows = rows_where(self.metadata, where)
            self.metadata = self.metadata[self._rows] if self.metadata.width else self.metadata
        facts = files[0].facts.items()
        self.facts = {name: text for name, text in facts if name.startswith(FACTS_PREFIX)}

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, numbers: NDArray[np.intp] | None = None) -> Profiles:
        """Get rows by their numbers in `metadata`; all by default."""
        rows = self._rows if numbers is None else self._rows[numbers]
        metadata = self.metadata
        if numbers is not None and metadata.width:
            metadata = metadata[numbers]
        return Profiles(metadata, self._features(rows), self.names, self.facts)

    def _features(self, rows: NDArray[np.intp]) -> Features:
        found = np.empty((len(rows), len(self.names)))
        order = np.argsort(rows, kind="stable")
        wanted = rows[order]
        block = max(1, BLOCK_BYTES // (8 * len(self.names)))
        for file, first in zip(self._files, self._starts, strict=False):
            at, end = np.searchsorted(wanted, [first, first + file.height])
            while at < end:
                start = int(wanted[at])
                stop = min(int(np.searchsorted(wanted, start + block)), int(end))
                part = wanted[at:stop] - start
                with _readable(file.called):
                    values = as_features(file.read(self.names, start - first, int(part[-1]) + 1))
                found[order[at:stop]] = values if len(part) == len(values) else values[part]
                at = stop
        return found


@contextmanager
def open_profiles(
    place: str | Path,
    *,
    features: Sequence[str] = (),
    where: str | None = None,
    endpoint: str | None = None,
) -> Generator[ProfileTable]:
    """Open a table whose features are read later; takes what `read_profiles` takes."""
    with tempfile.TemporaryDirectory(prefix="jumpduck-") as scratch:
        with _readable(place):
            table = ProfileTable(open_files(place, Path(scratch), endpoint), features, where)
        yield table


def read_profiles(
    place: str | Path,
    *,
    features: Sequence[str] = (),
    where: str | None = None,
    endpoint: str | None = None,
) -> Profiles:
    """Get a table of profiles.

    Parameters
    ----------
    place
        Parquet, or CSV if the name ends with ``.csv`` or ``.csv.gz``: a local path, ``s3://`` or
        ``http(s)://``; or a folder, local or ``s3://``, with Parquet files at any depth. Of a
        Parquet file on a server only the row groups and columns that are needed are fetched. A
        folder called ``Metadata_Plate=P1`` gives the files in it that column, if they lack it.
    features
        Names of features, or patterns such as ``emb*``; else they are inferred. Others that would
        be inferred are not read.
    where
        SQL condition on the columns that are not features; rows for which it is not true are left
        out.
    endpoint
        S3 server other than AWS.

    Raises
    ------
    ProfileError
        There is no such table, it is not one of profiles, or its files have other features.
    QueryError
        A name or the condition is wrong.
    StoreError
        A server cannot be reached.
    """
    with open_profiles(place, features=features, where=where, endpoint=endpoint) as table:
        return table.read()


def iterate_profiles(
    place: str | Path,
    by: str | Sequence[str] = "Metadata_Plate",
    *,
    features: Sequence[str] = (),
    where: str | None = None,
    endpoint: str | None = None,
) -> Generator[Profiles]:
    """Get the profiles of one plate after the other, in the order of their first rows.

    Memory holds the metadata of all rows, and the features of as many plates as `GROUP_BYTES` has
    space for, of one at least.

    Parameters
    ----------
    by
        Columns that tell plates apart.
    place, features, where, endpoint
        As `read_profiles` takes them.

    Raises
    ------
    ProfileError
        As `read_profiles`; a column of `by` is not there, or has no value in a row.
    """
    by = [by] if isinstance(by, str) else [*by]
    with open_profiles(place, features=features, where=where, endpoint=endpoint) as table:
        for together in _groups(table, by):
            read = table.read(np.concatenate(together))
            at = 0
            for rows in together:
                yield read.select(np.arange(at, at + len(rows)))
                at += len(rows)
            del read  # because the next plates would be read beside it


def _groups(table: ProfileTable, by: Sequence[str]) -> Generator[list[NDArray[np.intp]]]:
    """Get the numbers of the rows of each plate, of as many plates as are read together."""
    for name in by:
        if name not in table.metadata.columns:
            raise ProfileError(
                f"the table has no column {name!r}{nearest(name, table.metadata.columns)}"
            )
        if table.metadata[name].null_count():
            row = table.metadata[name].is_null().arg_max()
            raise ProfileError(f"row {(row or 0) + 1} of the table has no {name}; give it one")
    numbers = table.metadata.select(by).with_row_index(ROW_NUMBER)
    groups = numbers.group_by(by, maintain_order=True).agg(ROW_NUMBER)[ROW_NUMBER]
    together: list[NDArray[np.intp]] = []
    rows = 0
    for group in groups:
        found = group.to_numpy().astype(np.intp)
        if together and (rows + len(found)) * len(table.names) * 8 > GROUP_BYTES:
            yield together
            together, rows = [], 0
        together.append(found)
        rows += len(found)
    if together:
        yield together


def as_metadata(rows: pl.DataFrame) -> pl.DataFrame:
    """Get the columns with the keys as text."""
    return rows.with_columns(
        _as_text(rows[name]) if name in KEYS or dtype == pl.Categorical else rows[name]
        for name, dtype in rows.schema.items()
    )


def as_features(rows: pl.DataFrame) -> Features:
    """Get numbers by row and column; NaN where a value is missing."""
    values: np.ndarray[Any, Any] = rows.cast(pl.Float64).to_numpy(order="c")
    return np.ascontiguousarray(values, np.float64)


def _as_text(column: pl.Series) -> pl.Series:
    # pandas makes floats of whole numbers where one is missing
    if column.dtype.is_float() and (column.drop_nulls() % 1 == 0).all():
        column = column.cast(pl.Int64)
    return column.cast(pl.String)


def _check_same_features(
    first: TableFile, other: TableFile, names: Sequence[str], asked: Sequence[str]
) -> None:
    found = features_of(other.schema, asked)
    for one, has, lacks in ((first, names, set(found)), (other, found, set(names))):
        if only := [name for name in has if name not in lacks]:
            raise ProfileError(
                f"{first.called} and {other.called} have other features: {len(only)} are in "
                f"{one.called} only, such as {only[0]!r}; name those that both have with `features`"
            )


@contextmanager
def _readable(place: str | Path) -> Generator[None]:
    try:
        yield
    except (OSError, *CANNOT_READ) as error:
        reason = [*str(error).strip().splitlines(), type(error).__name__][0]
        raise ProfileError(f"profiles {place} cannot be read: {reason}") from error
