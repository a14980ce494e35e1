"""A collection in SQL alone goes the whole way: no line of jumpduck's Python knows it."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tifffile

import jumpduck
from jumpduck.database.sql_files import find_driver
from jumpduck.errors import CatalogError, QueryError
from jumpduck.recipes.registry import BUILT_IN
from tests.support.examples import first_quick

DRIVER = Path(__file__).parent / "made_up" / "made_up.sql"
CHANNELS = ("Tubulin", "nuclei", "w3")
EDGE = 48


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """8-bit TIFFs of two plates of 4 x 6 wells, two sites each."""
    root = tmp_path_factory.mktemp("made_up")
    random = np.random.default_rng(1)
    for plate in ("0001", "0002"):
        (root / plate).mkdir()
        for well in (f"{row}0{column}" for row in "ABCD" for column in range(1, 7)):
            for site in (1, 2):
                for channel in CHANNELS:
                    plane = random.integers(0, 200, (EDGE, EDGE), np.uint8)
                    tifffile.imwrite(root / plate / f"{well}_s{site}_{channel}.tif", plane)
    return root


@pytest.fixture(scope="module")
def made_up(images, tmp_path_factory):
    path = tmp_path_factory.mktemp("catalog") / "catalog.duckdb"
    jumpduck.catalog(path, collection=str(DRIVER), gallery=str(images))
    return path


def test_the_catalog_says_which_collection_it_holds(made_up):
    rows = jumpduck.sql("SELECT collection, perturbation FROM main.collections", made_up).rows()
    assert rows == [("made_up", "Metadata_Compound")]


def test_a_compound_is_found_and_a_misspelt_one_brings_the_nearest(made_up):
    found = jumpduck.find(["Taxol"], made_up)
    assert found.rows() == [("Taxol", "c1", 16)]
    with pytest.raises(QueryError, match="did you mean taxol"):
        jumpduck.find(["taxel"], made_up)


def test_its_plates_are_listed(made_up):
    plates = jumpduck.plates(made_up, plates="0002").drop("estimated_gb")
    assert plates.rows() == [("lab", "week1", "0002", "DOSES", 24, 48, True, "out of focus")]


def test_the_default_channels_are_the_stains_of_the_collection_in_its_order(made_up):
    rows = jumpduck.manifest(made_up)
    assert rows["Metadata_Channel"].to_list()[:4] == ["Tubulin", "nuclei"] * 2
    assert set(rows["channel_kind"]) == {"stain"}
    every = jumpduck.manifest(made_up, brightfield=True)
    assert every["Metadata_Channel"].to_list()[:3] == list(CHANNELS)
    assert rows.height * 3 == every.height * 2
    with pytest.raises(QueryError, match="there are Tubulin, nuclei, w3"):
        jumpduck.manifest(made_up, channels="DAPI")


def test_a_selection_has_the_collections_own_columns(made_up):
    rows = jumpduck.manifest(
        made_up, compounds="taxol", with_controls=True, where="Metadata_Dose > 0"
    )
    assert set(rows["Metadata_Compound"]) == {"c0", "c1"}
    assert rows["Metadata_Dose"].dtype == pl.Float64
    assert "Metadata_JCP2022" not in rows.columns


@pytest.mark.slow
def test_a_site_that_is_known_to_be_bad_stays_out(made_up):
    bad = {"plates": "0002", "wells": "B02"}
    assert set(jumpduck.manifest(made_up, **bad)["Metadata_Site"]) == {2}
    assert set(jumpduck.manifest(made_up, **bad, channels="w3")["Metadata_Site"]) == {1, 2}
    kept = jumpduck.manifest(made_up, **bad, keep_known_bad=True)
    assert kept["known_issue"].drop_nulls().to_list() == ["out of focus"]


@pytest.fixture(scope="module")
def rows(made_up):
    return jumpduck.manifest(made_up, wells=["A01", "B02"], brightfield=True)


@first_quick(1, "recipe", BUILT_IN)
def test_every_recipe_takes_it(rows, tmp_path, recipe):
    out = tmp_path / "images"
    results = jumpduck.download(rows, out, recipe=recipe)
    assert set(results["status"]) == {"fetched"}
    assert results["Metadata_Dose"].null_count() == 0
    status = jumpduck.status(out)
    assert status.plates["done"].sum() == results.height
    assert jumpduck.verify(out).is_empty()
    sites = pl.read_parquet(out / "sites.parquet")
    assert [name for name in sites.columns if name.startswith("path_")] == [
        f"path_{channel}" for channel in CHANNELS
    ]


@pytest.mark.slow
def test_the_command_line_takes_it_the_whole_way(cli, images, tmp_path):
    assert cli("catalog", "--collection", DRIVER, "--gallery", images).code == 0
    assert "c1" in cli("find", "taxol").out
    done = cli("manifest", "--compound", "taxol", "--with-controls", "--max-sites", 4, "--json")
    assert json.loads(done.out)["files"] == 8
    assert cli("download").code == 0
    assert cli("status").code == 0
    assert cli("verify", "--deep").code == 0


@pytest.mark.slow
def test_a_picture_shows_its_compounds_beside_its_controls(made_up, tmp_path):
    out = tmp_path / "images"
    rows = jumpduck.manifest(made_up, compounds="taxol", with_controls=True, per_well="all")
    jumpduck.download(rows, out)
    shown = jumpduck.show(compounds="taxol", out=out, path=tmp_path / "a.png", catalog=made_up)
    roles = shown.images.group_by("is_control").agg(pl.col("Metadata_pert_type").unique())
    assert dict(roles.rows()) == {False: ["poscon"], True: ["negcon"]}


def test_a_collection_that_lacks_something_is_refused_by_name(images, tmp_path):
    lacking = tmp_path / "made_up.sql"
    text = DRIVER.read_text().replace(".read sql/made_up/problems.sql\n", "")
    lacking.write_text(text)
    (tmp_path / "made_up").symlink_to(DRIVER.parent / "made_up")
    with pytest.raises(CatalogError, match=r"made_up\.problems \(Metadata_Source"):
        jumpduck.catalog(tmp_path / "c", collection=str(lacking), gallery=str(images))
    with pytest.raises(QueryError, match="there is no collection 'x'; there is bbbc021, cpg"):
        jumpduck.catalog(tmp_path / "c", collection="x")
    with pytest.raises(QueryError, match="sources cannot be used for collection 'made_up'"):
        jumpduck.catalog(tmp_path / "c", collection=str(DRIVER), sources=["lab"])


def test_the_name_of_a_collection_is_taken_in_any_case_and_a_near_one_is_suggested(cli):
    assert find_driver("JUMP-Lite").stem == "jump_lite"
    for words in (("catalog", "--collection"), ("collections",), ("demo", "--collection")):
        done = cli(*words, "bbc021")
        assert done.code == 2
        assert "there is no collection 'bbc021'; did you mean bbbc021" in done.err
