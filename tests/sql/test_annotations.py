"""Names that published tables have for compounds, and where they come from."""

import shutil

import duckdb
import httpx
import pytest

import jumpduck
from jumpduck.collections import published_metadata as published
from jumpduck.collections.published_metadata import blob_id, fetch_annotations
from jumpduck.errors import QueryError
from jumpduck.storage.object_reader import ObjectReader

COMPOUNDS = """\
broad_sample\tInChIKey\tpert_iname\tpubchem_cid\ttarget_list\tpert_type\tcontrol_type\tsmiles\tInChI
BRD-1\tAAAAAAAAAAAAAA-UHFFFAOYSA-N\ttheophylline\t2153\tADORA1|PDE4B\ttrt\tNA\tC\tInChI=1S/1
BRD-2\tBSYNRYMUTXBXSQ-UHFFFAOYSA-N\t"acetyl"-salicylic-acid\t2244\tNA\ttrt\tNA\tC\tInChI=1S/2
BRD-3\tCCCCCCCCCCCCCC-UHFFFAOYSA-N\tof no well\t1\tNA\ttrt\tNA\tC\tInChI=1S/3
NA\tIAZDPXIOMUYVGZ-UHFFFAOYSA-N\tDMSO\t679\tNA\tcontrol\tnegcon\tC[S+](C)[O-]\tInChI=1S/4
"""
MECHANISMS = """\
broad_sample\tInChIKey\tpert_iname\tpubchem_cid\tmoa\tpert_type\tcontrol_type\tsmiles\tInChI
BRD-9\tRYYVLZVUVIJVGH-UHFFFAOYSA-N\tcaffeine\t2519\tadenosine antagonist\ttrt\tNA\tC\tInChI=1S/9
"""
FILES = {
    "JUMP-Target-2_compound_metadata.tsv": COMPOUNDS,
    "JUMP-Target-2_compound_platemap.tsv": (
        "well_position\tbroad_sample\tsolvent\nA01\t\tDMSO\nB01\tBRD-1\tDMSO\n"
    ),
    "JUMP-MOA_compound_metadata.tsv": MECHANISMS,
}


@pytest.fixture(scope="module")
def annotated(gallery, tmp_path_factory):
    """The demo's catalog, whose TARGET2 plate has JCP2022_000102 in B01."""
    metadata = tmp_path_factory.mktemp("metadata") / "metadata"
    shutil.copytree(gallery.metadata, metadata)
    for name, text in FILES.items():
        (metadata / name).write_text(text)
    path = metadata.with_name("catalog.duckdb")
    jumpduck.catalog(path, gallery=str(gallery.gallery), metadata=str(metadata))
    return path


@pytest.mark.slow
def test_a_compound_is_known_by_the_well_of_the_platemap_and_else_by_its_inchikey(annotated):
    rows = jumpduck.sql(
        "SELECT * EXCLUDE (Metadata_broad_sample) FROM jump.annotations ORDER BY ALL", annotated
    ).rows()
    assert rows == [
        ("JCP2022_000101", "caffeine", None, "adenosine antagonist", "JUMP-MOA", "InChIKey"),
        (
            "JCP2022_000102", "\"acetyl\"-salicylic-acid", None, None, "JUMP-Target-2", "InChIKey",
        ),
        (
            "JCP2022_000102", "theophylline", "ADORA1|PDE4B", None, "JUMP-Target-2",
            "wells of the platemap",
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "matched_by"),
    [
        ("caffeine", "name in JUMP-MOA"),
        ("Theophylline", "name in JUMP-Target-2"),
        ("acetyl salicylic acid", "other spelling"),
    ],
)
def test_a_compound_is_found_by_the_name_of_a_published_table(annotated, name, matched_by):
    assert set(jumpduck.find(name, annotated)["matched_by"]) == {matched_by}


def test_find_shows_the_names_of_a_compound_that_has_none_of_its_own(annotated):
    names = jumpduck.find("JCP2022_000102", annotated)["Metadata_Name"].to_list()
    assert names == ['"acetyl"-salicylic-acid, theophylline']


def test_a_name_that_is_in_no_table_says_which_tables_have_names(annotated):
    with pytest.raises(QueryError, match="those of JUMP-Target-2, JUMP-MOA have names"):
        jumpduck.find("phlogiston", annotated)


@pytest.mark.slow
def test_metadata_without_these_tables_makes_a_catalog_without_annotations(catalog):
    assert jumpduck.sql("FROM jump.annotations", catalog).height == 0
    assert jumpduck.sql("FROM jump.problems", catalog).height == 0


