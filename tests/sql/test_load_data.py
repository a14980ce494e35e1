"""Every form that load_data has been published in."""

import gzip

import duckdb
import polars as pl
import pytest

import jumpduck
from jumpduck.database.connection import frame, open_catalog
from jumpduck.database.sql_files import sql_root
from jumpduck.synthetic.gallery import write_tables

KEY = "cpg0016-jump/source_4/images/B1/images/P1__2021-Measurement 1/Images"
BUCKET = "s3://cellpainting-gallery"


@pytest.fixture(scope="module")
def con(catalog):
    with open_catalog(catalog) as con:
        yield con


@pytest.mark.parametrize(
    "path",
    [
        f"{BUCKET}/{KEY}",
        f"{BUCKET}/{KEY}/",
        KEY,
        f"{KEY}/",
        f"/{KEY}/",
        f"/home/ubuntu/bucket/{KEY}/",
        f"s3://mirror/deep/{KEY}",
    ],
)
def test_a_folder_and_a_name_make_the_published_url(con, path):
    made = con.execute("SELECT main.gallery_url($p, 'a 1.tiff')", {"p": path}).fetchall()
    assert made == [(f"{BUCKET}/{KEY}/a 1.tiff",)]


def test_a_path_that_names_no_project_is_a_key_of_the_gallery(con):
    made = con.execute("SELECT main.gallery_url('tests/images/', 'a.tiff')").fetchall()
    assert made == [(f"{BUCKET}/tests/images/a.tiff",)]


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        ("s3://mirror/a", "s3://mirror/a/P 1+/b.tif"),
        ("/data/a", "/data/a/P 1+/b.tif"),
        ("https://host/a", "https://host/a/P%201%2B/b.tif"),
    ],
)
def test_a_published_url_is_read_from_what_stands_for_the_bucket(root, expected):
    with duckdb.connect() as con:
        con.execute((sql_root() / "common" / "read_url.sql").read_text())
        urls = {"here": f"{BUCKET}/P 1+/b.tif", "elsewhere": "s3://other/b.tif", "root": root}
        query = "SELECT main.read_url($here, $root), main.read_url($elsewhere, $root)"
        assert con.execute(query, urls).fetchall() == [(expected, "s3://other/b.tif")]


ROWS = pl.DataFrame(
    {"Metadata_Plate": ["007"] * 2, "Metadata_Well": ["A01", "A02"], "Metadata_Site": ["0", "1"]}
)


def wide(channels=("DNA", "RNA", "ER", "AGP", "Mito")):
    return ROWS.with_columns(
        pl.format(f"{BUCKET}/{KEY}/{{}}_{channel}.tif", "Metadata_Well").alias(f"URL_Orig{channel}")
        for channel in channels
    )


def folders(slash="/"):
    return ROWS.with_columns(
        *(
            pl.lit(f"/mnt/bucket/{KEY}{slash}").alias(f"PathName_Orig{channel}")
            for channel in ("DNA", "RNA", "ER", "AGP", "Mito")
        ),
        *(
            pl.format(f"{{}}_{channel}.tif", "Metadata_Well").alias(f"FileName_Orig{channel}")
            for channel in ("DNA", "RNA", "ER", "AGP", "Mito")
        ),
    )


