"""Names -> the perturbations they may mean, and where these can be seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from jumpduck.collections.gene_info import genes_called
from jumpduck.database.connection import held_collection, open_catalog
from jumpduck.errors import QueryError
from jumpduck.options import takes
from jumpduck.selection.criteria import as_names
from jumpduck.selection.names import OtherName, check_perturbations, look_up
from jumpduck.selection.pipeline import separate_perturbations


@dataclass(frozen=True)
class FindOptions:
    """What to find.

    Parameters
    ----------
    names
        Genes, compounds and controls, by any name that the collection knows. In JUMP: gene
        symbols, NCBI gene numbers, identifiers, names of controls and of the compounds of
        JUMP-Target and JUMP-MOA, SMILES, or InChIKeys, whole or their first layer. One text
        may hold several names, separated by commas or blanks.
    wells
        List the wells instead: plate, role, modality.
    aliases
        File of NCBI's ``gene_info``, as downloaded, plain or .gz, to find genes by other names. A
        catalog that was made with one knows these names without it.
    catalog
        Catalog made by `jumpduck catalog`.
    """

    names: str | Sequence[str]
    catalog: str | Path = "catalog.duckdb"
    wells: bool = False
    aliases: str | Path | None = None


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
        InChIKey. With `wells` it is what ``find_wells`` returns: a row for each published well.

    Raises
    ------
    QueryError
        Nothing has one of the names; the message has the nearest ones. With `wells`, a name is
        known, but no published plate has it. `aliases` is not the file of
        NCBI.
    ManifestError
        `catalog` is not a catalog.
    """
    names = as_names(options.names)
    if not names:
        raise QueryError("no name was given; name a gene, compound or control, like TP53")
    with open_catalog(options.catalog) as con:
        held = held_collection(con)
        names = separate_perturbations(con, held, names)
        macro = held.relation("find_wells" if options.wells else "find")
        others = [] if options.aliases is None else _aliases(options.aliases, names)
        found = look_up(con, held, f"FROM {macro}($names)", names, others=others)
        if options.wells and (
            missing := [name for name in names if name not in set(found["asked"])]
        ):
            query = f"FROM {held.relation('find_perturbations')}($names)"
            known = set(look_up(con, held, query, missing, others=others)["asked"])
            if without := [name for name in missing if name in known]:
                raise QueryError(
                    f"{', '.join(without)}: known, but no published plate has a well of it; "
                    "find it without `wells`, or leave it out"
                )
        check_perturbations(con, "perturbation", names, set(found["asked"]))
        return found


def _aliases(file: str | Path, names: list[str]) -> list[OtherName]:
    called = genes_called(file, names)
    return [OtherName(name, gene, "alias") for name in called for gene in called[name]]
