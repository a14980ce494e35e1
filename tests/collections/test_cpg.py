"""Any project of the Cell Painting Gallery, from its load_data and its platemaps."""

import gzip
import re
import shutil
from pathlib import Path

import polars as pl
import pytest

import jumpduck
from jumpduck.database.sql_files import driver_files, find_driver, sql_root
from jumpduck.errors import CatalogError, QueryError, StoreError
from jumpduck.synthetic.cpg import PROJECT, write
from tests.support.examples import first_quick
from tests.support.places import DATA
from tests.support.s3_server import S3Server

URLS = """
    SELECT Metadata_Plate, Metadata_Well, Metadata_Site, i.channel, i.url
    FROM cpg.sites, unnest(images) AS images (i) ORDER BY ALL
"""
REASONS = "SELECT Metadata_Plate, reason, lines FROM cpg.problems ORDER BY ALL"


@pytest.fixture(scope="module")
def pilot(tmp_path_factory):
    return write(tmp_path_factory.mktemp("cpg"))


@pytest.fixture
def build(tmp_path):
    """Build a catalog of a project in an empty folder, and get a function that asks it."""

    def build(**options):
        path = tmp_path / "c.duckdb"
        jumpduck.catalog(path, collection="cpg", **options)
        return lambda query: jumpduck.sql(query, path).rows()

    return build


def project(tmp_path, load_data, name="cpg0099-made-up", tables=None):
    """Write a project with the load_data of some plates, and get the options for its catalog."""
    source = tmp_path / "gallery" / name / "lab"
    for (plate, file), text in load_data.items():
        place = source / "workspace/load_data_csv/batch" / plate
        place.mkdir(parents=True, exist_ok=True)
        (place / file).write_bytes(text.encode() if isinstance(text, str) else text)
    for file, text in (tables or {}).items():
        (source / "workspace/metadata" / file).parent.mkdir(parents=True, exist_ok=True)
        (source / "workspace/metadata" / file).write_text(text)
    return {"gallery": str(tmp_path / "gallery"), "project": name[:7]}


def test_the_pilot_has_its_batches_roles_and_modalities(pilot, build):
    ask = build(**pilot.options)
    assert ask("FROM cpg.problems") == []
    assert ask("SELECT count(*), sum(len(images)) FROM cpg.sites") == [(18, pilot.images)]
    assert ask(
        "SELECT DISTINCT left(Metadata_Batch, 10), Metadata_Plate, Metadata_Well, "
        "Metadata_Perturbation, Metadata_pert_type, Metadata_modality, Metadata_Name "
        "FROM cpg.sites WHERE Metadata_Batch LIKE '2020_11%' OR Metadata_Well = 'B01' ORDER BY ALL"
    ) == [
        ("2020_11_04", "BR00116991", "A01", "DMSO", "negcon", "compound", None),
        ("2020_11_04", "BR00116991", "A02", "BRD-K00000001-001-01-1", "trt", "compound",
         "caffeine"),
        ("2020_11_04", "BR00116991", "B01", "BRD-K00000002-001-01-1", "poscon", "compound",
         "AMG900"),
        ("2020_11_04", "BR00117006", "A01", "ccsbBroad304_00900", "trt", "orf", "CDK9"),
        ("2020_11_04", "BR00117006", "A02", "ccsbBroad304_99991", "negcon", "orf", "LUCIFERASE"),
        ("2020_11_04", "BR00117006", "B01", "EMPTY", "empty", "any", None),
        ("2020_12_08", "BR00116991", "B01", "BRD-K00000002-001-01-1", "poscon", "compound",
         "AMG900"),
    ]  # fmt: skip
    assert ask("SELECT project, title[:11] FROM cpg.settings") == [(PROJECT, "JUMP pilots")]


