"""Opening a catalog, and asking it."""

import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
from duckdb.sqltypes import DuckDBPyType

from jumpduck.errors import ManifestError, QueryError, StoreError
from jumpduck.options import expanded

USE_CATALOG = 'USE "the catalog"'
"""Makes names mean those of the catalog; no collection can have a name with a space."""


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
    """Get what a query returns as a frame. DuckDB and Polars meet here only.

    Raises
    ------
    QueryError
        A column has a type that Polars lacks.
    """
    with interrupting(con):
        found = _result(con, query, params)
        if found is None:
            return pl.DataFrame()
        for name, dtype in zip(found.columns, found.types, strict=True):
            if _has_unfit_type(dtype):
                raise QueryError(
                    f"column {name!r} is {dtype}, which a table here cannot hold; "
                    "write CAST(... AS VARCHAR) in the query"
                )
        if len(set(found.columns)) < len(found.columns):
            found = found.project("*")  # which gives the second x the name x_1
        return pl.DataFrame(found)


def _result(
    con: duckdb.DuckDBPyConnection, query: str, params: Mapping[str, object] | None
) -> duckdb.DuckDBPyRelation | None:  # DuckDB's own types leave out the None of a statement
    return con.sql(query, params=dict(params or {}))


_NESTED_TYPES = ("list", "array", "struct", "map")
_UNFIT_TYPES = ("interval", "union", "variant")
"""With which Polars would panic, or which it does not know."""


def _has_unfit_type(dtype: DuckDBPyType) -> bool:
    """Get whether a type, or one that it is made of, has values that a frame cannot hold."""
    if dtype.id not in _NESTED_TYPES:
        return dtype.id in _UNFIT_TYPES
    inner = [part for _, part in dtype.children if isinstance(part, DuckDBPyType)]
    if dtype.id == "map" and inner[0].id in _NESTED_TYPES:  # no key of a dictionary of Python
        return True
    return any(map(_has_unfit_type, inner))


@contextmanager
def interrupting(con: duckdb.DuckDBPyConnection) -> Generator[None]:
    """End the query that an exception, such as that of Ctrl-C, ends the block in.

    DuckDB would go on with it, and the connection is closed only when it is done.
    """
    try:
        yield
    except BaseException:
        con.interrupt()
        raise


@contextmanager
def memory_errors(what: str, limit: str, less: str) -> Generator[None]:
    """Raise StoreError where DuckDB has too little memory.

    Parameters
    ----------
    what
        What needs it.
    limit
        Memory that DuckDB may take, as it writes it.
    less
        How to need less.
    """
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        reason = str(error).strip().splitlines()[0]
        raise StoreError(
            f"{what} needs more memory than the {limit} that it may take, or than the machine has "
            f"free: {reason}; {less}"
        ) from error


_STORAGE: dict[str, str | bool | int | float | list[str]] = {
    "storage_compatibility_version": "v1.2.0"
}
"""The first that has zstd, which makes URLs half as long as the default, in half the time."""

_MEMORY_LIMIT = "1500MB"


def check_database_path(path: Path) -> None:
    """Raise StoreError if DuckDB cannot write a database of this name."""
    if "?" in str(path.absolute()):  # because its log would get a name in another folder
        raise StoreError(
            f"cannot write {path}: DuckDB writes no database whose path has a ?; give another path"
        )


def new_database(
    path: Path, scratch: Path, content: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """Get a connection that writes a catalog.

    Parameters
    ----------
    scratch
        Folder for what does not fit into memory.
    content
        Database that the new one is made of; it is moved.
    """
    if content is not None:
        shutil.move(content, path)
    con = duckdb.connect(config=_STORAGE)
    # under a name of its own, because DuckDB's would be that of the file, which may be a schema's
    name = str(path).replace("'", "''")
    con.execute(f"ATTACH '{name}' AS \"the catalog\"")
    con.execute(USE_CATALOG)
    con.execute(f"SET memory_limit = '{_MEMORY_LIMIT}'")
    con.execute("SET force_compression = 'zstd'")
    con.execute("SET enable_progress_bar = FALSE")  # because the command line shows progress
    con.execute("SET temp_directory = $folder", {"folder": str(scratch / "spill")})
    return con


def open_catalog(
    path: str | Path, *, memory_limit: str | None = None, reads: Sequence[Path] = ()
) -> duckdb.DuckDBPyConnection:
    """Get a connection that reads a catalog, and reads and writes no other file.

    The catalog is attached to a DuckDB of its own, because the settings hold for all connections of
    one DuckDB, and another connection to the same file in this process keeps its own. A cursor of
    the connection says `USE_CATALOG` first.

    Parameters
    ----------
    memory_limit
        As DuckDB writes it, like 300MB; beyond it, DuckDB writes beside the catalog.
    reads
        Other files that it may read.

    Raises
    ------
    ManifestError
        There is no such file, it is not a catalog of this version of jumpduck, or somebody has it
        open for writing.
    """
    path = expanded(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise ManifestError(
            f"catalog {path} {what} ({path.absolute()}); make one with `jumpduck catalog`, or go "
            "to the folder that has it"
        )
    con = duckdb.connect(config={"temp_directory": f"{path}.tmp"})
    try:
        if memory_limit:
            con.execute(f"SET memory_limit = '{memory_limit}'")
        con.execute("SET enable_progress_bar = FALSE")  # because the command line shows progress
        con.execute("SET python_enable_replacements = FALSE")
        con.execute("SET TimeZone = 'UTC'")  # because an answer must be the same everywhere
        name = str(path).replace("'", "''")
        con.execute(f"ATTACH '{name}' AS \"the catalog\" (READ_ONLY)")
        con.execute(USE_CATALOG)
        con.execute("SET allowed_paths = $files", {"files": [str(file) for file in reads]})
        con.execute("SET enable_external_access = FALSE")
        con.execute("SET lock_configuration = TRUE")
        held_collection(con)
    except (duckdb.Error, IndexError) as error:
        con.close()
        reason = str(error).strip().splitlines()[0]
        if "file handle conflict" in reason or "Could not set lock" in reason:
            raise ManifestError(
                f"catalog {path} is open for writing in this or another process; close it there"
            ) from error
        if "Table with name" in reason or 'schema "main"' in reason:
            reason = "an earlier version of jumpduck made it, or another program"
        raise ManifestError(
            f"{path} is not a catalog: {reason}; build it again with `jumpduck catalog`"
        ) from error
    return con


def held_collection(con: duckdb.DuckDBPyConnection) -> HeldCollection:
    """Get which collection an open catalog holds."""
    query = "SELECT collection, perturbation FROM main.collections"
    return HeldCollection(*con.execute(query).fetchall()[0])
