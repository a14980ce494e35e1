"""Which recipe a command line names, and with which options."""

import json
import shutil

import polars as pl
import pytest

from tests.support.command_line import run_here

MINE = '''
from jumpduck.recipes.base import Encoded, Measured, Recipe


def length(*, crop=3):
    """The length of each file, as text."""

    def make(sources, context):
        text = str(len(sources[0].data) * crop)
        return Encoded(text.encode(), [Measured(1, 1, None, None)])

    return Recipe("length", 2, ".txt", {"crop": crop}, False, make)
'''


@pytest.fixture(scope="module")
def chosen(catalog, tmp_path_factory):
    words = ("--catalog", catalog, "--plate", "JD5876c3", "--well", "A01")
    folder = tmp_path_factory.mktemp("chosen")
    assert run_here("manifest", *words, cwd=folder).code == 0
    return folder / "manifest.parquet"


@pytest.fixture
def manifest(chosen, tmp_path):
    shutil.copy(chosen, tmp_path)


def results(folder):
    return pl.read_parquet(folder / "results.parquet")


@pytest.mark.slow
def test_a_users_recipe_is_named_by_module_and_function(cli, manifest, tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    assert "length of each file" in cli("recipes", "mine:length").out
    done = cli("download", "--recipe", "mine:length", "--crop", 2, "--out", "out")
    assert done.code == 0, done.err
    for row in results(tmp_path / "out").iter_rows(named=True):
        assert row["path"].endswith(".txt")
        assert (tmp_path / "out" / row["path"]).read_text() == str(row["bytes"] * 2)
        assert row["recipe"].startswith("length")
        assert json.loads(row["parameters"]) == {"crop": 2}


@pytest.mark.slow
def test_another_recipe_or_option_in_the_same_folder_processes_the_images_again(
    cli, manifest, tmp_path
):
    for words, fetched in (
        (("--recipe", "jxl"), "fetched"),
        (("--recipe", "jxl"), "present"),
        (("--recipe", "jxl", "--bits", 8), "fetched"),
    ):
        done = json.loads(cli("download", *words, "--json").out.splitlines()[-1])
        assert [row["status"] for row in done["by_status"]] == [fetched]


@pytest.mark.slow
def test_the_recipe_is_read_from_the_environment_or_a_file(cli, manifest, tmp_path):
    assert cli("download", JUMPDUCK_DOWNLOAD_RECIPE="tiff16").code == 0
    (tmp_path / "jumpduck.toml").write_text('[download]\nrecipe = "jxl"\ncrop = 32\n')
    assert cli("download", "--out", "other").code == 0
    assert set(results(tmp_path / "images")["path"].str.slice(-5)) == {".tiff"}
    other = results(tmp_path / "other")
    assert set(other["path"].str.slice(-4)) == {".jxl"}
    assert json.loads(other["parameters"][0])["crop"] == 32


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--recipe", "png9"), "did you mean png"),
        (("--recipe", "raw", "--crop", 5), "recipe raw has no option 'crop'"),
        (("--crop", -3), "crop -3"),
        (("--crop", 100, "--crop-um", 50), "--crop 100 and `--crop-um` 50.0 name two sizes"),
        (("--recipe", ":x"), "MODULE:FUNCTION"),
        (("--recipe", "./x.py:f"), "MODULE:FUNCTION"),
        (("--recipe", "..x:f"), "MODULE:FUNCTION"),
        (("--recipe", "no_such:f"), "No module named 'no_such'"),
        (("--recipe", "json:dumps"), "missing a required argument: 'obj'"),
    ],
)
def test_a_wrong_recipe_or_option_ends_with_2_before_anything_is_read(cli, words, said):
    done = cli("download", *words)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1


def test_a_users_module_that_cannot_be_imported_is_one_line(cli, tmp_path):
    (tmp_path / "broken.py").write_text("def f(:\n")
    done = cli("download", "--recipe", "broken:f")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "SyntaxError" in done.err


def test_a_recipe_that_needs_a_column_the_manifest_lacks_names_it_in_one_line(cli, manifest):
    done = cli("download", "--illum")
    assert done.code == 1
    assert "url_illum" in done.err
    assert done.err.count("\n") == 1


def test_a_stack_is_one_file_a_site_that_can_be_verified_and_repaired(cli, manifest, tmp_path):
    assert cli("download", "--recipe", "stack").code == 0
    rows = results(tmp_path / "images")
    sites = rows["path"].n_unique()
    assert rows.height == 5 * sites
    assert len(list((tmp_path / "images").rglob("*.ome.tiff"))) == sites
    assert cli("verify", "--deep").code == 0
    again = json.loads(cli("download", "--recipe", "stack", "--json").out.splitlines()[-1])
    assert [row["status"] for row in again["by_status"]] == ["present"]
    victim = tmp_path / "images" / rows["path"][0]
    whole = victim.read_bytes()
    victim.write_bytes(whole[:-100])
    assert cli("verify").code == 3
    assert cli("verify", "--repair").code == 0
    assert victim.read_bytes() == whole


def test_an_entry_point_gives_a_users_recipe_a_name(cli, manifest, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(MINE)
    info = tmp_path / "mine-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[jumpduck.recipes]\nfile-length = mine:length\n")
    monkeypatch.syspath_prepend(tmp_path)  # as if the distribution was installed
    assert "file-length" in cli("recipes").out
    assert cli("download", "--recipe", "file-length", "--out", "out").code == 0
    assert set(results(tmp_path / "out")["path"].str.slice(-4)) == {".txt"}
