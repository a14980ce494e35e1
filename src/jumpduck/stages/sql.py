"""Any SQL over the catalog."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl

from jumpduck.database.connection import frame, open_catalog
from jumpduck.errors import QueryError


def sql(query: str, catalog: str | Path = "catalog.duckdb") -> pl.DataFrame:
    """Get what a query over the catalog returns; it can read and write no other file.

    A name that several columns have gets a number, as DuckDB gives it: ``x``, ``x_1``.

    Raises
    ------
    QueryError
        DuckDB does not understand the query; its own words follow. Or the answer has values that
        Polars or Python cannot hold.
    ManifestError
        `catalog` is not a catalog.
    """
    if "enable_logging" in query.lower():  # because with a folder, DuckDB ends the whole process
        raise QueryError("a query cannot have enable_logging; use duckdb itself for that")
    with open_catalog(catalog) as con:
        try:
            found = frame(con, query)
        except duckdb.PermissionException as error:
            reason = str(error).strip().splitlines()[0]
            raise QueryError(
                f"{reason}; only the catalog can be read here, use duckdb itself for other files"
            ) from error
        except duckdb.Error as error:
            raise QueryError(str(error).strip()) from error
    _check_times(found)
    return found


def _check_times(found: pl.DataFrame) -> None:
    """Raise QueryError for times that Polars holds, and cannot give to Python without a panic."""
    for column in found:
        for values in _leaves(column):
            if not isinstance(values.dtype, pl.Date | pl.Datetime):
                continue
            year = values.dt.year()  # null where there is no such day for Polars
            in_python = year.is_between(datetime.MINYEAR, datetime.MAXYEAR).sum()
            if in_python < len(values) - values.null_count():
                raise QueryError(
                    f"column {column.name!r} has a time that Python cannot hold; "
                    "write CAST(... AS VARCHAR) in the query"
                )


def _leaves(values: pl.Series) -> Iterator[pl.Series]:
    """Get the values in lists and structs, as series without either."""
    if isinstance(values.dtype, pl.List | pl.Array):
        yield from _leaves(values.explode(empty_as_null=False, keep_nulls=False))
    elif isinstance(values.dtype, pl.Struct):
        for name in values.struct.fields:
            yield from _leaves(values.struct.field(name))
    else:
        yield values
