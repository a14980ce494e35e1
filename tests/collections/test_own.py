"""A lab's own plates: samplesheets, patterns, indexes of Harmony, platemaps."""

import re
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.collections.file_pattern import file_pattern
from jumpduck.collections.image_rows import rows_of_list
from jumpduck.collections.text_tables import text_table
from jumpduck.database.sql_files import driver_files, find_driver, sql_root
from jumpduck.errors import CatalogError, QueryError, StoreError
from jumpduck.synthetic.own import PATTERN, write
from tests.support.examples import first_quick
from tests.support.pixels import tiff
from tests.support.places import DATA
from tests.support.s3_server import S3Server

KEY = ["Metadata_Source", "Metadata_Batch", "Metadata_Plate", "Metadata_Well", "Metadata_Site"]


@pytest.fixture(scope="module")
def plates(tmp_path_factory):
    return write(tmp_path_factory.mktemp("own"))


@pytest.fixture
def build(tmp_path):
    """Build a catalog of own plates in an empty folder, and get a function that asks it."""

    def build(**options):
        path = tmp_path / "c.duckdb"
        jumpduck.catalog(path, collection="own", **options)
        return lambda query: jumpduck.sql(query, path).rows()

    return build


def listed(tmp_path, text, name="sheet.csv"):
    file = tmp_path / name
    file.write_text(text)
    return {"samplesheet": file}


REASONS = "SELECT reason, lines FROM own.problems ORDER BY ALL"
URLS = """
    SELECT Metadata_Plate, Metadata_Well, Metadata_Site, i.channel, i.url
    FROM own.sites, unnest(images) AS images (i) ORDER BY ALL
"""


def test_a_samplesheet_and_a_platemap_make_sites_with_roles(plates, build):
    ask = build(**plates.options)
    assert ask("SELECT count(*), sum(len(images)) FROM own.sites") == [(16, plates.images)]
    assert ask(
        "SELECT DISTINCT Metadata_Well, Metadata_Perturbation, Metadata_pert_type FROM own.sites "
        "ORDER BY ALL"
    ) == [
        ("A01", "DMSO", "negcon"),
        ("A02", "nocodazole", "poscon"),
        ("B01", "compound-7", "trt"),
        ("B02", "EMPTY", "empty"),
    ]
    assert ask("FROM own.problems") == []
    assert ask("SELECT Metadata_Channel, kind, marks FROM own.channels ORDER BY position") == [
        ("DNA", "stain", "nuclei"), ("ER", "stain", None), ("Mito", "stain", None),
        ("Brightfield", "brightfield", None),
    ]  # fmt: skip


@pytest.mark.slow
def test_a_pattern_finds_the_same_images_in_a_folder_and_in_a_bucket(plates, build, tmp_path):
    gallery, platemap = plates.options["gallery"], plates.options["platemap"]
    ask = build(gallery=gallery, pattern=PATTERN, platemap=platemap)
    assert ask("SELECT count(*) FROM own.images WHERE reason IS NULL") == [(plates.files,)]
    assert ask("SELECT DISTINCT Metadata_Source, Metadata_Batch FROM own.sites") == [("own", "all")]
    local = ask(URLS)
    with S3Server() as server:
        server.put_folder("lab", Path(gallery))
        ask = build(
            gallery="s3://lab", pattern=PATTERN, platemap=platemap, endpoint=server.endpoint
        )
        assert [(*row[:4], row[4].replace("s3://lab", str(gallery))) for row in ask(URLS)] == local
        with pytest.raises(StoreError, match=r"s3://other cannot be listed.*check `gallery`"):
            build(gallery="s3://other", pattern=PATTERN, endpoint=server.endpoint)


@pytest.mark.slow
def test_a_folder_that_is_one_plate_gives_it_its_name(plates, build):
    folder = Path(plates.options["gallery"]) / "plate-7"
    ask = build(gallery=str(folder), pattern="{row}{col}_s1_w{channel}.tif")
    query = "SELECT Metadata_Plate, Metadata_Site, list(Metadata_Well ORDER BY 1) FROM own.sites"
    assert ask(f"{query} GROUP BY ALL") == [("plate-7", 1, ["A01", "A02", "B01", "B02"])]


