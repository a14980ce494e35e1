"""The sites that are chosen where what is chosen on one plate depends on others."""

import duckdb

from jumpduck.database.connection import frame, interrupting
from jumpduck.errors import QueryError
from jumpduck.selection.groups import WHOLE, grouped
from jumpduck.selection.pipeline import Query
from jumpduck.selection.scaffolds import write_scaffolds
from jumpduck.selection.sql_text import last, literal, statement

CHOSEN = "memory.main.chosen_sites"
"""Table beside the catalog: site_number, plate_number, and what a budget orders sites by."""

COLUMNS = ("site_number", "plate_number", "added", "sample_rank", "sample_digest")


def plates_to_ask(con: duckdb.DuckDBPyConnection, query: Query) -> list[tuple[int, int]]:
    """Get the numbers of the plates to ask for, each with the number of sites to look at.

    Where plates depend on one another, this chooses the sites of all of them.
    """
    if not query.crosses_plates:
        return query.plates.rows()
    steps = query.steps(query.held.relation("sites"))
    names = literal(list(COLUMNS))
    select = f"SELECT COLUMNS(LAMBDA name: name IN {names}) FROM {last(steps)}"  # noqa: S608
    with interrupting(con):
        con.execute(f"CREATE TABLE IF NOT EXISTS {CHOSEN} AS {statement(steps, select)}")
    counts = f"SELECT plate_number, count(*) FROM {CHOSEN} GROUP BY ALL ORDER BY ALL"  # noqa: S608
    return frame(con, counts).rows()


def check_groups(con: duckdb.DuckDBPyConnection, query: Query) -> None:
    """Raise QueryError if a site that may be chosen is in none of the groups asked for."""
    steps = query.candidates(
        query.held.relation("sites"), keep_known_bad=query.selection.keep_known_bad
    )
    steps["kept"] = f"FROM {last(steps)} WHERE {query.sites_kept} > 0"
    if query.split_by == "scaffold":
        write_scaffolds(con, query.held.perturbation, statement(steps, "FROM kept"))
    options = {query.balance[0]: f"per_{query.balance[0]}"} if query.balance else {}
    for by in {**options, **({query.split_by: "split_by"} if query.split_by else {})}:
        if by in WHOLE:
            continue
        lacking = {**steps, "grouped": grouped(query.held, by, "kept", "group_name")}
        select = """
            SELECT coalesce(Metadata_modality, 'unknown'), count(*) FROM grouped
            WHERE group_name IS NULL GROUP BY ALL ORDER BY ALL
        """
        if found := con.execute(statement(lacking, select)).fetchall():
            counts = ", ".join(f"{modality} {sites:,}" for modality, sites in found)
            instead = "choose less with `modalities` or `where`"
            raise QueryError(f"these sites have no {by}: {counts}; {instead}, or group otherwise")
