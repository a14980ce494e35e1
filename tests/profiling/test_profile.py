"""From a manifest to a table of cells: complete, always the same, and no image is kept."""

import json
import re
import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tifffile

import jumpduck
from jumpduck.errors import ManifestError, QueryError, StoreError
from jumpduck.imaging.tiff_reader import decode
from jumpduck.profiling.illumination import median_illumination
from jumpduck.profiling.options import FLAGS, ProfileOptions
from jumpduck.profiling.plate_images import gather_images
from jumpduck.rows import SITE_KEY, WELL_KEY
from jumpduck.words import flags_of
from tests.support.fault_proxy import Faults
from tests.support.interruption import interrupt

KEYS = [*SITE_KEY]

CHANNELS = {"nuclei": "DNA", "cells": "RNA"}
"""The manifest of these tests is one without notes, as other tools write them."""

ALONE = {**CHANNELS, "processes": 1}


@pytest.fixture(scope="module")
def manifest(manifest, tmp_path_factory):
    """Three wells of two plates; one site of each plate cannot be had."""
    path = tmp_path_factory.mktemp("three_wells") / "manifest.parquet"
    wells = pl.concat_str("Metadata_Source", "Metadata_Well", separator="/")
    chosen = ["source_2/A01", "source_2/B01", "source_13/B02"]
    pl.read_parquet(manifest).filter(wells.is_in(chosen)).write_parquet(path)
    return path


@pytest.fixture(scope="module")
def profiled(manifest, s3, tmp_path_factory):
    """The folder of one run over that manifest. No test may change it."""
    out = tmp_path_factory.mktemp("profiled") / "out"
    jumpduck.profile(manifest, out, endpoint=s3.endpoint, **ALONE, aggregate="well")
    return out


def cells(out):
    return pl.read_parquet(sorted(out.glob("cells/*/*/*.parquet")))


def tables(out):
    """The bytes of the tables of cells, by plate."""
    return {file.stem: file.read_bytes() for file in sorted(out.glob("cells/*/*/*.parquet"))}


def same(out, clean):
    """Assert that two folders have the same tables, to the byte."""
    assert tables(out) == tables(clean) != {}
    assert pl.read_parquet(out / "images.parquet").equals(pl.read_parquet(clean / "images.parquet"))


def some(manifest, *, plate="source_2"):
    """The rows of one plate."""
    return pl.read_parquet(manifest).filter(Metadata_Source=plate)


def test_each_cell_and_each_site_is_a_row_and_no_image_is_kept(profiled, manifest):
    every, images = cells(profiled), pl.read_parquet(profiled / "images.parquet")
    sites = pl.read_parquet(manifest).select(KEYS).unique()
    assert images.select(KEYS).sort(KEYS).equals(sites.sort(KEYS))
    counts = every.group_by(KEYS).len("cells").join(images, on=KEYS, how="right")
    there = images["status"] == "fetched"
    assert counts.filter(there)["cells"].fill_null(0).equals(counts.filter(there)["Count_Nuclei"])
    assert every.height > 10
    left = {file.suffix for file in profiled.rglob("*") if file.is_file()}
    assert left <= {".parquet", ".json", ".origin", ".sites", ".txt", ".bib"}


def test_a_site_whose_images_cannot_be_had_is_a_row_with_a_reason(profiled):
    images = pl.read_parquet(profiled / "images.parquet")
    lost = images.filter(pl.col("status") != "fetched")
    assert sorted(lost["status"]) == ["corrupt", "missing"]
    assert lost["error"].str.contains("^channel [A-Za-z]+: .*(cut short|no such file)").all()
    assert lost["Count_Nuclei"].null_count() == 2
    assert images["error"].null_count() == images.height - 2


