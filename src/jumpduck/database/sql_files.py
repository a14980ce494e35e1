"""Find, order and run the files of sql/, and ask the catalog they make."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import duckdb
import polars as pl

from jumpduck.errors import CatalogError, ManifestError

Value = str | Sequence[str] | Sequence[dict[str, str]] | None

_READ = re.compile(r"^\.read\s+(\S+)\s*$")


def sql_root() -> Path:
    """Get the folder that holds the drivers: the wheel's own copy, else the checkout's."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "sql", package.parents[1] / "sql"):
        if folder.is_dir():
            return folder
    raise CatalogError(f"no sql/ beside {package}; install jumpduck again")


def driver_files(collection: str) -> list[Path]:
    """Get the files that the driver of `collection` reads, in its order."""
    root = sql_root()
    driver = root / f"{collection}.sql"
    if not driver.is_file():
        known = ", ".join(sorted(file.stem for file in root.glob("*.sql")))
        raise CatalogError(f"no collection {collection!r}; there is {known}")
    lines = map(_READ.match, driver.read_text(encoding="utf-8").splitlines())
    return [root.parent / line[1] for line in lines if line]


def run_driver(
    con: duckdb.DuckDBPyConnection,
    collection: str,
    variables: Mapping[str, Value],
    *,
    before: Callable[[Path], None] = lambda _: None,
) -> None:
    """Run the files of one collection in order, as the duckdb command line would.

    Parameters
    ----------
    variables
        Set before the first file; None leaves the default that the SQL has.
    before
        Called with each file ahead of it: the place for what a file needs from outside, or for
        a word about progress.

    Raises
    ------
    CatalogError
        A file did not run; the message names it and the table it reads.
    """
    for name, value in variables.items():
        set_variable(con, name, value)
    for file in driver_files(collection):
        before(file)
        try:
            con.execute(file.read_text(encoding="utf-8"))
        except duckdb.Error as error:
            reason = str(error).strip().splitlines()[0]
            raise CatalogError(f"sql/{collection}/{file.name} did not run: {reason}") from error


def set_variable(con: duckdb.DuckDBPyConnection, name: str, value: Value) -> None:
    """Set a SQL variable from a bound parameter; None leaves it unset."""
    if value is not None:
        if not name.isidentifier():
            raise ValueError(name)
        con.execute(f"SET VARIABLE {name} = $value", {"value": value})


def frame(
    con: duckdb.DuckDBPyConnection, query: str, params: Mapping[str, object] | None = None
) -> pl.DataFrame:
    """Get what a query returns as a frame: the one seam between DuckDB and Polars."""
    return pl.DataFrame(con.sql(query, params=dict(params or {})))


def open_catalog(path: str | Path) -> duckdb.DuckDBPyConnection:
    """Get a read-only connection to a catalog, with nothing else to be read or written from it.

    Raises
    ------
    ManifestError
        There is no such file, or it is no catalog.
    """
    if not Path(path).is_file():
        raise ManifestError(f"no catalog {path}; make it with `jumpduck catalog`")
    try:
        con = duckdb.connect(str(path), read_only=True)
        con.execute("SET enable_progress_bar = FALSE")  # progress is ours to show
        con.execute("FROM jump.settings")
        con.fetchall()
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise ManifestError(f"{path} is no catalog: {reason}; rebuild it") from error
    return con
