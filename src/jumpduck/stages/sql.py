"""Any SQL over the catalog."""

import datetime
import re
from collections.abc import Iterator
from itertools import pairwise
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
    _check_functions(query)
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


_REFUSED = frozenset(
    {
        # with some of their arguments, DuckDB ends the whole process
        "enable_logging", "enable_profiling", "enable_profile",
        # they take an address in memory
        "arrow_scan", "arrow_scan_dumb", "pandas_scan", "python_map_function",
        # they run a text, in which all of these may be
        "json_execute_serialized_sql", "query",
    }
)  # fmt: skip
"""Functions whose harm a catalog that is read only, with locked settings, does not prevent."""

_NAME = re.compile(r'"((?:[^"]|"")*)"|\w+')


def _check_functions(query: str) -> None:
    """Raise QueryError if a query has a function that could end the process.

    DuckDB says what is a name and what is a text or a comment.
    """
    try:
        text = query.encode()
    except UnicodeEncodeError as error:
        raise QueryError(f"the query has a letter that no text can have: {error}") from error
    # DuckDB 2 counts comments among the words
    words = [start for start, what in duckdb.tokenize(query) if what != duckdb.token_type.comment]
    for start, end in pairwise([*words, len(text)]):
        found = _NAME.match(text[start:end].decode())
        name = found[1] or found[0] if found else ""
        is_column = name.lower() == "query" and text[end : end + 1] != b"("
        if name.lower() in _REFUSED and not is_column:
            raise QueryError(f"a query cannot have {name.lower()}; use duckdb itself for that")


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
    """Get the values in lists, maps and structs, as series without any of them."""
    if isinstance(values.dtype, pl.List | pl.Array):
        yield from _leaves(values.explode(empty_as_null=False, keep_nulls=False))
    elif isinstance(values.dtype, pl.Map):
        yield from _leaves(values.map.entries())
    elif isinstance(values.dtype, pl.Struct):
        for name in values.struct.fields:
            yield from _leaves(values.struct.field(name))
    else:
        yield values
