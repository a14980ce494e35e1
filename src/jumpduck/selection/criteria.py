"""What a user asks for, and the SQL that says it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TypedDict

import duckdb

from jumpduck.database.sql_files import frame
from jumpduck.database.where_condition import check_predicate
from jumpduck.errors import QueryError
from jumpduck.schema import BRIGHTFIELD, CHANNELS, ROLES
from jumpduck.selection.suggestions import check_names

Names = Sequence[str]


class Options(TypedDict, total=False):
    """The fields of `Selection`, as arguments of a function."""

    sources: Names
    batches: Names
    plates: Names
    plate_types: Names
    wells: Names
    roles: Names
    perturbations: Names
    genes: Names
    compounds: Names
    with_controls: bool
    where: str | None
    channels: Names
    per_well: Mapping[str, int]
    max_sites: int | None
    max_gb: float | None
    keep_known_bad: bool
    illum: bool
    seed: int


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Images to choose.

    Parameters
    ----------
    sources, batches, plates, plate_types, wells, roles
        Names to keep; all by default.
    perturbations
        Any names of perturbations to keep: JCP2022 identifier, gene symbol, NCBI gene number,
        control name, InChIKey, SMILES.
    genes, compounds
        The same, only among overexpressions and knock-outs, or only among compounds.
    with_controls
        Add the negcon wells of the plates chosen.
    where
        One SQL condition over the columns of jump.sites.
    channels
        Stains and brightfield planes to keep.
    per_well
        Sites to keep in a well by its role; a role that is not named keeps its default.
    max_sites, max_gb
        A budget, spent on the first site of every well before the second of any.
    keep_known_bad
        Keep what jump.known_issues says to drop.
    illum
        Bring the URL of the illumination functions along.
    seed
        Another seed, another choice. Nothing else changes it: not the number of threads, not the
        other plates in the catalog.
    """

    sources: Names = ()
    batches: Names = ()
    plates: Names = ()
    plate_types: Names = ()
    wells: Names = ()
    roles: Names = ()
    perturbations: Names = ()
    genes: Names = ()
    compounds: Names = ()
    with_controls: bool = False
    where: str | None = None
    channels: Names = CHANNELS
    per_well: Mapping[str, int] = field(default_factory=dict[str, int])
    max_sites: int | None = None
    max_gb: float | None = None
    keep_known_bad: bool = False
    illum: bool = False
    seed: int = 0

    def as_options(self) -> dict[str, object]:
        """Get all that is set, by the names of the command line's options."""
        singular = {"batches": "batch", "per_well": "per-well"}
        options = {
            singular.get(
                one.name, one.name.removesuffix("s") if one.type == Names else one.name
            ).replace("_", "-"): getattr(self, one.name)
            for one in fields(self)
        }
        # a number is always set, everything else only if there is something in it
        return {
            name: value
            for name, value in options.items()
            if value or (isinstance(value, int | float) and not isinstance(value, bool))
        }


# what a user may name -> what it is called, and where the names are that this catalog can serve
_KNOWN = {
    "sources": ("source", "SELECT DISTINCT Metadata_Source AS name FROM jump.load_data_files"),
    "batches": ("batch", "SELECT DISTINCT Metadata_Batch AS name FROM jump.load_data_files"),
    "plates": (
        "plate",
        "SELECT Metadata_Plate AS name FROM jump.load_data_files WHERE reason IS NULL",
    ),
    "plate_types": ("plate type", "SELECT DISTINCT Metadata_PlateType AS name FROM jump.plates"),
    "wells": ("well", "SELECT DISTINCT Metadata_Well AS name FROM jump.sites"),
}

_NAMES = """
    SELECT DISTINCT unnest([
        Metadata_JCP2022, Metadata_Name, Metadata_Symbol, Metadata_NCBI_Gene_ID, Metadata_InChIKey
    ]) AS name
    FROM jump.perturbations
    WHERE $modalities IS NULL OR list_contains($modalities::VARCHAR[], Metadata_modality)
    UNION
    SELECT unnest([Metadata_JCP2022, Metadata_Name]) FROM jump.controls
    WHERE $modalities IS NULL OR list_contains($modalities::VARCHAR[], Metadata_modality)
"""


