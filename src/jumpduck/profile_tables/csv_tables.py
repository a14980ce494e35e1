"""Tables of profiles as CSV, plain or .gz."""

from pathlib import Path

import polars as pl

from jumpduck.errors import ProfileError
from jumpduck.profile_tables.columns import COMPARTMENTS, KEYS, METADATA_PREFIX
from jumpduck.profile_tables.profiles import check_names_differ

_MISSING = ("", "NA", "N/A", "#N/A", "n/a", "nan", "NaN", "NAN", "null", "NULL", "None", "<NA>")
"""What programs write for a missing number; R writes NA."""


def is_csv_name(name: str) -> bool:
    """Get whether a table is CSV, which the name of its file says; else it is Parquet."""
    return name.lower().endswith((".csv", ".csv.gz"))


def read_csv_table(file: Path, called: str) -> pl.DataFrame:
    """Get the table; its keys are text, other columns are numbers where all their values are.

    Raises
    ------
    ProfileError
        A name is there twice, or the value of a feature is not a number.
    """
    header = pl.read_csv(file, has_header=False, n_rows=1, infer_schema=False, glob=False)
    names = [name or "" for name in header.row(0)]
    if "" in names:
        raise ProfileError(
            f"{called} has a column without a name, number {names.index('') + 1}; give it one, or "
            "write the table without the numbers of its rows"
        )
    check_names_differ(names, called)
    keys = {name: pl.String for name in names if name in KEYS}
    rows = pl.read_csv(file, infer_schema_length=None, schema_overrides=keys, glob=False)
    return rows.with_columns(
        _numbers(rows[name], called)
        for name, dtype in rows.schema.items()
        if dtype == pl.String and not name.startswith(METADATA_PREFIX) and name not in KEYS
    )


def _numbers(column: pl.Series, called: str) -> pl.Series:
    """Get a column that has words for missing numbers as numbers; one of text as it is."""
    known = column.filter(~column.str.strip_chars().is_in(_MISSING))
    numbers = known.str.strip_chars().cast(pl.Float64, strict=False)
    if numbers.null_count() == 0 and len(known):
        return column.str.strip_chars().cast(pl.Float64, strict=False)
    if column.name.startswith(COMPARTMENTS):
        wrong = known.filter(numbers.is_null()).first()
        row = (column == wrong).arg_max()
        raise ProfileError(
            f"{called} has {wrong!r} in row {(row or 0) + 1} of feature {column.name!r}, which is "
            "not a number; write numbers, and nothing where there is none"
        )
    return column
