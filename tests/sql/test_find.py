"""What a name finds: genes with two symbols, wells without a known treatment, other spellings."""

import gzip
import shutil

import pytest

import jumpduck
from jumpduck.database.connection import frame, open_catalog
from jumpduck.errors import QueryError
from tests.support.examples import first_quick

ROWS = {
    "orf.csv.gz": """\
Metadata_JCP2022,Metadata_broad_sample,Metadata_Symbol,Metadata_NCBI_Gene_ID
JCP2022_900001,BAD CONSTRUCT,NA,NA
JCP2022_900002,ccsb1,SEPTIN7,989
JCP2022_900003,ccsb2,NA,NA
JCP2022_900004,ccsb3,PLK1,5347
JCP2022_900005,ccsb4,HLA-A,3105
JCP2022_900006,ccsb6,CS,1431
JCP2022_915131,ccsb5,LacZ,LacZ
""",
    "crispr.csv.gz": """\
Metadata_JCP2022,Metadata_NCBI_Gene_ID,Metadata_Symbol
JCP2022_800002,,non-targeting
JCP2022_800101,7157,TP53
JCP2022_800103,989,SEPT7
JCP2022_805264,5347,PLK1
""",
    "compound.csv.gz": """\
Metadata_JCP2022,Metadata_InChIKey,Metadata_InChI,Metadata_SMILES
JCP2022_033924,IAZDPXIOMUYVGZ-UHFFFAOYSA-N,,C[S+](C)[O-]
JCP2022_037716,IVUGFMLRJOCGAS-UHFFFAOYSA-N,,
JCP2022_046054,KPBNHDGDUADAGP-UHFFFAOYSA-N,,
JCP2022_000101,RYYVLZVUVIJVGH-UHFFFAOYSA-N,,Cn1c(=O)c2c(ncn2C)n(C)c1=O
""",
    "well.csv.gz": """\
Metadata_Source,Metadata_Plate,Metadata_Well,Metadata_JCP2022
source_2,1000000001,A01,JCP2022_900001
source_2,1000000001,A02,JCP2022_UNKNOWN
source_2,1000000001,B01,JCP2022_999999
source_2,1000000001,B02,JCP2022_900003
source_2,1000000001,B03,
source_3,JD5876c3,A01,JCP2022_UNKNOWN
""",
}


@pytest.fixture(scope="module")
def named(gallery, tmp_path_factory):
    """A catalog of the demo's images with names as odd as those of JUMP."""
    metadata = tmp_path_factory.mktemp("metadata") / "metadata"
    shutil.copytree(gallery.metadata, metadata)
    for name, text in ROWS.items():
        (metadata / name).write_bytes(gzip.compress(text.encode()))
    path = metadata.with_name("catalog.duckdb")
    jumpduck.catalog(path, gallery=str(gallery.gallery), metadata=str(metadata))
    return path


@pytest.mark.parametrize("name", ["SEPT7", "SEPTIN7", "sept7", "989"])
def test_a_gene_that_two_tables_name_differently_is_found_in_both(named, name):
    found = jumpduck.find(name, named)
    how = "NCBI gene" if name == "989" else "gene symbol"
    assert found.select("matched_by", "Metadata_JCP2022", "Metadata_modality").rows() == [
        (how, "JCP2022_800103", "crispr"),
        (how, "JCP2022_900002", "orf"),
    ]


@first_quick(
    8,
    ("name", "matched_by"),
    [
        ("TP53", "gene symbol"),
        ("PLK1", "gene symbol"),
        ("LacZ", "name"),
        ("non-targeting", "name"),
        ("DMSO", "name"),
        ("7157", "NCBI gene"),
        ("jcp2022_800101", "JCP2022"),
        ("C[S+](C)[O-]", "SMILES as published"),
        (" IAZDPXIOMUYVGZ ", "first layer of InChIKey"),
        ("FK866", "other spelling"),
        ("amg 900", "other spelling"),
        (" FK-866 ", "name"),
        ("hla a", "other spelling"),
        ("HLA\N{NON-BREAKING HYPHEN}A", "other spelling"),
        ("cs", "gene symbol"),
        ("BAD CONSTRUCT", "name"),
    ],
)
def test_find_says_by_what_a_name_was_found(named, name, matched_by):
    assert set(jumpduck.find(name, named)["matched_by"]) == {matched_by}


@first_quick(
    1,
    "smiles",
    [
        "C=S",
        "C.S",
        "[Cs+]",
        *(pytest.param(s, marks=pytest.mark.slow) for s in ("C#S", "C(S)", "C/S")),
    ],
)
def test_a_smiles_is_not_another_spelling_of_a_gene(named, smiles):
    for look in (jumpduck.find, lambda name, at: jumpduck.manifest(at, perturbations=name)):
        with pytest.raises(QueryError, match="no perturbation"):
            look(smiles, named)


