"""Murcko scaffolds of the compounds that a selection may choose, through RDKit."""

from importlib import import_module
from importlib.util import find_spec

import duckdb

from jumpduck.database.connection import frame
from jumpduck.errors import QueryError, needs_extra

SCAFFOLDS = "memory.main.scaffolds"
"""Table beside the catalog: the identifier of a perturbation, and its scaffold."""


def write_scaffolds(con: duckdb.DuckDBPyConnection, perturbation: str, sites: str) -> None:
    """Make the table of scaffolds.

    Parameters
    ----------
    perturbation
        Column that identifies a perturbation.
    sites
        SQL of the sites that may be chosen. What is not a compound has no scaffold.

    Raises
    ------
    QueryError
        A compound has no SMILES that RDKit can read.
    """
    compounds = frame(
        con,
        f"""
        SELECT {perturbation} AS identifier, coalesce(any_value(Metadata_SMILES), '') AS smiles
        FROM ({sites}) WHERE Metadata_modality = 'compound'
        GROUP BY ALL ORDER BY ALL
        """,  # noqa: S608
    )
    scaffolds = [murcko_scaffold(smiles) for smiles in compounds["smiles"]]
    odd = [one for one, found in zip(compounds["identifier"], scaffolds, strict=True) if not found]
    if odd:
        raise QueryError(
            f"{len(odd):,} compounds have no SMILES that RDKit can read, as {', '.join(odd[:3])}; "
            "leave them out with `where`, or split by compound"
        )
    con.execute(
        f"CREATE TABLE {SCAFFOLDS} AS "
        f"SELECT unnest($identifiers::VARCHAR[]) AS {perturbation}, "
        "unnest($scaffolds::VARCHAR[]) AS scaffold",
        {"identifiers": compounds["identifier"].to_list(), "scaffolds": scaffolds},
    )


def check_rdkit() -> None:
    """Raise QueryError if RDKit is not installed."""
    if find_spec("rdkit") is None:
        raise QueryError(needs_extra("`split_by` scaffold", "RDKit", "chem"))


def murcko_scaffold(smiles: str) -> str | None:
    """Get the ring systems of a compound and what links them, None if SMILES cannot be read.

    All compounds without a ring have one scaffold, "no ring".
    """
    # imported here, because it belongs to an extra
    chem = import_module("rdkit.Chem")
    scaffolds = import_module("rdkit.Chem.Scaffolds.MurckoScaffold")
    with import_module("rdkit.rdBase").BlockLogs():
        molecule = chem.MolFromSmiles(smiles) if smiles else None
        if molecule is None:
            return None
        return scaffolds.MurckoScaffoldSmiles(mol=molecule) or "no ring"
