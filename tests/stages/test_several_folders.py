"""`status` and `verify` take several folders, and compare them with shards."""

import json
import shutil

import polars as pl
import pytest

import jumpduck
from jumpduck.errors import ManifestError, QueryError


@pytest.fixture(scope="module")
def made(catalog, tmp_path_factory):
    """A manifest, its shards, and folders with the first and the second. Not to change."""
    place = tmp_path_factory.mktemp("made")
    jumpduck.manifest(catalog, path=place / "manifest.parquet", per_well={"trt": 2, "negcon": 1})
    jumpduck.split(place / "manifest.parquet", place / "shards", by="plate")
    for out, number in (("a", 1), ("b", 2)):
        jumpduck.download(place / f"shards/000{number}.parquet", place / out)
    return place


@pytest.fixture
def here(made, tmp_path):
    """A copy of them, to change."""
    return shutil.copytree(made, tmp_path, dirs_exist_ok=True)


@pytest.mark.slow
def test_status_of_several_folders_has_a_row_for_each(cli, here):
    done = cli("status", "--out", "a", "b", "--csv")
    table = pl.read_csv(done.out.encode())
    one, two = (jumpduck.status(here / out).plates for out in "ab")
    assert table["out"].to_list() == ["a", "b"]
    assert table["files"].to_list() == [one["files"].sum(), two["files"].sum()]
    assert table["done"].to_list() == [one["done"].sum(), two["done"].sum()]
    both = json.loads(cli("status", "--out", "a", "b", "--json").out)
    assert both["out"] == ["a", "b"]
    assert [plate["out"] for plate in both["by_plate"]] == ["a", "b"]
    assert len(both["by_source"]) == 2
    # one folder is as ever
    assert json.loads(cli("status", "--out", "a", "--json").out).keys() == both.keys() - {
        "by_folder"
    }


def test_status_by_shard_says_what_the_folders_have_of_each(cli, here):
    index = pl.read_csv(here / "shards/index.tsv", separator="\t")
    done = cli("status", "--out", "a", "b", "--shards", "shards", "--csv")
    table = pl.read_csv(done.out.encode())
    assert table["files"].to_list() == index["files"].to_list()
    assert table["left"].to_list() == [0, 0, index["files"][2]]
    assert (table["done"] + table["missing"] + table["left"]).to_list() == index["files"].to_list()
    assert table["missing"].sum() == 1
    said = cli("status", "--out", "a", "b", "--shards", "shards").err
    assert "shards lack files" in said
    only = jumpduck.status(here / "a", shards=here / "shards").shards
    assert only["left"].to_list() == [0, *index["files"][1:]]


def test_a_file_that_another_recipe_or_url_made_is_left_of_a_shard(here):
    rows = pl.read_parquet(here / "shards/0001.parquet")
    other = here / "other"
    other.mkdir()
    rows.with_columns(url=pl.col("url") + "x").write_parquet(other / "m.parquet")
    jumpduck.split(other / "m.parquet", other / "shards", into=1)
    assert jumpduck.status(here / "a", shards=other / "shards").shards["left"][0] == rows.height


@pytest.mark.slow
def test_verify_of_several_folders_says_which_has_the_wrong_file_and_repairs_it(cli, here):
    assert cli("verify", "--out", "a").code == 0
    damaged = next((here / "a").glob("source*/*/*/*.png"))
    damaged.write_bytes(b"damaged")
    found = jumpduck.verify([here / "a", here / "b"])
    assert found.filter(status="wrong")["out"].to_list() == [str(here / "a")]
    assert set(found["status"]) == {"wrong", "missing"}
    done = cli("verify", "--out", "a", "b")
    assert done.code == 3
    assert "`jumpduck verify --repair --out a b` fetches them again" in done.err
    assert "1 repaired" in cli("verify", "--out", "a", "b", "--repair").out
    assert set(jumpduck.verify([here / "a", here / "b"])["status"]) == {"missing"}


@pytest.mark.slow
def test_verify_compares_several_folders_with_all_shards(cli, here):
    index = pl.read_csv(here / "shards/index.tsv", separator="\t")
    found = jumpduck.verify([here / "a", here / "b"], shards=here / "shards")
    assert found.filter(status="left").height == index["files"][2]
    assert found.height == index["files"][2] + 1
    done = cli("verify", "--out", "a", "b", "--shards", "shards")
    assert done.code == 3
    assert f"{index['files'][2]} not fetched" in done.out
    alone = jumpduck.verify(here / "b", shards=here / "shards")
    assert alone.filter(status="left").height == index["files"][0] + index["files"][2]


def test_an_image_that_one_of_several_folders_has_right_is_right(here):
    shutil.copytree(here / "a", here / "c")
    damaged = next((here / "c").glob("source*/*/*/*.png"))
    damaged.write_bytes(b"damaged")
    for outs in ("ac", "ca"):
        found = jumpduck.verify([here / out for out in outs], manifest=here / "shards/0001.parquet")
        assert found.is_empty()
    assert jumpduck.verify(here / "c", manifest=here / "shards/0001.parquet").height == 1


def test_what_is_not_a_folder_of_shards_is_refused(here):
    with pytest.raises(QueryError, match="is a manifest, too"):
        jumpduck.verify(here / "a", manifest=here / "manifest.parquet", shards=here / "shards")
    for verb in (jumpduck.status, jumpduck.verify):
        with pytest.raises(ManifestError, match="is not a folder of shards"):
            verb(here / "a", shards=here / "b")
