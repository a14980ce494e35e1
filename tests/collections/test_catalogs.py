"""Catalogs of damaged tables, of other projects, and of a site index."""

import gzip
import json
import shutil
import time

import polars as pl
import pytest

import jumpduck
from jumpduck.collections import published_metadata as published
from jumpduck.database.connection import frame, open_catalog
from jumpduck.stages.catalog import problems
from tests.support.command_line import process
from tests.support.fault_proxy import Faults, always

KEY = ["Metadata_Source", "Metadata_Plate", "Metadata_Well", "Metadata_Site"]


@pytest.fixture
def copy(gallery, tmp_path):
    """A copy of the gallery's load_data, to damage."""
    root = tmp_path / "gallery"
    for file in gallery.gallery.rglob("load_data.*"):
        target = root / file.relative_to(gallery.gallery)
        target.parent.mkdir(parents=True)
        shutil.copy(file, target)
    return root


def one(copy, name):
    return next(copy.rglob(f"{name}/load_data.*"))


@pytest.mark.slow
def test_a_compressed_file_cut_short_is_a_row_too(cli, gallery, copy):
    file = one(copy, "JD5876c3")
    text = gzip.decompress(file.read_bytes())
    lines = text.splitlines(keepends=True)
    whole = gzip.compress(b"".join([lines[0], *lines[1:] * 400]))
    file.write_bytes(whole[: len(whole) // 2])
    assert cli("catalog", "--gallery", copy, "--metadata", gallery.metadata).code == 0
    rows = json.loads(
        cli("sql", "--json", "FROM jump.load_data_files WHERE reason IS NOT NULL").out
    )["rows"]
    assert [row["Metadata_Plate"] for row in rows] == ["JD5876c3"]


def test_a_line_that_is_not_a_site_gets_a_reason(gallery, copy, tmp_path):
    file = one(copy, "1000000001")
    lines = file.read_text().splitlines()
    table = pl.read_csv(file, infer_schema=False)
    odd = table.head(3).with_columns(
        Metadata_Well=pl.Series(["a1", "", "A01"]), Metadata_Site=pl.Series(["1", "1", "one"])
    )
    again = table.head(1).with_columns(URL_OrigDNA=pl.lit("s3://cellpainting-gallery/aaa.tif"))
    pl.concat([table, odd, again]).write_csv(file)
    path = tmp_path / "c.duckdb"
    jumpduck.catalog(path, gallery=str(copy), metadata=str(gallery.metadata))
    with open_catalog(path) as con:
        reasons = con.execute(
            "SELECT reason, count(*) FROM jump.load_data_lines GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        kept = con.execute(
            "SELECT images[1].url FROM jump.sites WHERE Metadata_Plate = '1000000001' "
            "AND Metadata_Well = 'A01' AND Metadata_Site = 1"
        ).fetchall()
    assert reasons == [
        ("no site number: one", 1),
        ("no well: a1", 1),
        ("no well: empty", 1),
        ("the same site again", 1),
        (None, 75),
    ]
    assert kept == [(f"{copy}/aaa.tif",)], "the first by its URLs"
    assert len(lines) == 31


@pytest.mark.slow
def test_the_order_of_lines_and_files_does_not_matter(gallery, copy, tmp_path, catalog):
    for file in copy.rglob("load_data.*"):
        table = pl.read_csv(file, infer_schema=False).sample(fraction=1, shuffle=True, seed=1)
        data = table.write_csv().encode()
        file.write_bytes(gzip.compress(data) if file.suffix == ".gz" else data)
    path = tmp_path / "c.duckdb"
    jumpduck.catalog(path, gallery=str(copy), metadata=str(gallery.metadata))
    rows = jumpduck.manifest(path, seed=9)
    same = jumpduck.manifest(catalog, seed=9)
    assert rows.drop("url").equals(same.drop("url"))


@pytest.mark.slow
def test_rows_that_match_no_other_table_are_orphans(gallery, copy, tmp_path):
    metadata = tmp_path / "metadata"
    shutil.copytree(gallery.metadata, metadata)
    wells = gzip.decompress((metadata / "well.csv.gz").read_bytes()).decode()
    wells += "source_2,nowhere,A01,JCP2022_000101\nsource_3,JD5876c3,Z99,JCP2022_nothing\n"
    (metadata / "well.csv.gz").write_bytes(gzip.compress(wells.encode()))
    path = tmp_path / "c.duckdb"
    jumpduck.catalog(path, gallery=str(copy), metadata=str(metadata))
    with open_catalog(path) as con:
        orphans = frame(con, "FROM jump.orphans ORDER BY what")
    assert orphans.select("what", "Metadata_Plate", "Metadata_JCP2022").rows() == [
        ("perturbation of wells that no table describes", None, "JCP2022_nothing"),
        ("perturbation without wells", None, "JCP2022_915131"),
        ("wells of a plate that is in no table of plates", "nowhere", None),
    ]


@pytest.fixture(scope="module")
def index(catalog, tmp_path_factory):
    """A site index of the demo's gallery, in the published form."""
    path = tmp_path_factory.mktemp("index") / "index.parquet"
    with open_catalog(catalog) as con:
        files = frame(con, "FROM list_files(jump.sites, jump.sites) ORDER BY path DESC")
    keys = ["Metadata_Source", "Metadata_Batch", *KEY[1:]]
    stains = files.filter(channel_kind="stain").with_columns(
        pl.format("URL_Orig{}", "Metadata_Channel"), pl.col("Metadata_Site").cast(pl.String)
    )
    stains.pivot("Metadata_Channel", index=keys, values="url").write_parquet(path)
    return path


@pytest.mark.slow
def test_a_site_index_gives_the_same_manifest_as_load_data(index, gallery, catalog, tmp_path):
    path = tmp_path / "c.duckdb"
    jumpduck.catalog(
        path, gallery=str(gallery.gallery), metadata=str(gallery.metadata), index=str(index)
    )
    assert jumpduck.manifest(path, seed=2).equals(jumpduck.manifest(catalog, seed=2))


@pytest.mark.slow
def test_a_line_of_an_index_without_a_plate_is_reported_and_is_not_a_site(index, gallery, tmp_path):
    lost = pl.read_parquet(index).head(2)
    lost = lost.with_columns(Metadata_Batch=pl.lit(None, pl.String))
    pl.concat([pl.read_parquet(index), lost]).write_parquet(tmp_path / "i.parquet")
    path = tmp_path / "c.duckdb"
    at = {"gallery": str(gallery.gallery), "metadata": str(gallery.metadata)}
    jumpduck.catalog(path, index=str(tmp_path / "i.parquet"), **at)
    odd = problems(path).filter(pl.col("lines").is_not_null())
    assert odd.select("reason", "lines").rows() == [("no source, batch or plate", 2)]
    with open_catalog(path) as con:
        query = "SELECT count(*) FROM jump.sites WHERE Metadata_Batch IS NULL"
        assert con.execute(query).fetchall() == [(0,)]


@pytest.mark.slow
def test_the_published_index_is_the_default_and_must_be_the_published_one(
    index, gallery, tmp_path, monkeypatch
):
    monkeypatch.setenv("JUMPDUCK_CACHE", str(tmp_path / "cache"))
    asked = []

    def download(url, file, progress):
        asked.append(url)
        file.write_bytes(index.read_bytes())

    monkeypatch.setattr(published, "_download", download)
    with pytest.raises(jumpduck.errors.CatalogError, match=published.SITE_INDEX_SHA256):
        jumpduck.catalog(tmp_path / "c.duckdb", metadata=str(gallery.metadata))
    assert not (tmp_path / "c.duckdb").exists()
    monkeypatch.setattr(published, "SITE_INDEX_SHA256", published._sha256(index))
    for _ in range(2):
        jumpduck.catalog(tmp_path / "c.duckdb", metadata=str(gallery.metadata))
    assert asked == [published.SITE_INDEX] * 2, "the second build reads the cache"
    rows = jumpduck.manifest(tmp_path / "c.duckdb")
    assert rows.height == 255


@pytest.mark.slow
def test_a_build_that_is_killed_leaves_the_previous_catalog(s3, catalog, tmp_path):
    """It is killed after the metadata is in the new file, while load_data does not come."""
    path = tmp_path / "catalog.duckdb"
    path.write_bytes(catalog.read_bytes())
    with Faults(s3.endpoint, always("hang", "load_data")) as proxy:
        places = ("--metadata", "s3://metadata", "--endpoint", proxy.endpoint)
        with process("catalog", *places, cwd=tmp_path) as build:
            while not any("load_data" in asked for asked in proxy.asked):
                time.sleep(0.01)
                assert build.poll() is None
            build.kill()
    assert path.read_bytes() == catalog.read_bytes()
    jumpduck.manifest(path)


@pytest.mark.real
@pytest.mark.slow
def test_the_place_of_each_known_issue_is_published_or_marked_as_outside(real_metadata, catalog):
    plates = pl.read_csv(real_metadata / "plate.csv.gz", infer_schema=False)
    wells = pl.read_csv(real_metadata / "well.csv.gz", infer_schema=False)
    with open_catalog(catalog) as con:
        issues = frame(con, "FROM jump.known_issues")
        channels = frame(con, "FROM jump.channels")["Metadata_Channel"]
    plates = pl.concat([plates, wells.select(plates.columns[0], "Metadata_Plate").unique()],
                       how="diagonal")  # fmt: skip
    for columns in (["Metadata_Batch"], ["Metadata_Plate"], ["Metadata_Batch", "Metadata_Plate"]):
        named = issues.drop_nulls(columns)
        unknown = named.join(plates, on=["Metadata_Source", *columns], how="anti")
        assert named.height > 0
        assert set(unknown["consequence"]) <= {"outside"}, unknown
        if columns == ["Metadata_Plate"]:
            assert unknown.height == issues.filter(consequence="outside").height == 9
    assert issues["Metadata_Well"].drop_nulls().str.contains("^([A-Z]|A[A-F])[0-9]{2}$").all()
    assert issues["Metadata_Channel"].drop_nulls().is_in(channels.implode()).all()


@pytest.mark.slow
@pytest.mark.real
def test_the_real_tables_have_the_known_orphans_only(real_metadata, gallery, tmp_path):
    path = tmp_path / "c.duckdb"
    index = tmp_path / "i.parquet"
    stains = [f"URL_Orig{channel}" for channel in ("DNA", "RNA", "ER", "AGP", "Mito")]
    one_site = {"Metadata_Source": "source_10", "Metadata_Batch": "2021_08_12_U2OS_48_hr_run15",
                "Metadata_Plate": "Dest210803-160702", "Metadata_Well": "A01", "Metadata_Site": "1",
                **dict.fromkeys(stains, "s3://cellpainting-gallery/a.tif")}  # fmt: skip
    pl.DataFrame([one_site]).write_parquet(index)
    jumpduck.catalog(
        path, gallery=str(gallery.gallery), metadata=str(real_metadata), index=str(index)
    )
    with open_catalog(path) as con:
        counts = dict(
            con.execute("SELECT what, count(*) FROM jump.orphans GROUP BY ALL").fetchall()
        )
        named = {
            name for (name,) in con.execute("SELECT Metadata_JCP2022 FROM jump.orphans").fetchall()
        }
        controls = con.execute(
            """
            SELECT Metadata_pert_type, Metadata_modality, count(*) FROM jump.treatments
            INNER JOIN jump.plates USING (Metadata_Source, Metadata_Plate)
            WHERE Metadata_PlateType = 'ORF' AND Metadata_pert_type IN ('negcon', 'poscon')
            GROUP BY ALL ORDER BY ALL
            """
        ).fetchall()
    # compounds stand beside overexpressions, and are not their controls
    assert controls == [
        ("negcon", "orf", 3892), ("poscon", "compound", 868), ("poscon", "orf", 2026),
    ]  # fmt: skip
    assert counts["wells of a plate that is in no table of plates"] == 4
    assert counts["plate without wells"] == 592
    assert {"JCP2022_028373", "JCP2022_UNKNOWN"} <= named
    flagged = jumpduck.manifest(path, per_well={"unknown": 1, "empty": 1})
    assert flagged["known_issue"].str.starts_with("70 of 384 wells imaged").all()
