"""Every recipe with every pair of values of its options, on images of odd sizes."""

import inspect
import io
import itertools
import random

import numpy as np
import tifffile

from jumpduck.imaging.readers import decode_image, page_channels
from jumpduck.imaging.transforms import crop_slices, divide, resize, to_8bit
from jumpduck.recipes.base import Source
from jumpduck.recipes.registry import BUILT_IN, build, load
from tests.support.examples import first_quick
from tests.support.pixels import illumination_as_in_pybbbc, tiff

SHAPES = [(1, 1), (1, 5), (5, 1), (3, 5), (16, 16), (31, 17), (40, 90)]
IMAGES = {
    "shape": SHAPES,
    "dtype": [np.uint8, np.uint16],
    "content": ["noise", "constant", "extremes"],
    "pixel_size_um": [0.5, 0.001, 1000.0, None],
    "layout": [{}, {"compression": "lzw", "rowsperstrip": 2}, {"tile": (16, 16)}],
}
OPTIONS = {
    "crop": [0, 1, 3, 16, 768],
    "crop_um": [None, 0.0001, 2.0, 1e6],
    "percentile": [0, 1.0, 49.9],
    "illum": [False, True],
    "illum_from_plate": [False, True],
    "resize": [None, 1, 7, 16, 100],
    "bits": [8, 16],
    "effort": [1, 3, 9],
    "distance": [0, 0.5, 25],
    "compression": ["zstd", "deflate"],
    "channels": [(), ("b", "a")],
    "otsu": [None, "a"],
}


def pairs(case):
    return set(itertools.combinations(sorted((name, str(case[name])) for name in case), 2))


def pairwise(values):
    """Get so many cases that each two values of different names occur together in one."""
    rng = random.Random(0)
    left = set()
    for one, other in itertools.combinations(sorted(values), 2):
        for a, b in itertools.product(values[one], values[other]):
            left |= pairs({one: a, other: b})
    cases = []
    while left:
        tried = [{name: rng.choice(values[name]) for name in values} for _ in range(20)]
        best = max(tried, key=lambda case: len(pairs(case) & left))
        if covered := pairs(best) & left:
            left -= covered
            cases.append(best)
    return cases


def draw(shape, dtype, content, seed):
    top = np.iinfo(dtype).max
    rng = np.random.default_rng(seed)
    match content:
        case "noise":
            return rng.integers(top // 9, top // 2, shape).astype(dtype)
        case "constant":
            return np.full(shape, top // 3, dtype)
    return rng.choice(np.array([0, top], dtype), shape)


def preprocessed(plane, illum, options, pixel_size_um):
    """What a recipe should keep of a plane, before it encodes."""
    edge = options["crop"]
    if options["crop_um"] is not None:
        edge = max(1, round(options["crop_um"] / pixel_size_um))
    part = crop_slices(plane.shape, edge)
    whole, plane = plane, plane[part]
    if options["illum_from_plate"]:
        illum = illumination_as_in_pybbbc([whole]).astype(np.float32)
    if options["illum"] or options["illum_from_plate"]:
        plane = divide(plane, illum[part])
    return plane if options["resize"] is None else resize(plane, options["resize"])


def check(name, case):
    options = {option: case[option] for option in inspect.signature(load(name)).parameters}
    size_um = case["pixel_size_um"]
    if options.get("crop_um") is not None and size_um is None:
        size_um = 0.5
    channels = ["a", "b"] if name == "stack" else ["a"]
    if options.get("illum"):  # the two exclude each other
        options["illum_from_plate"] = False
    illum = np.linspace(0.5, 2, case["shape"][0] * case["shape"][1]).reshape(case["shape"])
    illum_file = io.BytesIO()
    np.save(illum_file, illum)
    planes, files, rows = {}, {"illum": illum_file.getvalue()}, []
    for number, channel in enumerate(channels):
        planes[channel] = draw(case["shape"], case["dtype"], case["content"], number)
        if options.get("illum_from_plate"):  # black images have no function
            planes[channel][0, 0] |= 1
        files[channel] = tiff(planes[channel], **case["layout"])
        rows.append({
            "Metadata_Channel": channel, "url": channel, "path": f"p/{channel}",
            "url_illum": "illum", "Metadata_Pixel_Size_Microns": size_um,
        })  # fmt: skip
    recipe = build(name, **options)
    context = recipe.prepare(rows, files.__getitem__) if recipe.prepare else None
    sources = [Source(files[row["url"]], row) for row in rows]
    assert recipe.memory_for(sources) > 0
    made = recipe.make(sources, context)

    assert [(one.height, one.width) for one in made.measured] == [case["shape"]] * len(rows)
    assert all(one.low <= one.high for one in made.measured)
    if name == "raw":
        assert made.data == files["a"]
        return
    kept = {
        channel: preprocessed(planes[channel], illum.astype(np.float32), options, size_um)
        for channel in channels
    }
    if name == "stack":
        order = list(options["channels"] or channels)
        assert page_channels(made.data) == order
        found = [decode_image(made.data, page=page) for page in range(len(order))]
        expected = [kept[channel] for channel in order]
        # another reader
        with tifffile.TiffFile(io.BytesIO(made.data)) as file:
            assert [page.asarray().tolist() for page in file.pages] == [x.tolist() for x in found]
    else:
        found, expected = [decode_image(made.data)], [kept["a"]]
        if name.startswith("png8") or options.get("bits") == 8:
            expected = [to_8bit(kept["a"], options["percentile"])]
    for one, other in zip(found, expected, strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        if not options.get("distance"):
            assert np.array_equal(one, other)


@first_quick(3, "name", BUILT_IN)
def test_each_pair_of_options_gives_the_pixels_asked_for(name):
    of_recipe = {option: OPTIONS[option] for option in inspect.signature(load(name)).parameters}
    cases = pairwise({**IMAGES, **of_recipe})
    for case in cases:
        try:
            check(name, case)
        except Exception as error:
            raise AssertionError(f"{name} of {case}") from error
