"""Load_data that is odd: each line is a site or says why not, and both ways in say the same."""

import gzip
import math
import shutil

import polars as pl
import pytest

import jumpduck
from jumpduck.database.connection import open_catalog
from jumpduck.errors import QueryError
from tests.support.catalogs import by_command_line, content

HEADER = "Metadata_Well,Metadata_Site,URL_OrigDNA,URL_OrigER"
GOOD = "A01,1,s3://b/dna.tif,s3://b/er.tif"
NO_LINES = ("no lines under a header that names Metadata_Well", None)


def text(*lines, header=HEADER, end="\n"):
    return "".join(line + end for line in (header, *lines)).encode()


def parquet(**columns):
    return pl.DataFrame(columns)


CSV = "load_data.csv"
# what a plate's folder holds; how many sites; reasons with the number of lines, None for the plate
ODD = {
    "a header alone": ({CSV: text()}, 0, {NO_LINES}),
    "a header alone, compressed": ({"load_data.csv.gz": text()}, 0, {NO_LINES}),
    "an empty file": ({CSV: b""}, 0, {NO_LINES}),
    "semicolons": ({CSV: text(GOOD).replace(b",", b";")}, 0, {NO_LINES}),
    "another table": ({CSV: b"a,b\n1,2\n"}, 0, {NO_LINES}),
    "a better form without lines": (
        {"load_data_with_illum.csv": text(), CSV: text(GOOD)}, 0, {NO_LINES},
    ),
    "more and fewer values": (
        {CSV: text(GOOD, GOOD + ",s3://b/x.tif", "A02,2", "", "A03,3,s3://b/dna.tif,")},
        2,
        {("more values than columns", 1), ("fewer values than columns", 1)},
    ),
    "quotes": (
        {CSV: text('"A01","1","s3://b/a, ""b"".tif",""', 'A02,1,"s3://b/a.tif,', "A03,1,s3://b/c,")},
        2,
        {("a quote that does not end", 1)},
    ),
    "no column of images": (
        {CSV: text("A01,1", header="Metadata_Well,Metadata_Site")}, 0, {("no image", 1)},
    ),
    "no column of sites": (
        {CSV: text("A01,s3://b/a.tif", header="Metadata_Well,URL_OrigDNA")},
        0,
        {("no site number: empty", 1)},
    ),
    "words for no value": (
        {CSV: text("A01,1,nan,NA", "A02,1,s3://b/a.tif,None", "nan,1,s3://b/a.tif,")},
        1,
        {("no image", 1), ("no well: empty", 1)},
    ),
    "folders and names without a value": (
        {
            CSV: text(
                "A01,1,cpg0016-jump/x,nan", "A02,1,nan,a.tif", "A03,1,cpg0016-jump/x,a.tif",
                header="Metadata_Well,Metadata_Site,PathName_OrigDNA,FileName_OrigDNA",
            )
        },
        1,
        {("no image", 2)},
    ),
    "numbers of sites": (
        {CSV: text(*(f"A01,{n},s3://b/a.tif," for n in ("0", "01", "2.0", "2.5", "-1", "1e1")))},
        3,
        {("no site number: 2.5", 1), ("no site number: -1", 1), ("no site number: 1e1", 1)},
    ),
    "line ends of Windows and a byte order mark": (
        {CSV: b"\xef\xbb\xbf" + text(GOOD, end="\r\n")}, 1, set(),
    ),
    "line ends of three kinds": (
        {CSV: text(end="\r\n") + b"A01,1,a,\r\nA02,1,b,\rA03,1,c,\n\nA04,1,d,\r\rA05,1,e,"},
        5,
        set(),
    ),
    "control characters": (
        {CSV: text(GOOD, "A02,1,s3://\x1d\x1e/a\x1c\x1f.tif,", "A\0,\x1d")},
        2,
        {("fewer values than columns", 1)},
    ),
    "a line of 3 MB": (
        {CSV: text(GOOD, "x" * 3_000_000)}, 1, {("fewer values than columns", 1)},
    ),
    "the header twice": ({CSV: text(GOOD, HEADER, "A02,1,s3://b/a.tif,")}, 2, set()),
    "the header twice, once in quotes": (
        {CSV: text(GOOD, '"Metadata_Well","Metadata_Site","URL_OrigDNA",URL_OrigER', "A02,1,s,")},
        2,
        set(),
    ),
    "two headers that differ": (
        {CSV: text(GOOD, "Metadata_Well,Metadata_Site,URL_OrigER,URL_OrigDNA", "A02,1,s3://e,s")},
        0,
        {("headers that differ in one file", 2)},
    ),
    "a second header with a column more": (
        {CSV: text(GOOD, HEADER + ",URL_OrigRNA", "A02,1,s3://b/a.tif,,", "A03,1,s")},
        0,
        {("headers that differ in one file", 3)},
    ),
    "a column twice": (
        {CSV: text(GOOD + ",s3://b/2.tif", header=HEADER + ",URL_OrigDNA")}, 1, set(),
    ),
    "parquet without rows": (
        {"load_data.parquet": parquet(Metadata_Well=[], Metadata_Site=[]).cast(pl.String)},
        0,
        {NO_LINES},
    ),
    "parquet with numbers": (
        {
            "load_data.parquet": parquet(
                Metadata_Well=["A01", "A02"], Metadata_Site=[1.0, 2.5], URL_OrigDNA=["s3://a"] * 2
            )
        },
        1,
        {("no site number: 2.5", 1)},
    ),
    "parquet with missing numbers for names": (
        {
            "load_data.parquet": parquet(
                Metadata_Well=["A01"], Metadata_Site=[1], URL_OrigDNA=["s3://a"],
                URL_IllumDNA=[math.nan],
            )
        },
        1,
        set(),
    ),
    "parquet without wells": (
        {"load_data.parquet": parquet(a=[1])}, 0, {("no well: empty", 1)},
    ),
    "nothing": ({}, 0, {("no load_data in source_4/workspace/load_data_csv/B1/{}", None)}),
}  # fmt: skip

