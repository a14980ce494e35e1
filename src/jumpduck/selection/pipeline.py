"""A selection, checked against a catalog, as the SQL text that chooses its files."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from jumpduck.database.connection import HeldCollection, frame, held_collection
from jumpduck.database.where_condition import check_where
from jumpduck.errors import QueryError
from jumpduck.selection.criteria import (
    ALL_SITES,
    COMPOUNDS,
    CONTROL_ROLES,
    GENES,
    MODALITIES,
    SITES_PER_WELL,
    Names,
    Selection,
    as_names,
)
from jumpduck.selection.excluded import EXCLUDED, check_excluded
from jumpduck.selection.groups import (
    BALANCE,
    OWN,
    balance_of,
    check_column,
    check_compounds,
    grouped,
    split_of,
)
from jumpduck.selection.names import check_perturbations, look_up
from jumpduck.selection.places import check_places, known_wells
from jumpduck.selection.scaffolds import check_rdkit
from jumpduck.selection.sql_text import last, listed, literal, statement
from jumpduck.selection.suggestions import check_names, known_names, separate

NAMED = ("perturbations", "genes", "compounds")
"""Parameters that name perturbations."""

BUDGETS = ("max_sites", "max_gb")


@dataclass(frozen=True)
class Query:
    """A selection in which every name is known to the catalog.

    Parameters
    ----------
    held
        The catalog's collection.
    plates
        One row a plate with images that the selection may need: plate_number, and sites.
    conditions
        What each site fulfils, in SQL, by the parameter that asks for it; `perturbations` is the
        one of them that names perturbations.
    needed_channels
        Channels that a site must have to count: all of them if they were asked for by name, else
        one of the stains.
    channels
        Channels to list: those, and brightfield where it was imaged.
    balance
        Groups that get an equal number of sites, and that number.
    notes
        What a user should know of the names: perturbations that are only alike.
    excluded
        Relation of the sites that are left out, by their site_number; None without `exclude`.
    """

    held: HeldCollection
    plates: pl.DataFrame
    conditions: Mapping[str, str]
    perturbations: str
    needed_channels: Sequence[str]
    channels: Sequence[str]
    per_well: Mapping[str, int]
    balance: tuple[str, int] | None
    selection: Selection
    notes: Sequence[str]
    excluded: str | None = None

    def text(self, sites: str | None = None, chosen: str | None = None) -> str:
        """Get the SQL that lists the files to fetch.

        Parameters
        ----------
        sites
            Relation to choose from; the collection's sites by default.
        chosen
            Relation of the sites that are chosen, if that is known already.
        """
        sites = sites or self.held.relation("sites")
        steps = {} if chosen else self.steps(sites)
        chosen = chosen or last(steps)
        if self.split_by:
            names, ends = (literal(one) for one in split_of(self.selection))
            steps["split_groups"] = grouped(self.held, self.split_by, sites, "split_group")
            steps["split_sites"] = (
                f"FROM main.split_sites(split_groups, {names}, {ends}, "
                f"seed := {self.selection.seed})"
            )
            sites = "split_sites"
        illum = literal(self.selection.illum)
        return statement(
            steps,
            f"FROM list_files({chosen}, {sites}, "
            f"channels := {self.channel_list}, illum := {illum})",
        )

    def steps(self, sites: str) -> dict[str, str]:
        """Get the steps of the SQL up to the sites that are chosen."""
        steps = self.candidates(sites, keep_known_bad=self.selection.keep_known_bad)
        self.sample(steps)
        return steps

    @property
    def split_by(self) -> str | None:
        """What no two parts of the choice share."""
        return self.selection.split_by

    @property
    def sites_kept(self) -> str:
        """Get the number of sites that a well keeps, as SQL has it."""
        return f"coalesce({literal(self.per_well)}[Metadata_pert_type], 0)"

    @property
    def crosses_plates(self) -> bool:
        """Whether what is chosen on a plate depends on other plates."""
        within = self.balance is None or self.balance[0] == "plate"
        return not within or self.has_budget

    @property
    def known_channels(self) -> str:
        """Get the SQL of the collection's channels, as `transfer.origins.Channel` has them."""
        return f"""
            SELECT Metadata_Channel AS name, kind, colour, emission_nm, marks
            FROM {self.held.relation("channels")}
            ORDER BY position, name
            """  # noqa: S608

    @property
    def channel_list(self) -> str:
        """Get the channels as SQL has them."""
        return literal(list(self.channels))

    def imaged(self, sites: str) -> str:
        """Get the SQL of the sites that have the channels asked for."""
        needed, every = literal(list(self.needed_channels)), literal(bool(self.selection.channels))
        return f"FROM keep_imaged({sites}, {needed}, every := {every})"

    def chosen(self, sites: str, without: str | None = None) -> str:
        """Get the SQL of the sites that fulfil all conditions, or all but one."""
        text = f"FROM {sites}"
        if asked := [one for name, one in self.conditions.items() if name != without]:
            text += "\n    WHERE\n        " + "\n        AND ".join(asked)
        return text

    def candidates(self, sites: str, *, keep_known_bad: bool) -> dict[str, str]:
        """Get the steps of the SQL up to the sites that are asked for.

        What cannot be used stays out first, because controls are looked for on the plates of what
        remains.
        """
        steps = {"imaged": self.imaged(sites)}
        if not keep_known_bad:
            steps["usable"] = f"FROM drop_known_bad(imaged, channels := {self.channel_list})"
        if self.excluded:
            steps["not_excluded"] = (
                f"FROM {last(steps)} ANTI JOIN {self.excluded} AS excluded USING (site_number)"
            )
        if not self.selection.adds_controls:
            return {**steps, "chosen": self.chosen(last(steps))}
        named = " AND ".join(self.conditions.values()) or "TRUE"
        asked = literal(_control_roles(self.selection) or [CONTROL_ROLES[0]])
        steps["flagged"] = f"SELECT *, NOT coalesce({named}, FALSE) AS added FROM {last(steps)}"  # noqa: S608
        steps["with_controls"] = (
            f"FROM add_controls(flagged, roles := {asked}, per_well := {literal(self.per_well)})"
        )
        return steps

    def sample(self, steps: dict[str, str]) -> None:
        """Add the steps that choose a few sites of each well, within the budget."""
        steps["sampled"] = (
            f"FROM sample_sites({last(steps)}, per_well := {literal(self.per_well)}, "
            f"seed := {self.selection.seed})"
        )
        if self.balance:
            by, count = self.balance
            steps["grouped"] = grouped(self.held, by, "sampled", "spread_group")
            steps["spread"] = f"FROM spread_sites(grouped, per_group := {count})"
        wells = self.selection.controls_per_plate
        if wells is not None or (self.balance and self.selection.adds_controls):
            bound = "NULL" if wells is None else wells
            steps["bounded"] = f"FROM bound_controls({last(steps)}, per_plate := {bound})"
        if self.has_budget:
            steps["affordable"] = self.affordable(last(steps))

    def affordable(self, sampled: str) -> str:
        """Get the SQL of the sampled sites that the budget allows."""
        limits = [
            f"{name} := {value}"
            for name in BUDGETS
            if (value := getattr(self.selection, name)) is not None
        ]
        if self.selection.max_gb is not None:
            smallest = f"SELECT min(image_bytes) FROM {self.held.relation('sites')}"  # noqa: S608
            limits.append(f"smallest_bytes := ({smallest})")
        return (
            f"FROM within_budget({sampled}, {', '.join(limits)}, channels := {self.channel_list})"
        )

    @property
    def has_budget(self) -> bool:
        """Whether a number of sites or gigabytes is the limit."""
        return any(getattr(self.selection, name) is not None for name in BUDGETS)