def test_a_file_that_does_not_fit_the_pattern_is_counted(plates, build, tmp_path):
    gallery = shutil.copytree(plates.options["gallery"], tmp_path / "plates")
    (gallery / "plate-7" / "A1_s1_wDNA.tif.thumb.png").touch()
    (gallery / "notes.txt").touch()
    ask = build(gallery=str(gallery), pattern=PATTERN)
    assert ask(REASONS) == [("files that do not fit the pattern, such as notes.txt", 2)]
    with pytest.raises(CatalogError, match=r"none of 65 files .* fits the pattern"):
        build(gallery=str(gallery), pattern="{plate}_{well}_{channel}.tif")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("{plate}/s{site}_w{channel}.tif", r"does not say the well; add \{well\}"),
        ("{plate}/{row}_w{channel}.tif", "does not say the well"),
        ("{plate}/{well}.tif", "does not say the channel"),
        ("{plate}/{well}_{colour}.tif", r"has '\{colour\}', which is not a placeholder"),
        ("{*}_{well}_{channel}.tif", r"has '\{\*\}', which is not a placeholder"),
        ("{plate/{well}_{channel}.tif", r"has '\{', which is not a placeholder"),
        ("/abs/{well}_{channel}.tif", "is not a path below `gallery`"),
        ("{well}{channel}" * 100, "is not a path below `gallery`"),
    ],
)
def test_a_wrong_pattern_is_refused_by_what_is_wrong_with_it(plates, build, pattern, reason):
    with pytest.raises(QueryError, match=reason):
        build(gallery=plates.options["gallery"], pattern=pattern)


@pytest.mark.parametrize(
    ("pattern", "path", "values"),
    [
        ("{plate}/*_{well}_s{site}_w{channel}*.tif", "HTS/HTS_A01_s1_w20B4AE6FD-1ADC.tif",
         {"plate": "HTS", "well": "A01", "site": "1", "channel": "2"}),
        ("{plate}/{plate}_{well}_T0001F{site}L01A02Z{z}C{channel}.tif",
         "D-1/D-1_P24_T0001F006L01A02Z01C02.tif",
         {"plate": "D-1", "well": "P24", "site": "006", "z": "01", "channel": "02"}),
        ("{batch}/{plate}__*/Images/r{row}c{col}f{site}p{z}-ch{channel}sk*.tiff",
         "B 1/P__2021-Measurement 1/Images/r01c24f09p01-ch5sk1fk1fl1.tiff",
         {"batch": "B 1", "plate": "P", "row": "01", "col": "24", "site": "09", "z": "01",
          "channel": "5"}),
        ("{plate}/{plate}_{well}_{channel}.tif", "P1/P2_A01_DNA.tif", None),
        ("a.b/{well}_{channel}.tif", "a_b/A01_DNA.tif", None),
    ],
)  # fmt: skip
def test_a_pattern_takes_the_names_that_microscopes_give(pattern, path, values):
    row = file_pattern(pattern).rows(pl.Series([path])).row(0, named=True)
    assert row.pop("path") == path
    assert row.pop("fits") == (values is not None)
    assert values is None or row == values


def test_a_pattern_of_many_stars_takes_a_time_that_grows_with_the_path(tmp_path):
    pattern = file_pattern("*" * 200 + "{well}" + "*" * 200 + "{channel}.tif")
    rows = pattern.rows(pl.Series(["a" * 1000 + ".png"] * 10))
    assert not rows["fits"].any()


LONG = """channel,path,source,batch,plate,well,site
DNA,a/1.tif,s,b,P1,A01,1
ER,a/2.tif,s,b,P1,A01,1
"""
WIDE = "plate,well,site,path_DNA,path_ER\nP1,A01,1,a/1.tif,a/2.tif\n"
WIDE_BY_FILES = "plate;well;fov;DNA;ER;operator\nP1;A01;1;a/1.tif;a/2.tif;me\n"
LOAD_DATA = """FileName_OrigDNA,PathName_OrigDNA,FileName_OrigER,PathName_OrigER,Metadata_Plate,\
Metadata_Well,Metadata_Site
1.tif,./a/,2.tif,a,P1,A01,1
"""
URLS_OF_LOAD_DATA = """URL_OrigDNA,URL_OrigER,Metadata_Plate,Metadata_Well,Metadata_Site
{root}/a/1.tif,{root}/a/2.tif,P1,A01,1
"""


@pytest.mark.parametrize("text", [LONG, WIDE, WIDE_BY_FILES, LOAD_DATA, URLS_OF_LOAD_DATA])
def test_every_form_of_a_samplesheet_says_the_same(text):
    table = text_table("sheet.csv", text.replace("{root}/", "").encode())
    rows = rows_of_list("sheet.csv", table, lambda path: path.str.replace("./", "", literal=True))
    columns = ["Metadata_Plate", "Metadata_Well", "Metadata_Site", "Metadata_Channel"]
    assert rows.select(*columns, "url", "reason").sort("url").rows() == [
        ("P1", "A01", "1", "DNA", "a/1.tif", None),
        ("P1", "A01", "1", "ER", "a/2.tif", None),
    ]


