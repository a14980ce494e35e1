"""Sites of a catalog to look at, and what is to be fetched of them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from jumpduck.database.connection import frame, open_catalog
from jumpduck.errors import QueryError
from jumpduck.selection.criteria import Selection
from jumpduck.selection.pipeline import Query, make_query
from jumpduck.selection.shown_sites import ShownSites, beside, described, spread
from jumpduck.selection.sql_text import last, statement

BOUNDS = ("perturbations", "genes", "compounds", "plates", "wells")
"""Parameters of which one is named, because all sites of a catalog can be many millions."""


@dataclass(frozen=True)
class PublishedSites:
    """Sites to look at, as they were published.

    Attributes
    ----------
    shown
        The sites.
    rows
        Their images, as a manifest has them.
    channels
        Channels of the collection: name, kind, colour, emission_nm and marks.
    endpoint
        S3 server of the catalog; None for AWS.
    notes
        What a user should know of the names.
    """

    shown: ShownSites
    rows: pl.DataFrame
    channels: list[dict[str, Any]]
    endpoint: str | None
    notes: list[str]


def published_sites(
    catalog: str | Path, selection: Selection, most: int, most_controls: int
) -> PublishedSites:
    """Choose a few sites that a selection names, and controls of the same plates and modality.

    Raises
    ------
    QueryError
        Nothing bounds the selection, it is empty, or it has a name that the catalog does not know.
    ManifestError
        `catalog` is not a catalog.
    """
    if not any(getattr(selection, name) for name in BOUNDS):
        raise QueryError(
            "`remote` needs a perturbation, gene, compound, plate or well, because a catalog has "
            "too many sites to look at all; name one"
        )
    selection = replace(selection, per_well="all")
    with open_catalog(catalog) as con:
        query = make_query(con, selection)
        asked = _sites(con, query, query.plates["plate_number"])
        if asked.is_empty():
            raise QueryError(
                "no site fits all that was asked for together; `jumpduck manifest` with these "
                "names says why"
            )
        some = spread(asked, most)
        controls = asked.clear()
        if most_controls:
            of_role = make_query(con, Selection(roles="negcon", channels=selection.channels))
            controls = _sites(con, of_role, some["plate_number"].unique())
        shown = beside(asked, some, controls, most_controls)
        _view(con, query, "shown", "site_number", shown.sites["site_number"])
        rows = frame(con, query.text("shown", "shown"))
        channels = frame(con, query.known_channels).to_dicts()
        settings = frame(con, f"FROM {query.held.relation('settings')}").row(0, named=True)
    return PublishedSites(shown, rows, channels, settings["endpoint"], list(query.notes))


def _sites(con: duckdb.DuckDBPyConnection, query: Query, plates: pl.Series) -> pl.DataFrame:
    """Get the usable sites of a query on some plates, as `described` has them."""
    _view(con, query, "of_plates", "plate_number", plates)
    steps = query.candidates("of_plates", keep_known_bad=False)
    columns = "COLUMNS(LAMBDA name: starts_with(name, 'Metadata_')), site_number, plate_number"
    found = frame(con, statement(steps, f"SELECT {columns} FROM {last(steps)}"))  # noqa: S608
    return described(found.lazy(), pl.lit(0), "site_number", "plate_number").collect()


def _view(
    con: duckdb.DuckDBPyConnection, query: Query, name: str, column: str, numbers: pl.Series
) -> None:
    """Make a view of the sites with some numbers."""
    wanted = ", ".join(map(str, numbers)) or "NULL"
    sites = query.held.relation("sites")
    con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS FROM {sites} WHERE {column} IN ({wanted})")
