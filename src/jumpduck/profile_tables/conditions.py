"""Rows that a user's SQL condition chooses."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.database.connection import interrupting
from jumpduck.database.where_condition import check_where, where_errors
from jumpduck.errors import QueryError
from jumpduck.profile_tables.columns import ROW_NUMBER


def rows_where(metadata: pl.DataFrame, where: str, parameter: str = "where") -> NDArray[np.intp]:
    """Get the numbers of the rows for which a SQL condition is true, in their order.

    Parameters
    ----------
    metadata
        The columns that the condition may name.
    where
        The condition, such as ``Metadata_pert_type = 'negcon'``.
    parameter
        What the user calls it.

    Raises
    ------
    QueryError
        It is not one condition, or names a column that is not there.
    """
    with tempfile.TemporaryDirectory(prefix="jumpduck-") as scratch, duckdb.connect() as con:
        file = Path(scratch) / "metadata.parquet"
        # through a file, because DuckDB takes frames only with pyarrow
        metadata.with_row_index(ROW_NUMBER).write_parquet(file)
        con.execute("SET enable_progress_bar = FALSE")
        con.execute(f'CREATE TABLE "with rows" AS FROM read_parquet({_literal(file)})')
        con.execute('CREATE VIEW profiles AS SELECT * EXCLUDE ("row number") FROM "with rows"')
        con.execute("SET enable_external_access = FALSE")
        con.execute("SET lock_configuration = TRUE")
        with _called(parameter):
            checked = check_where(con, where, "profiles")
            # no injection is possible, because the text was checked to be one condition
            query = f"""
                SELECT "row number" FROM "with rows"
                WHERE coalesce((\n{checked}\n), FALSE) ORDER BY ALL
            """  # noqa: S608
            with where_errors(where), interrupting(con):
                return np.array([row for (row,) in con.execute(query).fetchall()], np.intp)


@contextmanager
def _called(parameter: str) -> Generator[None]:
    try:
        yield
    except QueryError as error:
        raise QueryError(parameter + str(error).removeprefix("where")) from error


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
