"""What a site says of its well and its perturbation, in the catalog and in the tables after it."""

import gzip
import shutil
import string

import polars as pl
import pytest

import jumpduck

ORFS = """\
Metadata_JCP2022,Metadata_broad_sample,Metadata_Name,Metadata_Vector,Metadata_Transcript,\
Metadata_Symbol,Metadata_NCBI_Gene_ID,Metadata_Prot_Match
JCP2022_915131,ccsb1,ORF1,pLX_304,NA,LacZ,LacZ,
JCP2022_900002,ccsb2,ORF2,pLX_304,NM_000546.6,TP53,7157,99.7
"""


@pytest.fixture(scope="module")
def told(gallery, tmp_path_factory):
    """The demo's catalog, where one well is an overexpressed gene, and one is in no table."""
    metadata = tmp_path_factory.mktemp("metadata") / "metadata"
    shutil.copytree(gallery.metadata, metadata)
    (metadata / "orf.csv.gz").write_bytes(gzip.compress(ORFS.encode()))
    wells = pl.read_csv(metadata / "well.csv.gz", infer_schema=False)
    place = (pl.col("Metadata_Plate") == "JD5876c3") & (pl.col("Metadata_Well") == "B01")
    identifier = pl.when(place).then(pl.lit("JCP2022_900002")).otherwise("Metadata_JCP2022")
    unknown = (pl.col("Metadata_Source") == "source_2") & (pl.col("Metadata_Well") == "B02")
    wells.filter(~unknown).with_columns(identifier.alias("Metadata_JCP2022")).write_csv(
        metadata / "well.csv.gz", compression="gzip"
    )
    path = metadata.with_name("catalog.duckdb")
    jumpduck.catalog(path, gallery=str(gallery.gallery), metadata=str(metadata))
    return path


def of_well(catalog, source, well, *columns):
    names = ", ".join(f"Metadata_{name}" for name in columns)
    query = f"""
        SELECT DISTINCT {names} FROM jump.sites
        WHERE Metadata_Source = '{source}' AND Metadata_Well = '{well}'
    """
    return jumpduck.sql(query, catalog).rows()


def test_a_site_says_what_is_published_of_its_perturbation(told):
    columns = ("Symbol", "Transcript", "Vector", "Prot_Match")
    assert of_well(told, "source_3", "B01", *columns) == [("TP53", "NM_000546.6", "pLX_304", 99.7)]
    compounds = jumpduck.sql(
        """
        SELECT DISTINCT Metadata_InChIKey, Metadata_SMILES FROM jump.sites
        WHERE Metadata_JCP2022 = 'JCP2022_000101'
        """,
        told,
    )
    assert compounds.rows() == [("RYYVLZVUVIJVGH-UHFFFAOYSA-N", "Cn1c(=O)c2c(ncn2C)n(C)c1=O")]


def test_a_site_without_a_perturbation_is_there_without_these_columns(told):
    known = jumpduck.sql(
        "SELECT count(*) AS n FROM jump.load_data_lines WHERE reason IS NULL", told
    )
    assert jumpduck.sql("SELECT count(*) AS n FROM jump.sites", told).equals(known)


def test_the_row_and_column_of_a_well_are_numbers():
    import duckdb

    from jumpduck.database.sql_files import sql_root

    text = (sql_root() / "jump/sites.sql").read_text()
    row = text[text.index("CASE len(lines") : text.index(" AS Metadata_Well_Row")]
    letters = [*string.ascii_uppercase, *("A" + letter for letter in "ABCDEF")]
    wells = [f"{letter}{column:02}" for letter in letters for column in (1, 48)]
    found = duckdb.execute(
        f"SELECT {row} FROM (SELECT unnest($wells) AS Metadata_Well) AS lines", {"wells": wells}
    ).fetchall()
    assert [number for (number,) in found] == [i // 2 + 1 for i in range(64)]


@pytest.mark.parametrize(
    ("source", "plate_type", "role", "micromolar"),
    [
        ("source_3", "COMPOUND", "trt", 10),
        ("source_7", "COMPOUND", "trt", 0.625),
        ("source_7", "TARGET2", "trt", 5),
        ("source_3", "TARGET1", "trt", 5),
        ("source_7", "COMPOUND", "poscon", 5),
        ("source_3", None, "trt", 10),
        ("source_3", "COMPOUND", "negcon", None),
    ],
)
def test_a_concentration_is_the_one_that_was_published(told, source, plate_type, role, micromolar):
    of = "NULL" if plate_type is None else f"'{plate_type}'"
    query = f"SELECT jump.concentration('{role}', '{source}', {of}) AS found"
    assert jumpduck.sql(query, told).item() == micromolar


def test_only_compounds_have_a_concentration(told):
    rows = jumpduck.sql(
        """
        SELECT DISTINCT Metadata_modality, Metadata_pert_type FROM jump.sites
        WHERE Metadata_Concentration_Micromolar IS NOT NULL ORDER BY ALL
        """,
        told,
    ).rows()
    assert rows == [("compound", "poscon"), ("compound", "trt")]


@pytest.mark.slow
def test_another_project_has_no_concentrations(gallery, tmp_path):
    project = tmp_path / "gallery/cpg0000-jump-pilot"
    shutil.copytree(gallery.gallery / "cpg0016-jump", project)
    path = tmp_path / "c.duckdb"
    jumpduck.catalog(
        path, gallery=str(project.parent), project=project.name, metadata=str(gallery.metadata)
    )
    query = "SELECT count(Metadata_Concentration_Micromolar) AS n, count(*) > 0 AS sites"
    assert jumpduck.sql(f"{query} FROM jump.sites", path).rows() == [(0, True)]


def test_what_a_site_says_is_in_the_manifest_and_in_the_tables_of_a_download(told, tmp_path):
    out = tmp_path / "images"
    jumpduck.manifest(told, sources="source_3", max_sites=4).write_parquet(tmp_path / "m.parquet")
    jumpduck.download(manifest=tmp_path / "m.parquet", out=out)
    sites = pl.read_parquet(out / "sites.parquet")
    expected = jumpduck.sql("FROM jump.sites WHERE Metadata_Source = 'source_3'", told)
    columns = [name for name in expected.columns if name.startswith("Metadata_")]
    keys = columns[:5]
    assert set(columns) <= set(sites.columns)
    same = sites.select(columns).sort(keys)
    assert same.height == 4
    wanted = expected.select(columns).join(same.select(keys), on=keys, how="semi").sort(keys)
    assert same.cast(dict.fromkeys(keys[4:], pl.Int64)).rows() == wanted.rows()
