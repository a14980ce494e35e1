"""Names of perturbations that the catalog's own SQL does not find, and why it may not."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from jumpduck.database.connection import HeldCollection, frame
from jumpduck.selection import structures


@dataclass(frozen=True)
class OtherName:
    """A name that the catalog may know, for one that was asked for.

    Parameters
    ----------
    matched_by
        How the other name was made. Where `alike` is None, it follows how the catalog knows it.
    alike
        Whether what it finds is not itself what was asked for; None if the catalog says that.
    """

    asked: str
    name: str
    matched_by: str
    alike: bool | None = False


def look_up(
    con: duckdb.DuckDBPyConnection,
    held: HeldCollection,
    query: str,
    names: Sequence[str],
    *,
    others: Sequence[OtherName] = (),
    modalities: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Get what a query finds for `names`, and for those it does not find by their other names.

    Parameters
    ----------
    query
        SQL that has the parameter ``$names`` and, if `modalities` are given, ``$modalities``; its
        columns ``asked``, ``matched_by`` and ``alike`` are made those of what was asked for.
    others
        Other names that the caller knows. SMILES in another notation are added here.
    """
    given: dict[str, object] = {"modalities": list(modalities) if modalities else None}
    params = given if "$modalities" in query else {}
    found = frame(con, query, {"names": list(names), **params})
    missing = set(names) - set(found["asked"])
    tables = [found]
    found_by: dict[str, str] = {}
    for one in (*others, *_other_notations(con, held, missing)):
        best = found_by.get(one.asked, one.matched_by)
        if one.asked not in missing or best != one.matched_by:
            continue
        rows = frame(con, query, {"names": [one.name], **params})
        if rows.height:
            found_by[one.asked] = one.matched_by
            tables.append(_relabelled(rows, one))
    return pl.concat(tables)


def explain_name(con: duckdb.DuckDBPyConnection, held: HeldCollection, name: str) -> str | None:
    """Get why a name may not be found and what would work, if the collection can say it."""
    query = """
        SELECT count(*) FROM duckdb_functions()
        WHERE schema_name = $schema AND function_name = 'explain_name'
    """
    if not con.execute(query, {"schema": held.name}).fetchall()[0][0]:
        return None
    query = f"SELECT {held.relation('explain_name')}($name)"
    reason = con.execute(query, {"name": name}).fetchall()[0][0]
    return "; ".join(filter(None, (reason, structures.how_compared(name))))


def _relabelled(rows: pl.DataFrame, one: OtherName) -> pl.DataFrame:
    """Get what another name found as what was asked for."""
    said = {"asked": pl.lit(one.asked), "matched_by": pl.lit(one.matched_by)}
    if one.alike is None:
        said["matched_by"] = pl.col("matched_by") + " " + one.matched_by
    else:
        said["alike"] = pl.lit(one.alike)
    return rows.with_columns(
        value.alias(column) for column, value in said.items() if column in rows.columns
    )


def _other_notations(
    con: duckdb.DuckDBPyConnection, held: HeldCollection, names: set[str]
) -> list[OtherName]:
    return [
        OtherName(name, *found)
        for name in sorted(names)
        for found in structures.other_notations(con, held, name)
    ]