def test_a_column_that_has_other_values_beside_names_of_files_is_refused():
    table = text_table("sheet.csv", WIDE_BY_FILES.encode() + b"P1;A02;1;a/3.tif;missing;me\n")
    with pytest.raises(CatalogError, match=r"'ER' of samplesheet x has .* and 'missing'; leave"):
        rows_of_list("x", table, lambda path: path)


@pytest.mark.slow
def test_a_merged_tiff_of_cellpaintssl_is_a_page_for_each_channel(build, tmp_path):
    text = (
        "FileName_Merged,batch,plate,well,field,perturbation_id,target\n"
        "m/1.tiff,b,P1,A01,1,DMSO,\nm/2.tiff,b,P1,A02,1,cpd,EGFR\nm/3.npy,b,P1,A03,1,cpd,EGFR\n"
    )
    ask = build(**listed(tmp_path, text))
    assert [row[3:] for row in ask(URLS)][:5] == [
        ("DNA", f"{tmp_path}/m/1.tiff#page=4"),
        *((f"page{page}", f"{tmp_path}/m/1.tiff#page={page}") for page in range(4)),
    ]
    assert ask(
        "SELECT Metadata_Well, Metadata_Perturbation, Metadata_pert_type, Metadata_target "
        "FROM own.sites ORDER BY ALL"
    ) == [("A01", "DMSO", "negcon", None), ("A02", "cpd", "trt", "EGFR")]
    assert ("a file of numpy: only TIFF files are read", 1) in ask(REASONS)


@pytest.mark.slow
def test_a_stack_for_cellpaintssl_is_read_again(plates, tmp_path):
    path = tmp_path / "c.duckdb"
    jumpduck.catalog(path, collection="own", **plates.options)
    order = ["ER", "Mito", "DNA"]
    rows = jumpduck.manifest(path, plates="plate-8", wells="A01", channels=order)
    out = tmp_path / "stacks"
    stacks = jumpduck.download(rows, out, recipe="stack", crop=0, otsu="DNA", channels=order)
    shown = jumpduck.show(out=out, path=tmp_path / "a.png").images
    assert shown["Metadata_Channel"].unique().sort().to_list() == sorted(order)
    assert set(shown["status"]) == {"fetched"}
    assert jumpduck.verify(out, deep=True).is_empty()
    files = pl.read_parquet(out / "results.parquet")["path"].unique().sort()
    text = "FileName_Merged,batch,plate,well,field,perturbation_id\n" + "".join(
        f"{out / file},b,P1,A01,{field},DMSO\n" for field, file in enumerate(files)
    )
    again = tmp_path / "again.duckdb"
    jumpduck.catalog(again, collection="own", **listed(tmp_path, text))
    pages = jumpduck.download(jumpduck.manifest(again), tmp_path / "pages", recipe="tiff16", crop=0)
    means = {
        page: pages.filter(Metadata_Channel=f"page{page}")["mean"].to_list() for page in (0, 1)
    }
    for page, channel in enumerate(("ER", "Mito")):
        assert means[page] == stacks.filter(Metadata_Channel=channel)["mean"].to_list()
    lacking = pages.filter(Metadata_Channel="DNA")  # page 4 of files with three
    assert set(lacking["status"]) <= {"missing", "corrupt"}


def test_a_line_that_is_no_image_is_a_row_with_its_reason(build, tmp_path):
    text = (
        "channel,path,plate,well,site\n"
        "DNA,ok.tif,P1,A01,1\n"
        "DNA,ok.tif,P1,A01,1\n"
        "DNA,one.tif,P1,A06,1\n"
        "DNA,other.tif,P1,A06,1\n"
        "DNA,../up.tif,P1,A02,1\n"
        "DNA,1.tif,../P1,A02,1\n"
        "DNA,1.tif,P1,A0,1\n"
        "DNA,ftp://x/1.tif,P1,A02,1\n"
        "DNA,1\t.tif,P1,A02,1\n"
        "DNA,1.tif,P1,A03,20585/\n"
        "DNA,,P1,A04,1\n"
        "/,1.tif,P1,A05,1\n"
        "DNA,1.tif,P1\n"
        "DNA,1.tif,NA,A07,1\n"
    )
    ask = build(**listed(tmp_path, text))
    assert [row[4] for row in ask(URLS)] == [f"{tmp_path}/ok.tif"]
    assert ask(REASONS) == [
        ("a path that leaves the gallery", 1),
        ("a path with control characters", 1),
        ("an address that does not begin with s3:// or http(s)://", 1),
        ("different files for one image, none of which is used", 2),
        ("fewer values than columns", 1),
        ("no channel", 1),
        ("no image", 1),
        ("no name of a folder as plate: ../P1", 1),
        ("no name of a folder as plate: empty", 1),
        ("no site number: 20585/", 1),
        ("no well: A0", 1),
        ("the same image once more", 1),
    ]


