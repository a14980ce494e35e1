"""SMILES in another notation than the published one, compared by RDKit if it is installed."""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import duckdb

from jumpduck.database.connection import HeldCollection

SAME_ATOMS = """
    SELECT DISTINCT Metadata_SMILES FROM {compounds}
    WHERE
        list_sort(regexp_extract_all(upper(Metadata_SMILES), '[A-GI-Z]'))
        = list_sort(regexp_extract_all(upper($smiles), '[A-GI-Z]'))
    ORDER BY ALL
"""
"""Compounds whose SMILES has the same letters without H: no notation changes those."""

_LOOKS_LIKE_SMILES = re.compile(r"\S*[=#()\[\]@]\S*")


def other_notations(
    con: duckdb.DuckDBPyConnection, held: HeldCollection, smiles: str
) -> Iterator[tuple[str, str, bool | None]]:
    """Get names that the catalog may have for a structure, the best first.

    Each is a published SMILES or an InChIKey, how it was found, and whether it is only alike; None
    if the catalog says that. Nothing comes for what is not SMILES, without RDKit, and in a catalog
    without a table of compounds with SMILES.
    """
    if not _has_rdkit() or not _has_smiles(con, held):
        return
    from rdkit import Chem, rdBase

    chem: Any = Chem  # because the stubs of RDKit leave most types open
    smiles = smiles.strip()
    with rdBase.BlockLogs():
        asked = chem.MolFromSmiles(smiles)
        if asked is None or not asked.GetNumAtoms():
            return
        query = SAME_ATOMS.format(compounds=held.relation("compounds"))
        rows = con.execute(query, {"smiles": smiles}).fetchall()
        read = {published: chem.MolFromSmiles(published) for (published,) in rows}
        ways = (
            (True, "SMILES in canonical form (RDKit)", False),
            (False, "SMILES without stereochemistry (RDKit)", True),
        )
        for stereo, how, alike in ways:
            form = chem.MolToSmiles(asked, isomericSmiles=stereo)
            for published, molecule in read.items():
                if molecule and chem.MolToSmiles(molecule, isomericSmiles=stereo) == form:
                    yield published, how, alike
        if key := chem.MolToInchiKey(asked):
            yield key, "of the SMILES (RDKit)", None


def how_compared(name: str) -> str | None:
    """Get how a name that looks like SMILES was compared, None if it does not."""
    if not _LOOKS_LIKE_SMILES.fullmatch(name.strip()):
        return None
    if _has_rdkit():
        return "compared in canonical form, by RDKit"
    return (
        "compared letter for letter, because RDKit is not installed: with "
        "`pip install 'jumpduck[chem]'` any notation is found"
    )


def _has_rdkit() -> bool:
    return find_spec("rdkit") is not None


def _has_smiles(con: duckdb.DuckDBPyConnection, held: HeldCollection) -> bool:
    query = """
        SELECT count(*) FROM duckdb_columns()
        WHERE
            schema_name = $schema AND table_name = 'compounds'
            AND column_name = 'Metadata_SMILES'
    """
    return bool(con.execute(query, {"schema": held.name}).fetchall()[0][0])
