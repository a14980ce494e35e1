"""The forms that are tables: what CellProfiler and nf-core/cellpainting read of them."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ManifestError, QueryError, StoreError
from jumpduck.exports.plain_names import places_of_wells, site_key
from jumpduck.imaging.readers import decode_image, page_channels
from jumpduck.rows import SITE_KEY
from tests.support.cell_profiler import read_load_data
from tests.support.examples import first_quick
from tests.support.exports import changed, results
from tests.support.places import DATA

CHANNELS = ["DNA", "RNA", "ER", "AGP", "Mito"]

NFCORE = {
    "channel": r"^[A-Za-z0-9_]+$", "path": r"\.tiff?$", "source": "", "batch": "", "plate": "",
    "well": "", "site": r"^\d+$", "row": r"^\d+$", "col": r"^\d+$",
}  # fmt: skip
"""Required columns of assets/schema_input.json of nf-core/cellpainting, with their patterns."""


def complete(folder):
    """Keys of the sites of which all images are there."""
    sites = results(folder).group_by(SITE_KEY).agg(pl.col("status").eq("fetched").all())
    return set(sites.filter("status").select(SITE_KEY).rows())


def key_of(columns):
    *names, site = (columns[name] for name in SITE_KEY)
    return (*names, int(site))


def test_cellprofiler_finds_each_image_of_the_sites_that_lack_none(images, tmp_path):
    found = jumpduck.export("loaddata", images, tmp_path / "load_data.csv")
    rows = read_load_data(tmp_path / "load_data.csv")
    assert {key_of(columns) for _, columns in rows} == complete(images)
    assert (found.sites, found.left_out, found.lacking["Metadata_Channel"].to_list()) == (
        len(rows), 1, ["ER"],
    )  # fmt: skip
    paths = {path for site, _ in rows for path, _ in site.values()}
    assert len(paths) == found.images == 5 * len(rows)
    for site, columns in rows:
        for name, (path, frame) in site.items():
            assert path.is_absolute()
            assert path.is_file()
            assert frame == 0
            assert path.stem.endswith("__" + name.removeprefix("Orig"))
            assert columns["Metadata_Well"] in path.stem
    assert list(rows[0][0]) == [f"Orig{name}" for name in CHANNELS]
    assert {"Metadata_pert_type", "Metadata_Name"} <= rows[0][1].keys()


@pytest.mark.slow
def test_load_data_of_stacks_has_the_page_of_each_channel(stacks, tiffs, tmp_path):
    for folder in (stacks, tiffs):
        jumpduck.export(
            "loaddata", folder, tmp_path / f"{folder.name}.csv", channels=["Mito", "DNA"]
        )
    raw = {key_of(columns): site for site, columns in read_load_data(tmp_path / "raw.csv")}
    for site, columns in read_load_data(tmp_path / "stacks.csv"):
        for name, (path, frame) in site.items():
            data = path.read_bytes()
            assert page_channels(data)[frame] == name.removeprefix("Orig")
            assert np.array_equal(
                decode_image(data, page=frame),
                decode_image(raw[key_of(columns)][name][0].read_bytes()),
            )


def test_a_folder_gets_one_load_data_for_each_plate_as_the_gallery_has_it(images, tmp_path):
    found = jumpduck.export("loaddata", images, tmp_path / "tables")
    files = sorted((tmp_path / "tables").rglob("load_data.csv"))
    assert found.pieces == len(files) == 2
    for file in files:
        source, batch, plate, _ = file.relative_to(tmp_path / "tables").parts
        keys = {key_of(columns)[:3] for _, columns in read_load_data(file)}
        assert keys == {(source, batch, plate)}
    lacking = pl.read_csv(tmp_path / "tables" / "lacking.csv")
    assert lacking.select("Metadata_Channel", "status").rows() == [("ER", "missing")]


@pytest.mark.slow
def test_illumination_functions_are_named_where_they_fit_the_images(rows, images, tmp_path):
    urls = rows.with_columns(
        url_illum=pl.format("s3://b/illum/{}_Illum{}.npy", "Metadata_Plate", "Metadata_Channel")
    )
    jumpduck.download(urls, tmp_path / "raw", recipe="raw")
    jumpduck.download(urls, tmp_path / "png16", recipe="png16", crop=64)
    for name in ("raw", "png16"):
        jumpduck.export("loaddata", tmp_path / name, tmp_path / f"{name}.csv", channels="DNA")
    site, columns = read_load_data(tmp_path / "raw.csv")[0]
    path = str(site["IllumDNA"][0])
    assert path == f"s3:/b/illum/{columns['Metadata_Plate']}_IllumDNA.npy"
    assert list(read_load_data(tmp_path / "png16.csv")[0][0]) == ["OrigDNA"]


def test_a_samplesheet_is_what_the_schema_of_nfcore_asks_for(tiffs, tmp_path):
    jumpduck.export("nfcore", tiffs, tmp_path / "sheet.csv", incomplete=True)
    with (tmp_path / "sheet.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(NFCORE)
    for row in rows:
        assert all(re.search(pattern, row[name]) for name, pattern in NFCORE.items())
        assert row["well"] == f"{'ABCDEFGHIJKLMNOP'[int(row['row']) - 1]}{int(row['col']):02}"
    there = results(tiffs).filter(status="fetched")
    assert {row["path"] for row in rows} == {str(tiffs / path) for path in there["path"]}
    assert {row["site"] for row in rows} == {str(site) for site in there["Metadata_Site"]}


@pytest.mark.parametrize(
    ("form", "folder", "why"),
    [("nfcore", "images", "TIFFs only"), ("nfcore", "stacks", "one file an image")],
)
@pytest.mark.parametrize("channels", [[], ["Mito"]])
def test_what_a_table_cannot_hold_is_refused_with_what_to_do(
    form, folder, why, channels, request, tmp_path
):
    with pytest.raises(QueryError, match=why) as said:
        jumpduck.export(
            form, request.getfixturevalue(folder), tmp_path / "x.csv", channels=channels
        )
    assert "download" in str(said.value)
    assert list(tmp_path.iterdir()) == []


def test_a_table_has_the_name_of_a_csv(images, tiffs, tmp_path):
    for form, folder in (("paths", images), ("nfcore", tiffs)):
        for name in ("x.parquet", "x.csv.gz", "x"):
            with pytest.raises(QueryError, match=r"out .*a name that ends with \.csv$"):
                jumpduck.export(form, folder, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    assert jumpduck.export("loaddata", images, tmp_path / "X.CSV").out.is_file()


def test_paths_are_those_of_all_images_and_say_their_page_in_a_stack(images, stacks, tmp_path):
    for folder in (images, stacks):
        jumpduck.export("paths", folder, tmp_path / f"{folder.name}.csv", incomplete=True)
    rows = pl.read_csv(tmp_path / "images.csv", schema_overrides={"Metadata_Plate": pl.String})
    there = results(images).filter(status="fetched")
    assert rows["path"].to_list() == [str(images / path) for path in there["path"]]
    assert rows["recipe"].unique().to_list() == ["png8 2"]
    pages = pl.read_csv(tmp_path / "stacks.csv").group_by("path").agg("page", "Metadata_Channel")
    assert set(map(tuple, pages["page"])) == {(0, 1, 2, 3, 4)}
    assert set(map(tuple, pages["Metadata_Channel"])) == {tuple(CHANNELS)}


def test_the_page_of_a_channel_is_the_same_where_no_other_one_is_taken(stacks, tmp_path):
    for form in ("paths", "loaddata"):
        jumpduck.export(form, stacks, tmp_path / f"{form}.csv", channels=["ER"])
    assert set(pl.read_csv(tmp_path / "paths.csv")["page"]) == {CHANNELS.index("ER")}
    for site, _ in read_load_data(tmp_path / "loaddata.csv"):
        path, frame = site["OrigER"]
        assert page_channels(path.read_bytes())[frame] == "ER"


def test_columns_of_a_user_keep_their_values_whatever_their_names(images, tmp_path):
    names = ("here", "found", "taken", "order", "path_")
    rows = results(images).with_columns(pl.lit("mine").alias(name) for name in names)
    folder = changed(images, tmp_path, rows)
    found = jumpduck.export("paths", folder, tmp_path / "x.csv")
    assert (found.sites, found.left_out) == (len(complete(images)), 1)
    assert set(pl.read_csv(tmp_path / "x.csv").select(names).rows()) == {("mine",) * len(names)}


def test_a_column_that_is_called_page_is_refused_where_stacks_have_pages(images, stacks, tmp_path):
    for folder in (images, stacks):
        rows = results(folder).with_columns(page=pl.lit("mine"))
        out = tmp_path / f"{folder.name}.csv"
        own = changed(folder, tmp_path / folder.name, rows)
        jumpduck.export("loaddata", own, out.with_stem("loaddata"), channels=["ER"])
        frames = {
            frame
            for site, _ in read_load_data(out.with_stem("loaddata"))
            for _, frame in site.values()
        }
        assert frames == {CHANNELS.index("ER") if folder == stacks else 0}
        out.with_stem("loaddata").unlink()
        if folder == images:
            jumpduck.export("paths", own, out)
            assert set(pl.read_csv(out)["page"]) == {"mine"}
        else:
            with pytest.raises(QueryError, match=r"column 'page' .* rename it in the manifest"):
                jumpduck.export("paths", own, out)
            assert not out.exists()


def test_a_table_that_is_there_stays_if_it_is_the_same_and_is_never_replaced(images, tmp_path):
    out = tmp_path / "paths.csv"
    jumpduck.export("paths", images, out)
    before = out.stat()
    jumpduck.export("paths", images, out)
    out.with_name("other.csv").write_text("a,b\n")
    with pytest.raises(StoreError, match="is not the same table"):
        jumpduck.export("paths", images, out.with_name("other.csv"))
    with pytest.raises(StoreError, match="is not the same table"):
        jumpduck.export("paths", images, out, channels="DNA")
    assert out.with_name("other.csv").read_text() == "a,b\n"
    assert out.stat().st_size == before.st_size
    assert {file.name for file in tmp_path.iterdir()} == {
        "paths.csv", "paths.lacking.csv", "other.csv",
    }  # fmt: skip


def test_plates_with_other_channels_do_not_come_into_one_load_data(images, tmp_path):
    rows = results(images)
    other = (pl.col("Metadata_Plate") == "JD5876c3") & (pl.col("Metadata_Channel") == "ER")
    folder = changed(images, tmp_path, rows.filter(~other))
    with pytest.raises(QueryError, match="differ in FileName_OrigER"):
        jumpduck.export("loaddata", folder, tmp_path / "x.csv")
    jumpduck.export("loaddata", folder, tmp_path / "x")
    jumpduck.export("loaddata", folder, tmp_path / "x.csv", channels=["DNA", "RNA"])


def test_files_of_two_recipes_are_told_apart_or_refused(images, tmp_path):
    last = pl.int_range(pl.len()) == pl.len() - 1
    rows = results(images).with_columns(
        recipe=pl.when(last).then(pl.lit("png16 2")).otherwise("recipe")
    )
    folder = changed(images, tmp_path, rows)
    with pytest.raises(QueryError, match=r"2 recipes.*one recipe"):
        jumpduck.export("loaddata", folder, tmp_path / "x.csv")
    jumpduck.export("paths", folder, tmp_path / "x.csv")
    assert "png16 2" in (tmp_path / "x.csv").read_text()


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a/./b", "a/.hidden/b"])
def test_a_path_that_leads_out_of_the_folder_is_refused(path, images, tmp_path):
    rows = results(images).with_columns(path=pl.lit(path))
    with pytest.raises((ManifestError, StoreError), match=r"could leave|names a file|outside"):
        jumpduck.export("paths", changed(images, tmp_path, rows), tmp_path / "x.csv")


def test_a_link_in_the_folder_is_refused(images, tmp_path):
    folder = changed(images, tmp_path, results(images))
    plate = folder / results(images)["path"][0].rpartition("/")[0]
    plate.rename(tmp_path / "elsewhere")
    plate.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is a link"):
        jumpduck.export("paths", folder, tmp_path / "x.csv")


def test_a_file_that_is_gone_is_a_reason_and_its_site_left_out(images, tmp_path):
    folder = changed(images, tmp_path, results(images))
    gone, short = (folder / path for path in results(images)["path"][:6:5])
    gone.unlink()
    short.write_bytes(short.read_bytes()[:-1])
    found = jumpduck.export("paths", folder, tmp_path / "x.csv")
    assert found.left_out == 3
    wrong = found.lacking.filter(status="wrong")["error"].to_list()
    size = short.stat().st_size
    assert wrong == [
        "the file is not there", f"the file has {size} bytes and had {size + 1}"
    ]  # fmt: skip


def test_nothing_is_exported_of_a_folder_without_complete_sites(images, tmp_path):
    rows = results(images)
    rows = rows.filter((pl.col("Metadata_Site") == 3) & (pl.col("Metadata_Well") == "B01"))
    rows = rows.filter(Metadata_Plate="1000000001")
    folder = changed(images, tmp_path, rows)
    with pytest.raises(QueryError, match="no site with all images"):
        jumpduck.export("paths", folder, tmp_path / "x.csv")
    assert jumpduck.export("paths", folder, tmp_path / "x.csv", incomplete=True).images == 4


DAMAGED = {
    "path": (pl.lit(None, pl.String), "rows without path"),
    "Metadata_Well": (pl.lit(None, pl.String), "rows without Metadata_Well"),
    "size": (pl.lit("x"), "column size of type String in place of Int64"),
    "recipe": (pl.lit(""), "an empty recipe"),
    "parameters": (pl.lit("[1]"), "are not a JSON object"),
}


@pytest.mark.parametrize("column", DAMAGED)
def test_damaged_results_are_refused_by_all_verbs_that_read_a_folder(images, tmp_path, column, cli):
    value, says = DAMAGED[column]
    rows = results(images).with_columns(value.alias(column))
    folder = Path(shutil.copytree(images, tmp_path / "images"))
    rows.write_parquet(folder / "results.parquet")
    verbs = ("show --out", "plate 1000000001 --out", "report", "quality", "cite", "card")
    for verb in (*verbs, "export paths", "export webdataset"):
        done = cli(*verb.split(), folder)
        assert (done.code, done.err.count("\n")) == (1, 1), done.err
        assert says in done.err


def test_a_users_column_of_another_type_is_read_as_what_it_means(images, tmp_path, cli):
    folder = changed(images, tmp_path, results(images).with_columns(Metadata_pert_type=3))
    sites = pl.read_parquet(folder / "sites.parquet")
    odd = {"Metadata_pert_type": 3, "Metadata_Concentration_Micromolar": pl.lit("much")}
    sites.with_columns(**odd).write_parquet(folder / "sites.parquet")
    assert cli("show", "--out", folder, "--role", "3", "--sites", "1").code == 0


@first_quick(1, "form", ["loaddata", "paths", "webdataset"])
def test_a_file_without_a_checksum_is_refused_and_repaired(images, tmp_path, form, cli):
    none = pl.lit(None, pl.String)
    folder = changed(images, tmp_path, results(images).with_columns(checksum=none))
    done = cli("export", form, folder)
    assert (done.code, "files without checksum, which cannot be" in done.err) == (1, True)
    assert f"jumpduck verify --repair --out {folder}" in done.err
    assert cli("card", folder).code == 0
    images_here = results(images).filter(status="fetched").height
    text = (folder / "README.md").read_text()
    assert f"Not verified, for lack of a checksum: {images_here} images." in text


def test_one_of_a_kind_is_counted_as_one(images, tmp_path, cli):
    folder = changed(images, tmp_path, results(images).filter(status="fetched").head(1))
    done = cli("export", "paths", folder, "-o", "x.csv")
    assert re.fullmatch(r"1 image of 1 site on 1 plate, [0-9.]+ .B -> x.csv\n", done.out)
    assert cli("card", folder).code == 0
    assert "1 image of 1 site in 1 well on 1 plate, " in (folder / "README.md").read_text()


def test_the_command_ends_with_3_and_says_what_is_left_out(images, cli):
    done = cli("export", "paths", images, "-o", "x.csv")
    assert done.code == 3
    assert "1 site left out because 1 image could not be had (x.lacking.csv" in done.err
    done = cli("export", "paths", images, "-o", "x.csv", "--incomplete", "--dry-run", "--json")
    said = json.loads(done.out)
    assert (done.code, said["sites"], said["sites_left_out"]) == (0, 26, 0)
    assert said["lacking"][0]["Metadata_Channel"] == "ER"
    done = cli("export", "path", images)
    assert (done.code, done.err) == (2, "jumpduck: there is no form 'path'; did you mean paths?\n")
    done = cli("export")
    assert (done.code, "--form is not given; there are huggingface, l" in done.err) == (2, True)


def test_keys_never_become_one_and_have_no_dot():
    keys = [
        ("a__b", "c"), ("a", "b__c"), ("a", "b", "c"), ("a_", "b"), ("a", "_b"), ("a.b",),
        ("a%2Eb",), ("../x",), ("é",), ("a b",),
    ]  # fmt: skip
    written = [site_key(key) for key in keys]
    assert len(set(written)) == len(keys)
    assert all(re.fullmatch(r"[\w%-]+", one, re.ASCII) for one in written)
    jump = ("source_2", "20260101_Batch_1", "1000000001", "A01", 3)
    assert site_key(jump) == "source_2__20260101_Batch_1__1000000001__A01__3"


def test_a_plate_whose_name_is_too_long_for_a_folder_is_refused_before_anything_is_written(
    images, tmp_path
):
    long = "板" * 70  # 210 bytes, and 9 for each as %E6%9D%BF
    folder = changed(images, tmp_path, results(images).with_columns(Metadata_Plate=pl.lit(long)))
    with pytest.raises(QueryError, match=rf"plate .*/{long} would be a folder .*shorter names"):
        jumpduck.export("loaddata", folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    for other, out in (("paths", "x.csv"), ("webdataset", "x")):
        assert jumpduck.export(other, folder, tmp_path / out, channels="DNA").sites


def test_wells_become_numbers_of_rows_and_columns():
    wells = {"A01": (1, 1), "p24": (16, 24), "Z1": (26, 1), "AA01": (27, 1), "AF48": (32, 48)}
    assert places_of_wells(on_a_plate(list(wells)), "nfcore") == wells
    for bad in ("1A", "well 7", "", "A0"):
        with pytest.raises(QueryError, match="is not like A01"):
            places_of_wells(on_a_plate([bad]), "nfcore")
    with pytest.raises(QueryError, match="'A01' and 'a1' of a plate are the same"):
        places_of_wells(on_a_plate(["A01", "B01", "b1", "a1"]), "nfcore")


def on_a_plate(wells):
    key = dict.fromkeys(SITE_KEY[:3], pl.lit("x"))
    return pl.DataFrame({"Metadata_Well": wells}, {"Metadata_Well": pl.String}).with_columns(**key)


@pytest.mark.real
def test_real_load_data_follows_the_same_rules_with_the_same_names(images, tmp_path):
    jumpduck.export("loaddata", images, tmp_path / "load_data.csv")
    ours, columns = read_load_data(tmp_path / "load_data.csv")[0]
    real = read_load_data(DATA / "load_data" / "distributed_cellprofiler_cpg.csv")
    assert len(real) == 216
    assert ours.keys() == real[0][0].keys()
    assert real[0][1].keys() <= columns.keys()