@pytest.mark.slow
def test_a_line_whose_well_has_another_row_and_column_is_not_believed(build, tmp_path):
    text = (
        "channel,path,plate,well,row,col\n"
        "DNA,1.tif,P1,A02,1,2\nDNA,2.tif,P1,A01,2,2\nDNA,3.tif,P1,NA,B,3\n"
    )
    ask = build(**listed(tmp_path, text))
    assert [row[1] for row in ask(URLS)] == ["A02", "B03"]
    assert ask(REASONS) == [("well A01 has another row and column: 2:2", 1)]


def test_a_quoted_value_may_have_several_lines():
    text = 'well,note,path\nA01,"two\n""lines""",1.tif\nA02,"odd,2.tif\nA03,x,3.tif\n'
    table = text_table("sheet.csv", text.encode())
    assert table.rows() == [
        ("A01", 'two\n"lines"', "1.tif", None),
        (None, None, None, "a quote that does not end"),
        ("A03", "x", "3.tif", None),
    ]


@pytest.mark.slow
def test_what_a_samplesheet_says_of_no_plate_is_not_said_of_all(build, tmp_path):
    text = "channel,path,plate,well,compound\nDNA,1.tif,P1,A01,c1\nDNA,2.tif,,A01,c2\n"
    ask = build(**listed(tmp_path, text))
    assert ask("SELECT Metadata_Plate, Metadata_Perturbation FROM own.sites") == [("P1", "c1")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("images\n1.tif\n", "does not say the wells"),
        ("well\nA01\n", "has no images: it needs columns 'channel' and 'path'"),
        ("channel,path,Channel\nDNA,1.tif,x\n", "has two columns 'channel'"),
        (
            "path,channel,Well,Metadata_Well\n1.tif,DNA,B2,A1\n",
            "'Well' and 'Metadata_Well' of samplesheet sheet.csv mean the same; remove one",
        ),
        ("channel,path\nDNA,1.tif\n", "does not say the wells; add a column 'well'"),
    ],
)
def test_a_file_that_is_no_samplesheet_is_one_line(build, tmp_path, text, reason):
    with pytest.raises(CatalogError, match=reason):
        build(**listed(tmp_path, text))


@pytest.mark.slow
def test_a_platemap_that_contradicts_itself_is_believed_in_the_rest(build, tmp_path):
    (tmp_path / "map.tsv").write_text(
        "Well\tcompound\tpert_type\tconcentration\tNote!\n"
        "A1\tc1\ttrt\t1.5\tx\n"
        "A2\tc1\ttrt\thigh\tNA\n"
        "A3\tc1\tdrug\t\t\n"
        "A4\tc1\t\t\t\nA4\tc2\t\t\t\n"
        "A99x\tc1\t\t\t\n"
    )
    sheet = "plate,well,path_DNA\n" + "".join(f"P,A{n},{n}.tif\n" for n in range(1, 6))
    ask = build(**listed(tmp_path, sheet), platemap=tmp_path / "map.tsv")
    columns = "Metadata_Perturbation, Metadata_pert_type, Metadata_Concentration, Metadata_Note_"
    assert ask(f"SELECT Metadata_Well, {columns} FROM own.sites ORDER BY ALL") == [
        ("A01", "c1", "trt", 1.5, "x"),
        ("A02", "c1", "trt", None, None),
        ("A03", "c1", "unknown", None, None),
        ("A04", None, "unknown", None, None),
        ("A05", None, "unknown", None, None),
    ]
    assert ask(REASONS) == [
        ("concentration that is not a number: high", 1),
        ("no well in a platemap: A99x", 1),
        ("pert_type drug of a platemap is not trt, negcon, poscon or empty", 1),
        ("two rows of a platemap for one well: A04", 2),
        ("wells that no platemap describes", 1),
    ]


@pytest.mark.slow
def test_many_platemaps_that_name_no_plate_contradict_each_other_and_take_little(build, tmp_path):
    """Two rows for each well say so; all platemaps for all plates would not fit into memory."""
    maps = tmp_path / "maps"
    maps.mkdir()
    for number in range(6):
        more = "A2,c1\n" if number == 5 else ""
        (maps / f"{number}.csv").write_text(f"well,compound\nA1,c{number}\n{more}")
    lines = [f"P{plate},A{well},{plate}{well}.tif\n" for plate in (1, 2) for well in (1, 2)]
    ask = build(**listed(tmp_path, "plate,well,path_DNA\n" + "".join(lines)), platemap=maps)
    query = "SELECT DISTINCT Metadata_Well, Metadata_Perturbation FROM own.sites ORDER BY ALL"
    assert ask(query) == [("A01", None), ("A02", "c1")]
    query = "SELECT Metadata_Well, count(*) FROM own.wells GROUP BY ALL ORDER BY ALL"
    assert ask(query) == [("A01", 4), ("A02", 2)]


