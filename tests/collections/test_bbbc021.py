"""BBBC021: what its tables say becomes sites and labels, and what cannot be used is named."""

import csv
import gzip
import subprocess

import duckdb
import polars as pl
import pytest

import jumpduck
from jumpduck.collections import bbbc021
from jumpduck.database.connection import frame, open_catalog
from jumpduck.errors import CatalogError, QueryError, StoreError
from tests.support.catalogs import DUCKDB, OF_ONE_BUILD, content
from tests.support.places import DATA, ROOT
from tests.support.web_server import web_server

GUID = "BEDC2073-A983-4B98-95E9-84466707A25D"
HEADER = [
    "TableNumber", "ImageNumber", "Image_FileName_DAPI", "Image_PathName_DAPI",
    "Image_FileName_Tubulin", "Image_PathName_Tubulin", "Image_FileName_Actin",
    "Image_PathName_Actin", "Image_Metadata_Plate_DAPI", "Image_Metadata_Well_DAPI", "Replicate",
    "Image_Metadata_Compound", "Image_Metadata_Concentration",
]  # fmt: skip


def line(
    well="G10", site=1, compound="taxol", dose="1", plate="Week4_27481", prefix="", guid=GUID, **odd
):
    """A line of the image table, with some of its values changed."""
    path = f"{plate.partition('_')[0]}/{plate}"
    values = {
        "TableNumber": "4", "ImageNumber": "233",
        "Image_Metadata_Plate_DAPI": plate, "Image_Metadata_Well_DAPI": well, "Replicate": "1",
        "Image_Metadata_Compound": compound, "Image_Metadata_Concentration": dose,
    }  # fmt: skip
    for number, channel in ((1, "DAPI"), (2, "Tubulin"), (4, "Actin")):
        values[f"Image_FileName_{channel}"] = f"{prefix}{well}_s{site}_w{number}{guid}.tif"
        values[f"Image_PathName_{channel}"] = path
    return {**values, **odd}


