"""What is fetched fits into memory, however large the files and many the connections."""

import functools
import re
import time
import tracemalloc
import weakref

import numpy as np
import polars as pl
import pytest
import tifffile

import jumpduck
from jumpduck.containers import tiff_pages
from jumpduck.errors import StoreError
from jumpduck.imaging.illumination import decode_illumination
from jumpduck.imaging.transforms import divide
from jumpduck.recipes import plate_illumination, preprocessing
from jumpduck.recipes.base import Source
from jumpduck.recipes.registry import build
from jumpduck.schema import MANIFEST
from jumpduck.transfer import plate_progress, scheduler, worker
from jumpduck.transfer.memory_budget import MemoryBudget
from tests.support.command_line import peak_memory_kb
from tests.support.examples import first_quick
from tests.support.fault_proxy import Faults
from tests.support.folders import same
from tests.support.pixels import tiff
from tests.support.web_server import web_server


@pytest.mark.slow
def test_large_files_on_many_connections_stay_below_a_gigabyte(tmp_path):
    """40 files of 60 MB at a time would be 2.4 GB."""
    (tmp_path / "www").mkdir()
    plane = np.zeros((5477, 5477), np.uint16)
    plane[::7, ::5] = 1000
    tifffile.imwrite(tmp_path / "www" / "large.tif", plane, metadata=None)
    with web_server(tmp_path / "www") as address:
        row = {name: None if kind != pl.String else "x" for name, kind in MANIFEST.items()}
        row["url"] = f"{address}/large.tif"
        rows = [{**row, "Metadata_Site": n, "path": f"a/{n}__DNA"} for n in range(40)]
        pl.DataFrame(rows, MANIFEST).write_parquet(tmp_path / "manifest.parquet")
        words = ("download", "--connections", 40, "--workers", 2)
        printed, peak = peak_memory_kb(*words, cwd=tmp_path)
    assert re.search(r"fetched\s+40\s", printed)
    assert peak < 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize("words", [[], ["--resize", 3000]])
def test_large_planes_on_many_cores_stay_below_a_gigabyte(words, tmp_path):
    """Four planes of 8000 x 8000 pixels at a time would be 3 GB; a file of one is 151 kB."""
    plane = np.zeros((8000, 8000), np.uint16)
    plane[::7, ::5] = 1000
    file = tmp_path / "large.tif"
    tifffile.imwrite(file, plane, metadata=None, compression="deflate", rowsperstrip=8000)
    row = dict.fromkeys(MANIFEST, "x") | {"url": str(file)}
    rows = [{**row, "Metadata_Site": n, "path": f"a/{n}__DNA"} for n in range(4)]
    pl.DataFrame(rows, MANIFEST).write_parquet(tmp_path / "manifest.parquet")
    printed, peak = peak_memory_kb("download", "--crop", 0, "--workers", 4, *words, cwd=tmp_path)
    assert re.search(r"fetched\s+4\s", printed)
    assert peak < 1_000_000


