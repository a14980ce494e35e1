"""Tiles of a grid, those that show cells, and random ones, against loops over pixels."""

import itertools

import numpy as np
import pytest
from skimage.filters import threshold_otsu

import jumpduck
from jumpduck.errors import QueryError
from jumpduck.rows import SITE_KEY
from jumpduck.samples import opening
from jumpduck.samples.foreground import foreground
from jumpduck.samples.site_images import SiteImages

EDGE = 32


@pytest.fixture(scope="module")
def whole(kept):
    """The whole fields by their keys."""
    samples = jumpduck.dataset(kept)
    return {_key(sample): sample.image for sample in samples.read_all(range(len(samples)))}


@pytest.mark.parametrize("stride", [None, 20, 64])
def test_a_grid_has_each_tile_that_fits_from_the_top_left(kept, whole, stride):
    samples = jumpduck.dataset(kept, unit="tile", size=EDGE, stride=stride)
    expected = []
    for key, image in whole.items():
        height, width = image.shape[1:]
        step = stride or EDGE
        for y, x in itertools.product(range(0, height, step), range(0, width, step)):
            if y + EDGE <= height and x + EDGE <= width:
                expected.append((key, y, x, image[:, y : y + EDGE, x : x + EDGE]))
    assert len(samples) == len(expected)
    found = samples.read_all(range(len(samples)), threads=2)
    for sample, (key, y, x, tile) in zip(found, expected, strict=True):
        metadata = sample.metadata
        assert (_key(sample), metadata["Metadata_Tile_Y"], metadata["Metadata_Tile_X"]) == (
            key, y, x,
        )  # fmt: skip
        assert np.array_equal(sample.image, tile)


def test_foreground_tiles_are_those_with_one_percent_of_bright_pixels(kept, whole, tmp_path):
    edge = 8
    options = {"unit": "tile", "size": edge, "tiles": "foreground", "cache": tmp_path}
    samples = jumpduck.dataset(kept, **options)
    expected, count = [], 0
    for key, image in whole.items():
        nuclei = np.rint(image[0] * 65535).astype(np.uint16)
        bright = nuclei > 0.7 * threshold_otsu(nuclei)
        lines = (range(0, side - edge + 1, edge) for side in nuclei.shape)
        corners = list(itertools.product(*lines))
        shown = [(y, x) for y, x in corners if bright[y : y + edge, x : x + edge].mean() >= 0.01]
        count += len(corners)
        expected += [(key, y, x) for y, x in shown]
    assert 0 < len(expected) < count, "the rule leaves some out"
    assert [
        (_key(sample), sample.metadata["Metadata_Tile_Y"], sample.metadata["Metadata_Tile_X"])
        for sample in samples.read_all(range(len(samples)))
    ] == expected
    # of the stored file, another channel and another stride
    assert jumpduck.dataset(kept, **options).digest == samples.digest
    assert len(list((tmp_path / "tiles").iterdir())) == 1
    other = jumpduck.dataset(kept, **options, nuclei="AGP")
    assert other.digest != samples.digest
    assert len(list((tmp_path / "tiles").iterdir())) == 2


def test_a_site_without_bright_tiles_has_its_middle_one():
    # a blank field has Otsu's threshold at its one level, and 0.7 of it below
    plane = np.zeros((100, 130), np.uint16)
    assert foreground(plane, 30, 30).tolist() == [[30, 60]]
    plane[0, 0] = 9000  # one pixel of 900 is less than 1 %
    assert foreground(plane, 30, 30).tolist() == [[30, 60]]
    plane[0, :9] = 9000
    assert foreground(plane, 30, 30).tolist() == [[0, 0]]
    assert foreground(plane, 101, 101).tolist() == []


def test_the_channel_of_the_nuclei_is_asked_for_where_the_manifest_does_not_say_it(clean):
    with pytest.raises(QueryError, match=r"does not say that; name it with `nuclei`, one of AGP"):
        jumpduck.dataset(clean, unit="tile", size=EDGE, tiles="foreground")
    assert len(jumpduck.dataset(clean, unit="tile", size=EDGE, tiles="foreground", nuclei="DNA"))


def test_random_tiles_are_others_in_each_epoch_and_the_same_for_the_same_seed(kept, whole):
    options = {"unit": "tile", "size": EDGE, "tiles": "random", "tiles_per_site": 4}
    samples, again = (jumpduck.dataset(kept, **options) for _ in range(2))
    assert len(samples) == 4 * len(whole)
    corners = {epoch: [] for epoch in (0, 1)}
    for epoch, found in corners.items():
        for sample in samples.read_all(range(len(samples)), epoch=epoch):
            y, x = (sample.metadata[f"Metadata_Tile_{axis}"] for axis in "YX")
            tile = whole[_key(sample)][:, y : y + EDGE, x : x + EDGE]
            assert np.array_equal(sample.image, tile)
            found.append((y, x))
    assert sum(one == other for one, other in zip(*corners.values(), strict=True)) < 5
    # all corners that are possible, to the last one
    assert max(y for y, _ in corners[0]) > 80
    for index in (0, 50):
        assert again.sample(index, 1).metadata == samples.sample(index, 1).metadata
        assert np.array_equal(again.sample(index, 1).image, samples.sample(index, 1).image)


def test_a_tile_that_is_larger_than_some_images_leaves_these_out_and_says_so(kept):
    samples = jumpduck.dataset(kept, unit="tile", size=100)
    assert set(samples.table["Metadata_Source"]) == {"source_3"}
    small = samples.skipped.filter(status="left out")
    assert set(small["Metadata_Source"]) == {"source_2"}
    assert "smaller than a tile of 100 x 100" in small["error"][0]
    random = jumpduck.dataset(kept, unit="tile", size=100, tiles="random")
    found = list(random.read_all(range(len(random))))
    assert {one.metadata["Metadata_Source"] for one in found} == {"source_3"}
    assert small.height == random.skipped.filter(status="corrupt").height


def test_a_grid_of_too_many_tiles_is_refused_before_it_takes_memory(kept, monkeypatch):
    monkeypatch.setattr(opening, "MAX_TILES", 5000)
    with pytest.raises(QueryError, match=r"stride 1 makes more than 5,000 tiles"):
        jumpduck.dataset(kept, unit="tile", size=EDGE, stride=1)


def test_an_image_is_decoded_once_for_its_tiles(kept, monkeypatch):
    samples = jumpduck.dataset(kept, unit="tile", size=EDGE)
    decoded = []
    planes = SiteImages.planes
    monkeypatch.setattr(
        SiteImages, "planes", lambda self, site: decoded.append(site) or planes(self, site)
    )
    order = samples.order(0)
    assert len(list(samples.read_all(order, threads=2))) == len(samples)
    assert len(decoded) == len(set(decoded)) == samples.table.n_unique(list(SITE_KEY))


def _key(sample):
    return tuple(sample.metadata[f"Metadata_{name}"] for name in ("Plate", "Well", "Site"))