def test_the_command_says_what_could_not_be_had_and_makes_nothing_twice(
    profiled, manifest, s3, cli, tmp_path
):
    out = shutil.copytree(profiled, tmp_path / "out")
    with Faults(s3.endpoint) as proxy:
        done = cli(
            "profile", "--manifest", manifest, "--out", out, "--endpoint", proxy.endpoint,
            "--processes", "1", "--nuclei", "DNA", "--cells", "RNA",
        )  # fmt: skip
    assert done.code == 3
    assert "10 of 75 images belong to sites that could not be measured" in done.err
    lines = [line for line in done.out.splitlines() if line.startswith(("missing: ", "corrupt: "))]
    assert len(lines) == 2, "one for each site"
    assert all(": channel " in line and ".site.zip" not in line for line in lines)
    assert len(proxy.asked) <= 10, "only the two sites were fetched again"
    same(out, profiled)


def test_a_dry_run_says_the_plan_with_the_channels_that_the_manifest_marks(catalog, cli, tmp_path):
    assert cli("manifest", "--catalog", catalog).code == 0
    done = cli("profile", "--dry-run", "--json")
    plan = json.loads(done.out)
    assert (done.code, plan["files"], plan["left"]) == (0, 255, 255)
    assert (plan["parameters"]["nuclei"], plan["parameters"]["cells"]) == ("DNA", "RNA")
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.parquet"]


def test_an_interrupted_run_goes_on_to_the_same_tables(
    manifest, s3, profiled, tmp_path, monkeypatch
):
    """It is interrupted in the midst of the second plate: one table is there, one in pieces."""
    out = tmp_path / "out"
    for after in (7, 3):
        interrupt(monkeypatch, after)
        with pytest.raises(KeyboardInterrupt):
            jumpduck.profile(manifest, out, endpoint=s3.endpoint, **ALONE)
    kept = jumpduck.status(out).plates["done"].sum()
    with Faults(s3.endpoint) as proxy:
        jumpduck.profile(manifest, out, endpoint=proxy.endpoint, **ALONE)
    assert kept > 25
    assert len(proxy.asked) <= 75 - kept, "what was measured was not fetched again"
    same(out, profiled)


@pytest.mark.slow
def test_more_sites_of_a_plate_join_its_table_as_if_they_had_been_there(
    manifest, s3, profiled, tmp_path
):
    rows = some(manifest)
    part = rows.filter(pl.col("Metadata_Well") != "A01")
    jumpduck.profile(part, tmp_path, endpoint=s3.endpoint, **ALONE)
    first = cells(tmp_path)
    jumpduck.profile(rows, tmp_path, endpoint=s3.endpoint, **ALONE, workers=1)
    assert first.height < cells(tmp_path).height
    assert tables(tmp_path).items() <= tables(profiled).items()


def test_a_table_that_is_lost_is_made_again(manifest, s3, profiled, tmp_path):
    out = shutil.copytree(profiled, tmp_path / "out")
    file = next(out.glob("cells/source_2/*/*.parquet"))
    file.write_bytes(file.read_bytes()[:-100])
    wrong = jumpduck.verify(out).filter(status="wrong")
    assert set(wrong["Metadata_Source"]) == {"source_2"}
    jumpduck.profile(some(manifest), out, endpoint=s3.endpoint, **ALONE)
    assert tables(out) == tables(profiled)


def test_a_damaged_table_of_another_plate_is_named(profiled, tmp_path):
    out = shutil.copytree(profiled, tmp_path / "out")
    file = next(out.glob(".jumpduck/images/source_2/*/*.parquet"))
    file.write_bytes(b"PAR1")
    with pytest.raises(StoreError, match=f"{file} is damaged: .*; profile its plate again"):
        gather_images(out)


def test_status_verify_and_split_know_what_the_tables_have_taken_in(
    profiled, manifest, tmp_path, cli
):
    assert jumpduck.status(profiled).plates["done"].sum() == 65
    assert sorted(set(jumpduck.verify(profiled)["status"])) == ["corrupt", "missing"]
    words = ("split", "--left", "--out", profiled, "--manifest", manifest, "--into", "1")
    assert cli(*words, "-o", "left").code == 0
    left = pl.read_parquet(tmp_path / "left" / "0001.parquet")
    assert left.height == 10


