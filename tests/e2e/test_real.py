"""Real input: the published metadata, real load_data files, a real field of view."""

import shutil

import imagecodecs
import numpy as np
import polars as pl
import pytest
import tifffile

import jumpduck
from jumpduck.database.connection import frame, open_catalog
from jumpduck.errors import QueryError
from jumpduck.rows import SITE_KEY
from tests.support.pixels import formula
from tests.support.places import DATA

pytestmark = [pytest.mark.real, pytest.mark.slow]  # the fixtures take 5 seconds

LOAD_DATA = DATA / "load_data"
# file -> where a plate's load_data lies: source, batch, plate, name
PLACES = {
    "nfcore_cpg0016_source4_url_format.csv": (
        "source_4", "2021_04_26_Batch1", "BR00117035", "load_data.csv",
    ),
    "BR00126114_load_data_with_illum.parquet": (
        "source_4", "2021_08_23_Batch12", "BR00126114", "load_data_with_illum.parquet",
    ),
    "pe2loaddata_version1.csv": ("source_4", "2021_06_14_Batch6", "BR00121429", "load_data.csv"),
    "pe2loaddata_version5.csv": ("source_4", "2021_04_26_Batch1", "BR00121438", "load_data.csv"),
    "pe2loaddata_version7.csv": ("source_4", "2021_04_26_Batch1", "BR00121437", "load_data.csv"),
    "cpg0001_BR00113255_load_data_full.csv.gz": (
        "source_4", "2021_05_10_Batch3", "BR00125181", "load_data.csv.gz",
    ),
    "distributed_cellprofiler_cpg.csv": (
        "source_4", "2021_05_10_Batch3", "BR00125167", "load_data_with_illum.csv",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def places(real_metadata):
    """Real plates, and the real file of another form that the folder of each holds."""
    published = pl.read_csv(real_metadata / "plate.csv.gz", infer_schema=False)
    batches = dict(published.select("Metadata_Plate", "Metadata_Batch").rows())
    return {
        file: (source, batches[plate], plate, name)
        for file, (source, _, plate, name) in PLACES.items()
    }


@pytest.fixture(scope="module")
def server(places, real_metadata):
    from tests.support.s3_server import S3Server  # which takes half a second

    with S3Server() as server:
        bucket = "real-gallery"
        server.put_folder("real-metadata", real_metadata)
        for file, (source, batch, plate, name) in places.items():
            place = f"cpg0016-jump/{source}/workspace/load_data_csv/{batch}/{plate}/{name}"
            server.put(bucket, place, (LOAD_DATA / file).read_bytes())
        for file in (DATA / "images/pe2loaddata_v1").glob("*.tiff"):
            server.put(bucket, f"tests/data/Version1/images/{file.name}", file.read_bytes())
        yield server


@pytest.fixture(scope="module")
def real_catalog(server, places, tmp_path_factory):
    path = tmp_path_factory.mktemp("real") / "catalog.duckdb"
    jumpduck.catalog(
        path,
        gallery="s3://real-gallery",
        metadata="s3://real-metadata",
        endpoint=server.endpoint,
        plates=[plate for _, _, plate, _ in places.values()],
    )
    return path


def test_the_published_metadata_is_read_whole(real_catalog):
    with open_catalog(real_catalog) as con:
        counts = con.execute(
            """
            SELECT
                (SELECT count(*) FROM jump.plates),
                (SELECT count(*) FROM jump.wells),
                (SELECT count(*) FROM jump.wells WHERE Metadata_JCP2022 = 'JCP2022_033924'),
                (SELECT count(*) FROM jump.compounds),
                (SELECT count(*) FROM jump.orfs),
                (SELECT count(*) FROM jump.crisprs),
                (SELECT count(*) FROM jump.controls),
                (SELECT count(*) FROM jump.microscopes),
                (SELECT count(*) - count(DISTINCT Metadata_JCP2022) FROM jump.perturbations)
            """
        ).fetchall()[0]
    assert counts == (2525, 742_825, 100_435, 115_795, 15_132, 7_977, 18, 13, 0)


def test_plate_names_of_digits_keep_every_digit(real_catalog):
    with open_catalog(real_catalog) as con:
        names = frame(
            con,
            """
            SELECT Metadata_Plate AS name FROM jump.plates
            WHERE regexp_full_match(Metadata_Plate, '[0-9]+')
            """,
        )["name"]
    assert len(names) == 475
    assert "110000293081" in names


def test_roles_are_those_of_the_published_table(real_catalog):
    with open_catalog(real_catalog) as con:
        odd = con.execute(
            """
            SELECT Metadata_JCP2022, perturbations.Metadata_pert_type FROM jump.perturbations
            LEFT JOIN jump.controls USING (Metadata_JCP2022)
            WHERE perturbations.Metadata_pert_type
            IS DISTINCT FROM coalesce(controls.Metadata_pert_type, 'trt') ORDER BY ALL
            """
        ).fetchall()
    assert odd == [
        ("JCP2022_028373", "unknown"),
        ("JCP2022_900001", "bad_construct"),
        ("JCP2022_UNKNOWN", "unknown"),
    ]


def test_a_gene_with_two_symbols_has_both_modalities_under_each(real_catalog):
    with open_catalog(real_catalog) as con:
        pairs = con.execute(
            """
            SELECT orfs.Metadata_Symbol, crisprs.Metadata_Symbol
            FROM jump.orfs INNER JOIN jump.crisprs USING (Metadata_NCBI_Gene_ID)
            GROUP BY ALL
            """
        ).fetchall()
    two = [pair for pair in pairs if pair[0] != pair[1]]
    assert (len(pairs), len(two)) == (5335, 90)
    assert {("SEPTIN7", "SEPT7"), ("CCN2", "CTGF"), ("H2AX", "H2AFX")} <= set(two)
    found = jumpduck.find([name for pair in two for name in pair], real_catalog)
    assert (
        found.group_by("asked")
        .agg(pl.col("Metadata_modality").unique().len())["Metadata_modality"]
        .to_list()
        == [2] * 180
    )


def test_a_drug_without_a_name_in_jump_is_not_taken_for_a_gene(real_catalog):
    for drug in ("aspirin", "ibuprofen", "imatinib", "metformin", "tamoxifen", "NA"):
        with pytest.raises(
            QueryError, match=r"compounds only .* have names: PubChem has the InChIKey"
        ):
            jumpduck.find(drug, real_catalog)


def test_every_real_load_data_is_read(real_catalog, places):
    with open_catalog(real_catalog) as con:
        rows = dict(
            con.execute("SELECT Metadata_Plate, count(*) FROM jump.sites GROUP BY ALL").fetchall()
        )
    assert rows == {
        "BR00117035": 1,
        "BR00126114": 2,
        "BR00121429": 1,
        "BR00121438": 1,
        "BR00121437": 1,
        "BR00125181": 3456,
        "BR00125167": 216,
    }
    assert set(rows) == {plate for _, _, plate, _ in places.values()}


def test_images_join_to_the_well_and_role_that_the_tables_say(real_catalog, real_metadata):
    """The expected rows come from Polars, which joins the published files."""
    wells = pl.read_csv(real_metadata / "well.csv.gz", infer_schema=False)
    controls = pl.read_csv(real_metadata / "perturbation_control.csv", infer_schema=False)
    known = pl.concat(
        pl.read_csv(real_metadata / name, infer_schema=False).select("Metadata_JCP2022")
        for name in ("compound.csv.gz", "orf.csv.gz", "crispr.csv.gz")
    )
    role = pl.coalesce(
        "Metadata_pert_type",
        pl.when(pl.col("Metadata_JCP2022") == "JCP2022_900001")
        .then(pl.lit("bad_construct"))
        .when(pl.col("Metadata_JCP2022").is_in(known["Metadata_JCP2022"].implode()))
        .then(pl.lit("trt"))
        .otherwise(pl.lit("unknown")),
    )
    expected = wells.join(controls, on="Metadata_JCP2022", how="left").with_columns(
        Metadata_pert_type=role
    )
    with open_catalog(real_catalog) as con:
        images = frame(con, "FROM list_files(jump.sites, jump.sites)")
    key = ["Metadata_Source", "Metadata_Plate", "Metadata_Well"]
    both = images.join(expected, on=key, suffix="_expected")
    assert both.height > 20_000
    for column in ("Metadata_JCP2022", "Metadata_pert_type"):
        assert both[column].equals(both[f"{column}_expected"], null_equal=True)
    unmatched = images.join(expected, on=key, how="anti")
    assert set(unmatched["Metadata_pert_type"]) <= {"unknown"}
    assert {"trt", "negcon"} <= set(both["Metadata_pert_type"])


@pytest.fixture(scope="module")
def field(real_catalog, tmp_path_factory):
    """A download of the one plate whose images are in the real data."""
    out = tmp_path_factory.mktemp("field")
    jumpduck.manifest(real_catalog, plates=["BR00121429"], path=out / "m")
    return out, jumpduck.download(out / "m", out / "images")


def test_a_real_field_becomes_five_pngs_equal_to_the_plain_formula(field):
    out, results = field
    assert results["status"].to_list() == ["fetched"] * 5
    # the number of each channel in the names of the files, as load_data gives it
    number = {"Mito": 1, "AGP": 2, "RNA": 3, "ER": 4, "DNA": 5}
    for row in results.iter_rows(named=True):
        name = f"r01c01f01p01-ch{number[row['Metadata_Channel']]}sk1fk1fl1.tiff"
        plane = tifffile.imread(DATA / "images/pe2loaddata_v1" / name)
        made = imagecodecs.png_decode((out / "images" / row["path"]).read_bytes())
        assert np.array_equal(made, formula(plane[156:924, 156:924]))


def test_the_path_of_a_real_image_names_its_plate_well_and_site(field):
    _, results = field
    row = results.filter(Metadata_Channel="DNA").row(0, named=True)
    assert row["path"].endswith("/BR00121429/" + "__".join([
        "source_4", row["Metadata_Batch"], "BR00121429", "A01", "1", "DNA.png",
    ]))  # fmt: skip


def test_real_images_that_the_server_lacks_are_missing(real_catalog, server, tmp_path):
    rows = jumpduck.manifest(real_catalog, plates=["BR00117035"])
    results = jumpduck.download(rows, tmp_path, endpoint=server.endpoint)
    assert set(results["status"]) == {"missing"}


@pytest.mark.slow
def test_a_local_copy_of_real_load_data_gives_the_same_sites_as_the_server(
    real_catalog, real_metadata, places, tmp_path
):
    for file, (source, batch, plate, name) in places.items():
        place = tmp_path / f"g/cpg0016-jump/{source}/workspace/load_data_csv/{batch}/{plate}"
        place.mkdir(parents=True)
        shutil.copy(LOAD_DATA / file, place / name)
    path = tmp_path / "c.duckdb"
    jumpduck.catalog(path, gallery=str(tmp_path / "g"), metadata=str(real_metadata))
    query = """
        SELECT * EXCLUDE (site_number, plate_number, images), len(images)
        FROM jump.sites ORDER BY site_key
    """
    with open_catalog(path) as one, open_catalog(real_catalog) as other:
        assert frame(one, query).equals(frame(other, query))


def test_real_plates_are_balanced_exactly_and_split_without_a_group_in_two_parts(real_catalog):
    parts = {"train": 0.6, "test": 0.4}
    for group, column in (
        ("perturbation", "Metadata_JCP2022"),
        ("plate", "Metadata_Plate"),
    ):
        rows = jumpduck.manifest(
            real_catalog, per_well="all", **{f"per_{group}": 3},
            split=parts, split_by="perturbation", modalities=["compound"],
        )  # fmt: skip
        sites = rows.unique(SITE_KEY)
        every = jumpduck.manifest(real_catalog, per_well="all", modalities=["compound"])
        there = every.unique(SITE_KEY).group_by(column).len()
        counts = sites.group_by(column).len("chosen").join(there, on=column, nulls_equal=True)
        assert counts.height == there.height
        assert counts.filter(pl.col("chosen") != pl.min_horizontal("len", 3)).is_empty()
        of_groups = sites.group_by("Metadata_JCP2022").agg(pl.col("split").n_unique())
        assert set(of_groups["split"]) == {1}
        assert set(sites["split"]) == set(parts)


def test_controls_of_a_real_gene_are_those_of_its_plates_and_bounded(real_catalog):
    rows = jumpduck.manifest(
        real_catalog, plates=["BR00125181"], perturbations=["JCP2022_085227"], controls_per_plate=4
    )
    wells = rows.unique([*SITE_KEY[:4]]).group_by("Metadata_pert_type").len()
    assert dict(wells.rows())["negcon"] == 4
