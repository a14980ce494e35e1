"""Names -> the perturbations they may mean, and where these can be seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from jumpduck.database.connection import frame, held_collection, open_catalog
from jumpduck.errors import QueryError
from jumpduck.options import takes
from jumpduck.selection.criteria import as_names
from jumpduck.selection.pipeline import check_perturbations, find_text, separate_perturbations


@dataclass(frozen=True)
class FindOptions:
    """What to find.

    Parameters
    ----------
    names
        Genes, compounds and controls, by any name that the collection knows. In JUMP: gene
        symbols, NCBI gene numbers, identifiers, names of controls, SMILES, or InChIKeys,
        whole or their first layer. A text that is not a name may hold several, separated by
        commas or blanks.
    catalog
        Catalog made by `jumpduck catalog`.
    """

    names: str | Sequence[str]
    catalog: str | Path = "catalog.duckdb"


@takes(FindOptions)
def find(options: FindOptions) -> pl.DataFrame:
    """Get the perturbations that `names` may mean, and where they can be seen.

    Returns
    -------
    pl.DataFrame
        What the collection's macro ``find`` returns. In JUMP: asked, matched_by, the identifier,
        Metadata_Name, _modality, _pert_type, _InChIKey, plates, wells (published), sites (in this
        catalog), estimated_gb (of their stains). A name may mean several: a gene
        is overexpressed and knocked out, and mirror images share the first layer of their
        InChIKey.

    Raises
    ------
    QueryError
        Nothing has one of the names; the message has the nearest ones.
    ManifestError
        `catalog` is not a catalog.
    """
    names = as_names(options.names)
    if not names:
        raise QueryError("no name was given; name a gene, compound or control, like TP53")
    with open_catalog(options.catalog) as con:
        held = held_collection(con)
        names = separate_perturbations(con, held, names)
        found = frame(con, find_text(held, names))
        check_perturbations(con, "perturbation", names, set(found["asked"]))
        return found
