"""The catalog -> one row a plate: what it holds, and what there is to see of it."""

from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import polars as pl

from jumpduck.database.connection import frame, held_collection, open_catalog
from jumpduck.errors import QueryError
from jumpduck.options import takes
from jumpduck.selection.criteria import Names
from jumpduck.selection.places import COLUMNS
from jumpduck.selection.suggestions import known_names


@dataclass(frozen=True)
class PlatesOptions:
    """Which plates to list.

    Parameters
    ----------
    catalog
        Catalog made by `jumpduck catalog`.
    sources
        Sources whose plates to list; all by default, as for all names.
    batches
        Batches whose plates to list.
    plates
        Plates to list.
    plate_types
        Plate types to list. In JUMP: COMPOUND, ORF, CRISPR, TARGET2 and others.
    """

    catalog: str | Path = "catalog.duckdb"
    _: KW_ONLY
    sources: Names = ()
    batches: Names = ()
    plates: Names = ()
    plate_types: Names = ()


@takes(PlatesOptions)
def plates(options: PlatesOptions) -> pl.DataFrame:
    """Get the plates that a collection published, and those that the catalog has images of.

    Returns
    -------
    pl.DataFrame
        Metadata_Source, _Batch, _Plate, _PlateType; of the images in this catalog wells, sites,
        brightfield (whether any site has it), estimated_gb (of all images, brightfield included)
        and known_issues. A plate that the catalog has no image of has 0 wells.

    Raises
    ------
    QueryError
        A name that no plate has, with the nearest ones, or no plate fits all names.
    ManifestError
        `catalog` is not a catalog.
    """
    with open_catalog(options.catalog) as con:
        held = held_collection(con)
        names = ", ".join(held.relation(name) for name in ("plates", "sites", "channels"))
        found = frame(con, f"FROM list_plates({names})")
    listed = found
    for name, (what, column) in COLUMNS.items():
        asked = known_names(what, getattr(options, name), set(found[column].drop_nulls()))
        if asked:
            listed = listed.filter(pl.col(column).is_in(asked))
    if listed.is_empty():
        raise QueryError("no plate fits all that was asked for together; name less at once")
    return listed