def build(tmp_path, plates):
    """The sites of a catalog of `plates`: the files that the folder of each plate holds."""
    metadata = tmp_path / "metadata"
    write_tables(metadata)
    for name, header, row in (
        ("plate", "Metadata_Batch,Metadata_Plate,Metadata_PlateType", "B1,{},ORF"),
        ("well", "Metadata_Plate,Metadata_Well,Metadata_JCP2022", "{},A01,JCP2022_915131"),
    ):
        lines = [f"Metadata_Source,{header}", *(f"source_4,{row.format(one)}" for one in plates)]
        (metadata / f"{name}.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    for plate, files in plates.items():
        place = tmp_path / f"gallery/cpg0016-jump/source_4/workspace/load_data_csv/B1/{plate}"
        place.mkdir(parents=True)
        for name, table in files.items():
            if name.endswith("parquet"):
                table.write_parquet(place / name)
            else:
                data = table if isinstance(table, bytes) else table.write_csv().encode()
                (place / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    path = tmp_path / "catalog.duckdb"
    jumpduck.catalog(path, gallery=str(tmp_path / "gallery"), metadata=str(metadata))
    with open_catalog(path) as con:
        return frame(con, "FROM jump.sites ORDER BY ALL")


def urls(sites, channel, which="url"):
    """The URLs of one channel, in the order of the sites; None where it has no image."""
    return [
        {image["channel"]: image[which] for image in images}.get(channel)
        for images in sites["images"].to_list()
    ]


FORMS = {
    "wide csv": {"load_data.csv": wide()},
    "wide csv.gz": {"load_data_with_illum.csv.gz": wide()},
    "wide parquet": {"load_data.parquet": wide()},
    "folders csv": {"load_data.csv": folders()},
    "folders without end slash": {"load_data.csv": folders("")},
    "folders parquet": {"load_data_with_illum.parquet": folders()},
    "numbers in parquet": {
        "load_data.parquet": wide().with_columns(pl.col("Metadata_Site").cast(pl.Int64))
    },
    "a quoted comma": {
        "load_data.csv": wide().with_columns(Metadata_Filter=pl.lit("405ex, 570-630em"))
    },
    "a row twice": {"load_data.csv": pl.concat([wide(), wide()])},
    "several forms at once": {
        "load_data.csv": wide().with_columns(URL_OrigDNA=pl.lit("s3://wrong/one.tif")),
        "load_data_with_illum.csv": wide(),
        "load_data_with_illum.parquet": wide().with_columns(URL_OrigDNA=pl.lit("s3://wrong/1.tif")),
    },
    "windows line ends": {"load_data.csv": wide().write_csv(line_terminator="\r\n").encode()},
}


PLATES = {form: f"{number:03d}" for number, form in enumerate(FORMS, 7)}


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    """The sites of a catalog in which each form is a plate, and the gallery of it."""
    folder = tmp_path_factory.mktemp("forms")
    sites = build(folder, {PLATES[form]: files for form, files in FORMS.items()})
    return sites, folder / "gallery"


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_sites(form, forms):
    sites, gallery = forms
    sites = sites.filter(Metadata_Plate=PLATES[form])
    assert sites.select("Metadata_Well", "Metadata_Site").rows() == [("A01", 0), ("A02", 1)]
    assert urls(sites, "DNA") == [f"{gallery}/{KEY}/{well}_DNA.tif" for well in ("A01", "A02")]
    for images in sites["images"]:
        assert [image["channel"] for image in images] == ["DNA", "RNA", "ER", "AGP", "Mito"]


@pytest.mark.slow
def test_a_site_whose_well_is_unknown_has_the_role_unknown(tmp_path):
    sites = build(tmp_path, {"007": {"load_data.csv": wide()}})
    assert sites["Metadata_pert_type"].to_list() == ["negcon", "unknown"]
    assert sites["Metadata_JCP2022"].to_list() == ["JCP2022_915131", None]


@pytest.mark.slow
def test_brightfield_is_known_under_all_its_spellings(tmp_path):
    sites = build(
        tmp_path, {"007": {"load_data.csv": wide(("DNA", "Brightfield", "HighZBF", "LowZBF"))}}
    )
    for name, channel in (("", "Brightfield"), ("_H", "HighZBF"), ("_L", "LowZBF")):
        assert urls(sites, f"Brightfield{name}")[0].endswith(f"A01_{channel}.tif")


@pytest.mark.slow
def test_illum_columns_are_kept(tmp_path):
    table = wide().with_columns(URL_IllumDNA=pl.lit(f"{BUCKET}/illum/007_IllumDNA.npy"))
    sites = build(tmp_path, {"007": {"load_data_with_illum.csv": table}})
    assert urls(sites, "DNA", "illum") == [f"{tmp_path}/gallery/illum/007_IllumDNA.npy"] * 2
    assert urls(sites, "RNA", "illum") == [None, None]


@pytest.mark.slow
def test_illumination_functions_are_in_the_manifest_if_they_are_asked_for(tmp_path):
    illum = f"{BUCKET}/illum/007_IllumDNA.npy"
    build(
        tmp_path,
        {"007": {"load_data_with_illum.csv": wide().with_columns(URL_IllumDNA=pl.lit(illum))}},
    )
    path = tmp_path / "catalog.duckdb"
    assert jumpduck.manifest(path)["url_illum"].to_list() == [None] * 5
    asked = dict(jumpduck.manifest(path, illum=True)["Metadata_Channel", "url_illum"].rows())
    assert asked.pop("DNA") == f"{tmp_path}/gallery/illum/007_IllumDNA.npy"
    assert set(asked.values()) == {None}
