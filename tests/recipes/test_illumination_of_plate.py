"""Illumination functions that are made of a plate's own images, as pybbbc makes them."""

import io
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tifffile

import jumpduck
from jumpduck.errors import ManifestError, QueryError, StoreError
from jumpduck.imaging.transforms import stretch
from jumpduck.recipes import plate_illumination
from jumpduck.recipes.base import Source
from jumpduck.recipes.registry import build
from tests.support.folders import files
from tests.support.pixels import illumination_as_in_pybbbc, tiff

SHAPE = (24, 40)
SITES, CHANNELS = (1, 2), ("DAPI", "Actin")
WELLS = [f"B{column:02d}" for column in range(2, 8)]


def draw(well, site, channel):
    """A plane that is brighter at one side, another one for each site."""
    random = np.random.default_rng([WELLS.index(well), site, CHANNELS.index(channel)])
    side = np.linspace(1, 1 + site, SHAPE[1])
    return (random.uniform(500, 9000, SHAPE) * side).astype(np.uint16)


PLANES = {
    (well, site, channel): draw(well, site, channel)
    for well in WELLS
    for site in SITES
    for channel in CHANNELS
}


@pytest.fixture
def rows(tmp_path):
    """The manifest of a plate, and its images."""
    lines = []
    for (well, site, channel), plane in PLANES.items():
        file = tmp_path / "published" / f"{well}_s{site}_{channel}.tif"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(tiff(plane))
        key = ("lab", "week", "p", well, site, channel)
        lines.append((*key, str(file), f"lab/week/p/{well}__{site}__{channel}"))
    names = ("Source", "Batch", "Plate", "Well", "Site", "Channel")
    schema = [*(f"Metadata_{name}" for name in names), "url", "path"]
    return pl.DataFrame(lines, schema, orient="row")


def planes_of(site, channel, wells=WELLS):
    return [PLANES[well, site, channel] for well in wells]


def reading(url):
    return Path(url).read_bytes()


def test_each_channel_and_site_of_a_plate_is_divided_by_its_own_function(rows):
    recipe = build("tiff16", crop=0, illum_from_plate=True)
    context = recipe.prepare(rows.rows(named=True), reading)
    for row in rows.rows(named=True):
        site, channel = row["Metadata_Site"], row["Metadata_Channel"]
        expected = illumination_as_in_pybbbc(planes_of(site, channel))
        found = context.illum.functions[channel, site]
        assert np.abs(found / expected - 1).max() < 1e-6
        made = recipe.make([Source(reading(row["url"]), row)], context)
        plane = PLANES[row["Metadata_Well"], site, channel]
        exact = np.clip(plane / expected, 0, 65535)
        assert np.abs(tifffile.imread(io.BytesIO(made.data)) - exact).max() < 0.501
        assert made.measured[0].url_illum.startswith("mean of 6 images, ")
    assert recipe.memory_for([Source(reading(row["url"]), row)]) > build(
        "tiff16", crop=0
    ).memory_for([Source(reading(row["url"]), row)])


def test_png8_plate_stretches_what_was_divided_between_percentiles_of_the_plate(rows):
    recipe = build("png8-plate", crop=0, percentile=0.1, illum_from_plate=True)
    context = recipe.prepare(rows.rows(named=True), reading)
    corrected = [
        np.rint(plane / illumination_as_in_pybbbc(planes_of(site, "DAPI")).astype(np.float32))
        for site in SITES
        for plane in planes_of(site, "DAPI")
    ]
    low, high = np.percentile(np.concatenate(corrected), [0.1, 99.9])
    assert context.levels["DAPI"] == pytest.approx((low, high))
    row = rows.filter(Metadata_Channel="DAPI").row(0, named=True)
    made = recipe.make([Source(reading(row["url"]), row)], context)
    assert (made.measured[0].low, made.measured[0].high) == context.levels["DAPI"]
    first = corrected[0].astype(np.uint16)
    from jumpduck.imaging.readers import decode_image

    assert np.array_equal(decode_image(made.data), stretch(first, *context.levels["DAPI"]))


def test_the_mean_is_that_of_the_same_images_in_any_order_and_leaves_out_broken_ones(
    rows, monkeypatch
):
    monkeypatch.setattr(plate_illumination, "IMAGES", 4)
    asked = []

    def fetch(url):
        asked.append(url)
        if url == bad:
            raise FileNotFoundError(url)
        return reading(url)[:-500] if url == cut else reading(url)

    some = rows.filter(Metadata_Site=1, Metadata_Channel="DAPI")
    bad = cut = None
    recipe = build("png16", illum_from_plate=True)
    first = recipe.prepare(some.rows(named=True), fetch).illum.made_of
    chosen, asked = set(asked), []
    again = recipe.prepare(some.rows(named=True)[::-1], fetch).illum.made_of
    assert len(asked) == 4
    assert set(asked) == chosen
    assert again == first
    bad, cut, *_ = chosen
    (text,) = recipe.prepare(some.rows(named=True), fetch).illum.made_of.values()
    assert text.startswith("mean of 2 images, ")