@pytest.mark.slow
def test_a_platemap_of_other_plates_is_said_to_be_one(build, tmp_path):
    (tmp_path / "map.csv").write_text("plate,well,compound\nP9,A01,c1\n")
    ask = build(
        **listed(tmp_path, "plate,well,path_DNA\nP1,A01,1.tif\n"), platemap=tmp_path / "map.csv"
    )
    assert ask(REASONS) == [
        ("platemaps of which none is that of a plate with images", None),
        ("rows of a platemap for plates without images: P9", 1),
    ]


@pytest.mark.slow
def test_a_platemap_in_a_folder_of_no_batch_is_that_of_its_plates(build, tmp_path):
    maps = tmp_path / "maps/platemaps/2024"
    maps.mkdir(parents=True)
    (maps / "map.csv").write_text("plate,well,compound\nP1,A01,c1\nQQ,A01,c2\nQQ,A02,c3\n")
    sheet = listed(tmp_path, "plate,well,path_DNA\nP1,A01,1.tif\n")
    ask = build(**sheet, platemap=tmp_path / "maps")
    assert ask("SELECT Metadata_Perturbation FROM own.sites") == [("c1",)]
    assert ask(REASONS) == [("rows of a platemap for plates without images: 2024/QQ", 2)]


def test_a_folder_of_platemaps_goes_by_its_table_of_barcodes(build, tmp_path):
    maps = tmp_path / "maps"
    maps.mkdir()
    for name, text in {
        "barcode_platemap.csv": "Assay_Plate_Barcode,Plate_Map_Name,Cell\nP1,one,U2OS\nP2,two,A\n",
        "one.txt": "well_position\tbroad_sample\tsolvent\nA01\tBRD-1\tDMSO\nA02\t\tDMSO\n",
        "two.txt": "well_position\tbroad_sample\nA01\tORF-1\nA02\t\n",
        "what.tsv": "broad_sample\tcontrol_type\tpert_iname\nBRD-1\tposcon_cp\tcaffeine\n",
    }.items():
        (maps / name).write_text(text)
    sheet = "plate,well,path_DNA\nP1,A01,1.tif\nP1,A02,2.tif\nP2,A01,3.tif\nP2,A02,4.tif\n"
    ask = build(**listed(tmp_path, sheet), platemap=maps)
    columns = "Metadata_Perturbation, Metadata_pert_type, Metadata_Name, Metadata_Cell"
    assert ask(f"SELECT Metadata_Plate, Metadata_Well, {columns} FROM own.sites ORDER BY ALL") == [
        ("P1", "A01", "BRD-1", "poscon", "caffeine", "U2OS"),
        ("P1", "A02", "DMSO", "negcon", None, "U2OS"),
        ("P2", "A01", "ORF-1", "trt", None, "A"),
        ("P2", "A02", "EMPTY", "empty", None, "A"),
    ]
    (maps / "one.txt").unlink()
    (maps / "two.txt").unlink()
    with pytest.raises(CatalogError, match="does not say what is in the wells; it needs"):
        build(**listed(tmp_path, sheet), platemap=maps)


INDEX = """<?xml version="1.0" encoding="utf-8"?>{doctype}
<EvaluationInputData xmlns="http://www.perkinelmer.com/PEHH/HarmonyV5">
  <Plates><Plate><PlateID>BR 1</PlateID><Name>BR1</Name></Plate></Plates>
  <Maps><Map><Entry ChannelID="2"><ChannelName>488 long</ChannelName>
    <ImageResolutionX Unit="m">6E-07</ImageResolutionX></Entry></Map></Maps>
  <Images>
    <Image><URL>r02c11f03p01-ch1.tiff</URL><Row>2</Row><Col>11</Col><FieldID>3</FieldID>
      <PlaneID>1</PlaneID><ChannelID>1</ChannelID><ChannelName>HOECHST 33342</ChannelName>
      <ImageResolutionX Unit="m">6E-07</ImageResolutionX></Image>
    <Image><URL>{url}</URL><Row>2</Row><Col>11</Col><FieldID>3</FieldID>
      <PlaneID>{plane}</PlaneID><ChannelID>2</ChannelID></Image>{more}
  </Images>
</EvaluationInputData>
"""


@pytest.mark.parametrize("is_in_list", [True, False])
@pytest.mark.slow
def test_the_size_of_a_pixel_is_a_number_of_the_manifest(build, tmp_path, is_in_list):
    sheet, platemap = ["plate,well,channel,path", "P1,A01,DNA,a.tif"], ["well,compound", "A01,c1"]
    told = sheet if is_in_list else platemap
    told[0] += ",Metadata_Pixel_Size_Microns"
    told[1] += ",0.65"
    build(
        **listed(tmp_path, "\n".join(sheet)),
        platemap=listed(tmp_path, "\n".join(platemap), "map.csv")["samplesheet"],
    )
    rows = jumpduck.manifest(tmp_path / "c.duckdb", per_well="all")
    assert rows["Metadata_Pixel_Size_Microns"].to_list() == [0.65]


