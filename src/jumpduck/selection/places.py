"""Sources, batches, plates, plate types and wells that a user names, checked against a catalog."""

import re
from collections.abc import Collection, Mapping, Sequence

import duckdb
import polars as pl

from jumpduck.database.connection import HeldCollection, frame
from jumpduck.errors import QueryError
from jumpduck.selection.criteria import Selection, as_names
from jumpduck.selection.suggestions import check_names, known_names, meant_by, separate

COLUMNS: Mapping[str, tuple[str, str]] = {
    "sources": ("source", "Metadata_Source"),
    "batches": ("batch", "Metadata_Batch"),
    "plates": ("plate", "Metadata_Plate"),
    "plate_types": ("plate type", "Metadata_PlateType"),
}
"""Of each parameter that names plates: its word and its column."""

CATALOG_FLAGS = {
    "sources": "--source",
    "plates": "--plate",
    "plate_types": "--plate-type",
}
"""What `jumpduck catalog` can be told to look for."""


def check_places(
    con: duckdb.DuckDBPyConnection, held: HeldCollection, selection: Selection
) -> tuple[pl.DataFrame, dict[str, tuple[str, list[str]]]]:
    """Get the plates with images that a selection may need, and the names asked for.

    Returns
    -------
    tuple
        plate_number and sites of the plates; by parameter, the column and the names as
        the catalog writes them.

    Raises
    ------
    QueryError
        A name of a place that the catalog does not know, or that it has no images of.
    """
    plates = frame(
        con,
        f"""
        SELECT
            plate_number, any_value(Metadata_Source) AS Metadata_Source,
            any_value(Metadata_Batch) AS Metadata_Batch,
            any_value(Metadata_Plate) AS Metadata_Plate,
            any_value(Metadata_PlateType) AS Metadata_PlateType, count(*) AS sites
        FROM {held.relation("sites")}
        GROUP BY plate_number
        ORDER BY plate_number
        """,  # noqa: S608
    )
    chosen = plates
    named: dict[str, tuple[str, list[str]]] = {}
    for name, (what, column) in COLUMNS.items():
        if asked := as_names(getattr(selection, name)):
            known = set(plates[column].drop_nulls())
            try:
                named[name] = column, known_names(what, asked, known)
            except QueryError:
                _explain_missing(con, held, name, separate(asked, known))
                raise
            chosen = chosen.filter(pl.col(column).is_in(named[name][1]))
    return chosen.select("plate_number", "sites"), named


def known_wells(asked: Sequence[str], known: Collection[str]) -> list[str]:
    """Get wells as the catalog writes them: ``a1`` is A01.

    Raises
    ------
    QueryError
        There is no such well; the message has the nearest ones.
    """
    written: dict[str, list[str]] = {}
    for name in known:
        written.setdefault(_well(name), []).append(name)
    asked = separate(asked, known)
    check_names("well", [one for one in asked if _well(one) not in written], known)
    return sorted({name for one in asked for name in written[_well(one)]})


def _well(name: str) -> str:
    """Get the name of a well in capitals and without leading zeros: what is the same is one."""
    return re.sub(r"^([A-Z]+)0+(?=\d)", r"\1", name.strip().upper())


def _explain_missing(
    con: duckdb.DuckDBPyConnection, held: HeldCollection, name: str, missing: Sequence[str]
) -> None:
    """Raise QueryError for a place that is published, and that the catalog has no images of."""
    what, column = COLUMNS[name]
    problems, published = held.relation("problems"), held.relation("plates")
    if name == "plates":
        query = f"SELECT Metadata_Plate, reason FROM {problems} ORDER BY ALL"  # noqa: S608
        for plate, reason in con.execute(query).fetchall():
            if plate in missing:
                raise QueryError(f"plate {plate!r} has no images that can be read: {reason}")
    query = f"SELECT DISTINCT {column} FROM {published}"  # noqa: S608
    known = {one for (one,) in con.execute(query).fetchall() if one is not None}
    imaged = f"SELECT DISTINCT {column} FROM {held.relation('sites')}"  # noqa: S608
    known -= {one for (one,) in con.execute(imaged).fetchall()}
    for asked in missing:
        for one in meant_by(asked, known):
            flag = CATALOG_FLAGS.get(name)
            how = f"`jumpduck catalog {flag} {one}`" if flag else "`jumpduck catalog`"
            raise QueryError(
                f"{what} {one!r} is published, but this catalog has no images of it; "
                f"build the catalog for it: {how}"
            )