@pytest.fixture
def github(monkeypatch, tmp_path):
    """A server that has each file under its blob id, as git has it."""
    files = {name: text.encode() for name, text in FILES.items()}
    blobs = {name: blob_id(data) for name, data in files.items()}
    monkeypatch.setattr(published, "ANNOTATION_BLOBS", blobs)
    served = {blobs[name]: data for name, data in files.items()}
    asked = []

    def get(url, **options):
        asked.append(url)
        found = served.get(url.rpartition("/")[2])
        request = httpx.Request("GET", url)
        return httpx.Response(200 if found else 404, content=found, request=request)

    monkeypatch.setattr(httpx, "get", get)
    return served, asked


def test_published_names_are_fetched_once_by_their_blob_ids(github, tmp_path):
    _, asked = github
    for _ in range(2):
        assert fetch_annotations(published.ROOT, tmp_path, ObjectReader()) == []
    assert len(asked) == len(FILES)
    assert "/JUMP-Target/" in asked[0]
    assert "/JUMP-MOA/" in asked[2]
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == FILES


def test_published_names_that_cannot_be_had_or_are_others_do_not_end_the_build(github, tmp_path):
    served, _ = github
    first, second, _ = served
    served[first] = b"something else"
    del served[second]
    unread = fetch_annotations(published.ROOT, tmp_path, ObjectReader())
    assert ["expected" in one["reason"] for one in unread] == [True, False]
    assert [one["file"] for one in unread] == list(FILES)[:2]
    assert [file.name for file in tmp_path.iterdir()] == list(FILES)[2:]


@pytest.mark.slow
def test_a_published_table_of_names_that_was_not_read_is_a_problem_of_the_catalog(
    gallery, tmp_path, monkeypatch
):
    def unread(root, folder, stores):
        return [{"file": "JUMP-MOA_compound_metadata.tsv", "reason": "JUMP-MOA: no server"}]

    monkeypatch.setattr(published, "fetch_annotations", unread)
    path = tmp_path / "c.duckdb"
    jumpduck.catalog(path, gallery=str(gallery.gallery), metadata=str(gallery.metadata))
    reasons = jumpduck.sql("SELECT reason FROM jump.problems", path)["reason"].to_list()
    assert reasons == ["names of compounds were not read: JUMP-MOA: no server"]


@pytest.mark.real
@pytest.mark.slow
def test_the_306_samples_of_jump_target_are_found_in_the_published_wells(real_metadata, tmp_path):
    path = tmp_path / "c.duckdb"
    one_site = """
        COPY (
            SELECT 'source_4' AS Metadata_Source, '2021_06_07_Batch5' AS Metadata_Batch,
            'BR00123962' AS Metadata_Plate, 'I16' AS Metadata_Well, '1' AS Metadata_Site,
            's3://cellpainting-gallery/a.tiff' AS URL_OrigDNA
        ) TO $file
    """
    index = tmp_path / "index.parquet"
    duckdb.execute(one_site, {"file": str(index)})
    jumpduck.catalog(path, index=str(index), metadata=str(real_metadata))
    found = jumpduck.sql(
        """
        SELECT origin, matched_by, count(*), count(DISTINCT Metadata_JCP2022)
        FROM jump.annotations GROUP BY ALL ORDER BY ALL
        """,
        path,
    )
    assert found.rows() == [
        ("JUMP-Target-1", "wells of the platemap", 306, 301),
        ("JUMP-Target-2", "wells of the platemap", 306, 301),
    ]
    quinine = jumpduck.find("quinine", path).select("Metadata_JCP2022", "Metadata_Name")
    assert quinine.rows() == [("JCP2022_050797", "quinidine")]
    octanol = jumpduck.find(["1-octanol", "OCCCCCCCC"], path)
    assert set(octanol["Metadata_JCP2022"]) == {"JCP2022_043547"}
    wells = jumpduck.find("TP53", path, wells=True)
    assert wells["Metadata_Well"].to_list() == ["I16"] * 5
    assert wells["sites"].to_list() == [1, 0, 0, 0, 0]
    site = jumpduck.sql("FROM jump.sites", path).row(0, named=True)
    assert {name: site[f"Metadata_{name}"] for name in ("Symbol", "Transcript", "Vector")} == {
        "Symbol": "TP53", "Transcript": "NM_001126112.2:c.832C>G", "Vector": "pLX_304",
    }  # fmt: skip
    assert 0 <= site["Metadata_Prot_Match"] <= 100
    assert (site["Metadata_Well_Row"], site["Metadata_Well_Column"]) == (9, 16)
