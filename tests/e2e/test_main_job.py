"""The whole job, from a gallery to verified images."""

import json
from functools import partial
from pathlib import Path

import imagecodecs
import numpy as np
import polars as pl
import pytest

import jumpduck
from jumpduck.imaging.tiff_reader import decode
from jumpduck.rows import DONE
from jumpduck.storage.object_reader import ObjectReader
from jumpduck.synthetic.gallery import write_gallery
from tests.support.pixels import formula
from tests.support.places import ROOT


@pytest.mark.slow
def test_the_demo_ends_as_planned_and_leaves_what_it_names(cli, tmp_path, monkeypatch):
    # because large images take ten seconds; the tests of the pages run the demo as it is
    monkeypatch.setattr(
        "jumpduck.synthetic.gallery.write_gallery", partial(write_gallery, edges=(96, 128))
    )
    done = cli("demo", "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said["as_planned"]
    assert all((tmp_path / path).exists() for path in said["left"])
    picture = imagecodecs.png_decode((tmp_path / "jumpduck-demo/show.png").read_bytes())
    assert min(picture.shape[:2]) > 1000
    again = cli("download", cwd=tmp_path / "jumpduck-demo")
    assert again.code == 3
    assert "2 of 255 files could not be had" in again.err
    assert "images/results.parquet" in again.err


@pytest.mark.slow
def test_the_demo_prints_what_its_verbs_print(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "jumpduck.synthetic.gallery.write_gallery", partial(write_gallery, edges=(96, 128))
    )
    wide = {"TTY_COMPATIBLE": "1", "COLUMNS": "200", "NO_COLOR": "1"}
    shown = cli("demo", **wide).out.splitlines()
    assert cli("demo", "--quiet").code == 0, "the demo may be done again"
    words = ("catalog", "--gallery", "gallery", "--metadata", "metadata", "--catalog", "c.duckdb")
    for verb in (words, ("manifest", "--manifest", "m.parquet"), ("download", "--out", "again")):
        printed = cli(*verb, cwd=tmp_path / "jumpduck-demo", **wide).out.splitlines()
        assert [line for line in printed if "/" not in line and "->" not in line] != []
        assert {line for line in printed if "/" not in line and "->" not in line} <= set(shown)


def test_each_verb_finds_the_file_of_the_one_before(cli, gallery, tmp_path):
    assert cli("catalog", "--gallery", gallery.gallery, "--metadata", gallery.metadata).code == 0
    assert cli("manifest", "--source", "source_3").code == 0
    done = cli("download")
    assert (done.code, done.err) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == {
        "catalog.duckdb",
        "images",
        "manifest.parquet",
    }


@pytest.fixture(scope="module")
def downloaded(choice, tmp_path_factory):
    out = tmp_path_factory.mktemp("images")
    rows = choice
    return out, rows, jumpduck.download(rows, out)


def test_every_file_asked_for_is_there_or_its_row_has_a_reason(downloaded, gallery):
    out, rows, results = downloaded
    assert results["path"].sort().equals(rows["path"].sort() + ".png")
    bad = results.filter(~pl.col("status").is_in(DONE))
    assert set(bad.select("status", "path").rows()) == {
        ("missing", gallery.missing),
        ("corrupt", gallery.corrupt),
    }
    assert bad["error"].null_count() == 0
    on_disk = {file.relative_to(out).as_posix() for file in out.rglob("*.png")}
    assert on_disk == set(results.filter(pl.col("status").is_in(DONE))["path"])
    assert not list(out.rglob("*.part"))


def test_every_image_is_the_formula_of_its_own_tiff(downloaded):
    out, _, results = downloaded
    fetched = results.filter(pl.col("status") == "fetched")
    assert fetched.height == 253
    for row in fetched.iter_rows(named=True):
        plane = decode(Path(row["url"]).read_bytes())
        assert np.array_equal(
            imagecodecs.png_decode((out / row["path"]).read_bytes()), formula(plane)
        )
        assert plane.shape == (row["height"], row["width"])


def test_results_and_sites_describe_every_file_of_the_folder(downloaded):
    out, rows, results = downloaded
    kept = pl.read_parquet(out / "results.parquet")
    assert kept.sort("path").equals(results.sort("path"))
    sites = pl.read_parquet(out / "sites.parquet")
    assert sites.height == rows.height / 5
    whole = sites.drop_nulls(pl.selectors.starts_with("path_"))
    assert whole.height == sites.height - 2
    for row in whole.iter_rows(named=True):
        key = "__".join(str(row[name]) for name in whole.columns[:5])
        assert row["path_DNA"].endswith(f"/{key}__DNA.png")


def test_a_second_run_fetches_nothing_and_returns_what_the_first_measured(
    choice_of_plate, tmp_path, monkeypatch
):
    rows = choice_of_plate
    first = jumpduck.download(rows, tmp_path)
    times = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.png")}
    monkeypatch.setattr(ObjectReader, "read_if", lambda *_: pytest.fail("a file was fetched"))
    second = jumpduck.download(rows, tmp_path)
    assert set(second["status"]) == {"present"}
    assert times == {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.png")}
    same = ["path", "bytes", "size", "checksum", "width", "height", "low", "high"]
    assert second.select(same).sort("path").equals(first.select(same).sort("path"))


def test_a_file_that_was_cut_short_on_disk_is_fetched_again(choice_of_plate, tmp_path):
    rows = choice_of_plate.filter(Metadata_Well="A01")
    first = jumpduck.download(rows, tmp_path)
    victim = tmp_path / first["path"][0]
    whole = victim.read_bytes()
    victim.write_bytes(whole[:-10])
    (tmp_path / first["path"][1]).unlink()
    second = jumpduck.download(rows, tmp_path)
    assert second["status"].value_counts().sort("status").rows() == [
        ("fetched", 2),
        ("present", 13),
    ]
    assert victim.read_bytes() == whole


@pytest.mark.slow
def test_results_of_several_manifests_gather_in_one_folder(catalog, tmp_path):
    for wells in (["A01"], ["A02"]):
        jumpduck.download(jumpduck.manifest(catalog, sources=["source_3"], wells=wells), tmp_path)
    kept = pl.read_parquet(tmp_path / "results.parquet")
    assert set(kept["Metadata_Well"]) == {"A01", "A02"}


def test_the_verbs_are_functions_on_frames(catalog):
    assert jumpduck.sql("SELECT 1 AS one", catalog)["one"].to_list() == [1]
    assert isinstance(jumpduck.manifest(catalog), pl.DataFrame)
    modules = {file.stem for file in (ROOT / "src/jumpduck/stages").glob("[a-z]*.py")}
    assert set(jumpduck.__all__) == modules
    assert all(callable(getattr(jumpduck, verb)) for verb in modules)
