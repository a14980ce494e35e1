"""One SQL predicate from a user: a condition on columns, and nothing else."""

import json
from typing import Any

import duckdb

from jumpduck.errors import QueryError

_PROBE = "SELECT 1 FROM t WHERE (\n{}\n)"


def check_predicate(con: duckdb.DuckDBPyConnection, predicate: str) -> str:
    """Get `predicate` back if it is one condition over the columns of jump.sites.

    DuckDB's own parser decides: a statement with the predicate in its WHERE must come out as the
    same statement with another WHERE, and hold no subquery.

    Raises
    ------
    QueryError
        It is something else, or names a column that is not there.
    """
    parsed = _parse(con, predicate)
    if parsed is None or _without_where(parsed) != _without_where(_parse(con, "TRUE")):
        raise QueryError(f"--where {predicate!r} is not one SQL condition, like Metadata_Site < 4")
    if "SUBQUERY" in json.dumps(parsed):
        raise QueryError(f"--where {predicate!r} holds a subquery; only columns of jump.sites")
    try:
        # checked above to be a condition, and bound parameters cannot stand for one
        con.execute(f"SELECT 1 FROM jump.sites WHERE coalesce((\n{predicate}\n), FALSE) LIMIT 0")  # noqa: S608
        con.fetchall()
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise QueryError(f"--where {predicate!r}: {reason}") from error
    return predicate


def _parse(con: duckdb.DuckDBPyConnection, predicate: str) -> dict[str, Any] | None:
    text = _PROBE.format(predicate)
    rows = con.execute("SELECT json_serialize_sql($text)", {"text": text}).fetchall()
    parsed: dict[str, Any] = json.loads(rows[0][0])
    return None if parsed["error"] else parsed


def _without_where(parsed: dict[str, Any] | None) -> str:
    """The statement as text, less its condition and the places where its words stood."""

    def less(pairs: list[tuple[str, object]]) -> dict[str, object]:
        return {
            key: value
            for key, value in pairs
            if key != "where_clause" and not key.startswith("query_location")
        }

    return json.dumps(json.loads(json.dumps(parsed), object_pairs_hook=less))