def test_a_size_that_no_pixel_has_is_a_row_with_the_text(build, tmp_path):
    sizes = ["abc", "0", "-1", "inf", "0,65"]
    sheet = ["plate,well,site,channel,path,pixel_size_um", "P1,A01,9,DNA,9.tif,0.65"]
    sheet += [f'P1,A01,{site},DNA,{site}.tif,"{size}"' for site, size in enumerate(sizes)]
    platemap = "well,compound,pixel_size_um\nA01,c1,-1\n"
    ask = build(
        **listed(tmp_path, "\n".join(sheet)),
        platemap=listed(tmp_path, platemap, "map.csv")["samplesheet"],
    )
    assert sorted(ask(REASONS)) == sorted(
        (f"pixel size that is not a number above 0: {size}", 1) for size in [*sizes, "-1"]
    )
    found = ask("SELECT Metadata_Site, Metadata_Pixel_Size_Microns FROM own.sites ORDER BY ALL")
    assert found == [*((site, None) for site in range(len(sizes))), (9, 0.65)]


@first_quick(
    1, "lines", ["", "P1,A01,1,DNA,a.tif\nP1,A01,1,DNA,b.tif\n"], ids=["no line", "none of use"]
)
def test_a_list_of_which_no_image_can_be_used_replaces_no_catalog(build, tmp_path, lines):
    sheet = listed(tmp_path, "plate,well,site,channel,path\nP1,A01,1,DNA,a.tif\n")
    ask = build(**sheet)
    listed(tmp_path, f"plate,well,site,channel,path\n{lines}")
    with pytest.raises(CatalogError, match=r"^no image of the plates can be used: "):
        build(**sheet)
    assert ask("SELECT count(*) FROM own.sites") == [(1,)]


def test_a_list_that_says_no_channels_is_refused(build, tmp_path):
    with pytest.raises(CatalogError, match="it needs columns 'channel' and 'path'"):
        build(**listed(tmp_path, "plate,well,path\nP1,A01,a.tif\n"))


def test_an_illumination_function_outside_of_the_gallery_is_a_row(build, tmp_path):
    text = "plate,well,URL_OrigDNA,URL_IllumDNA\nP1,A01,a.tif,../x.npy\nP1,A02,b.tif,illum/x.npy\n"
    ask = build(**listed(tmp_path, text))
    assert ask(REASONS) == [("an illumination function whose path leaves the gallery", 1)]
    assert ask("SELECT Metadata_Well, images[1].illum FROM own.sites") == [
        ("A02", f"{tmp_path}/illum/x.npy")
    ]


def test_a_list_without_images_is_refused_by_the_names_of_its_columns(cli, tmp_path):
    sheet = listed(tmp_path, "well,compound\nA01,DMSO\n")["samplesheet"]
    refused = cli("catalog", "--collection", "own", "--samplesheet", sheet, "--catalog", "x.duckdb")
    assert "it needs columns 'channel' and 'path', or" in refused.err
    assert "it has well, compound\n" in refused.err


@pytest.mark.slow
def test_a_stack_without_a_page_in_its_url_is_refused_except_by_raw(build, tmp_path):
    stack = np.arange(2 * 30 * 40, dtype=np.uint16).reshape(2, 30, 40)
    (tmp_path / "a.tif").write_bytes(tiff(stack, photometric="minisblack"))
    places = {"A01": "a.tif", "A02": "a.tif#page=1", "A03": "a.tif#range=0,9"}
    lines = [f'P1,{well},DNA,"{place}"' for well, place in places.items()]
    build(**listed(tmp_path, "\n".join(["plate,well,channel,path", *lines])))
    rows = jumpduck.manifest(tmp_path / "c.duckdb", per_well="all")
    results = jumpduck.download(rows, tmp_path / "out", recipe="tiff16").sort("Metadata_Well")
    assert results["status"].to_list() == ["corrupt", "fetched", "corrupt"]
    said = "more than one page of 40 x 30 pixels; say which with #page=N or #pages=M-N in its URL"
    assert all(said in error for error in results["error"].drop_nulls())
    assert results["mean"].to_list() == [None, stack[1].mean(), None]
    raw = jumpduck.download(rows.head(1), tmp_path / "raw", recipe="raw")
    assert raw["status"].to_list() == ["fetched"]