def make_query(con: duckdb.DuckDBPyConnection, selection: Selection) -> Query:
    """Get a selection with every name checked against an open catalog.

    Raises
    ------
    QueryError
        A name that the catalog does not know, with the nearest ones; a number or condition that
        is not allowed.
    """
    check_values(selection)
    held = held_collection(con)
    per_well = _per_well(selection)
    _check_whole(selection, per_well)
    balance = balance_of(selection)
    if {"compound", "scaffold"} & {balance and balance[0], selection.split_by}:
        check_compounds(con, held)
    if selection.split_by and selection.split_by.startswith(OWN):
        check_column(con, held, selection.split_by)
    sites = held.relation("sites")
    plates, places = check_places(con, held, selection)
    named = {
        **places,
        "wells": ("Metadata_Well", _wells(con, sites, selection)),
        "roles": ("Metadata_pert_type", known_names("role", selection.roles, SITES_PER_WELL)),
        "modalities": ("Metadata_modality", _modalities(con, sites, selection)),
    }
    conditions = {
        name: f"{column} IN {listed(names)}" for name, (column, names) in named.items() if names
    }
    found, notes = known_perturbations(con, held, selection)
    perturbations = "TRUE" if found is None else f"{held.perturbation} IN {listed(found)}"
    if found is not None:
        name = next(name for name in NAMED if as_names(getattr(selection, name)))
        conditions[name] = perturbations
        query = f"SELECT DISTINCT plate_number FROM {sites} WHERE {perturbations}"  # noqa: S608
        plates = plates.join(frame(con, query), on="plate_number", how="semi")
    if selection.where:
        where = check_where(con, selection.where, sites)
        conditions["where"] = f"coalesce((\n{where}\n), FALSE)"
    channels = _channels(con, held, selection)
    excluded = None if selection.exclude is None else EXCLUDED
    return Query(
        held, plates, conditions, perturbations, *channels, per_well, balance, selection, notes,
        excluded,
    )  # fmt: skip