PLATES = {what: f"{number:03d}" for number, what in enumerate(ODD)}


@pytest.fixture(scope="module")
def both(gallery, tmp_path_factory):
    """Catalogs of the same odd files: made by Python and by the duckdb command line."""
    folder = tmp_path_factory.mktemp("odd")
    metadata, root = folder / "metadata", folder / "gallery"
    shutil.copytree(gallery.metadata, metadata)
    plates = ["Metadata_Source,Metadata_Batch,Metadata_Plate,Metadata_PlateType"]
    plates += [f"source_4,B1,{plate},ORF" for plate in PLATES.values()]
    plates += ["source_4,2021_08_23_Batch12,known,ORF", "source_3,B9,far,ORF"]
    wells = ["Metadata_Source,Metadata_Plate,Metadata_Well,Metadata_JCP2022"]
    wells += [f"source_4,{plate},A01,JCP2022_800101" for plate in ("wells1", "wells2")]
    for name, lines in (("plate", plates), ("well", wells)):
        (metadata / f"{name}.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    folders = {f"B1/{PLATES[what]}": files for what, (files, _, _) in ODD.items()}
    folders["2021_08_23_Batch12/wells1"] = folders["B1/nobody"] = {CSV: text(GOOD)}
    for place, files in folders.items():
        target = root / "cpg0016-jump/source_4/workspace/load_data_csv" / place
        target.mkdir(parents=True)
        for name, data in files.items():
            if isinstance(data, pl.DataFrame):
                data.write_parquet(target / name)
            else:
                (target / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    by_python, by_duckdb = folder / "python.duckdb", folder / "duckdb.duckdb"
    jumpduck.catalog(by_python, gallery=str(root), metadata=str(metadata))
    done = by_command_line(root, metadata, by_duckdb)
    assert (done.returncode, done.stderr) == (0, "")
    return by_python, by_duckdb


@pytest.mark.slow
def test_both_ways_in_give_the_same_tables_of_odd_files(both):
    one, other = map(content, both)
    for name in one:
        assert one[name] == other[name], name
    assert set(one) == set(other)


@pytest.mark.parametrize("what", ODD)
def test_each_line_is_a_site_or_says_why_not(both, what):
    _, sites, reasons = ODD[what]
    plate = {"plate": PLATES[what]}
    with open_catalog(both[0]) as con:
        query = "SELECT count(*) FROM jump.sites WHERE Metadata_Plate = $plate"
        assert con.execute(query, plate).fetchall() == [(sites,)]
        query = "SELECT reason, lines FROM jump.problems WHERE Metadata_Plate = $plate"
        said = set(con.execute(query, plate).fetchall())
    assert said == {(reason.format(PLATES[what]), lines) for reason, lines in reasons}
    if not sites:
        first = min(reason for reason, _ in said)
        with pytest.raises(QueryError, match=f"no images that can be read: {first[:20]}"):
            jumpduck.manifest(both[0], plates=PLATES[what])


def test_a_plate_that_only_wells_name_is_looked_for_in_the_batches_of_its_source(both):
    sites = jumpduck.sql(
        "SELECT Metadata_Batch, Metadata_pert_type, plate_issue FROM jump.sites "
        "WHERE Metadata_Plate = 'wells1'",
        both[0],
    )
    assert sites.rows() == [("2021_08_23_Batch12", "trt", "left out of JUMP-lite")]
    query = "SELECT Metadata_Batch, reason FROM jump.problems WHERE Metadata_Plate = 'wells2'"
    reason = "no load_data in source_4/workspace/load_data_csv/*/wells2"
    assert jumpduck.sql(query, both[0]).rows() == [(None, reason)]


def test_a_plate_that_no_table_names_is_not_read(both):
    query = "SELECT count(*) FROM jump.load_data_files WHERE Metadata_Plate = 'nobody'"
    assert jumpduck.sql(query, both[0]).rows() == [(0,)]