def harmony(tmp_path, doctype="", url="r02c11f03p01-ch2.tiff", plane=1, number=1, more=""):
    folder = tmp_path / f"plates/BR1__2021-Measurement {number}/Images"
    folder.mkdir(parents=True, exist_ok=True)
    text = INDEX.format(doctype=doctype, url=url, plane=plane, more=more)
    (folder / "Index.idx.xml").write_text(text)
    return folder


def test_an_index_of_harmony_says_where_its_images_are(build, tmp_path):
    folder = harmony(tmp_path)
    ask = build(gallery=str(tmp_path / "plates"))
    assert ask(URLS) == [
        ("BR1", "B11", 3, "488_long", f"{folder}/r02c11f03p01-ch2.tiff"),
        ("BR1", "B11", 3, "HOECHST_33342", f"{folder}/r02c11f03p01-ch1.tiff"),
    ]
    pixel = ask("SELECT Metadata_Pixel_Size_Microns FROM own.sites")
    assert pixel == [(pytest.approx(0.6),)]
    assert ask(REASONS) == [
        ("channels whose stain is not known, kept as they are named: 488_long", None)
    ]


def at_time(channel, time):
    """Get an image of one more channel of the well of INDEX."""
    return (
        f"<Image><URL>ch{channel}sk{time + 1}.tiff</URL><Row>2</Row><Col>11</Col>"
        f"<FieldID>3</FieldID><TimepointID>{time}</TimepointID><ChannelID>{channel}</ChannelID>"
        f"</Image>"
    )


@pytest.mark.slow
def test_the_images_of_a_site_are_those_of_the_first_time_point(build, tmp_path):
    folder = harmony(tmp_path)
    index = folder / "Index.idx.xml"
    images = [at_time(1, time) for time in range(11)] + [at_time(2, time) for time in range(1, 5)]
    text = index.read_text()
    start, end = text.index("<Images>") + len("<Images>"), text.index("</Images>")
    index.write_text(text[:start] + "".join(images) + text[end:])
    ask = build(gallery=str(tmp_path / "plates"))
    assert [row[3:] for row in ask(URLS)] == [("ch1", f"{folder}/ch1sk1.tiff")]
    assert ("a later time point", 14) in ask(REASONS)


@pytest.mark.slow
def test_a_site_never_mixes_two_measurements(build, tmp_path):
    other_well = at_time(1, 0).replace("<Row>2", "<Row>1").replace("TimepointID", "Other")
    harmony(tmp_path, more=other_well)
    harmony(tmp_path, url="../leaves.tiff", number=2)
    ask = build(gallery=str(tmp_path / "plates"))
    assert [row[1:4] for row in ask(URLS)] == [("A11", 3, "ch1")]
    reasons = ask(REASONS)
    assert ("a well that two measurements of the plate have", 3) in reasons
    assert ("a name of a file that leaves the folder of the index", 1) in reasons


def test_each_plane_is_a_channel_where_there_are_several(build, tmp_path):
    harmony(tmp_path, plane=2)
    ask = build(gallery=str(tmp_path / "plates"))
    assert [row[3] for row in ask(URLS)] == ["488_long_z2", "HOECHST_33342_z1"]


BOMB = """
<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>"""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"doctype": BOMB}, "has a DOCTYPE, which an index of Harmony does not have"),
        ({"doctype": '<!DOCTYPE x SYSTEM "/etc/passwd">'}, "has a DOCTYPE"),
        ({"url": "<"}, "it is not XML"),
    ],
)
def test_an_index_that_is_not_harmonys_is_one_line(build, tmp_path, changes, reason):
    harmony(tmp_path, **changes)
    with pytest.raises(CatalogError, match=reason):
        build(gallery=str(tmp_path / "plates"))


def test_a_file_outside_of_the_folder_of_its_index_is_not_an_image(build, tmp_path):
    harmony(tmp_path, url="../../../secret.tiff")
    ask = build(gallery=str(tmp_path / "plates"))
    assert len(ask(URLS)) == 1
    assert ("a name of a file that leaves the folder of the index", 1) in ask(REASONS)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "gallery is missing"),
        ({"gallery": "x", "samplesheet": "s", "pattern": "p"}, "cannot be used together"),
        ({"gallery": "x", "sources": ["s"]}, "sources cannot be used for collection 'own'"),
        ({"gallery": "https://127.0.0.1:1/x"}, "a web server does not say which files"),
    ],
)
def test_options_that_do_not_fit_are_refused_by_name(build, options, reason):
    with pytest.raises(QueryError, match=reason):
        build(**options)


@pytest.mark.slow
def test_a_catalog_may_have_the_name_of_its_collection(plates, tmp_path):
    path = tmp_path / "own.duckdb"
    jumpduck.catalog(path, collection="own", **plates.options)
    assert jumpduck.sql("SELECT count(*) FROM own.sites", path).rows() == [(16,)]