@pytest.mark.slow
def test_a_bucket_gives_the_same_sites_as_a_folder(pilot, build):
    root = pilot.options["gallery"]
    here = build(**pilot.options)(URLS)
    with S3Server() as server:
        server.put_folder("cellpainting-gallery", Path(root))
        ask = build(project="cpg0000", endpoint=server.endpoint)
        assert [
            (*row[:4], row[4].replace("s3://cellpainting-gallery", root)) for row in ask(URLS)
        ] == here
        assert ask("FROM cpg.problems") == []


@pytest.mark.slow
def test_plates_can_be_chosen_and_misspelt_ones_bring_the_nearest(pilot, build):
    ask = build(**pilot.options, plates=["BR00117006"], sources=["source_4"])
    assert ask("SELECT Metadata_Plate, Metadata_Batch FROM cpg.plates") == [
        ("BR00117006", "2020_11_04_CPJUMP1")
    ]
    with pytest.raises(QueryError, match="no plate 'BR00117009'; did you mean BR00117006"):
        build(**pilot.options, plates=["BR00117009"])
    with pytest.raises(QueryError, match="no source 'source_5'; did you mean source_4"):
        build(**pilot.options, sources=["source_5"])


@pytest.mark.slow
def test_what_is_special_of_other_projects_is_read_or_counted(build, tmp_path):
    options = project(
        tmp_path,
        {
            # as cpg0030: another name of the well, and a site that is no number
            ("P1", "load_data.csv"): (
                "FileName_OrigHoechst,PathName_OrigHoechst,FileName_OrigSyto,PathName_OrigSyto,"
                "Metadata_CPD_WELL_POSITION,Metadata_Site\n"
                "1 a.tif,/mnt/b/cpg0099-made-up/lab/images/x 1,2.tif,cpg0099-made-up/lab/i,a01,0\n"
                "3.tif,cpg0099-made-up/lab/i,4.tif,cpg0099-made-up/lab/i,b02,20585/\n"
                "nan,nan,5.tif,cpg0099-made-up/lab/i,A02,1\n"
                "6.tif,../../etc,nan,nan,A03,1\n"
            ),
            ("P2", "load_data.csv"): "a,b\n1,2\n",
            ("P3", "load_data.csv.gz"): gzip.compress(b"x")[:9],
        },
    )
    root = f"{options['gallery']}/cpg0099-made-up/lab"
    ask = build(**options)
    assert ask(URLS) == [
        ("P1", "A01", 0, "Hoechst", f"{root}/images/x 1/1 a.tif"),
        ("P1", "A01", 0, "Syto", f"{root}/i/2.tif"),
        ("P1", "A02", 1, "Syto", f"{root}/i/5.tif"),
    ]
    found = ask(REASONS)
    assert ("P1", "no site number: 20585/", 2) in found
    assert ("P1", "no image", 1) in found
    assert ("P2", "no lines under a header that names the wells", None) in found
    assert any(plate == "P3" and "cannot be read" in reason for plate, reason, _ in found)
    assert (None, "no platemaps: what is in the wells is not known", None) in found
    assert (None, "channels whose stain is not known, kept as they are named: Syto", None) in found


@pytest.mark.slow
def test_tables_that_contradict_each_other_are_not_believed(build, tmp_path):
    lines = "URL_OrigDNA,Metadata_Well,Metadata_Site\ns3://cellpainting-gallery/a/1.tif,A01,1\n"
    tables = {
        "platemaps/batch/barcode_platemap.csv": (
            "Assay_Plate_Barcode,Plate_Map_Name\nP1,one\nP1,two\nP2,one\n"
        ),
        "platemaps/batch/platemap/one.txt": "well_position\tbroad_sample\nA01\tB1\n",
        "platemaps/other/platemap/one.txt": "well_position\tbroad_sample\nA01\tB2\n",
        "external_metadata/x.tsv": "broad_sample\tpert_type\tgene\nB1\ttrt\tG1\n",
        "external_metadata/y.tsv": "broad_sample\tpert_type\tgene\nB1\ttrt\tG2\n",
        "external_metadata/odd.csv": 'well,a"\n"x\n',
        "notes.txt": "nothing of use\n",
    }
    load_data = {(plate, "load_data.csv"): lines for plate in ("P1", "P2")}
    ask = build(**project(tmp_path, load_data, tables=tables))
    columns = "Metadata_Perturbation, Metadata_pert_type, Metadata_Name"
    assert ask(f"SELECT Metadata_Plate, {columns} FROM cpg.sites ORDER BY ALL") == [
        ("P1", None, "unknown", None),
        ("P2", "B1", "trt", None),
    ]
    found = ask(REASONS)
    assert ("P1", "two platemaps for one plate", None) in found
    assert ("P1", "wells that no platemap describes", 1) in found