@pytest.mark.slow
def test_illumination_functions_are_kept_for_the_plates_in_work_alone(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", np.full((8, 8), 9, np.uint16))
    np.save(tmp_path / "a.npy", np.ones((8, 8), np.float32))
    row = dict.fromkeys(MANIFEST, "x") | {"url": str(tmp_path / "a.tif"), "Metadata_Site": 1}
    rows = [
        row | {"Metadata_Plate": plate, "path": f"x/x/{plate}/1__{channel}"}
        | {"Metadata_Channel": channel, "url_illum": str(tmp_path / "a.npy")}
        for plate in map(str, range(12)) for channel in ("DNA", "ER")
    ]  # fmt: skip
    made, most = [], 0

    def decode(data):
        nonlocal most
        function = decode_illumination(data)
        made.append(weakref.ref(function))
        most = max(most, sum(one() is not None for one in made))
        return function

    def slow_divide(*planes):
        time.sleep(0.02)
        return divide(*planes)

    monkeypatch.setattr(plate_illumination, "decode_illumination", decode)
    monkeypatch.setattr(preprocessing, "divide", slow_divide)
    monkeypatch.setattr(scheduler, "CONTEXT_BYTES", 3 * 2 * 8 * 8 * 4)
    manifest = pl.DataFrame(rows, MANIFEST | {"url_illum": pl.String})
    results = jumpduck.download(manifest, tmp_path / "out", illum=True)
    assert set(results["status"]) == {"fetched"}
    assert len(made) == 24
    assert most <= 2 * 4, "of three plates in work, and of the one that is prepared"


@pytest.fixture(scope="module")
def sites(catalog, gallery):
    """Two wells of a plate over S3; the first channel's files are the smallest of a site."""
    rows = jumpduck.manifest(catalog, plates=["JD5876c3"], wells=["A01"])
    rows = rows.with_columns(
        pl.col("url").str.replace(str(gallery.gallery), "s3://cellpainting-gallery", literal=True)
    )
    sizes = [
        (gallery.gallery / url.removeprefix("s3://cellpainting-gallery/")).stat().st_size
        for url in rows["url"]
    ]
    keys = ["Metadata_Well", "Metadata_Site"]
    return rows.with_columns(size=pl.Series(sizes)).sort(*keys, "size")


@pytest.mark.slow
def test_stacks_made_in_little_memory_are_those_made_in_much(sites, s3, tmp_path, monkeypatch):
    rows = sites.drop("size")
    jumpduck.download(rows, tmp_path / "clean", endpoint=s3.endpoint, recipe="stack")
    monkeypatch.setattr(worker, "FETCHED_BYTES", sites["size"].max() * 6)
    with Faults(s3.endpoint) as proxy:
        jumpduck.download(rows, tmp_path / "out", endpoint=proxy.endpoint, recipe="stack")
    assert proxy.requests > rows.height, "each began again as its second channel was larger"
    same(tmp_path / "out", tmp_path / "clean")


@pytest.mark.slow
def test_results_that_are_kept_in_several_tables_are_the_same(sites, s3, tmp_path, monkeypatch):
    rows = sites.drop("size")
    jumpduck.download(rows, tmp_path / "clean", endpoint=s3.endpoint)
    monkeypatch.setattr(plate_progress, "TABLE_ROWS", 3)
    jumpduck.download(rows, tmp_path / "out", endpoint=s3.endpoint)
    same(tmp_path / "out", tmp_path / "clean")


def test_a_stack_that_needs_more_memory_than_allowed_is_a_failed_row(
    sites, s3, tmp_path, monkeypatch
):
    monkeypatch.setattr(worker, "FETCHED_BYTES", sites["size"].min() * 3)
    rows = sites.drop("size")
    results = jumpduck.download(rows, tmp_path, endpoint=s3.endpoint, recipe="stack")
    assert set(results["status"]) == {"failed"}
    assert results["error"].str.contains("bytes of memory at once").all()
    results = jumpduck.download(rows, tmp_path, endpoint=s3.endpoint)
    assert set(results["status"]) == {"fetched"}


def test_a_stack_of_pages_of_one_small_file_needs_no_memory_for_several_files(
    sites, tmp_path, monkeypatch
):
    """A small file is in memory once, whichever number of its pages are read."""
    monkeypatch.setattr(worker, "FETCHED_BYTES", 3 * tiff_pages.SMALL_BYTES)
    rows = sites.drop("size").head(5)
    tifffile.imwrite(tmp_path / "a.tif", np.full((5, 32, 32), 9, np.uint16), metadata=None)
    urls = [f"{tmp_path}/a.tif#page={page}" for page in range(5)]
    rows = rows.with_columns(url=pl.Series(urls))
    results = jumpduck.download(rows, tmp_path / "out", recipe="stack")
    assert results["error"].drop_nulls().to_list() == []
    assert set(results["status"]) == {"fetched"}


def test_who_waits_longest_for_memory_gets_it_first():
    budget, served = MemoryBudget(10), []
    for name, count in (("first", 8), ("large", 10), ("small", 1)):
        budget.ask(count, functools.partial(served.append, name))
    assert served == ["first"], "the small one waits behind the large one"
    budget.give_back(8)
    assert served == ["first", "large"]
    budget.give_back(10)
    assert served == ["first", "large", "small"]


def test_a_reservation_that_must_not_wait_says_that_it_is_too_small():
    budget = MemoryBudget(10)
    with budget.reserve(4) as reservation:
        assert reservation.cover(4, may_wait=False)
        assert not reservation.cover(5, may_wait=False)
        assert reservation.cover(10, may_wait=True)
        with pytest.raises(StoreError, match="11 bytes of memory at once, and 10 are allowed"):
            reservation.cover(11, may_wait=True)
    with budget.reserve(10):
        pass


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("png8", {"crop": 0}),
        pytest.param("png8", {"crop": 0, "resize": 700}, marks=pytest.mark.slow),
        pytest.param("png8", {"crop": 0, "resize": 1800}, marks=pytest.mark.slow),
        ("png16", {"crop": 0, "resize": 1800}),
        ("png8", {}),
        ("png16", {"crop": 0}),
        ("jxl", {"crop": 0}),
        ("tiff16", {"crop": 0}),
        ("raw", {}),
    ],
)
@first_quick(1, "compression", ["lzw", None])
def test_a_recipe_needs_no_more_memory_than_it_reserves(name, options, compression):
    rng = np.random.default_rng(0)
    data = tiff(rng.integers(0, 5000, (1200, 1200), np.uint16), compression=compression)
    recipe = build(name, **options)
    source = Source(data, {"Metadata_Channel": "x"})
    recipe.make([source], None)  # imports
    tracemalloc.start()
    recipe.make([source], None)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < recipe.memory_for([source]) + 4e6