def check_values(selection: Selection) -> None:
    """Raise QueryError for what is not allowed, whatever the catalog holds."""
    _per_well(selection)
    balance_of(selection)
    split_of(selection)
    if selection.split_by == "scaffold":
        check_rdkit()
    wells = selection.controls_per_plate
    if wells is not None and wells < 1:
        raise QueryError(f"controls_per_plate {wells} is not allowed; give 1 or more")
    for name in BUDGETS:
        budget = getattr(selection, name)
        if budget is not None and not 0 < budget < math.inf:
            raise QueryError(f"{name} {budget} is not allowed; give a finite number above 0")
    known_names("role", selection.roles, SITES_PER_WELL)
    _control_roles(selection)
    check_excluded(selection.exclude)


def find_text(held: HeldCollection, names: Names, *, wells: bool = False) -> str:
    """Get the SQL that finds perturbations, or their wells, by their names."""
    macro = held.relation("find_wells" if wells else "find")
    return f"FROM {macro}({literal(as_names(names))})"


def separate_perturbations(
    con: duckdb.DuckDBPyConnection, held: HeldCollection, names: Names
) -> list[str]:
    """Get one perturbation a text: what is not a name is separated at commas and blanks."""
    query = f"SELECT DISTINCT asked FROM {held.relation('find_perturbations')}($names)"  # noqa: S608
    several = [name for name in as_names(names) if name not in separate([name], ())]
    known = con.execute(query, {"names": several}).fetchall() if several else []
    return separate(names, {name for (name,) in known})


def _per_well(selection: Selection) -> dict[str, int]:
    """Get the sites kept in a well of each role."""
    asked = selection.per_well or {}
    if isinstance(asked, str):
        if asked != "all":
            raise QueryError(f"per_well {asked!r} is neither `all` nor numbers of sites by role")
        return dict.fromkeys(SITES_PER_WELL, ALL_SITES)
    check_names("role", list(asked), SITES_PER_WELL)
    if any(count < 0 for count in asked.values()):
        written = ",".join(f"{role}={count}" for role, count in asked.items())
        raise QueryError(f"per_well {written} takes numbers of sites, 0 or more")
    return {**SITES_PER_WELL, **asked}