def test_cells_are_averaged_by_well(profiled):
    wells = pl.read_parquet(profiled / "profiles.parquet")
    name = "Nuclei_AreaShape_Area"
    means = cells(profiled).group_by(WELL_KEY).agg(
        pl.col(name).cast(pl.Float64).mean(), count=pl.len()
    )  # fmt: skip
    both = wells.join(means, on=WELL_KEY)
    assert both.height == wells.height == means.height
    assert np.allclose(both[name], both[f"{name}_right"])
    assert (both["Metadata_Object_Count"] == both["count"]).all()
    assert not [name for name in wells.columns if "Location" in name or "BoundingBox" in name]
    assert "Metadata_JCP2022" in wells.columns


@pytest.mark.slow
def test_a_plate_without_a_measured_site_takes_no_profile_from_the_others(
    manifest, s3, profiled, tmp_path
):
    well = some(manifest).filter(Metadata_Well="A01")
    plate = pl.col("path").str.replace_all("/1000000001/", "/P2/", literal=True)
    gone = well.with_columns(
        Metadata_Plate=pl.lit("P2"), url=pl.lit(str(tmp_path / "a")), path=plate
    )
    options = {"endpoint": s3.endpoint, **ALONE, "aggregate": "well"}
    jumpduck.profile(pl.concat([gone, well]), tmp_path / "out", **options)
    wells, expected = (
        pl.read_parquet(out / "profiles.parquet") for out in (tmp_path / "out", profiled)
    )
    assert wells["Nuclei_AreaShape_Area"].item() in expected["Nuclei_AreaShape_Area"]
    jumpduck.profile(gone, tmp_path / "none", **options)
    assert not (tmp_path / "none/profiles.parquet").exists(), "and the run ends as others"


def test_a_column_that_the_tables_add_is_refused_before_anything_is_fetched(manifest, tmp_path):
    for name in ("Metadata_ImageNumber", "Count_Nuclei", "Metadata_Touches_Border"):
        rows = some(manifest).with_columns(pl.lit(1).alias(name))
        with pytest.raises(ManifestError, match=f"a column '{name}', which is a name that"):
            jumpduck.profile(rows, tmp_path / "out", **ALONE)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_names_and_urls_of_images_in_a_manifest_are_left_out_and_that_is_said(
    manifest, s3, tmp_path
):
    rows = some(manifest).filter(Metadata_Well="A01", Metadata_Site=1)
    rows = rows.with_columns(FileName_DNA=pl.lit("x"), Image_FileName_ER=1, URL_OrigDNA=pl.lit("y"))
    said = []
    images = jumpduck.profile(rows, tmp_path, endpoint=s3.endpoint, **ALONE, progress=said.append)
    assert images["FileName_DNA"][0].endswith(".tif")
    assert "URL_OrigDNA" not in images.columns
    texts = [one["text"] for one in said if one["event"] == "remark"]
    assert texts[0].startswith("FileName_DNA, Image_FileName_ER, URL_OrigDNA of the manifest are")


@pytest.mark.slow
def test_profiles_are_of_all_plates_of_the_folder_that_these_options_measured(
    manifest, s3, profiled, tmp_path
):
    options = {"endpoint": s3.endpoint, **ALONE, "aggregate": "well"}
    for number in (1, 2):
        jumpduck.profile(manifest, tmp_path, **options, shard=f"{number}/2")
    wells = pl.read_parquet(tmp_path / "profiles.parquet")
    assert wells.equals(pl.read_parquet(profiled / "profiles.parquet"))
    rows, said = some(manifest), []
    jumpduck.profile(rows, tmp_path, **options, nucleus_um="5,40", progress=said.append)
    wells = pl.read_parquet(tmp_path / "profiles.parquet")
    assert set(wells["Metadata_Source"]) == {"source_2"}
    texts = [one["text"] for one in said if one["event"] == "remark"]
    assert "profiles.parquet leaves out 1 plate of other options" in texts


