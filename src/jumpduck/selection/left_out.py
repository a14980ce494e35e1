"""What a selection leaves out, and why nothing is left."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import duckdb

from jumpduck.counts import counted
from jumpduck.selection.chosen import CHOSEN, plates_to_ask
from jumpduck.selection.criteria import as_names
from jumpduck.selection.groups import grouped
from jumpduck.selection.pipeline import BUDGETS, NAMED, Query
from jumpduck.selection.sql_text import last, statement


@dataclass(frozen=True)
class LeftOut:
    """Numbers of sites that fulfil the conditions of a selection, and that it does not choose.

    Parameters
    ----------
    known_bad
        What `keep_known_bad` would choose; where groups are balanced, what it would choose of each
        well before that.
    excluded
        What `exclude` names, in wells of which `per_well` keeps a site.
    without_channels
        What lacks one of `channels`.
    by_role
        What is in wells of which `per_well` keeps no site, by their role.
    too_few
        Of groups that have fewer sites than they should keep: how many they have. All of these are
        chosen, unless a budget is spent before.
    """

    known_bad: int
    excluded: int
    without_channels: int
    by_role: Mapping[str, int]
    too_few: Mapping[str, int]


def left_out(con: duckdb.DuckDBPyConnection, query: Query) -> LeftOut:
    """Count what a selection leaves out."""
    keep = query.selection.keep_known_bad
    known_bad = 0 if keep else _known_bad(con, query)
    lacking = _without_channels(con, query) if query.selection.channels else 0
    return LeftOut(
        known_bad, _excluded(con, query), lacking, _by_role(con, query), _too_few(con, query)
    )


def why_empty(con: duckdb.DuckDBPyConnection, query: Query) -> str:
    """Get the reason why a selection has no image, and what to do."""
    sites = query.held.relation("sites")
    matched = _count(con, {}, f"({query.chosen(sites)})")
    if not matched:
        return _why_nothing_matches(con, query)
    if _without_channels(con, query) == matched:
        names = ", ".join(query.needed_channels)
        count = counted(matched, "site")
        return f"none of the {count} asked for has an image of {names}; ask for fewer"
    steps = _candidates(query)
    if query.excluded and not _count(con, steps, last(steps)):
        others = _candidates(replace(query, excluded=None))
        if count := _count(con, others, last(others)):
            return f"`exclude` names each of the {counted(count, 'site')} asked for; name fewer"
    if not _count(con, steps, last(steps)):
        count = counted(matched, "site")
        return f"each of the {count} asked for is known to be bad; `keep_known_bad` keeps them"
    named = "AND NOT added" if query.selection.adds_controls else ""
    if not _count(con, steps, f"{last(steps)} WHERE {query.sites_kept} > 0 {named}"):
        roles = _by_role(con, query)
        counts = ", ".join(f"{role} {count:,}" for role, count in roles.items())
        return (
            f"no site of these roles is kept: {counts}; "
            f"`per_well` {next(iter(roles))}=1 keeps one of each well"
        )
    budget = next(name for name in BUDGETS if getattr(query.selection, name) is not None)
    return f"`{budget}` {getattr(query.selection, budget)} is less than one site takes"


def _why_nothing_matches(con: duckdb.DuckDBPyConnection, query: Query) -> str:
    names = [name for asked in NAMED for name in as_names(getattr(query.selection, asked))]
    sites = query.held.relation("sites")
    if names and not _count(con, {}, f"{sites} WHERE {query.perturbations}"):
        return (
            f"this catalog has no image of {', '.join(names)}; `jumpduck find` says on how many "
            "plates they are, and `jumpduck catalog` reads more plates"
        )
    counts = {
        name: _count(con, {}, f"({query.chosen(sites, without=name)})") for name in query.conditions
    }
    asked = " and ".join(f"`{name}`" for name in counts) or "anything"
    less = [f"{count:,} without `{name}`" for name, count in counts.items() if count]
    hint = f"; there are {', '.join(less)}" if less and len(counts) > 1 else ""
    return f"no site of this catalog fulfils {asked}{hint}; ask for less"


def _candidates(query: Query) -> dict[str, str]:
    sites = query.held.relation("sites")
    return query.candidates(sites, keep_known_bad=query.selection.keep_known_bad)


def _known_bad(con: duckdb.DuckDBPyConnection, query: Query) -> int:
    """Count the known bad sites among those that would be chosen with them.

    Without a budget, what is chosen of a well depends on that well alone; therefore only plates
    with known issues are looked at. With one, the sites of other plates are those that were chosen,
    because known bad sites that come along can only take the places of others.
    """
    suspect = "plate_dropped OR issues IS NOT NULL"
    sites = query.held.relation("sites")
    steps = {
        "suspect": f"FROM {sites} WHERE {suspect}",
        **query.candidates("suspect", keep_known_bad=True),
    }
    columns = "plate_dropped, issues, Metadata_Well, Metadata_Site"
    bad = f"main.is_known_bad({columns}, {query.channel_list})"
    if not _count(con, steps, f"{last(steps)} WHERE {bad}"):
        return 0
    selection = replace(query.selection, max_sites=None, max_gb=None)
    replace(query, selection=selection, balance=None).sample(steps)
    if query.has_budget and not query.balance:
        plates_to_ask(con, query)
        steps["others"] = (
            f"SELECT sites.*, chosen.* EXCLUDE (site_number, plate_number) FROM {sites} AS sites "  # noqa: S608
            f"JOIN {CHOSEN} AS chosen USING (site_number) WHERE NOT ({suspect})"
        )
        steps["together"] = f"FROM {list(steps)[-2]} UNION ALL BY NAME FROM others"
        steps["affordable"] = query.affordable("together")
    return _count(con, steps, f"{last(steps)} WHERE {bad}")


def _excluded(con: duckdb.DuckDBPyConnection, query: Query) -> int:
    if not query.excluded:
        return 0
    steps = _candidates(replace(query, excluded=None))
    named = f"SEMI JOIN {query.excluded} AS excluded USING (site_number)"
    return _count(con, steps, f"{last(steps)} {named} WHERE {query.sites_kept} > 0")


def _too_few(con: duckdb.DuckDBPyConnection, query: Query) -> dict[str, int]:
    """Get the sites of each group that has fewer than it should keep.

    A well has as many as it keeps by its role, therefore no site needs to be chosen to count them.
    """
    if not query.balance:
        return {}
    by, count = query.balance
    steps = _candidates(query)
    named = "WHERE NOT added" if query.selection.adds_controls else ""
    steps["named"] = f"FROM {last(steps)} {named}"
    steps["grouped"] = grouped(query.held, by, "named", "group_name")
    steps["counted"] = f"""
        SELECT group_name, least(count(*), any_value({query.sites_kept})) AS sites
        FROM grouped GROUP BY group_name, plate_number, Metadata_Well
    """  # noqa: S608
    select = f"""
        SELECT group_name, sum(sites)::BIGINT AS sites FROM counted
        GROUP BY ALL HAVING sites BETWEEN 1 AND {count - 1} ORDER BY sites, group_name
    """  # noqa: S608
    return dict(con.execute(statement(steps, select)).fetchall())


def _without_channels(con: duckdb.DuckDBPyConnection, query: Query) -> int:
    sites = query.held.relation("sites")
    steps = {"imaged": query.imaged(sites)}
    every = _count(con, {}, f"({query.chosen(sites)})")
    return every - _count(con, steps, f"({query.chosen('imaged')})")


def _by_role(con: duckdb.DuckDBPyConnection, query: Query) -> dict[str, int]:
    steps = _candidates(query)
    select = f"""
        SELECT Metadata_pert_type, count(*) FROM {last(steps)}
        WHERE {query.sites_kept} = 0
        GROUP BY ALL ORDER BY ALL
    """  # noqa: S608
    return dict(con.execute(statement(steps, select)).fetchall())


def _count(con: duckdb.DuckDBPyConnection, steps: Mapping[str, str], relation: str) -> int:
    select = f"SELECT count(*) FROM {relation}"  # noqa: S608
    text = statement(steps, select) if steps else select
    return int(con.execute(text).fetchall()[0][0])
