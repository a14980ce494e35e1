"""Every collection goes the whole way, on a small gallery in its true layout."""

import json
import re
import shutil
import signal
import time
from functools import partial

import polars as pl
import pytest

import jumpduck
from jumpduck.cli.get import WHERE_TO_READ, GetOptions
from jumpduck.collections.base import OPTIONS, CatalogOptions
from jumpduck.errors import QueryError
from jumpduck.recipes.registry import BUILT_IN
from jumpduck.rows import DONE
from jumpduck.synthetic import gallery as of_jump
from jumpduck.synthetic.galleries import WRITERS, write_small_gallery
from jumpduck.words import words_of
from tests.support.command_line import process

COLLECTIONS = sorted(WRITERS)

QUICK = "own"
"""The one that goes the way also in `just test`: its images are the fewest."""


@pytest.fixture(scope="module")
def galleries(tmp_path_factory):
    """The small gallery of a collection and its catalog, made at the first use."""
    made = {}
    patch = pytest.MonkeyPatch()
    # because the images of the demo take ten seconds
    small = partial(of_jump.write_gallery, edges=(96, 128))
    patch.setattr(of_jump, "write_gallery", small)

    def get(collection):
        if collection not in made:
            folder = tmp_path_factory.mktemp(collection)
            gallery = write_small_gallery(collection, folder)
            path = folder / "catalog.duckdb"
            jumpduck.catalog(path, collection=collection, **gallery.options)
            made[collection] = gallery, path, folder
        return made[collection]

    yield get
    patch.undo()


@pytest.fixture(
    params=[
        one if one == QUICK else pytest.param(one, marks=pytest.mark.slow) for one in COLLECTIONS
    ]
)
def small(request, galleries):
    gallery, path, _ = galleries(request.param)
    return request.param, gallery, path


def bad_of(results):
    bad = results.filter(~pl.col("status").is_in(DONE))
    assert bad["error"].null_count() == 0
    return dict(bad.select(pl.col("path").str.replace(r"\.[a-z]+(\.tiff)?$", ""), "status").rows())


def test_every_collection_that_comes_with_jumpduck_has_a_small_gallery(cli):
    listed = json.loads(cli("collections", "--json").out)["collections"]
    assert {one["collection"] for one in listed} == set(COLLECTIONS)
    for one in listed:
        empty = [name for name, value in one.items() if not value]
        assert empty == (["cite", "home"] if one["collection"] == "own" else []), one["collection"]
        assert not re.search(r"\w\.settings|docs/", " ".join(map(str, one.values())))


def test_a_catalog_finds_its_perturbations_lists_its_plates_and_has_all_its_images(small):
    collection, gallery, path = small
    found = jumpduck.find([gallery.perturbation], path)
    assert found.height > 0
    twice = [gallery.perturbation, gallery.perturbation]
    assert jumpduck.find(twice, path).equals(found), "a name that is given twice counts once"
    plates = jumpduck.plates(path)
    assert plates["sites"].sum() > 0
    rows = jumpduck.manifest(path, per_well="all", brightfield=True, keep_known_bad=True)
    assert rows.height == gallery.images
    assert set(gallery.faults) <= set(rows["path"])
    assert jumpduck.sql("SELECT collection FROM main.collections", path).item() == collection


def test_an_unknown_name_brings_the_kinds_of_names_that_are_known(small):
    collection, _, path = small
    with pytest.raises(QueryError, match="there is no perturbation 'no-such-name'; ") as caught:
        jumpduck.find(["no-such-name"], path)
    said = str(caught.value).partition("; ")[2]
    assert re.search("compound|gene|Identifiers", said), collection
    assert "The same" not in said
    assert not re.search(r"see \w+\.\w+$", said)


def test_every_image_is_downloaded_and_verified_and_planned_faults_are_rows(small, tmp_path):
    _, gallery, path = small
    rows = jumpduck.manifest(path, per_well="all", brightfield=True, keep_known_bad=True)
    out = tmp_path / "images"
    results = jumpduck.download(rows, out)
    assert bad_of(results) == dict(gallery.faults)
    assert jumpduck.status(out).plates["done"].sum() == rows.height - len(gallery.faults)
    broken = jumpduck.verify(out, deep=True)
    assert set(broken["status"]) <= {"missing", "corrupt", "failed", "left"}
    assert broken.height == len(gallery.faults)
    again = jumpduck.download(rows, out)
    assert again.filter(pl.col("status") == "present").height == rows.height - len(gallery.faults)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", BUILT_IN)