def test_other_options_over_a_part_of_a_plate_are_refused_because_the_rest_would_be_lost(
    manifest, s3, profiled, tmp_path
):
    options = {"endpoint": s3.endpoint, **ALONE, "nucleus_um": "5,40"}
    before = tables(profiled)
    with pytest.raises(QueryError, match=r"of plate source_2/.* were measured with other options"):
        jumpduck.profile(some(manifest), profiled, **options, limit=5)
    assert tables(profiled) == before


def test_label_images_and_images_are_kept_on_request(manifest, s3, gallery, tmp_path):
    rows = some(manifest).filter(Metadata_Well="A01", Metadata_Site=1)
    options = {"endpoint": s3.endpoint, **ALONE, "labels": True, "images": True}
    jumpduck.profile(rows, tmp_path, **options)
    base = str(rows["path"][0]).removesuffix(f"__{rows['Metadata_Channel'][0]}")
    labels = tifffile.imread(tmp_path / "labels" / f"{base}__Nuclei.tiff")
    found = cells(tmp_path)
    assert np.bincount(labels.ravel())[1:].tolist() == found["Nuclei_AreaShape_Area"].to_list()
    kept = tifffile.imread(tmp_path / "images" / f"{base}.ome.tiff")
    url = rows["url"][0].replace("s3://cellpainting-gallery", str(gallery.gallery))
    assert np.array_equal(kept[0], decode(Path(url).read_bytes()))
    (tmp_path / "labels" / f"{base}__Nuclei.tiff").unlink()
    jumpduck.profile(rows, tmp_path, **options)
    again = tifffile.imread(tmp_path / "labels" / f"{base}__Nuclei.tiff")
    assert np.array_equal(again, labels), "one that is lost is made again"


@pytest.mark.slow
def test_masks_as_files_take_the_place_of_segmentation(manifest, s3, tmp_path):
    rows = some(manifest).filter(Metadata_Well="A01")
    first, out = tmp_path / "first", tmp_path / "out"
    jumpduck.profile(rows, first, endpoint=s3.endpoint, **ALONE, labels=True)
    found = cells(first)
    key = "{source}__{batch}__{plate}__{well}__{site}"
    pattern = f"{first}/labels/{{source}}/{{batch}}/{{plate}}/{key}__{{object}}.tiff"
    small, *others = sorted(first.glob("labels/**/*Nuclei.tiff"))
    tifffile.imwrite(small, np.zeros((8, 9), np.uint8))
    for file in others[1].parent.glob(others[1].name.replace("Nuclei", "*")):
        file.unlink()
    images = jumpduck.profile(rows, out, endpoint=s3.endpoint, **ALONE, masks=pattern)
    said = []
    jumpduck.profile(rows, out, endpoint=s3.endpoint, **ALONE, masks=pattern, progress=said.append)
    texts = [one["text"] for one in said if one["event"] == "remark"]
    assert "not measured again if their masks have changed; `force`" in texts[0]
    assert images["status"].to_list() == ["corrupt", "fetched", "corrupt"]
    assert "a mask of 9 x 8 pixels for planes of 96 x 96 pixels" in images["error"][0]
    assert "no mask: there is no file" in images["error"][2]
    name = "Cells_AreaShape_Area"
    site = images["Metadata_Site"][1]
    assert cells(out)[name].to_list() == found.filter(Metadata_Site=site)[name].to_list()