def test_no_function_is_made_where_a_server_does_not_answer_or_images_differ(rows):
    def prepare(answer):
        some = rows.filter(Metadata_Channel="DAPI").rows(named=True)

        def fetch(url):
            return answer if url == some[0]["url"] else reading(url)

        def failing(url):
            if url == some[0]["url"]:
                raise answer
            return reading(url)

        recipe = build("png16", illum_from_plate=True)
        context = recipe.prepare(some, failing if isinstance(answer, Exception) else fetch)
        recipe.check(some[1], context)

    with pytest.raises(StoreError, match="of DAPI at site 1 could be made: 503"):
        prepare(StoreError("503", 5))
    with pytest.raises(StoreError, match="several sizes: 7 x 5, 40 x 24"):
        prepare(tiff(np.ones((5, 7), np.uint16)))
    with pytest.raises(StoreError, match="9000 x 1000 pixels, at most"):
        prepare(tiff(np.ones((1000, 9000), np.uint8), compression="zlib"))
    with pytest.raises(QueryError, match="give one of them"):
        build("png16", illum=True, illum_from_plate=True)


def test_a_black_site_or_one_without_images_fails_with_the_reason(rows):
    recipe = build("png16", illum_from_plate=True)
    row = rows.row(0, named=True)
    context = recipe.prepare([row], lambda _: tiff(np.zeros(SHAPE, np.uint16)))
    with pytest.raises(StoreError, match="its images are black"):
        recipe.check(row, context)
    context = recipe.prepare([row], lambda _: b"")
    with pytest.raises(StoreError, match="at site 1 was not made, because none of its images"):
        recipe.make([Source(reading(row["url"]), row)], context)


@pytest.mark.slow
def test_files_made_with_the_function_of_another_part_of_the_plate_are_made_again(rows, tmp_path):
    """The results say what each function was made of; threads and processes change nothing."""
    options = {"recipe": "png16", "illum_from_plate": True, "crop": 0}
    out, clean = tmp_path / "out", tmp_path / "clean"
    part = rows.filter(pl.col("Metadata_Well") < "B05")
    first = jumpduck.download(part, out, **options)
    assert first["url_illum"].str.starts_with("mean of 3 images, ").all()
    assert set(jumpduck.download(part, out, **options)["status"]) == {"present"}
    assert jumpduck.status(out).plates["done"].sum() == part.height
    whole = jumpduck.download(rows, out, **options)
    assert set(whole["status"]) == {"fetched"}
    assert whole["url_illum"].str.starts_with("mean of 6 images, ").all()
    assert (
        whole.group_by("Metadata_Channel", "Metadata_Site")
        .agg(pl.col("url_illum").n_unique())["url_illum"]
        .to_list()
        == [1] * 4
    )
    by_processes = jumpduck.download(rows, clean, processes=2, **options)
    assert by_processes["url_illum"].equals(whole["url_illum"])
    assert files(clean) == files(out)
    assert set(jumpduck.download(rows, clean, **options)["status"]) == {"present"}
    assert jumpduck.verify(out, deep=True).is_empty()


@pytest.mark.slow
def test_a_repair_makes_the_same_file_or_says_that_it_cannot(rows, tmp_path):
    options = {"recipe": "png16", "illum_from_plate": True, "crop": 0}
    out = tmp_path / "out"
    jumpduck.download(rows, out, **options)
    before = files(out)
    name = min(before)
    (out / name).write_bytes(b"damaged")
    copy = tmp_path / "copy"  # knows its results, and not what it was asked for
    shutil.copytree(out, copy, ignore=shutil.ignore_patterns(".jumpduck"))
    for folder in (out, copy):
        repaired = jumpduck.repair(jumpduck.verify(folder), folder)
        assert repaired["status"].to_list() == ["fetched"]
        assert files(folder) == before
    (out / name).write_bytes(b"damaged")
    results = pl.read_parquet(out / "results.parquet")
    part = tmp_path / "part"
    shutil.copytree(out, part, ignore=shutil.ignore_patterns(".jumpduck"))
    results.filter(pl.col("Metadata_Well") < "B05").write_parquet(part / "results.parquet")
    repaired = jumpduck.repair(jumpduck.verify(part), part)
    assert "other images of its plate decide" in repaired["error"][0]


def test_no_part_of_a_plate_is_taken_from_a_shard(rows, tmp_path):
    rows.write_parquet(tmp_path / "manifest.parquet")
    jumpduck.split(tmp_path / "manifest.parquet", tmp_path / "shards", into=2, cut=True)
    with pytest.raises(ManifestError, match="has a part of"):
        jumpduck.download(tmp_path / "shards/0001.parquet", tmp_path / "out", illum_from_plate=True)