def write(folder, lines, mechanisms=(), smiles=None, quoting=csv.QUOTE_MINIMAL):
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "BBBC021_v1_image.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, HEADER, quoting=quoting)
        writer.writeheader()
        writer.writerows(lines)
    tables = {"moa": [("compound", "concentration", "moa"), *mechanisms]}
    if smiles:
        tables["compound"] = [("compound", "smiles"), *smiles]
    for name, rows in tables.items():
        with (folder / f"BBBC021_v1_{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)
    return folder


def build(metadata, path, **options):
    jumpduck.catalog(path, collection="bbbc021", metadata=str(metadata), **options)
    return path


GOOD = [
    line("G10", 2),
    line("G10", 1, dose="1.000000"),
    line("B02", 1, "DMSO", "0", "Week1_22123", "Week1_150607_"),
    line("B11", 3, "taxol", "0.3", "Week7_34661", "Week7_7__"),
    line("D05", 4, "taxol", "0.3", "Week1_22123", "Week1_150607_"),
    line("G03", 1, "UNKNOWN", "10", "Week8_38341", "Week8_4sites_"),
    line("C05", 1, "3,3'-diaminobenzidine", "3e-4", guid=""),
    line("C05", 2, "ICI-182,780", "0.003"),
    line("C06", 1, 'has "quotes"', "0.30000001", guid=GUID.lower()),
]
ODD = {
    "the plate is not named": [line(plate="../Week4"), line(plate="Week4")],
    "the well is not named": [line(Image_Metadata_Well_DAPI="Z99")],
    "a file is not named": [
        line(Image_FileName_DAPI="G10_w1.tif"),
        line(Image_FileName_Actin="../G10_s1_w4.tif"),
        line(Image_FileName_Actin="G10_s1_w4.tif#member=x"),
        line(Image_FileName_Tubulin=""),
    ],
    "its files are of different sites": [line(Image_FileName_Actin="G10_s2_w4.tif")],
    "its files are of another well": [line(Image_Metadata_Well_DAPI="G09")],
    "two channels have the same file": [
        line(Image_FileName_DAPI="G10_s1_w1.tif", Image_FileName_Actin="G10_s1_w1.tif")
    ],
    "its files are not in the folder": [line(Image_PathName_DAPI="Week4/..")],
    "it names no compound": [line(compound=" ")],
    "the concentration is not": [line(dose=one) for one in ("", "x", "nan", "-1", "1e-12", "1e30")],
}
MECHANISMS = [
    ("DMSO", "0.000000", "DMSO"),
    ("taxol", "0.300000", "Microtubule stabilizers"),
    ("3,3'-diaminobenzidine", "0.0003", "one"),
    ("ICI-182,780", "0.003000", "two"),
    ('has "quotes"', "0.3", "three"),
    ("Taxol", "1", "four"),
]
SMILES = [("DMSO", "CS(C)=O"), ("UNKNOWN", ""), ("of no plate", "C")]


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A catalog of names, doses and compounds in all forms, and of lines that are wrong."""
    folder = tmp_path_factory.mktemp("odd")
    lines = [*GOOD, *(one for lines in ODD.values() for one in lines)]
    metadata = write(folder / "metadata", lines, MECHANISMS, SMILES)
    return build(metadata, folder / "catalog.duckdb", gallery="s3://mirror/BBBC021/")


def sites(path, columns):
    query = f"SELECT {columns} FROM bbbc021.sites ORDER BY site_number"
    return jumpduck.sql(query, path).rows()


def test_channels_say_which_of_them_show_nuclei_and_cells(odd):
    found = jumpduck.sql("SELECT marks FROM bbbc021.channels ORDER BY position", odd)
    assert found["marks"].to_list() == ["nuclei", None, "cells"]


def test_the_site_is_in_the_names_of_the_files_in_all_their_forms(odd):
    key = "Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site"
    assert sites(odd, key) == [
        ("Week4", "Week4_27481", "G10", 2),
        ("Week4", "Week4_27481", "G10", 1),
        ("Week1", "Week1_22123", "B02", 1),
        ("Week7", "Week7_34661", "B11", 3),
        ("Week1", "Week1_22123", "D05", 4),
        ("Week8", "Week8_38341", "G03", 1),
        ("Week4", "Week4_27481", "C05", 1),
        ("Week4", "Week4_27481", "C05", 2),
        ("Week4", "Week4_27481", "C06", 1),
    ]


def test_an_image_is_a_member_of_the_zip_of_its_plate_and_its_column_names_its_channel(odd):
    rows = jumpduck.manifest(odd, plates="Week7_34661")
    zipped = "s3://mirror/BBBC021/BBBC021_v1_images_Week7_34661.zip#member=Week7_34661/"
    assert rows["Metadata_Channel"].to_list() == ["DAPI", "Tubulin", "Actin"]
    assert rows["url"].to_list() == [f"{zipped}Week7_7__B11_s3_w{n}{GUID}.tif" for n in (1, 2, 4)]
    assert rows["path"][2] == (
        "bbbc021/Week7/Week7_34661/bbbc021__Week7__Week7_34661__B11__3__Actin"
    )


def test_a_mechanism_is_that_of_exactly_this_compound_at_exactly_this_dose(odd):
    columns = "Metadata_Compound, Metadata_Concentration_Micromolar, Metadata_MoA"
    found = sites(odd, f"{columns}, Metadata_pert_type")
    assert found == [
        ("taxol", 1.0, None, "trt"),
        ("taxol", 1.0, None, "trt"),
        ("DMSO", 0.0, "DMSO", "negcon"),
        ("taxol", 0.3, "Microtubule stabilizers", "poscon"),
        ("taxol", 0.3, "Microtubule stabilizers", "trt"),
        ("UNKNOWN", 10.0, None, "unknown"),
        ("3,3'-diaminobenzidine", 0.0003, "one", "trt"),
        ("ICI-182,780", 0.003, "two", "trt"),
        ('has "quotes"', 0.30000001, None, "trt"),
    ]
    where = "Metadata_Concentration_Micromolar = 0.003"
    assert jumpduck.manifest(odd, where=where).height == 3


def test_a_line_that_cannot_be_used_is_a_row_of_the_problems(odd):
    problems = jumpduck.sql("FROM bbbc021.problems", odd)
    for reason, lines in ODD.items():
        told = problems.filter(pl.col("reason").str.starts_with(reason))
        assert told["lines"].sum() == len(lines), reason
    others = problems.filter(pl.col("lines").is_null())["reason"].to_list()
    where = "no site has a compound and dose of the mechanisms: "
    assert sorted(others) == [f"{where}Taxol at 1.0", f'{where}has "quotes" at 0.3']


def test_a_compound_is_found_with_its_doses_by_name_spelling_and_smiles(odd):
    found = jumpduck.find(["taxol"], odd)
    columns = ["Metadata_Concentration_Micromolar", "Metadata_pert_type", "wells", "sites"]
    assert sorted(found.select(columns).rows()) == [
        (0.3, "poscon", 1, 1), (0.3, "trt", 1, 1), (1.0, "trt", 1, 2),
    ]  # fmt: skip
    asked = ["ICI-182,780", "3,3'-Diaminobenzidine", "ici 182,780", "CS(C)=O"]
    found = jumpduck.find(asked, odd)
    assert dict(found.select("asked", "matched_by").rows()) == {
        "ICI-182,780": "name",
        "3,3'-Diaminobenzidine": "name",
        "ici 182,780": "other spelling",
        "CS(C)=O": "SMILES as published",
    }
    wells = jumpduck.find("UNKNOWN", odd, wells=True)
    assert wells["Metadata_Well"].to_list() == ["G03"]
    with pytest.raises(QueryError, match=r"did you mean taxol.*Metadata_MoA = 'Eg5 inhibitors'"):
        jumpduck.find("taxl", odd)
    split = jumpduck.manifest(odd, split={"a": 0.5, "b": 0.5}, split_by="compound")
    assert split.group_by("Metadata_Compound").agg(pl.col("split").n_unique())["split"].max() == 1


def test_every_relation_and_column_has_a_comment_and_every_file_says_what_it_makes(odd):
    with open_catalog(odd) as con:
        silent = frame(
            con,
            """
            SELECT table_name AS name FROM duckdb_tables()
            WHERE schema_name = 'bbbc021' AND comment IS NULL UNION ALL
            SELECT table_name || '.' || column_name FROM duckdb_columns()
            WHERE schema_name = 'bbbc021' AND comment IS NULL
            """,
        )
    assert silent["name"].to_list() == []
    driver = (ROOT / "sql/bbbc021.sql").read_text()
    for file in (ROOT / "sql/bbbc021").glob("*.sql"):
        assert file.read_text().startswith(f"-- bbbc021.{file.stem}")
        assert f".read sql/bbbc021/{file.name}\n" in driver


def test_a_doubled_site_is_refused_by_its_key(tmp_path):
    lines = [line("B02", 1, guid=""), line("B02", 1)]
    reason = "two rows of bbbc021.sites have the same key .*: bbbc021, Week4, Week4_27481, B02, 1; "
    with pytest.raises(CatalogError, match=reason):
        build(write(tmp_path / "m", lines), tmp_path / "c.duckdb")


def without_column(folder):
    file = folder / "BBBC021_v1_image.csv"
    file.write_text(file.read_text().replace("Image_Metadata_Well_DAPI", "Well"))


def not_utf8(folder):
    (folder / "BBBC021_v1_moa.csv").write_bytes(b"compound,concentration,moa\n\xe9,1,x\n")


def not_gzip(folder):
    (folder / "BBBC021_v1_moa.csv").rename(folder / "BBBC021_v1_moa.csv.gz")


def cut_gzip(folder):
    file = folder / "BBBC021_v1_moa.csv"
    data = gzip.compress(file.read_bytes())
    file.with_name(f"{file.name}.gz").write_bytes(data[:-9])
    file.unlink()


def bomb(folder):
    file = folder / "BBBC021_v1_moa.csv"
    file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(bytes(20_000)))
    file.unlink()


def too_large(folder):
    (folder / "BBBC021_v1_compound.csv").write_text("compound,smiles\n" + 20_000 * "x")


def absent(folder):
    (folder / "BBBC021_v1_moa.csv").unlink()


def empty(folder):
    (folder / "BBBC021_v1_moa.csv").write_text("")


def a_title(folder):
    (folder / "BBBC021_v1_moa.csv").write_text("# a title\n\ncompound,concentration,moa\n")


def a_long_line(folder):
    (folder / "BBBC021_v1_moa.csv").write_text("compound,concentration,moa\ntaxol,1,x,y\n")


def a_short_line(folder):
    file = folder / "BBBC021_v1_moa.csv"
    file.write_text("compound,concentration,moa\ntaxol,1,x\ntaxol,2\n")


def an_open_quote(folder):
    (folder / "BBBC021_v1_moa.csv").write_text('compound,concentration,moa\n"taxol,1,x\n')


def no_number(folder):
    (folder / "BBBC021_v1_moa.csv").write_text("compound,concentration,moa\ntaxol,much,x\n")


def a_label_twice(folder):
    (folder / "BBBC021_v1_moa.csv").write_text(
        "compound,concentration,moa\ntaxol,0.3,x\ntaxol,0.300,y\n"
    )


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (without_column, "BBBC021_v1_image.csv has no column Image_Metadata_Well_DAPI"),
        (not_utf8, "BBBC021_v1_moa.csv is not UTF-8"),
        (not_gzip, "cannot be unpacked"),
        (cut_gzip, "cannot be unpacked"),
        (bomb, "more than 10,000 bytes"),
        (too_large, "BBBC021_v1_compound.csv has more than 10,000 bytes"),
        (absent, "neither BBBC021_v1_moa.csv nor BBBC021_v1_moa.csv.gz"),
        (empty, "the first line of BBBC021_v1_moa.csv is not its header, .*: it is ''; remove"),
        (a_title, "the first line of BBBC021_v1_moa.csv is not its header, .*: it is '# a title'"),
        (a_short_line, "line 3 of BBBC021_v1_moa.csv has 2 values, the header has 3"),
        (a_long_line, "line 2 of BBBC021_v1_moa.csv has 4 values, the header has 3"),
        (an_open_quote, "BBBC021_v1_moa.csv cannot be read: unexpected end of data"),
        (no_number, "concentration much of taxol in BBBC021_v1_moa.csv is not a number"),
        (a_label_twice, "two rows of bbbc021.mechanisms have the same key .*taxol"),
    ],
)
def test_a_table_that_is_not_the_published_one_is_refused_by_name(
    tmp_path, monkeypatch, spoil, reason
):
    monkeypatch.setattr(bbbc021, "MAX_TABLE_BYTES", 10_000)
    metadata = write(tmp_path / "metadata", [line()])
    spoil(metadata)
    with pytest.raises(CatalogError, match=reason):
        build(metadata, tmp_path / "c.duckdb")
    assert not (tmp_path / "c.duckdb").exists()


@pytest.mark.slow
def test_tables_come_over_http_quoted_or_not_plain_or_compressed(tmp_path):
    published = write(tmp_path / "published", GOOD, MECHANISMS, quoting=csv.QUOTE_ALL)
    plain = published / "BBBC021_v1_image.csv"
    (published / f"{plain.name}.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    with web_server(published) as root:
        path = build(root, tmp_path / "c.duckdb")
    assert len(sites(path, "site_key")) == len(GOOD)
    assert sites(path, "DISTINCT Metadata_SMILES") == [(None,)]
    with pytest.raises(QueryError, match=r"has no BBBC021_v1_compound.csv; name the compound"):
        jumpduck.find("CS(C)=O", path)
    with pytest.raises(StoreError, match=r"gallery /.* is not a folder"):
        build(published, tmp_path / "c.duckdb", gallery=str(tmp_path / "absent"))


@pytest.mark.slow
def test_the_duckdb_command_line_builds_the_same_catalog(tmp_path):
    metadata = write(tmp_path / "metadata", GOOD, MECHANISMS)
    built = build(metadata, tmp_path / "python.duckdb")
    path = tmp_path / "cli.duckdb"
    variables = f"SET VARIABLE bbbc021_metadata = '{metadata}'"
    words = [DUCKDB, path, "-c", variables, "-c", ".read sql/bbbc021.sql"]
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    without = {**OF_ONE_BUILD, "bbbc021.settings": "revision"}
    assert content(path, without) == content(built, without)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The catalog of the published tables; SMILES are those of the same compounds in the IDR."""
    folder = tmp_path_factory.mktemp("real")
    metadata = folder / "metadata"
    metadata.mkdir()
    for name, published in (
        ("image.csv.gz", "BBBC021_v1_image.csv.gz"),
        ("moa.csv", "BBBC021_v1_moa.csv"),
        ("compound.csv", "compound_smiles_from_idr0035.csv"),
    ):
        data = (DATA / "bbbc021" / published).read_bytes()
        (metadata / f"BBBC021_v1_{name}").write_bytes(data)
    return build(metadata, folder / "catalog.duckdb")


@pytest.mark.real
@pytest.mark.slow
def test_no_field_of_the_published_table_is_lost(real):
    counts = """
        SELECT
            count(*) AS sites, count(DISTINCT plate_number) AS plates, sum(len(images)) AS images,
            count(DISTINCT plate_number || Metadata_Well) AS wells,
            count(DISTINCT Metadata_Compound) AS compounds
        FROM bbbc021.sites
    """
    assert jumpduck.sql(counts, real).row(0) == (13_200, 55, 39_600, 3_300, 113)
    assert jumpduck.sql("FROM bbbc021.problems", real).is_empty()
    rows = jumpduck.manifest(real, per_well="all")
    assert rows.height == 39_600
    assert rows["url"].n_unique() == 39_600
    assert rows["path"].n_unique() == 39_600
    per_well = rows.group_by("Metadata_Plate", "Metadata_Well").agg(pl.col("Metadata_Site"))
    assert {tuple(sorted(set(one))) for one in per_well["Metadata_Site"]} == {(1, 2, 3, 4)}
    # against the lines as Python's own reader has them
    with gzip.open(DATA / "bbbc021/BBBC021_v1_image.csv.gz", "rt") as file:
        lines = list(csv.DictReader(file))
    expected = {
        (one["Image_Metadata_Plate_DAPI"], one["Image_Metadata_Well_DAPI"], channel, name)
        for one in lines
        for channel in ("DAPI", "Tubulin", "Actin")
        for name in [one[f"Image_FileName_{channel}"]]
    }
    key = ("Metadata_Plate", "Metadata_Well", "Metadata_Channel")
    names = pl.col("url").str.extract(r"/([^/]+)$")
    assert set(rows.select(*key, names).rows()) == expected


MECHANISM_COUNTS = {
    "Actin disruptors": (3, 5), "Aurora kinase inhibitors": (3, 12),
    "Cholesterol-lowering": (2, 6), "DNA damage": (4, 9), "DNA replication": (4, 8),
    "Eg5 inhibitors": (2, 12), "Epithelial": (3, 8), "Kinase inhibitors": (3, 5),
    "Microtubule destabilizers": (4, 14), "Microtubule stabilizers": (3, 9),
    "Protein degradation": (4, 7), "Protein synthesis": (3, 8),
}  # fmt: skip


@pytest.mark.real
@pytest.mark.slow
def test_the_103_labelled_treatments_and_the_dmso_wells_come_out(real):
    counts = """
        SELECT
            Metadata_MoA, count(DISTINCT Metadata_Compound),
            count(DISTINCT Metadata_Compound || '@' || Metadata_Concentration_Micromolar)
        FROM bbbc021.sites WHERE Metadata_MoA <> 'DMSO' GROUP BY ALL
    """
    found = {moa: (compounds, doses) for moa, compounds, doses in jumpduck.sql(counts, real).rows()}
    assert found == MECHANISM_COUNTS
    assert sum(doses for _, doses in found.values()) == 103
    assert sum(compounds for compounds, _ in found.values()) == 38
    wells = """
        SELECT Metadata_pert_type, count(DISTINCT plate_number || Metadata_Well) AS wells
        FROM bbbc021.sites {} GROUP BY ALL
    """
    roles = {"trt": 2624, "negcon": 330, "poscon": 330, "unknown": 16}
    assert dict(jumpduck.sql(wells.format(""), real).rows()) == roles
    labelled = jumpduck.sql(wells.format("WHERE Metadata_MoA IS NOT NULL"), real)
    assert labelled["wells"].sum() == 962
    assert dict(labelled.rows())["negcon"] == 330


@pytest.mark.real
@pytest.mark.slow
def test_doses_and_names_of_the_published_table_can_be_chosen(real):
    taxol = jumpduck.manifest(real, compounds="taxol", roles="trt", per_well="all")
    assert set(taxol["Metadata_Batch"]) == {"Week1"}
    assert taxol["Metadata_Well"].unique().sort()[0] == "D03"
    for where in ("= 0.003", "= 3e-3", "IN (0.003000)"):
        chosen = jumpduck.manifest(
            real, compounds="taxol", where=f"Metadata_Concentration_Micromolar {where}"
        )
        assert chosen["Metadata_Well"].unique().to_list() == ["D09"]
    found = jumpduck.find(["3,3'-diaminobenzidine", "Nc1ccc(cc1N)c2ccc(N)c(N)c2"], real)
    assert set(found["Metadata_Compound"]) == {"3,3'-diaminobenzidine"}
    treatments = "FROM bbbc021.treatments WHERE Metadata_Compound = 'UNKNOWN'"
    assert jumpduck.sql(treatments, real).height == 8
    with duckdb.connect(str(real), read_only=True) as con:
        smiles = con.execute("SELECT count(Metadata_SMILES) FROM bbbc021.compounds").fetchall()
    assert smiles == [(98,)]
