"""One SQL condition from a user: a condition on columns, and nothing else."""

import difflib
import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import duckdb

from jumpduck.errors import QueryError

_PROBES = ("SELECT 1 FROM t WHERE (\n{}\n)", "SELECT 1 FROM t WHERE\n{}\n")
"""Both must be read as the same: the first would take ``a) OR (b``, the second ``a LIMIT 1``."""

_OF_THE_SESSION = frozenset(
    {
        "getvariable", "current_setting", "current_localtime", "current_localtimestamp", "age",
        "vector_type",
    }
)  # fmt: skip
"""Functions that DuckDB calls consistent, and whose value another connection does not have."""

_OF_THE_VERSION = frozenset({"version", "hash", "create_sort_key"})
"""Functions whose value another version of DuckDB does not have."""

CUTOFF = 0.55
"""How alike a column must be to be suggested, from 0 to 1."""

_ABSENT = re.compile(r'Referenced column "(.+?)" (?:was )?not found')


def check_where(con: duckdb.DuckDBPyConnection, where: str, sites: str) -> str:
    """Get `where` back if it is one condition on the columns of a relation.

    DuckDB's own parser decides: a statement that has `where` as its WHERE clause must be parsed as
    the same statement with another WHERE clause, without a subquery. DuckDB's own plan names the
    functions, those of macros too, and its own table says which of them give the same value always.

    Parameters
    ----------
    where
        The condition.
    sites
        Name of the relation.

    Raises
    ------
    QueryError
        It is something else, names a column that is not there, or gives another answer another
        time.
    """
    try:
        where.encode()
    except UnicodeEncodeError as error:
        raise QueryError(f"where {where!r} has a letter that no text can have: {error}") from error
    parsed = [_parse(con, probe.format(where)) for probe in _PROBES]
    plain = _parse(con, _PROBES[0].format("TRUE"))
    same = len({_plain(one) for one in parsed}) == 1
    if (
        None in parsed
        or not same
        or _plain(parsed[0], "where_clause") != _plain(plain, "where_clause")
    ):
        raise QueryError(f"where {where!r} is not one SQL condition, like Metadata_Site < 4")
    if '"class": "SUBQUERY"' in json.dumps(parsed[0]):
        raise QueryError(f"where {where!r} has a subquery; use only columns of {sites}")
    with where_errors(where), _absent_columns(con, where, sites):
        con.execute(_statement(sites, where) + " LIMIT 0").fetchall()
    # what the relation itself calls is not the user's
    called = _planned(con, _statement(sites, where)) - _planned(con, _statement(sites, "TRUE"))
    called |= _functions(json.dumps(parsed[0]))
    if others := sorted(called & _OF_THE_VERSION):
        instead = "; use md5_number() instead" if others[0] == "hash" else ""
        raise QueryError(
            f"where {where!r} has {others[0]}(), which gives another answer in another version of "
            f"DuckDB{instead}"
        )
    if changing := sorted(called & _changing(con)):
        raise QueryError(
            f"where {where!r} has {changing[0]}(), whose result differs from call to call; "
            "another `seed` is another choice"
        )
    return where


@contextmanager
def where_errors(where: str | None) -> Generator[None]:
    """Raise QueryError for what DuckDB says of a condition while it runs."""
    try:
        yield
    except (duckdb.DataError, duckdb.ProgrammingError) as error:
        if where is None:
            raise
        said = str(error).partition("\nLINE ")[0]
        raise QueryError(f"where {where!r}: {' '.join(said.split())}") from error


@contextmanager
def _absent_columns(con: duckdb.DuckDBPyConnection, where: str, sites: str) -> Generator[None]:
    """Raise QueryError, with the nearest names, for a column that a relation does not have."""
    try:
        yield
    except duckdb.BinderException as error:
        absent = _ABSENT.search(str(error))
        if absent is None:
            raise
        columns = [name for name, *_ in con.execute(f"DESCRIBE {sites}").fetchall()]
        plain = {name.lower().removeprefix("metadata_"): name for name in columns}
        asked = absent[1].lower().removeprefix("metadata_")
        near = [plain[one] for one in difflib.get_close_matches(asked, plain, n=3, cutoff=CUTOFF)]
        names = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(columns)}"
        raise QueryError(f"where {where!r}: there is no column {absent[1]!r}; {names}") from error


def _statement(sites: str, where: str) -> str:
    # no injection is possible, because the text was checked above to be one condition; a bound
    # parameter cannot stand for a condition
    return f"SELECT 1 FROM {sites} WHERE coalesce((\n{where}\n), FALSE)"  # noqa: S608


def _planned(con: duckdb.DuckDBPyConnection, text: str) -> set[str]:
    """Get the functions in the plan of a statement; those of macros are in it."""
    rows = con.execute("SELECT json_serialize_plan($text)", {"text": text}).fetchall()
    return _functions(rows[0][0])


def _parse(con: duckdb.DuckDBPyConnection, text: str) -> dict[str, Any] | None:
    rows = con.execute("SELECT json_serialize_sql($text)", {"text": text}).fetchall()
    parsed: dict[str, Any] = json.loads(rows[0][0])
    return None if parsed["error"] else parsed


def _plain(parsed: dict[str, Any] | None, without: str = "") -> str:
    """Get a statement as text, without the positions of its words and one of its parts."""

    def less(pairs: list[tuple[str, object]]) -> dict[str, object]:
        return {
            key: value
            for key, value in pairs
            if key != without and not key.startswith("query_location")
        }

    return json.dumps(json.loads(json.dumps(parsed), object_pairs_hook=less))


def _functions(text: str) -> set[str]:
    """Get the names of the functions in a parsed or planned statement, which is JSON."""
    names: set[str] = set()

    def note(part: dict[str, Any]) -> dict[str, Any]:
        kind = part.get("class", part.get("expression_class"))
        if kind in ("FUNCTION", "BOUND_FUNCTION"):
            # DuckDB 1 has a name, DuckDB 2 its path in the catalog
            path: list[str] = part.get("qname", {}).get("path") or [str(part.get("name"))]
            name = str(part.get("function_name", path[-1]))
            # with two times, age() is their difference; with one, it reads the clock
            if name != "age" or len(part.get("children") or part["arguments"]) == 1:
                names.add(name)
        return part

    json.loads(text, object_hook=note)
    return names


def _changing(con: duckdb.DuckDBPyConnection) -> set[str]:
    # a macro by its text, because DuckDB 2 plans its value and not its functions
    query = """
        SELECT function_name FROM duckdb_functions()
        WHERE stability <> 'CONSISTENT' OR regexp_matches(macro_definition, '\\bcurrent_')
    """
    return {name for (name,) in con.execute(query).fetchall()} | _OF_THE_SESSION