def test_what_is_not_there_is_named_with_its_option(build, tmp_path, plates):
    with pytest.raises(CatalogError, match=r"there is no Index.idx.xml or Index.xml below"):
        build(gallery=plates.options["gallery"])
    with pytest.raises(StoreError, match=r"nowhere is not a folder"):
        build(gallery=str(tmp_path / "nowhere"), pattern=PATTERN)
    with pytest.raises(StoreError, match=r"no such file.*check `samplesheet`"):
        build(samplesheet=tmp_path / "none.csv")
    with pytest.raises(StoreError, match=r"no such file.*check `platemap`"):
        build(**{**plates.options, "platemap": tmp_path / "none.csv"})


@pytest.mark.parametrize("name", ["own"])
def test_every_file_of_its_sql_is_in_the_driver_and_begins_with_what_it_makes(name):
    files = [file for file in driver_files(find_driver(name)) if file.parent.name != "common"]
    folders = (sql_root() / name, sql_root() / "image_lists")
    assert sorted(files) == sorted(file for folder in folders for file in folder.glob("*.sql"))
    for file in files:
        schema = name if file.parent.name == name else "main"
        first = file.read_text().splitlines()[0]
        assert re.match(rf"-- {schema}\.{file.stem}(\(.*\))?: .+\.$", first), file


@pytest.mark.real
@first_quick(
    1,
    ("name", "plate", "images", "channels"),
    [
        ("nfcore_samplesheet.csv", "BR00117035", 48, 8),
        ("nfcore_cpg0016_source4_url_format.csv", "BR00117035", 8, 8),
        ("distributed_cellprofiler_cpg.csv", "BR00117035", 1080, 5),
        ("cpg0001_BR00113255_load_data_full.csv.gz", "BR00113255", 3456 * 6, 6),
        ("pe2loaddata_2021_example.csv", "BR00100044", 6, 6),
        ("pe2loaddata_version1.csv", "BR00121482", 6, 6),
        ("pe2loaddata_version5.csv", "BR00122249", 6, 6),
        ("pe2loaddata_version7.csv", "240624_WES_Perturbs_n_densities_1.1", 7, 7),
    ],
)
def test_real_lists_of_images_are_read(build, name, plate, images, channels):
    ask = build(samplesheet=DATA / "load_data" / name)
    assert ask("SELECT Metadata_Plate, sum(len(images)) FROM own.sites GROUP BY 1") == [
        (plate, images)
    ]
    assert ask("SELECT count(*) FROM own.channels") == [(channels,)]
    assert ask("SELECT count(*) FROM own.problems") == [(0,)]


@pytest.mark.real
def test_a_real_list_of_another_assay_is_refused_by_what_it_lacks(build):
    with pytest.raises(CatalogError, match="does not say the wells"):
        build(samplesheet=DATA / "load_data/distributed_cellprofiler_fly.csv")


@pytest.mark.real
@first_quick(
    1,
    ("folder", "plate", "channels", "microns"),
    [
        ("pe2loaddata_v1", "BR00121482", ["HOECHST_33342", "Alexa_488", "Alexa_568", "Alexa_647",
                                          "Brightfield", "488_long"], 0.598),
        ("pe2loaddata_v5", "BR00122249", ["Alexa_488", "Alexa_568", "Alexa_647",
                                          "Brightfield_high", "Digital_Phase_Contrast",
                                          "488_650"], 0.598),
        ("pe2loaddata_v7", "240624_WES_Perturbs_n_densities_1.1",
         ["HOECHST_33342", "Alexa_488", "Alexa_568", "Alexa_647", "Brightfield",
          "405ex_570-630-em", "Alexa_488_Em_650"], 0.297),
    ],
)  # fmt: skip
def test_real_indexes_of_harmony_are_read(build, folder, plate, channels, microns):
    ask = build(gallery=str(DATA / "images" / folder))
    assert ask("SELECT Metadata_Channel FROM own.channels ORDER BY position") == [
        (channel,) for channel in channels
    ]
    query = "SELECT Metadata_Plate, Metadata_Well, round(Metadata_Pixel_Size_Microns, 3)"
    assert ask(f"{query} FROM own.sites") == [(plate, "A01", microns)]


@pytest.mark.real
@pytest.mark.slow
def test_the_images_of_a_real_index_are_downloaded(tmp_path):
    path = tmp_path / "own.duckdb"
    jumpduck.catalog(path, collection="own", gallery=str(DATA / "images/pe2loaddata_v1"))
    results = jumpduck.download(
        jumpduck.manifest(path, brightfield=True, per_well="all"), tmp_path / "images"
    )
    assert results["status"].to_list() == ["fetched"] * 6
