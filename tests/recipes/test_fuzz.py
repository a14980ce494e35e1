"""Broken images and illumination functions become rows, in bounded time and memory."""

import io
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from jumpduck.errors import ImageError, StoreError
from jumpduck.recipes.base import Source
from jumpduck.recipes.registry import build
from jumpduck.schema import MANIFEST
from tests.support.mutations import mutations
from tests.support.pixels import tiff

MAX_SECONDS = 5
MAX_GROWTH_KB = 700_000
"""The largest plane that is read takes 134 MB, and its histogram as much again."""

COUNTS = [300, pytest.param(2_500, marks=pytest.mark.slow)]

NOISE = np.random.default_rng(0).integers(0, 60_000, (40, 30)).astype(np.uint16)
TIFFS = [
    tiff(NOISE.astype(dtype), **options)
    for dtype in (np.uint8, np.uint16)
    for options in (
        {},
        {"rowsperstrip": 7},
        {"compression": "lzw", "rowsperstrip": 40},
        {"compression": "lzw", "predictor": True, "rowsperstrip": 7},
        {"compression": "deflate", "predictor": True},
        {"compression": "packbits", "rowsperstrip": 9},
        {"compression": "zstd"},
        {"tile": (16, 16), "compression": "lzw"},
        {"byteorder": ">", "bigtiff": True},
    )
]


def npy(plane):
    buffer = io.BytesIO()
    np.save(buffer, plane)
    return buffer.getvalue()


ILLUM = np.linspace(0.5, 2, NOISE.size).reshape(NOISE.shape)
NPYS = [npy(ILLUM), npy(ILLUM.astype(np.float32)), npy(np.asfortranarray(ILLUM))]


@pytest.fixture
def bounded():
    """Check the time of each step, and at the end the memory of all of them."""
    status = Path("/proc/self/status")

    def peak_kb(line):
        return int(status.read_text().partition(line)[2].split()[0])

    if status.exists():
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = peak_kb("VmRSS:")
    longest = 0.0

    def step(function, *arguments):
        nonlocal longest
        begun = time.perf_counter()
        try:
            return function(*arguments)
        finally:
            longest = max(longest, time.perf_counter() - begun)

    yield step
    assert longest < MAX_SECONDS
    if status.exists():
        assert peak_kb("VmHWM:") - before < MAX_GROWTH_KB


@pytest.mark.parametrize("count", COUNTS)
def test_a_broken_image_is_made_or_refused_with_a_reason(count, bounded):
    recipes = [build("png8"), build("png16", crop=9, resize=5), build("raw")]
    made, reasons = 0, list[str]()

    def work(recipe, source):
        assert recipe.memory_for([source]) >= 0
        return recipe.make([source], None)

    for number, data in enumerate(mutations(TIFFS, count)):
        source = Source(data, {"Metadata_Channel": "x"})
        try:
            found = bounded(work, recipes[number % 3], source)
            # a decoder that leaves memory as it was gives other pixels the second time
            assert work(recipes[number % 3], source) == found
            made += 1
        except ImageError as error:  # any other error fails the test
            reasons.append(str(error))
    assert min(made, len(reasons)) > count // 10
    assert all(reason and "\n" not in reason for reason in reasons)


@pytest.mark.parametrize("count", COUNTS)
def test_a_broken_illumination_function_is_used_or_refused_with_a_reason(count, bounded):
    recipe = build("png16", crop=4, illum=True)
    row = {"Metadata_Channel": "x", "url_illum": "s3://x/I.npy"}
    source = Source(TIFFS[-1], row)
    made, reasons = 0, list[str]()
    for data in mutations(NPYS, count):
        context = bounded(recipe.prepare, [row], lambda _, data=data: data)
        try:
            recipe.check(row, context)
            assert bounded(recipe.make, [source], context).data
            made += 1
        except StoreError as error:
            reasons.append(str(error))
    assert min(made, len(reasons)) > count // 20
    assert all(reason and "\n" not in reason for reason in reasons)


@pytest.mark.slow
def test_broken_files_of_a_manifest_are_rows(cli, tmp_path):
    rows = []
    broken = zip(mutations(TIFFS, 1000, 1), mutations(NPYS, 1000, 1), strict=True)
    for number, (image, illum) in enumerate(broken):
        image_file, illum_file = tmp_path / f"{number}.tif", tmp_path / f"{number}.npy"
        image_file.write_bytes(image)
        illum_file.write_bytes(illum)
        # each its own channel, because a channel has one illumination function
        row = dict.fromkeys(MANIFEST, "x") | {"Metadata_Site": 0, "Metadata_Channel": str(number)}
        place = {"path": f"a/{number}", "url": str(image_file), "url_illum": str(illum_file)}
        rows.append(row | place)
    schema = {**MANIFEST, "url_illum": pl.String}
    pl.DataFrame(rows, schema).write_parquet(tmp_path / "manifest.parquet")
    done = cli("download", "--illum", "--quiet")
    assert done.code == 3
    assert "Traceback" not in done.err
    results = pl.read_parquet(tmp_path / "images" / "results.parquet")
    assert set(results["status"]) == {"fetched", "corrupt", "failed"}
    assert results.filter(pl.col("status") != "fetched")["error"].null_count() == 0
