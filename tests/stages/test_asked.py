"""What a folder was asked for stays known: what is left of it is counted until it is fetched."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ManifestError
from tests.support.folders import files
from tests.support.interruption import interrupt

pytestmark = pytest.mark.slow  # seconds of whole commands

FETCHED = 9


def download_some(rows, out, monkeypatch, **options):
    interrupt(monkeypatch, FETCHED)
    with pytest.raises(KeyboardInterrupt):
        jumpduck.download(rows, out, connections=1, **options)


def without_hidden(folder, copy):
    return Path(shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".jumpduck")))


def of_another_plate(rows):
    return rows.with_columns(Metadata_Plate=pl.lit("other"), path="other/" + pl.col("path"))


def left(out):
    """Images that are not fetched, which `verify` and `status` must agree on."""
    found = jumpduck.verify(out).filter(status="left").height
    assert int(jumpduck.status(out).plates["left"].sum()) == found
    return found


@pytest.fixture
def begun(rows, tmp_path, monkeypatch):
    """A copy, without hidden files, of a folder whose run was interrupted."""
    download_some(rows, tmp_path / "images", monkeypatch)
    return without_hidden(tmp_path / "images", tmp_path / "copy")


def test_a_copy_of_an_unfinished_folder_stays_unfinished_until_its_manifest_is_downloaded(
    rows, begun, tmp_path, cli
):
    lacking = rows.height - FETCHED
    damaged = begun / next(iter(files(begun)))
    damaged.write_bytes(b"damaged")
    assert cli("verify", "--out", begun, "--repair").code == 3
    assert left(begun) == lacking
    other = of_another_plate(rows.head(2))
    other.write_parquet(tmp_path / "other.parquet")
    cli("download", "--manifest", "other.parquet", "--out", begun)
    assert left(begun) == lacking
    said = cli("verify", "--out", begun).err
    assert f"{lacking} are not fetched; the same `jumpduck download` goes on" in said
    assert f"{lacking} not fetched: the same `jumpduck" in cli("status", "--out", begun).err
    assert left(without_hidden(begun, tmp_path / "second copy")) == lacking
    jumpduck.download(rows, begun)
    assert left(begun) == 0
    assert jumpduck.status(begun).plates["done"].sum() == rows.height + other.height
    assert cli("verify", "--out", begun).code == 0


def test_a_copy_that_is_made_while_a_run_goes_on_knows_what_was_left_then(rows, tmp_path):
    copies: list[Path] = []

    def copy(event):
        if event["event"] == "plan":
            copies.append(without_hidden(tmp_path / "images", tmp_path / f"copy{len(copies)}"))

    for limit in (FETCHED, None):
        jumpduck.download(rows, tmp_path / "images", limit=limit, progress=copy)
    assert [left(copy) for copy in copies] == [FETCHED, rows.height - FETCHED]


def test_what_a_copy_was_asked_for_can_be_given_up(rows, begun):
    jumpduck.download(of_another_plate(rows.head(2)), begun)
    (number,) = (begun / ".jumpduck" / "asked").glob("*.left")
    number.unlink()
    assert left(begun) == 0
    jumpduck.download(of_another_plate(rows.head(3)), begun)
    assert left(begun) == 0


def test_images_that_two_runs_were_asked_for_count_once_in_a_copy(rows, tmp_path, monkeypatch):
    download_some(rows.head(20), tmp_path / "images", monkeypatch)
    download_some(rows, tmp_path / "images", monkeypatch)
    copy = without_hidden(tmp_path / "images", tmp_path / "copy")
    assert left(copy) == left(tmp_path / "images") > 0


def test_another_illumination_function_is_another_image_if_it_is_divided_by(
    rows, tmp_path, monkeypatch
):
    for name, value in (("one", 1), ("two", 2)):
        np.save(tmp_path / f"{name}.npy", np.full((128, 128), value, np.float32))
    one, two = (
        rows.with_columns(url_illum=pl.lit(str(tmp_path / f"{name}.npy")))
        for name in ("one", "two")
    )
    jumpduck.download(one, tmp_path / "plain")
    assert set(jumpduck.download(two, tmp_path / "plain")["status"]) == {"present"}
    assert jumpduck.verify(tmp_path / "plain").is_empty()
    out = tmp_path / "images"
    assert set(jumpduck.download(one, out, illum=True)["status"]) == {"fetched"}
    assert jumpduck.verify(out, manifest=two)["status"].to_list() == ["left"] * rows.height
    download_some(two, out, monkeypatch, illum=True)
    assert left(out) == rows.height - FETCHED
    assert jumpduck.verify(out, manifest=two).height == rows.height - FETCHED
    jumpduck.download(two, out, illum=True)
    assert left(out) == 0


@pytest.mark.parametrize(
    "options", [{"crop_um": 8}, {"recipe": "tiff16"}, {"recipe": "stack"}], ids=str
)
def test_a_file_that_depends_on_the_size_of_the_pixels_is_made_again_if_that_was_corrected(
    rows, tmp_path, options
):
    size = "Metadata_Pixel_Size_Microns"
    for microns in (1.0, 0.5):
        corrected = rows.with_columns(pl.lit(microns).alias(size))
        results = jumpduck.download(corrected, tmp_path, **options)
        assert set(results["status"]) == {"fetched"}
        assert left(tmp_path) == 0
    assert jumpduck.verify(tmp_path, manifest=rows.drop(size)).is_empty()


@pytest.mark.parametrize("recipe", ["png8", "stack"])
def test_a_channel_or_site_that_was_corrected_in_a_manifest_leaves_nothing(
    rows, tmp_path, recipe, cli
):
    mine = rows.filter(pl.col("Metadata_Channel").is_in(("DNA", "ER")))
    jumpduck.download(mine, tmp_path, recipe=recipe)
    corrected = mine.with_columns(
        pl.col("Metadata_Channel").replace({"DNA": "ER", "ER": "DNA"})
        if recipe == "png8"
        else pl.col("Metadata_Site") + 10
    )
    jumpduck.download(corrected, tmp_path, recipe=recipe)
    assert left(tmp_path) == 0
    assert cli("verify", "--out", tmp_path).code == 0


def test_names_that_macos_would_take_for_one_are_refused_also_over_two_manifests(rows, tmp_path):
    jumpduck.download(rows.head(2), tmp_path / "standard")
    plate = rows.head(1).with_columns(
        Metadata_Plate=pl.col("Metadata_Plate").str.to_lowercase(),
        path=pl.col("path").str.to_lowercase(),
    )
    with pytest.raises(ManifestError, match=r"plate .*/jd5876c3 and plate .*/JD5876c3 of this fo"):
        jumpduck.download(plate, tmp_path / "standard")
    own = rows.with_columns(path="own/image" + pl.int_range(pl.len()).cast(pl.String))
    jumpduck.download(own.head(2), tmp_path / "own")
    before = files(tmp_path / "own")
    upper = own.head(1).with_columns(pl.col("path").str.to_titlecase())
    with pytest.raises(ManifestError, match=r"'Own/Image0.png' .* 'own/image0.png' of this fo"):
        jumpduck.download(upper, tmp_path / "own")
    assert files(tmp_path / "own") == before
    assert left(tmp_path / "own") == 0
    assert set(jumpduck.download(own, tmp_path / "own")["status"]) == {"present", "fetched"}


def test_a_large_manifest_is_kept_as_its_file_is(catalog, tmp_path, monkeypatch):
    """More rows than are put in order in memory; here that is three."""
    monkeypatch.setattr("jumpduck.transfer.manifest_reader.MAX_SORTED_ROWS", 3)
    manifest, out = tmp_path / "manifest.parquet", tmp_path / "images"
    rows = jumpduck.manifest(catalog, path=manifest, sources="source_3")
    for _ in range(2):
        results = jumpduck.download(manifest, out)
    assert set(results["status"]) == {"present"}
    (kept,) = (out / ".jumpduck" / "asked").glob("*.parquet")
    assert kept.read_bytes() == manifest.read_bytes()
    assert jumpduck.verify(out).is_empty()
    assert jumpduck.status(out).plates["done"].sum() == rows.height
    # the same rows as a frame are asked for a second time, and nothing is fetched for them
    assert set(jumpduck.download(rows, out)["status"]) == {"present"}
    assert jumpduck.status(out).plates["done"].sum() == rows.height