def test_every_recipe_takes_it_and_a_picture_shows_it(small, tmp_path, recipe):
    _, gallery, path = small
    rows = jumpduck.manifest(path, perturbations=gallery.perturbation)
    out = tmp_path / "images"
    results = jumpduck.download(rows, out, recipe=recipe)
    assert results.filter(pl.col("status") == "fetched").height > 0
    if results["path"].n_unique() == results.height:  # a file of a site lacks all if one is absent
        assert bad_of(results).items() <= dict(gallery.faults).items()
    assert set(jumpduck.verify(out)["status"]) <= {"missing", "corrupt", "failed"}
    shown = jumpduck.show(gallery.perturbation, out=out, path=tmp_path / "a.png", catalog=path)
    assert "fetched" in set(shown.images["status"])


@pytest.mark.slow
def test_balance_and_splits_work_on_it(small):
    _, gallery, path = small
    balanced = jumpduck.manifest(path, per_perturbation=1)
    assert 0 < balanced.height <= gallery.images
    parts = jumpduck.manifest(path, split={"train": 0.5, "test": 0.5}, split_by="plate")
    assert set(parts["split"]) <= {"train", "test"}
    assert parts.height == jumpduck.manifest(path).height


# of each way to read images one, because what a kill leaves does not depend on the tables
@pytest.mark.slow
@pytest.mark.parametrize("small", ["idr", "jump", "jump_lite"], indirect=True)
def test_a_run_that_is_killed_again_and_again_ends_like_one_that_was_not(small, tmp_path):
    _, gallery, path = small
    manifest = tmp_path / "manifest.parquet"
    rows = jumpduck.manifest(path, per_well="all")
    rows.write_parquet(manifest)
    out, clean = tmp_path / "out", tmp_path / "clean"
    words = ("--manifest", manifest, "--connections", "2", "--processes", "2")
    for _ in range(3):
        with process("download", *words, "--out", out, cwd=tmp_path) as run:
            until = time.monotonic() + 20
            before = len(list(out.rglob("*.png")))
            while run.poll() is None and time.monotonic() < until:
                if len(list(out.rglob("*.png"))) > before + 3:
                    break
                time.sleep(0.005)
            run.send_signal(signal.SIGKILL)
        assert set(jumpduck.verify(out)["status"]) <= {"left", "missing", "corrupt", "failed"}
    jumpduck.download(manifest, out)
    whole = jumpduck.download(manifest, clean)
    same = ["path", "status", "size", "checksum"]
    kept = pl.read_parquet(out / "results.parquet").select(same).sort("path")
    assert kept.equals(pl.read_parquet(clean / "results.parquet").select(same).sort("path"))
    assert bad_of(whole).items() <= dict(gallery.faults).items()


@pytest.mark.slow
def test_the_command_line_takes_it_the_whole_way(small, galleries, cli, tmp_path):
    collection, gallery, _ = small
    words = words_of(CatalogOptions(collection=collection, **gallery.options), OPTIONS)
    assert cli("catalog", "--collection", collection, *words).code == 0
    assert cli("find", gallery.perturbation).code == 0
    assert cli("plates").code == 0
    assert cli("manifest").code == 0
    done = cli("download")
    assert done.code in (0, 3), done.err
    assert cli("status").code == done.code or cli("status").code == 0
    assert cli("verify").code in (0, 3)


@pytest.mark.slow
def test_get_does_it_in_one_go(small, cli, tmp_path):
    collection, gallery, _ = small
    words = words_of(GetOptions(out="got", collection=collection, **gallery.options), WHERE_TO_READ)
    done = cli("get", gallery.perturbation, *words, "-o", "got")
    assert done.code in (0, 3), done.err
    assert pl.read_parquet(tmp_path / "got/images/results.parquet").height > 0


@pytest.mark.slow
@pytest.mark.parametrize("collection", sorted(set(COLLECTIONS) - {"jump"}))
def test_the_demo_of_a_collection_ends_as_planned(collection, cli, tmp_path):
    done = cli("demo", "--collection", collection, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out.splitlines()[-1])["as_planned"]
    shutil.rmtree(tmp_path / "jumpduck-demo")
