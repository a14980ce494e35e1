"""Names of perturbations that the catalog's own SQL does not find, and why it may not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from jumpduck.database.connection import HeldCollection, frame, held_collection
from jumpduck.errors import QueryError
from jumpduck.selection import structures
from jumpduck.selection.criteria import COMPOUNDS, GENES

LETTERS_PER_MISTAKE = 4
"""A perturbation is suggested for a name with one mistake in so many letters, because among 28,000
names one that differs more is that of something else: HASPIN is a gene, and not aspirin."""

MIN_PART_LETTERS = 3
"""A part of a name brings that name if it has so many letters: P53 brings TP53."""

PARTS_PER_NAME = 3
"""What is longer than so many such parts is not suggested, because a key of random letters has any
three letters somewhere."""


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


def check_perturbations(
    con: duckdb.DuckDBPyConnection,
    what: str,
    names: Sequence[str],
    found: Collection[str],
    modalities: Sequence[str] | None = None,
) -> None:
    """Raise QueryError, with the nearest names, for the first of `names` that is not `found`."""
    missing = [name for name in names if name not in found]
    if not missing:
        return
    held = held_collection(con)
    if modalities is not None:
        _check_kind(con, held, what, missing[0])
    near = con.execute(
        f"""
        WITH named AS (
            SELECT DISTINCT
                name, lower(name) AS letters, lower(trim($asked)) AS part,
                damerau_levenshtein(letters, part) AS mistakes,
                mistakes <= len(part) / {LETTERS_PER_MISTAKE} AS misspelt
            FROM {held.relation("perturbation_names")}
            WHERE $modalities IS NULL OR list_contains($modalities::VARCHAR[], Metadata_modality)
        )
        SELECT name FROM named
        WHERE
            misspelt OR (
                len(part) >= {MIN_PART_LETTERS} AND contains(letters, part)
                AND len(name) <= {PARTS_PER_NAME} * len(part)
            )
        ORDER BY NOT misspelt, NOT starts_with(letters, part), mistakes, name
        LIMIT 3
        """,  # noqa: S608
        {"asked": missing[0], "modalities": list(modalities) if modalities else None},
    ).fetchall()
    query = """
        SELECT comment FROM duckdb_columns()
        WHERE
            schema_name = $name AND table_name = 'perturbation_names'
            AND column_name = 'name' AND comment IS NOT NULL
    """
    comments = con.execute(query, {"name": held.name}).fetchall()
    listed = (
        f'`jumpduck sql "FROM {held.relation("perturbation_names")}"` lists those that are known'
    )
    known = f"what is known here: {comments[0][0]}; {listed}" if comments else listed
    hint = _explain_name(con, held, missing[0]) or known
    if near:
        hint = f"did you mean {', '.join(name for (name,) in near)}? If not: {hint}"
    raise QueryError(f"there is no {what} {missing[0]!r}; {hint}")


def _check_kind(con: duckdb.DuckDBPyConnection, held: HeldCollection, what: str, name: str) -> None:
    """Raise QueryError for the name of a perturbation that is not a `what`."""
    macro = held.relation("find_perturbations")
    for kind, modalities in (("gene", GENES), ("compound", COMPOUNDS), ("perturbation", None)):
        query = f"SELECT count(*) FROM {macro}([$name], modalities := $modalities)"  # noqa: S608
        params = {"name": name, "modalities": list(modalities) if modalities else None}
        if con.execute(query, params).fetchall()[0][0]:
            is_one = "" if modalities is None else f", but a {kind}"
            raise QueryError(f"{name!r} is not a {what}{is_one}: name it with `{kind}s`")


def _explain_name(con: duckdb.DuckDBPyConnection, held: HeldCollection, name: str) -> str | None:
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
