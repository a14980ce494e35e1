"""Groups of sites: those that get equal numbers of sites, and those that no split takes apart."""

import itertools
import math

import duckdb

from jumpduck.database.connection import HeldCollection
from jumpduck.errors import QueryError
from jumpduck.selection.criteria import Selection
from jumpduck.selection.scaffolds import SCAFFOLDS
from jumpduck.selection.suggestions import check_names

BALANCE = {
    "per_source": "source",
    "per_batch": "batch",
    "per_plate": "plate",
    "per_perturbation": "perturbation",
    "per_compound": "compound",
}
"""What each parameter gives equal numbers of sites to."""

SPLIT_GROUPS = (*BALANCE.values(), "scaffold")
"""What parts of a choice may be divided by."""

OWN = "Metadata_"
"""What a column of the collection begins with; its values are groups to split by, too."""

WHOLE = ("source", "batch", "plate")
"""Groups that every site is in."""

FIRST_LAYER_LETTERS = 14
"""Letters of an InChIKey that say which atoms are bound to which. The others say the rest: mirror
images and salts of a compound have the same first layer, therefore they are one compound here."""


def balance_of(selection: Selection) -> tuple[str, int] | None:
    """Get what is balanced and the sites that each group keeps, None if nothing was asked for.

    Raises
    ------
    QueryError
        Two groups were asked for, or a number below 1.
    """
    asked = {name: getattr(selection, name) for name in BALANCE}
    given = {name: count for name, count in asked.items() if count is not None}
    if len(given) > 1:
        first, second, *_ = given
        raise QueryError(f"`{first}` and `{second}` cannot be exact at once; give one of them")
    for name, count in given.items():
        if count < 1:
            raise QueryError(f"{name} {count} is not allowed; give a number of sites, 1 or more")
        return BALANCE[name], count
    return None


def split_of(selection: Selection) -> tuple[list[str], list[float]]:
    """Get the names of the parts of a choice, and where their ranges of numbers end but the last.

    Raises
    ------
    QueryError
        Shares that do not sum to 1, or one of `split` and `split_by` without the other.
    """
    split, by = selection.split, selection.split_by
    if not split and not by:
        return [], []
    if not split or not by:
        lacking = "`split_by`, as compound" if split else "`split`, as train=0.8,val=0.1,test=0.1"
        raise QueryError(f"`split` and `split_by` go together; give {lacking}")
    if not by.startswith(OWN):  # those depend on the catalog: see `check_column`
        check_names("group to split by", [by], SPLIT_GROUPS)
    written = ",".join(f"{name}={share:g}" for name, share in split.items())
    if len(split) < 2 or not all(name.strip() and share > 0 for name, share in split.items()):
        raise QueryError(f"split {written} is not two or more names with shares above 0")
    if not math.isclose(total := math.fsum(split.values()), 1, abs_tol=1e-9):
        raise QueryError(f"split {written} sums to {total:.10g}; its shares must sum to 1")
    ends = [round(end, 12) for end in itertools.accumulate(split.values())]
    return list(split), ends[:-1]


def grouped(held: HeldCollection, by: str, sites: str, column: str) -> str:
    """Get the SQL of sites with one column more: the name of the group that each is in."""
    if by == "scaffold":
        return (
            f"SELECT sites.*, scaffolds.scaffold AS {column} FROM {sites} AS sites "  # noqa: S608
            f"LEFT JOIN {SCAFFOLDS} AS scaffolds USING ({held.perturbation})"
        )
    known = {
        "source": "Metadata_Source",
        "batch": "Metadata_Source || '/' || Metadata_Batch",
        "plate": "Metadata_Source || '/' || Metadata_Batch || '/' || Metadata_Plate",
        "perturbation": held.perturbation,
        "compound": "CASE WHEN Metadata_modality = 'compound' THEN coalesce(nullif(left("
        f"Metadata_InChIKey, {FIRST_LAYER_LETTERS}), ''), {held.perturbation}) END",
    }
    quoted = by.replace('"', '""')
    group = f'"{quoted}"::VARCHAR' if by.startswith(OWN) else known[by]
    return f"SELECT *, {group} AS {column} FROM {sites}"  # noqa: S608


def check_column(con: duckdb.DuckDBPyConnection, held: HeldCollection, by: str) -> None:
    """Raise QueryError, with the nearest names, if the sites have no such column to split by."""
    columns = con.execute(f"DESCRIBE {held.relation('sites')}").fetchall()
    names = {name for name, *_ in columns if name.startswith(OWN)}
    check_names("column to split by", [by], names)


def check_compounds(con: duckdb.DuckDBPyConnection, held: HeldCollection) -> None:
    """Raise QueryError if a collection does not tell what its compounds are."""
    columns = con.execute(f"DESCRIBE {held.relation('sites')}").fetchall()
    if not {"Metadata_InChIKey", "Metadata_SMILES"} <= {name for name, *_ in columns}:
        raise QueryError(
            f"collection {held.name} does not tell the InChIKeys and SMILES of its compounds; "
            "group by perturbation"
        )