def arguments(con: duckdb.DuckDBPyConnection, selection: Selection) -> dict[str, object]:
    """Get the arguments of jump.manifest for a selection, with every name checked.

    Raises
    ------
    QueryError
        A name that the catalog does not know, with the nearest ones; a number or condition that
        cannot be meant.
    """
    counts = {**ROLES, **selection.per_well}
    check_names("role", list(counts), ROLES)
    check_names("role", selection.roles, ROLES)
    if any(count < 0 for count in counts.values()):
        raise QueryError("--per-well takes numbers of sites, 0 or more")
    check_names("channel", selection.channels, {*CHANNELS, *BRIGHTFIELD})
    for name in ("max_sites", "max_gb"):
        budget = getattr(selection, name)
        if budget is not None and budget <= 0:
            raise QueryError(f"--{name.replace('_', '-')} takes a number above 0")
    for argument, (what, query) in _KNOWN.items():
        if names := getattr(selection, argument):
            known = set(frame(con, query)["name"].drop_nulls())
            if argument == "plates":
                _check_read(con, set(names) - known)
            check_names(what, names, known)
    return {
        **{name: list(getattr(selection, name)) or None for name in (*_KNOWN, "roles")},
        "perturbations": _perturbations(con, selection),
        "predicate": check_predicate(con, selection.where) if selection.where else "TRUE",
        "with_controls": selection.with_controls,
        "channels": list(selection.channels),
        "keep_known_bad": selection.keep_known_bad,
        **counts,
        "seed": selection.seed,
        "max_sites": selection.max_sites,
        "max_gb": selection.max_gb,
        "illum": selection.illum,
    }


def sql_text(macro: str, values: Mapping[str, object]) -> str:
    """Get the call of a table macro that a user can paste into duckdb; NULLs are left out."""
    lines = [
        f"    {name} := {_literal(value)}" for name, value in values.items() if value is not None
    ]
    return f"FROM jump.{macro}(\n" + ",\n".join(lines) + "\n);"


def check_perturbations(
    con: duckdb.DuckDBPyConnection,
    what: str,
    names: Names,
    found: set[str],
    modalities: list[str] | None,
) -> None:
    """Raise QueryError, with the nearest names, for the first of `names` that is not `found`."""
    if missing := [name for name in names if name not in found]:
        known = set(frame(con, _NAMES, {"modalities": modalities})["name"].drop_nulls())
        check_names(what, missing, known - set(missing))


def _perturbations(con: duckdb.DuckDBPyConnection, selection: Selection) -> list[str] | None:
    """The JCP2022 identifiers of all that was named; None if nothing was."""
    asked: list[tuple[str, Names, list[str] | None]] = [
        ("perturbation", selection.perturbations, None),
        ("gene", selection.genes, ["orf", "crispr"]),
        ("compound", selection.compounds, ["compound"]),
    ]
    found: set[str] = set()
    for what, names, modalities in asked:
        if not names:
            continue
        rows = frame(
            con,
            "SELECT asked, Metadata_JCP2022 FROM jump.find_perturbations($names, modalities := $m)",
            {"names": list(names), "m": modalities},
        )
        check_perturbations(con, what, names, set(rows["asked"]), modalities)
        found |= set(rows["Metadata_JCP2022"])
    return sorted(found) if any(names for _, names, _ in asked) else None


def _check_read(con: duckdb.DuckDBPyConnection, plates: set[str]) -> None:
    unread = con.execute(
        "SELECT Metadata_Plate, reason FROM jump.load_data_files WHERE reason IS NOT NULL"
    ).fetchall()
    for plate, reason in sorted(unread):
        if plate in plates:
            raise QueryError(f"plate {plate!r} has no load_data that can be read: {reason}")
    published = set(frame(con, "SELECT Metadata_Plate FROM jump.plates")["Metadata_Plate"])
    if others := sorted(plates & published):
        raise QueryError(
            f"plate {others[0]!r} is published, but this catalog has no load_data of it; "
            "build the catalog for it: `jumpduck catalog --plate`"
        )


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return str(value)