@pytest.mark.slow
def test_platemaps_of_ones_own_stand_for_those_of_the_gallery(pilot, build, tmp_path):
    metadata = tmp_path / "metadata"
    metadata.mkdir()
    (metadata / "map.csv").write_text("plate,well,perturbation\nBR00116991,A1,water\n")
    ask = build(**pilot.options, metadata=str(metadata))
    assert ask(
        "SELECT DISTINCT Metadata_Perturbation FROM cpg.sites WHERE Metadata_Perturbation <> ''"
    ) == [("water",)]


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        ({}, QueryError, "project is missing; .* such as cpg0000; known are cpg0000, cpg0001"),
        ({"project": "a/b"}, QueryError, "is not the number or the folder of a project"),
        ({"project": "cpg0001"}, QueryError, "there is no project 'cpg0001' in .*; there are cpg"),
        ({"project": "other"}, CatalogError, "there is nothing in .*other; check `project`"),
        ({"project": "cpg0000", "index": "x"}, QueryError, "index cannot be used for collection"),
        ({"project": "cpg0000", "gallery": "/nowhere"}, StoreError, "is not a folder"),
        (
            {"project": "cpg0000", "gallery": "http://127.0.0.1:1/x"},
            QueryError,
            "a web server does not say which files",
        ),
    ],
)
def test_a_project_that_cannot_be_read_is_one_line(pilot, build, options, error, reason):
    with pytest.raises(error, match=reason):
        build(**{"gallery": pilot.options["gallery"], **options})


def test_a_number_that_two_folders_have_is_asked_back(build, tmp_path):
    options = project(tmp_path, {})
    for name in ("cpg0099-made-up", "cpg0099-other"):
        (tmp_path / "gallery" / name / "lab").mkdir(parents=True)
    with pytest.raises(QueryError, match="is one of cpg0099-made-up, cpg0099-other"):
        build(**options)
    shutil.rmtree(tmp_path / "gallery/cpg0099-other")
    with pytest.raises(CatalogError, match="there is no load_data in"):
        build(**options)


def test_every_file_of_its_sql_is_in_the_driver_and_begins_with_what_it_makes():
    files = [file for file in driver_files(find_driver("cpg")) if file.parent.name != "common"]
    folders = (sql_root() / "cpg", sql_root() / "image_lists")
    assert sorted(files) == sorted(file for folder in folders for file in folder.glob("*.sql"))
    for file in files:
        schema = "cpg" if file.parent.name == "cpg" else "main"
        first = file.read_text().splitlines()[0]
        assert re.match(rf"-- {schema}\.{file.stem}(\(.*\))?: .+\.$", first), file


LOAD_DATA = DATA / "load_data"


