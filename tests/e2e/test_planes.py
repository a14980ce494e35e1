"""Images that lie inside of other files go the whole way: each kind, with each recipe."""

import h5py
import numpy as np
import polars as pl
import pytest
import zarr

import jumpduck
from jumpduck.imaging.readers import decode_image
from jumpduck.recipes.registry import BUILT_IN
from jumpduck.rows import DONE
from jumpduck.schema import MANIFEST
from tests.support.pixels import tiff
from tests.support.range_server import RangeServer

EDGE = 96
BYTES = ("bytes", "frame")
MOVIE = "sample/0/plate/P1/experiment/A1/position/1/image/channel"


def planes(seed, *leading, dtype="u2"):
    return np.random.default_rng(seed).integers(0, 250, (*leading, EDGE, EDGE)).astype(dtype)


def write(folder):
    """Files of each kind, and by channel the place of an image and its pixels."""
    stack, floats, small = planes(1, 6), planes(2, dtype="f4"), planes(3, 2, dtype="u1")
    (folder / "stack.ome.tif").write_bytes(tiff(stack, photometric="minisblack"))
    (folder / "float.tif").write_bytes(tiff(floats))
    (folder / "small.tif").write_bytes(tiff(small, photometric="minisblack", compression="lzw"))
    site = planes(4, 5)
    array = zarr.create_array(str(folder / "lite.zarr/site"), shape=site.shape, dtype=site.dtype,
                              chunks=site.shape)  # fmt: skip
    array[:] = site
    level = planes(5, 2, 3)
    array = zarr.create_array(str(folder / "ome.zarr/0"), shape=level.shape, dtype=level.dtype,
                              chunks=(1, 1, 40, 40), zarr_format=2)  # fmt: skip
    array[:] = level
    movie = planes(6, 2, 30, 1, dtype="u1")
    with h5py.File(folder / "movie.ch5", "w") as file:
        file.create_dataset(MOVIE, data=movie, chunks=(1, 1, 1, EDGE, EDGE), compression="gzip")
    grey = np.rint(np.clip(floats.astype(float), 0, 200) * (65535 / 200)).astype("u2")
    return {
        "page": ("stack.ome.tif#page=4", stack[4]),
        "projection": ("stack.ome.tif#pages=1-3", stack[1:4].max(axis=0)),
        "float": ("float.tif#range=0,200", grey),
        "bytes": ("small.tif#page=1", small[1]),
        "lite": ("lite.zarr#array=site&index=3", site[3]),
        "ome": ("ome.zarr#array=0&index=1,0-2", level[1].max(axis=0)),
        "frame": (f"movie.ch5#dataset={MOVIE}&index=1,17,0", movie[1, 17, 0]),
    }


def manifest_of(urls, path):
    """A manifest of one well, whose channels have these URLs; those of 8 bit are another site."""
    plate = {"Metadata_Source": "S", "Metadata_Batch": "B", "Metadata_Plate": "P1"}
    rows = []
    for channel, url in sorted(urls.items(), key=lambda one: one[0] in BYTES):
        site = 1 + (channel in BYTES)
        name = f"S/B/P1/S__B__P1__A01__{site}__{channel}"
        rows.append(plate | {"Metadata_Well": "A01", "Metadata_Site": site,
                             "Metadata_Channel": channel, "url": url, "path": name})  # fmt: skip
    pl.DataFrame(rows, schema=MANIFEST).write_parquet(path)
    return path


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planes")
    images = write(folder)
    with RangeServer(folder) as server:
        urls = {channel: f"{server.address}/{place}" for channel, (place, _) in images.items()}
        yield folder, server, urls, {channel: plane for channel, (_, plane) in images.items()}