def test_the_text_na_is_the_name_of_no_gene(named):
    with pytest.raises(QueryError, match="no perturbation 'NA'"):
        jumpduck.find("NA", named)
    query = "SELECT count(*) AS n FROM jump.sites WHERE Metadata_Name = 'NA'"
    assert jumpduck.sql(query, named)["n"].to_list() == [0]


def test_what_no_table_describes_is_found_with_the_wells_that_name_it(named):
    found = jumpduck.find("JCP2022_UNKNOWN", named)
    columns = ("matched_by", "Metadata_modality", "Metadata_pert_type", "plates", "wells", "sites")
    assert found.select(columns).rows() == [("JCP2022", None, "unknown", 2, 2, 13)]


@pytest.mark.slow
def test_roles_tell_bad_constructs_untreated_cells_and_unknown_wells_from_treatments(named):
    with open_catalog(named) as con:
        roles = frame(
            con,
            """
            SELECT Metadata_Well, Metadata_pert_type, Metadata_Name FROM jump.treatments
            WHERE Metadata_Source = 'source_2' ORDER BY ALL
            """,
        )
    assert roles.rows() == [
        ("A01", "bad_construct", "BAD CONSTRUCT"),
        ("A02", "unknown", None),
        ("B01", "empty", "Empty"),
        ("B02", "trt", None),
        ("B03", "unknown", None),
    ]
    rows = jumpduck.manifest(named, sources="source_2")
    assert set(rows["Metadata_Well"]) == {"B02"}, "bad constructs are not sampled as treatment"
    kept = jumpduck.manifest(named, roles="bad_construct", per_well={"bad_construct": 1})
    assert set(kept["Metadata_Well"]) == {"A01"}


@first_quick(
    4,
    ("name", "reason"),
    [
        (
            "aspirin",
            "symbol and NCBI number, and by alias with a file of NCBI: `jumpduck catalog --aliases",
        ),
        ("aspirin", "of compounds only controls have names: PubChem has the InChIKey"),
        ("%", "symbol and NCBI number"),
        (" - ", "symbol and NCBI number"),
        ("12", "no gene .* has this NCBI number"),
        ("JCP2022_999", "no published table has this identifier"),
        ("BSYNRYMUTXBXSQ-UHFFFAOYSA-N", "nor one with the same first 14 letters"),
        ("CC(=O)Oc1ccccc1C(=O)O", "no compound has this SMILES; .*in canonical form, by RDKit"),
    ],
)
def test_a_name_that_is_not_found_says_why_and_what_would_work(named, name, reason):
    with pytest.raises(QueryError, match=reason):
        jumpduck.find(name, named)


def test_a_name_with_one_letter_wrong_brings_the_right_one(named):
    with pytest.raises(QueryError, match="did you mean SEPTIN7"):
        jumpduck.find("SEPTIN1", named)


@pytest.mark.parametrize(("part", "name"), [("SEPTI", "SEPTIN7"), ("P53", "TP53"), ("lac", "LacZ")])
def test_a_part_of_a_name_brings_the_name(named, part, name):
    with pytest.raises(QueryError, match=f"did you mean (.*, )?{name}"):
        jumpduck.find(part, named)


@pytest.mark.slow
def test_what_is_known_and_on_no_plate_is_not_said_to_be_unknown(named):
    assert jumpduck.find("LacZ", named)["wells"].to_list() == [0]
    for names in ("LacZ", ["TP53", "LacZ"]):
        with pytest.raises(
            QueryError, match="LacZ: known, but no published plate has a well of it"
        ):
            jumpduck.find(names, named, wells=True)
    with pytest.raises(QueryError, match="no perturbation 'nothing'"):
        jumpduck.find("nothing", named, wells=True)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"genes": "DMSO"}, "'DMSO' is not a gene, but a compound: name it with `compounds`"),
        ({"compounds": "TP53"}, "'TP53' is not a compound, but a gene: name it with `genes`"),
        (
            {"controls": "DMSO"},
            "no role of controls 'DMSO'; .* name a control itself with `pert",
        ),
        ({"per_well": {"control": 2}}, "no role 'control'; there are bad_construct, .* trt"),
    ],
)
def test_a_name_in_the_wrong_option_brings_the_right_one(named, asked, said):
    with pytest.raises(QueryError, match=said):
        jumpduck.manifest(named, **asked)


@pytest.mark.slow
def test_a_modality_is_found_by_its_everyday_word(named):
    rows = jumpduck.manifest(named, modalities="overexpression", per_well="all")
    assert rows.equals(jumpduck.manifest(named, modalities="orf", per_well="all"))


def test_one_text_is_one_name_for_find_and_for_a_manifest(named):
    with pytest.raises(QueryError, match="no perturbation '12'"):
        jumpduck.find("12", named)
    with pytest.raises(QueryError, match="no gene '29'"):
        jumpduck.manifest(named, genes="29")