def _check_whole(selection: Selection, per_well: Mapping[str, int]) -> None:
    """Refuse fractions, because DuckDB would round them without a word."""
    names = (*BALANCE, "controls_per_plate", "max_sites", "seed")
    counts = {name: getattr(selection, name) for name in names}
    counts |= {f"per_well {role}": count for role, count in per_well.items()}
    for name, count in counts.items():
        if count is not None and count % 1:
            raise QueryError(f"{name} {count} is not a whole number; give one")


def _control_roles(selection: Selection) -> list[str]:
    try:
        return known_names("role of controls", selection.controls, CONTROL_ROLES)
    except QueryError as error:
        raise QueryError(f"{error}; name a control itself with `perturbations`") from error


def _wells(con: duckdb.DuckDBPyConnection, sites: str, selection: Selection) -> list[str]:
    asked = as_names(selection.wells)
    if not asked:
        return []
    query = f"SELECT DISTINCT Metadata_Well AS name FROM {sites}"  # noqa: S608
    return known_wells(asked, set(frame(con, query)["name"]))


def _modalities(con: duckdb.DuckDBPyConnection, sites: str, selection: Selection) -> list[str]:
    if not selection.modalities:
        return []
    asked = [MODALITIES.get(name.lower(), name) for name in separate(selection.modalities, ())]
    query = f"SELECT DISTINCT Metadata_modality AS name FROM {sites}"  # noqa: S608
    return known_names("modality", asked, set(frame(con, query)["name"]) - {None})


def _channels(
    con: duckdb.DuckDBPyConnection, held: HeldCollection, selection: Selection
) -> tuple[list[str], list[str]]:
    """Get the channels that a site must have, and those to list, in the collection's order."""
    query = f"FROM {held.relation('channels')} ORDER BY position"
    known = frame(con, query).select("Metadata_Channel", "kind")
    asked = known_names("channel", selection.channels, set(known["Metadata_Channel"]))
    needed = pl.col("Metadata_Channel").is_in(asked) if asked else pl.col("kind") == "stain"
    listed = needed | (pl.col("kind") == "brightfield") if selection.brightfield else needed
    names = [known.filter(one)["Metadata_Channel"].to_list() for one in (needed, listed)]
    return names[0], names[1]


def known_perturbations(
    con: duckdb.DuckDBPyConnection, held: HeldCollection, selection: Selection
) -> tuple[list[str] | None, list[str]]:
    """Get the identifiers of all that was named, None if nothing was; and what is to be said.

    What is only alike is chosen if nothing is what was asked for.
    """
    asked: list[tuple[str, list[str], Sequence[str] | None]] = [
        (what, separate_perturbations(con, held, names), modalities)
        for what, names, modalities in (
            ("perturbation", selection.perturbations, None),
            ("gene", selection.genes, GENES),
            ("compound", selection.compounds, COMPOUNDS),
        )
    ]
    found: set[str] = set()
    notes: list[str] = []
    for what, names, modalities in asked:
        if not names:
            continue
        query = f"""
            SELECT asked, {held.perturbation} AS identifier, matched_by, alike
            FROM {held.relation("find_perturbations")}($names, modalities := $modalities)
            ORDER BY ALL
        """  # noqa: S608
        rows = look_up(con, held, query, names, modalities=modalities)
        check_perturbations(con, what, names, set(rows["asked"]), modalities)
        exact, alike = rows.filter(~pl.col("alike")), rows.filter("alike")
        found |= set(exact["identifier"])
        for (name, how), others in alike.group_by("asked", "matched_by", maintain_order=True):
            ids = ", ".join(others["identifier"])
            if name in exact["asked"]:
                notes.append(f"{what} {name!r}: {ids} left out, alike only by the {how}")
            else:
                notes.append(f"{what} {name!r} is not known; chosen is {ids}, by the {how}")
                found |= set(others["identifier"])
    return sorted(found) if any(names for _, names, _ in asked) else None, notes
