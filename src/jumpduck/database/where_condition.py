"""One SQL condition from a user: a condition on columns, and nothing else."""

import json
from typing import Any

import duckdb

from jumpduck.errors import QueryError

_PROBE = "SELECT 1 FROM t WHERE (\n{}\n)"


def check_where(con: duckdb.DuckDBPyConnection, where: str, sites: str) -> str:
    """Get `where` back if it is one condition on the columns of a relation.

    DuckDB's own parser decides: a statement that has `where` as its WHERE clause must be parsed as
    the same statement with another WHERE clause, without a subquery.

    Parameters
    ----------
    where
        The condition.
    sites
        Name of the relation.

    Raises
    ------
    QueryError
        It is something else, or names a column that is not there.
    """
    parsed = _parse(con, where)
    if parsed is None or _without_where(parsed) != _without_where(_parse(con, "TRUE")):
        raise QueryError(f"where {where!r} is not one SQL condition, like Metadata_Site < 4")
    if "SUBQUERY" in json.dumps(parsed):
        raise QueryError(f"where {where!r} has a subquery; use only columns of {sites}")
    try:
        # no injection is possible, because the text was checked above to be one condition; a bound
        # parameter cannot stand for a condition
        con.execute(f"SELECT 1 FROM {sites} WHERE coalesce((\n{where}\n), FALSE) LIMIT 0")  # noqa: S608
        con.fetchall()
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise QueryError(f"where {where!r}: {reason}") from error
    return where


def _parse(con: duckdb.DuckDBPyConnection, where: str) -> dict[str, Any] | None:
    text = _PROBE.format(where)
    rows = con.execute("SELECT json_serialize_sql($text)", {"text": text}).fetchall()
    parsed: dict[str, Any] = json.loads(rows[0][0])
    return None if parsed["error"] else parsed


def _without_where(parsed: dict[str, Any] | None) -> str:
    """Get the statement as text, without its condition and the positions of its words."""

    def less(pairs: list[tuple[str, object]]) -> dict[str, object]:
        return {
            key: value
            for key, value in pairs
            if key != "where_clause" and not key.startswith("query_location")
        }

    return json.dumps(json.loads(json.dumps(parsed), object_pairs_hook=less))
