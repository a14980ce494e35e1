"""Tables of profiles from files, and to files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from jumpduck.errors import ProfileError, StoreError
from jumpduck.options import expanded
from jumpduck.profile_tables.columns import KEYS, features_of
from jumpduck.profile_tables.conditions import rows_where
from jumpduck.profile_tables.csv_tables import is_csv_name, read_csv_table
from jumpduck.profile_tables.profiles import Features, Profiles
from jumpduck.schema import CANNOT_READ
from jumpduck.storage.atomic_files import atomic_path, make_folder

FACTS_PREFIX = "jumpduck."
"""Of the facts that are carried on; others describe the file that they were read from."""


def read_profiles(
    place: str | Path, *, features: Sequence[str] = (), where: str | None = None
) -> Profiles:
    """Get a table of profiles.

    Parameters
    ----------
    place
        Parquet, or CSV if the name ends with ``.csv`` or ``.csv.gz``.
    features
        Names of features, or patterns such as ``emb*``; else they are inferred.
    where
        SQL condition on the columns that are not features; rows for which it is not true are left
        out.

    Raises
    ------
    ProfileError
        There is no such table, or it is not one of profiles.
    QueryError
        A name or the condition is wrong.
    """
    file = expanded(place)
    try:
        if not file.is_file():
            raise ProfileError(f"profiles {file} is not a file ({file.absolute()}); give one")
        if is_csv_name(file.name):
            rows, facts = read_csv_table(file, str(file)).lazy(), dict[str, str]()
        else:
            rows = pl.scan_parquet(file, glob=False)
            facts = pl.read_parquet_metadata(file)
        schema = rows.collect_schema()
        names = features_of(schema, features)
        metadata = as_metadata(rows.drop(names).collect())
        chosen = None if where is None else rows_where(metadata, where)
        # the rows are counted, because a table may have features only
        values = rows.select(names)
        if chosen is not None:
            metadata = metadata[chosen] if metadata.width else metadata
            values = values.select(pl.all().gather(chosen))
        facts = {name: text for name, text in facts.items() if name.startswith(FACTS_PREFIX)}
        return Profiles(metadata, as_features(values.collect()), names, facts)
    except (OSError, *CANNOT_READ) as error:
        reason = [*str(error).strip().splitlines(), type(error).__name__][0]
        raise ProfileError(f"profiles {file} cannot be read: {reason}") from error


def write_profiles(profiles: Profiles, path: str | Path, facts: Mapping[str, str] = {}) -> None:
    """Write a table of profiles as a whole.

    Parameters
    ----------
    path
        CSV if the name ends with ``.csv`` or ``.csv.gz``, else Parquet.
    facts
        What the file says of itself beside what the profiles do; CSV cannot keep them.

    Raises
    ------
    StoreError
        The file cannot be written.
    """
    file = expanded(path)
    kept = {**profiles.facts, **facts}
    try:
        make_folder(file.parent)
        with atomic_path(file) as part:
            if is_csv_name(file.name):
                gz = "gzip" if file.name.lower().endswith(".gz") else "uncompressed"
                profiles.frame().write_csv(part, compression=gz, check_extension=False)
            else:
                profiles.frame().write_parquet(part, compression="zstd", metadata=kept)
    except OSError as error:
        raise StoreError(f"cannot write {file}: {error.strerror or error}") from error


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
