"""Any SQL over the catalog."""

from pathlib import Path

import duckdb
import polars as pl

from jumpduck.database.connection import frame, open_catalog
from jumpduck.errors import QueryError


def sql(query: str, catalog: str | Path = "catalog.duckdb") -> pl.DataFrame:
    """Get what a query over the catalog returns; it can read and write no other file.

    Raises
    ------
    QueryError
        DuckDB does not understand the query; its own words follow.
    ManifestError
        `catalog` is not a catalog.
    """
    with open_catalog(catalog) as con:
        try:
            return frame(con, query)
        except duckdb.PermissionException as error:
            reason = str(error).strip().splitlines()[0]
            raise QueryError(
                f"{reason}; only the catalog can be read here, use duckdb itself for other files"
            ) from error
        except duckdb.Error as error:
            raise QueryError(str(error).strip()) from error