RECIPES = [
    name if name in ("png16", "stack") else pytest.param(name, marks=pytest.mark.slow)
    for name in sorted(BUILT_IN)
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_each_recipe_makes_files_of_each_kind_of_place(recipe, served, tmp_path):
    _, server, urls, expected = served
    manifest = manifest_of(urls, tmp_path / "manifest.parquet")
    results = jumpduck.download(manifest, tmp_path / "out", recipe=recipe)
    assert dict(results.select("status", "error").rows()) == {DONE[0]: None}
    assert results["width"].to_list() == [EDGE] * len(urls)
    means = dict(results.select("Metadata_Channel", "mean").rows())
    assert means == pytest.approx({channel: plane.mean() for channel, plane in expected.items()})
    if recipe in ("png16", "jxl", "tiff16", "raw"):
        for channel, path in results.select("Metadata_Channel", "path").rows():
            kept = decode_image((tmp_path / "out" / path).read_bytes())
            assert np.array_equal(kept, expected[channel]), channel
    assert jumpduck.verify(tmp_path / "out").height == 0
    server.clear()
    again = jumpduck.download(manifest, tmp_path / "out", recipe=recipe)
    assert set(again["status"]) == {DONE[1]}
    assert server.requests == []


def test_what_cannot_be_read_is_a_row_with_its_reason(served, tmp_path):
    folder, server, urls, _ = served
    (folder / "rgb.tif").write_bytes(tiff(np.zeros((8, 8, 3), "u1"), photometric="rgb"))
    (folder / "wrong.zarr").mkdir(exist_ok=True)
    (folder / "wrong.zarr/.zarray").write_text(
        '{"zarr_format": 2, "shape": [8, 8], "chunks": [8, 8], "dtype": "<u2", "fill_value": 0,'
        ' "order": "C", "filters": null, "compressor": {"id": "pcodec"}}'
    )
    root = server.address
    wrong = {
        "good": (urls["page"], "fetched", None),
        "nopage": (f"{root}/stack.ome.tif#page=6", "missing", "no page 6, it has 6"),
        "nofile": (f"{root}/nothing.tif#page=0", "missing", "no such file"),
        "float": (f"{root}/float.tif#page=0", "corrupt", "32 bit float; give range=LOW,HIGH"),
        "rgb": (f"{root}/rgb.tif#page=0", "corrupt", "RGB, 3 samples a pixel; export each channel"),
        "codec": (f"{root}/wrong.zarr#array=", "corrupt", "codec 'pcodec' is not read; blosc"),
        "noarray": (f"{root}/lite.zarr#array=other&index=0", "missing", "no Zarr array"),
        "noplane": (f"{root}/lite.zarr#array=site&index=5", "missing", "no plane 5 of 5"),
        "nodata": (f"{root}/movie.ch5#dataset=sample/1&index=0", "missing", "no sample/1 in this"),
        "nohdf5": (f"{root}/float.tif#dataset=a&index=0", "corrupt", "not a readable HDF5"),
    }
    manifest = manifest_of({channel: url for channel, (url, *_) in wrong.items()},
                           tmp_path / "manifest.parquet")  # fmt: skip
    results = jumpduck.download(manifest, tmp_path / "out")
    for channel, status, error in results.select("Metadata_Channel", "status", "error").rows():
        _, expected, reason = wrong[channel]
        assert (channel, status) == (channel, expected), error
        assert (reason is None and error is None) or reason in error


@pytest.mark.slow  # starts an S3 server
def test_zarr_arrays_over_s3_are_downloaded(s3, tmp_path):
    values = planes(7, 5)
    kinds = {
        "whole": {"chunks": values.shape},
        "shards": {"chunks": (1, 48, 48), "shards": values.shape},
        "two": {"chunks": (1, EDGE, EDGE), "zarr_format": 2},
    }
    for kind, options in kinds.items():
        array = zarr.create_array(
            str(tmp_path / "zarr" / kind), shape=values.shape, dtype="u2", **options
        )
        array[:] = values
    s3.put_folder("planes", tmp_path / "zarr")
    urls = {f"{kind}{n}": f"s3://planes#array={kind}&index={n}" for kind in kinds for n in range(5)}
    urls["nothing"] = "s3://planes#array=nothing&index=0"
    manifest = manifest_of(urls, tmp_path / "manifest.parquet")
    results = jumpduck.download(manifest, tmp_path / "out", recipe="png16", endpoint=s3.endpoint)
    found = {channel: rest for channel, *rest in results.select(
        "Metadata_Channel", "status", "error", "path").rows()}  # fmt: skip
    assert found.pop("nothing")[0] == "missing"
    for channel, (status, error, path) in found.items():
        assert (status, error) == ("fetched", None), channel
        kept = decode_image((tmp_path / "out" / path).read_bytes())
        assert np.array_equal(kept, values[int(channel[-1])]), channel
