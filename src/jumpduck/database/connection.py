"""Opening a catalog, and asking it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from jumpduck.errors import ManifestError


@dataclass(frozen=True)
class HeldCollection:
    """The collection that a catalog holds: its name, and its column of perturbations."""

    name: str
    perturbation: str

    def relation(self, name: str) -> str:
        """Get the name of one of its relations, as SQL has it."""
        return f"{self.name}.{name}"


def frame(
    con: duckdb.DuckDBPyConnection, query: str, params: Mapping[str, object] | None = None
) -> pl.DataFrame:
    """Get what a query returns as a frame. DuckDB and Polars meet here only."""
    return pl.DataFrame(con.sql(query, params=dict(params or {})))


def open_catalog(path: str | Path) -> duckdb.DuckDBPyConnection:
    """Get a read-only connection to a catalog.

    Raises
    ------
    ManifestError
        There is no such file, or it is not a catalog of this version of jumpduck.
    """
    if not Path(path).is_file():
        raise ManifestError(f"there is no catalog {path}; make it with `jumpduck catalog`")
    try:
        con = duckdb.connect(str(path), read_only=True)
        con.execute("SET enable_progress_bar = FALSE")  # because the command line shows progress
        held_collection(con)
    except (duckdb.Error, IndexError) as error:
        reason = str(error).strip().splitlines()[0]
        if "Table with name collections does not exist" in reason:
            reason = "an earlier version of jumpduck made it, or another program"
        raise ManifestError(
            f"{path} is not a catalog: {reason}; build it again with `jumpduck catalog`"
        ) from error
    return con


def held_collection(con: duckdb.DuckDBPyConnection) -> HeldCollection:
    """Get which collection an open catalog holds."""
    query = "SELECT collection, perturbation FROM main.collections"
    return HeldCollection(*con.execute(query).fetchall()[0])