@pytest.mark.real
@first_quick(
    1,
    ("name", "as_name", "sites", "channels", "illum"),
    [
        ("BR00126114_load_data_with_illum.parquet", "load_data_with_illum.parquet", 2, 5, 10),
        ("nfcore_cpg0016_source4_url_format.csv", "load_data.csv", 1, 8, 0),
        ("distributed_cellprofiler_cpg.csv", "load_data.csv", 216, 5, 0),
        ("cpg0001_BR00113255_load_data_full.csv.gz", "load_data.csv.gz", 3456, 6, 0),
    ],
)
def test_real_load_data_is_read_in_every_form(
    build, tmp_path, name, as_name, sites, channels, illum
):
    data = (LOAD_DATA / name).read_bytes()
    options = project(tmp_path, {("P", as_name): data})
    ask = build(**options)
    assert ask("SELECT count(*), min(len(images)), max(len(images)) FROM cpg.sites") == [
        (sites, channels, channels)
    ]
    assert ask("SELECT count(illum) FROM cpg.images") == [(illum,)]
    root = options["gallery"] + "/cpg00"
    assert ask(f"SELECT DISTINCT starts_with(url, '{root}') FROM cpg.images") == [(True,)]
    assert len(ask("FROM cpg.problems")) == 1  # there are no platemaps


@pytest.mark.real
@pytest.mark.slow
def test_every_well_of_the_real_pilot_platemaps_is_described(build, tmp_path):
    """The pilot's table of ORFs is not at hand: it is made of JUMP's, with roles made up here."""
    maps = tmp_path / "platemaps"
    maps.mkdir()
    for file in (DATA / "platemaps").glob("*jump*"):
        shutil.copy(file, maps)
    for file in (DATA / "platemaps").glob("JUMP-*"):
        shutil.copy(file, maps)
    orfs = pl.read_csv(DATA / "jump_metadata/orf.csv.gz", infer_schema=False).select(
        pl.col("Metadata_broad_sample").alias("broad_sample"),
        pl.col("Metadata_Symbol").alias("gene"),
    )
    samples = pl.read_csv(maps / "JUMP-Target-1_orf_platemap.tsv", separator="\t")
    samples = samples.select("broad_sample").drop_nulls().unique().sort("broad_sample")
    role = pl.when(pl.int_range(pl.len()) < 4).then(pl.lit("negcon")).alias("control_type")
    samples.with_columns(role).join(orfs, on="broad_sample", how="left").write_csv(
        maps / "JUMP-Target-1_orf_metadata.tsv", separator="\t"
    )
    experiments = pl.read_csv(
        maps / "cpjump1_experiment-metadata.tsv", separator="\t", infer_schema=False
    )
    header = "URL_OrigDNA,Metadata_Well,Metadata_Site\n"
    wells = [f"{row}{column:02d}" for row in "ABCDEFGHIJKLMNOP" for column in range(1, 25)]
    lines = [f"s3://cellpainting-gallery/cpg0000-jump-pilot/{well}.tiff,{well},1" for well in wells]
    for batch, plate in experiments.select("Batch", "Assay_Plate_Barcode").rows():
        place = f"gallery/cpg0000-jump-pilot/source_4/workspace/load_data_csv/{batch}/{plate}"
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "load_data.csv").write_text(header + "\n".join(lines))
    ask = build(gallery=str(tmp_path / "gallery"), project="cpg0000-jump-pilot", metadata=str(maps))
    assert ask("SELECT count(*) FROM cpg.plates") == [(117,)]
    assert ask("SELECT reason FROM cpg.problems") == []
    roles = """
        SELECT
            Metadata_PlateType, Metadata_pert_type, count(*),
            count(DISTINCT Metadata_Perturbation)
        FROM cpg.sites GROUP BY ALL ORDER BY ALL
    """
    assert ask(roles) == [
        ("COMPOUND", "negcon", 3328, 1), ("COMPOUND", "poscon", 3120, 46),
        ("COMPOUND", "trt", 13520, 260),
        ("CRISPR", "empty", 88, 1), ("CRISPR", "negcon", 1320, 30), ("CRISPR", "poscon", 1320, 58),
        ("CRISPR", "trt", 5720, 247),
        ("ORF", "empty", 172, 1), ("ORF", "negcon", 344, 4), ("ORF", "trt", 15996, 171),
    ]  # fmt: skip
    assert ask("SELECT DISTINCT Metadata_modality FROM cpg.sites ORDER BY 1") == [
        ("any",), ("compound",), ("crispr",), ("orf",),
    ]  # fmt: skip
