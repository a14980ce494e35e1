"""Find the sql files of a collection and run them in the order of its driver."""

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

import duckdb

from jumpduck.errors import CatalogError, QueryError

Value = str | Sequence[str] | Sequence[dict[str, str | None]] | None

_READ = re.compile(r"^\.read\s+sql/(\S+)\s*$")
_KEY = re.compile(r"^-- key: (.+)$", re.MULTILINE)
_DOUBLED = re.compile(r'uplicate key "(.+)"', re.DOTALL)


def sql_root() -> Path:
    """Get the folder with jumpduck's own drivers: the wheel's copy, else the checkout's."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "sql", package.parents[1] / "sql"):
        if folder.is_dir():
            return folder
    raise CatalogError(f"there is no folder sql beside {package}; install jumpduck again")


def drivers() -> list[Path]:
    """Get the drivers of the collections that come with jumpduck."""
    return sorted(
        file
        for file in sql_root().glob("*.sql")
        if "SET VARIABLE collection" in file.read_text(encoding="utf-8")
    )


def find_driver(collection: str) -> Path:
    """Get the driver of a collection.

    Parameters
    ----------
    collection
        Name of a collection that comes with jumpduck, in any case and with ``-`` for ``_``, or
        path of a driver: ``folder/NAME.sql``.

    Raises
    ------
    QueryError
        There is no such collection, or its name cannot be the name of a schema.
    """
    if collection.endswith(".sql"):
        driver = Path(collection)
        if not driver.is_file():
            raise QueryError(f"collection {collection!r} is not a file; give the path of a driver")
    else:
        # a schema cannot have the hyphen that some collections are written with
        name = collection.lower().replace("-", "_")
        known = {one.stem: one for one in drivers()}
        if name not in known:
            near = difflib.get_close_matches(name, known)
            raise QueryError(
                f"there is no collection {collection!r}; "
                + (f"did you mean {', '.join(near)}? " if near else "")
                + f"there is {', '.join(known)}, or give the path of a driver: folder/NAME.sql"
            )
        driver = known[name]
    if not re.fullmatch(r"[a-z][a-z0-9_]*", driver.stem) or driver.stem in ("main", "temp"):
        raise QueryError(
            f"collection {driver.stem!r} cannot be the name of a schema; "
            "use small letters, digits and _"
        )
    return driver.resolve()


def driver_files(driver: Path) -> list[Path]:
    """Get the files that a driver reads, in its order.

    A line ``.read sql/A/B.sql`` names the file A/B.sql beside the driver, else jumpduck's own.
    """
    return [step for step in _steps(driver) if isinstance(step, Path)]


def run_sql_files(
    con: duckdb.DuckDBPyConnection,
    driver: Path,
    variables: Mapping[str, Value],
    *,
    before: Callable[[Path], None] = lambda _: None,
    skip: Collection[Path] = (),
) -> None:
    """Run a driver as the duckdb command line would: its files and what stands between them.

    Parameters
    ----------
    variables
        Set before the first file; None leaves the default that the SQL has.
    before
        Called with each file before it runs. It can prepare what the file reads, or report
        progress.
    skip
        Files that do not run, because what they make is there.

    Raises
    ------
    CatalogError
        A file did not run; the message names it, and the table and key if a row is doubled.
    """
    for name, value in {"jumpduck_sql": as_pattern(driver.parent), **variables}.items():
        set_variable(con, name, value)
    for step in _steps(driver):
        if isinstance(step, str):
            con.execute(step)
            continue
        if step in skip:
            continue
        before(step)
        text = step.read_text(encoding="utf-8")
        try:
            con.execute(text)
        except duckdb.Error as error:
            relation = f"{step.parent.name}.{step.stem}"
            raise CatalogError(
                f"sql/{step.parent.name}/{step.name} did not run: {_reason(error, relation, text)}"
            ) from error


def set_variable(con: duckdb.DuckDBPyConnection, name: str, value: Value) -> None:
    """Set a SQL variable from a bound parameter; None leaves it unset."""
    if value is not None:
        if not name.isidentifier():
            raise ValueError(name)
        con.execute(f"SET VARIABLE {name} = $value", {"value": value})


def as_pattern(path: str | Path) -> str:
    """Get the pattern that this file or folder alone fits, as sql/common/as_pattern.sql does."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _steps(driver: Path) -> Iterator[Path | str]:
    """Get the files that a driver reads and, as text, the statements between them.

    A file that is in no folder below sql/ is a list of files, too.
    """
    text = ""
    for line in driver.read_text(encoding="utf-8").splitlines():
        if read := _READ.match(line):
            if text.strip():
                yield text
            text = ""
            beside = driver.parent / read[1]
            file = beside if beside.is_file() else sql_root() / read[1]
            if "/" in read[1]:
                yield file
            else:
                yield from _steps(file)
        elif not line.startswith("--"):
            text += line + "\n"
    if text.strip():
        yield text


def _reason(error: duckdb.Error, relation: str, text: str) -> str:
    message = str(error).strip()
    doubled, key = _DOUBLED.search(message), _KEY.search(text)
    if doubled and key:
        return f"two rows of {relation} have the same key ({key[1]}): {doubled[1]}; remove one"
    return message.splitlines()[0]
