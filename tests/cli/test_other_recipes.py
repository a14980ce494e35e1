"""What a folder has already is said before work begins, by a run and by a dry run."""

import json
import os

import pytest

import jumpduck
from jumpduck.recipes.registry import build
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.output_folder import OutputFolder


@pytest.fixture(scope="module")
def chosen(catalog):
    return jumpduck.manifest(catalog, sources=["3"]).head(12)


@pytest.fixture
def rows(chosen, tmp_path):
    chosen.write_parquet(tmp_path / "manifest.parquet")
    return chosen


def events(done):
    return [json.loads(line) for line in done.out.splitlines()]


@pytest.mark.slow
def test_files_of_another_recipe_are_named_before_they_are_made_again(rows, cli):
    assert cli("download", "--recipe", "png8-plate", "--resize", "64").err == ""
    said = (
        "12 files of this manifest are there as png8-plate with --resize 64, "
        "and are made again as png8\n"
    )
    for _ in range(2):
        assert cli("download", "--dry-run").err == said
    (found,) = events(cli("download", "--dry-run", "--json"))[0]["otherwise"]
    assert found["recipe"].startswith("png8-plate ")
    assert json.loads(found["parameters"])["resize"] == 64
    assert (found["files"], found["replaced"]) == (12, True)
    first, second, *_ = events(cli("download", "--json", "--limit", "4"))
    assert first["event"] == "plan"
    assert second == {"event": "otherwise", **found, "files": 4}
    assert cli("download").err == said.replace("12", "8")
    assert cli("download").err == ""
    for words in ("--crop", "0"), ("--resize", "32"):
        assert f"png8, and are made again as png8 with {' '.join(words)}" in (
            cli("download", "--dry-run", *words).err
        )


def test_files_with_another_suffix_stay_and_sites_parquet_names_the_new_ones(rows, cli):
    assert cli("download").code == 0
    assert cli("download", "--recipe", "raw").err == (
        "12 files of this manifest are there as png8, and stay; "
        "sites.parquet will name the new files, raw\n"
    )


@pytest.mark.slow
def test_files_of_another_manifest_are_not_named(rows, cli, tmp_path):
    rows.tail(5).write_parquet(tmp_path / "five.parquet")
    rows.head(7).write_parquet(tmp_path / "seven.parquet")
    assert cli("download", "--manifest", "five.parquet", "--recipe", "jxl").code == 0
    assert cli("download", "--manifest", "seven.parquet").err == ""
    assert cli("download", "--manifest", "seven.parquet", "--dry-run").err == ""


@pytest.mark.slow
def test_a_dry_run_says_what_is_there_and_what_is_left(rows, cli, tmp_path):
    assert "there already: 0 files; left to fetch: 12;" in cli("download", "--dry-run").out
    assert list(tmp_path.iterdir()) == [tmp_path / "manifest.parquet"]
    assert cli("download", "--limit", "5").code == 0
    assert "there already: 5 files; left to fetch: 7;" in cli("download", "--dry-run").out
    (said,) = events(cli("download", "--dry-run", "--json"))
    assert (said["there"], said["left"]) == (5, 7)
    assert said["estimated_gb"] * 1e9 == pytest.approx(rows["estimated_bytes"].sum() * 7 / 12, 1e-6)
    (said,) = events(cli("download", "--dry-run", "--json", "--force"))
    assert (said["there"], said["left"]) == (5, 12)


@pytest.mark.slow
def test_a_dry_run_refuses_what_the_run_refuses(rows, cli, tmp_path):
    rows.drop("url_illum").write_parquet(tmp_path / "manifest.parquet")
    rows.with_columns(path="a/" + rows["path"]).write_parquet(tmp_path / "moved.parquet")
    (tmp_path / "file").write_text("a file where the folder should be")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "source_3").symlink_to(tmp_path)
    assert cli("download", "--limit", "1").code == 0
    for words in (
        ("--illum",),
        ("--crop-um", "-1"),
        ("--endpoint", "http://[::1/x"),
        ("--manifest", "moved.parquet", "--recipe", "stack", "--channels", "x"),
        ("--out", "linked"),
    ):
        plan, run = cli("download", "--dry-run", *words), cli("download", *words)
        assert (plan.code, plan.err, plan.out) == (run.code, run.err, "")
        assert run.code in (1, 2)
    assert "cannot write to file" in cli("download", "--dry-run", "--out", "file").err
    with OutputFolder.open(tmp_path / "images", Manifest.open(rows), build("png16")):
        plan, run = cli("download", "--dry-run"), cli("download")
        assert (plan.code, plan.err, plan.out) == (run.code, run.err, "")
        assert f"being filled by process {os.getpid()} on" in plan.err
        assert "with recipe png16 2 and parameters" in plan.err


@pytest.mark.parametrize("name", ["sites.parquet", "results.parquet"])
@pytest.mark.parametrize("what", ["table", "text"])
def test_a_table_that_no_download_made_is_not_replaced(rows, cli, tmp_path, name, what):
    if what == "table":
        rows.select("Metadata_Well", mine=1).write_parquet(tmp_path / name)
    else:
        (tmp_path / name).write_text("mine")
    before = (tmp_path / name).read_bytes()
    done = cli("download", "--out", ".")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert name in done.err
    assert (tmp_path / name).read_bytes() == before
