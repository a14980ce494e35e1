"""SMILES in another notation than the published one."""

import gzip
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

import jumpduck
from jumpduck.errors import QueryError
from jumpduck.selection import structures
from tests.support.examples import examples, first_quick

COMPOUNDS = {
    "JCP2022_033924": "C[S+](C)[O-]",
    "JCP2022_000101": "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "JCP2022_000102": "CC(=O)Oc1ccccc1C(=O)O",
    "JCP2022_000103": "CC(=O)Oc1cccc(C(=O)O)c1",
    "JCP2022_000104": "CC(N)C(=O)O",
    "JCP2022_000105": "C[C@H](O)C(=O)O",
    "JCP2022_000106": "C[C@@H](O)C(=O)O",
    "JCP2022_000107": "O=c1cc[nH]cc1",
    "JCP2022_000108": "not SMILES",
}
KEYS = {"JCP2022_000107": "GCNTZFIIOFTKIY-UHFFFAOYSA-N"}


@pytest.fixture(scope="module")
def drawn(gallery, tmp_path_factory):
    """The demo's catalog with compounds that have SMILES, some of them almost the same."""
    metadata = tmp_path_factory.mktemp("metadata") / "metadata"
    shutil.copytree(gallery.metadata, metadata)
    lines = ["Metadata_JCP2022,Metadata_InChIKey,Metadata_InChI,Metadata_SMILES"]
    lines += [f"{name},{KEYS.get(name, '')},,{smiles}" for name, smiles in COMPOUNDS.items()]
    (metadata / "compound.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    path = metadata.with_name("catalog.duckdb")
    jumpduck.catalog(path, gallery=str(gallery.gallery), metadata=str(metadata))
    return path


@pytest.mark.slow
@examples(20)
@given(
    name=st.sampled_from(sorted(set(COMPOUNDS) - {"JCP2022_000108"})),
    seed=st.integers(0, 2**31 - 1),
    kekule=st.booleans(),
)
def test_any_notation_of_a_published_structure_finds_it_and_nothing_else(drawn, name, seed, kekule):
    molecule = Chem.MolFromSmiles(COMPOUNDS[name])
    if kekule:
        Chem.Kekulize(molecule)
    atoms = molecule.GetNumAtoms()
    other = Chem.MolToSmiles(
        molecule, rootedAtAtom=seed % atoms, canonical=False, kekuleSmiles=kekule
    )
    found = jumpduck.find(other, drawn)
    assert found["Metadata_JCP2022"].to_list() == [name]
    how = "SMILES as published" if other == COMPOUNDS[name] else "SMILES in canonical form (RDKit)"
    assert found["matched_by"].to_list() == [how]


@first_quick(
    2,
    ("smiles", "how", "names"),
    [
        ("C[C@H](N)C(O)=O", "SMILES without stereochemistry (RDKit)", ["104"]),
        ("OC(C)C(O)=O", "SMILES without stereochemistry (RDKit)", ["105", "106"]),
        ("Oc1ccncc1", "InChIKey of the SMILES (RDKit)", ["107"]),
        ("[2H]c1cnccc1O", "first layer of InChIKey of the SMILES (RDKit)", ["107"]),
    ],
)
def test_what_is_only_alike_is_found_and_said(drawn, smiles, how, names):
    found = jumpduck.find(smiles, drawn)
    assert sorted(found["Metadata_JCP2022"]) == [f"JCP2022_000{name}" for name in names]
    assert set(found["matched_by"]) == {how}


@pytest.mark.slow
def test_a_manifest_takes_any_notation(drawn):
    aspirin = jumpduck.manifest(drawn, compounds="O=C(O)c1ccccc1OC(C)=O")
    assert set(aspirin["Metadata_JCP2022"]) == {"JCP2022_000102"}


@pytest.mark.slow
def test_without_rdkit_smiles_are_compared_letter_for_letter_and_the_answer_says_so(
    drawn, monkeypatch
):
    monkeypatch.setattr(structures, "_has_rdkit", lambda: False)
    assert jumpduck.find("CC(N)C(=O)O", drawn)["matched_by"].to_list() == ["SMILES as published"]
    with pytest.raises(QueryError, match=r"letter for letter, .*pip install 'jumpduck\[chem\]'"):
        jumpduck.find("OC(=O)C(N)C", drawn)
    with pytest.raises(QueryError, match=r"letter for letter, .*pip install 'jumpduck\[chem\]'"):
        jumpduck.manifest(drawn, compounds="OC(=O)C(N)C")


@first_quick(3, "name", ["", "C" * 200, "[Xx]", "c1ccc", "C1CC", "((", "[H][H]", "%99"])
def test_what_rdkit_cannot_read_is_a_name_that_is_not_known(drawn, capfd, name):
    with pytest.raises(QueryError):
        jumpduck.find(name, drawn)
    assert capfd.readouterr().err == ""