def test_a_site_that_lacks_a_channel_is_left_out_with_the_reason(manifest, s3, tmp_path):
    rows = some(manifest).filter(pl.col("Metadata_Site") < 3, Metadata_Well="A01")
    lost = (pl.col("Metadata_Site") == 2) & (pl.col("Metadata_Channel") == "ER")
    images = jumpduck.profile(rows.filter(~lost), tmp_path, endpoint=s3.endpoint, **ALONE)
    assert images["status"].to_list() == ["fetched", "corrupt"]
    assert images["error"][1] == "the site lacks ER, which others of its plate have"
    assert set(cells(tmp_path)["Metadata_Site"]) == {1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nuclei": "Hoechst"}, "nuclei 'Hoechst' is not a channel of the manifest; there are AGP"),
        ({"cells": "Hoechst"}, "cells 'Hoechst' is not a channel of the manifest"),
        ({"nucleus_um": "6"}, "nucleus_um '6' is not two diameters in micrometres, as 6,45"),
        ({"features": "all"}, "features 'all' is not one of core, cellprofiler"),
        ({"features": []}, "features none is not one of core, cellprofiler"),
        ({"illum": True, "illum_from_plate": "mean"}, "divide by two functions"),
        ({"illum_from_plate": "BaSiC"}, "illum_from_plate 'BaSiC' is not one of mean, median"),
        ({"masks": "masks/nuclei.tiff"}, "say nothing of a site"),
        ({"segmenter": "cellpose"}, "segmenter cellpose needs `weights`"),
        ({"weights": "cyto3"}, "weights .* are of no use without `segmenter`"),
        ({"model": "absent.pt"}, "model .*absent.pt is not a file"),
        ({"box": 64}, "box has no effect without `model`"),
        ({"aggregate": "plate"}, "aggregate 'plate' is not one of site, well"),
    ],
)
def test_a_wrong_option_is_an_error_before_anything_is_fetched(
    options, message, manifest, tmp_path
):
    with pytest.raises(QueryError, match=message):
        jumpduck.profile(manifest, tmp_path / "out", **{**CHANNELS, **options})
    assert not (tmp_path / "out").exists()


def test_the_command_that_goes_on_has_flags_that_the_command_line_knows(cli):
    known = set(re.findall(r"--[a-z-]+", cli("profile", "--help", COLUMNS="140").out))
    flags = {**flags_of(ProfileOptions), **FLAGS}
    names = {one.name for one in fields(ProfileOptions)} - {"progress"}
    assert {flags[name] for name in names} <= known


def test_a_manifest_that_does_not_say_which_channel_shows_nuclei_needs_the_option(
    manifest, tmp_path
):
    rows = pl.read_parquet(manifest)
    with pytest.raises(jumpduck.errors.ManifestError, match="name it with `nuclei`: there are AGP"):
        jumpduck.profile(rows, tmp_path / "out")


@pytest.mark.parametrize("how", [pytest.param("mean", marks=pytest.mark.slow), "median"])
def test_images_are_divided_by_a_function_of_their_plate(how, manifest, s3, profiled, tmp_path):
    rows = some(manifest).filter(Metadata_Well="A01")
    options = {"endpoint": s3.endpoint, **ALONE}
    jumpduck.profile(rows, tmp_path, illum_from_plate=how, **options)
    results = pl.read_parquet(tmp_path / "results.parquet")
    of_one = 5 if how == "median" else 5 * 3
    assert results["url_illum"].n_unique() == of_one, "CellProfiler's is one for all sites"
    assert results["url_illum"].str.starts_with("mean of ").all()
    assert cells(tmp_path).height > 0


def test_the_median_function_is_flat_for_flat_light_and_has_its_shape_otherwise():
    assert np.array_equal(median_illumination(np.full((301, 402), 7.0)), np.ones((301, 402)))
    slope = np.linspace(1000, 2000, 1080)[:, None] * np.ones(1080)
    function = median_illumination(slope)
    middle = function[200:880, 200:880]
    expected = slope[200:880, 200:880] / slope[540, 540] * function[540, 540]
    assert np.allclose(middle, expected, rtol=0.003)
