"""Names -> the perturbations they may mean, and where these can be seen."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from jumpduck.database.sql_files import frame, open_catalog
from jumpduck.errors import QueryError
from jumpduck.selection.criteria import check_perturbations


def find(names: Sequence[str], catalog: str | Path = "catalog.duckdb") -> pl.DataFrame:
    """Get the perturbations that `names` may mean, and where they can be seen.

    Parameters
    ----------
    names
        Gene symbols, NCBI gene numbers, JCP2022 identifiers, names of controls, SMILES, or
        InChIKeys, whole or their first layer.

    Returns
    -------
    pl.DataFrame
        asked, matched_by, Metadata_JCP2022, _Name, _modality, _pert_type, _InChIKey, plates,
        wells (published), sites (in this catalog), estimated_gb (of their five stains). A name
        may mean several: a gene is overexpressed and knocked out, and mirror images share the
        first layer of their InChIKey.

    Raises
    ------
    QueryError
        Nothing goes by one of the names; the message brings the nearest.
    ManifestError
        `catalog` is no catalog.
    """
    if not names:
        raise QueryError("name what to find: a gene, compound or control")
    with open_catalog(catalog) as con:
        found = frame(con, "FROM jump.find($names)", {"names": list(names)})
        check_perturbations(con, "perturbation", names, set(found["asked"]), None)
    return found
