"""A folder knows where its images come from."""

import shutil

import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ManifestError, StoreError
from jumpduck.transfer.filled_folder import FilledFolder


@pytest.fixture(scope="module")
def filled(catalog, tmp_path_factory):
    folder = tmp_path_factory.mktemp("origins")
    jumpduck.manifest(catalog, folder / "m.parquet", roles=["negcon"], channels=["DNA", "AGP"])
    jumpduck.download(folder / "m.parquet", folder / "images")
    return folder


def test_a_folder_knows_the_choice_the_collection_and_its_channels(filled):
    folder = FilledFolder.open(filled / "images")
    (origin,) = folder.origins
    assert origin.query["roles"] == ["negcon"]
    assert origin.catalog["collection"] == "jump"
    assert len(origin.digest) == 64
    assert [(one.name, one.marks) for one in origin.channels][:5] == [
        ("DNA", "nuclei"), ("RNA", "cells"), ("ER", None), ("AGP", "cells"), ("Mito", None),
    ]  # fmt: skip
    assert [(one.name, one.colour) for one in folder.channels] == [
        ("DNA", "#0000FF"),
        ("AGP", "#FFFF00"),
    ]
    ((recipe, parameters),) = folder.recipes
    assert recipe.startswith("png8 ")
    assert parameters["percentile"] == 1.0


def test_a_copy_without_hidden_files_knows_it_too_and_keeps_it_with_further_runs(filled, tmp_path):
    copied = tmp_path / "copy"
    shutil.copytree(filled / "images", copied, ignore=shutil.ignore_patterns(".jumpduck"))
    before = FilledFolder.open(filled / "images").origins
    assert FilledFolder.open(copied).origins == before
    rows = pl.read_parquet(filled / "m.parquet").head(2)
    jumpduck.download(rows, copied)
    new, *kept = FilledFolder.open(copied).origins
    assert (new.query, tuple(kept)) == ({}, before)


@pytest.mark.slow
def test_a_merged_folder_has_the_origins_of_all_and_several_files_one_each(
    filled, catalog, tmp_path
):
    jumpduck.manifest(catalog, tmp_path / "p.parquet", roles=["poscon"], channels=["DNA"])
    both = [filled / "m.parquet", tmp_path / "p.parquet"]
    jumpduck.download(both, tmp_path / "both")
    asked = [one.query["roles"] for one in FilledFolder.open(tmp_path / "both").origins]
    assert asked == [["negcon"], ["poscon"]]
    jumpduck.download(tmp_path / "p.parquet", tmp_path / "p")
    shutil.rmtree(tmp_path / "p" / ".jumpduck")
    jumpduck.merge([filled / "images", tmp_path / "p"], tmp_path / "all", copy=True)
    merged = [one.query["roles"] for one in FilledFolder.open(tmp_path / "all").origins]
    assert sorted(merged) == [["negcon"], ["poscon"]]


def test_a_folder_of_a_frame_has_its_channels_by_name_alone(filled, tmp_path):
    jumpduck.download(pl.read_parquet(filled / "m.parquet").head(2), tmp_path / "out")
    folder = FilledFolder.open(tmp_path / "out")
    assert [(one.name, one.colour) for one in folder.channels] == [("DNA", None), ("AGP", None)]
    assert folder.origins[0].query == {}


def test_what_is_not_a_download_is_refused(filled, tmp_path):
    with pytest.raises(StoreError, match="was not filled by jumpduck"):
        FilledFolder.open(tmp_path)
    copied = tmp_path / "copy"
    shutil.copytree(filled / "images", copied)
    (copied / "results.parquet").unlink()
    with pytest.raises(ManifestError, match=r"status .* --gather"):
        FilledFolder.open(copied)
    for damaged in (copied / ".jumpduck" / "asked").glob("*.origin"):
        damaged.write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        jumpduck.status(copied, gather=True)
