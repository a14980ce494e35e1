import io

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from jumpduck.errors import ImageError
from jumpduck.images import centre_crop, decode, encode_png, to_8bit
from jumpduck.recipes import Source, png8


def formula(plane, percentile=1.0):
    """The published formula, written down plainly."""
    plane = plane.astype(np.float32)
    low, high = np.percentile(plane, percentile), np.percentile(plane, 100 - percentile)
    return np.floor(255 * np.clip((plane - low) / (high - low + 2.2e-16), 0, 1)).astype(np.uint8)


def tiff(plane, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, plane, metadata=None, **options)
    return buffer.getvalue()


def test_a_ramp_becomes_the_published_test_vector():
    image, low, high = to_8bit(np.arange(101, dtype=np.uint16)[None], 1.0)
    assert image[0, :6].tolist() == [0, 0, 2, 5, 7, 10]
    assert image[0, 50] == 127
    assert image[0, 100] == 255
    assert (low, high) == (1, 99)


planes = st.one_of(
    nps.arrays(np.uint16, nps.array_shapes(min_dims=2, max_dims=2, max_side=40)),
    nps.arrays(np.uint8, nps.array_shapes(min_dims=2, max_dims=2, max_side=40)),
    # two values, one of them about as rare as the percentile
    st.tuples(st.integers(0, 65535), st.integers(0, 65535), st.integers(0, 60)).map(
        lambda t: np.where(np.arange(30 * 40).reshape(30, 40) < t[2], t[0], t[1]).astype(np.uint16)
    ),
)


@settings(max_examples=2000, deadline=None)
@given(planes, st.sampled_from([0.0, 0.1, 1.0, 2.5, 25.0]))
def test_eight_bits_are_those_of_the_plain_formula(plane, percentile):
    assert np.array_equal(to_8bit(plane, percentile)[0], formula(plane, percentile))


@pytest.mark.parametrize("edge", [1080, 998, 769])
def test_eight_bits_of_a_whole_camera_image_are_those_of_the_formula(edge):
    rng = np.random.default_rng(edge)
    plane = rng.gamma(2, 900, (edge, edge)).clip(0, 65535).astype(np.uint16)
    assert np.array_equal(to_8bit(plane, 1.0)[0], formula(plane))


def test_a_constant_image_becomes_zero():
    assert not to_8bit(np.full((5, 7), 1234, np.uint16), 1.0)[0].any()


@pytest.mark.parametrize(
    ("shape", "size", "rows", "columns"),
    [
        ((1080, 1280), 768, (156, 924), (256, 1024)),
        ((7, 9), 4, (1, 5), (2, 6)),
        ((7, 9), 3, (2, 5), (3, 6)),
        ((500, 1000), 768, (0, 500), (116, 884)),
        ((4, 4), 768, (0, 4), (0, 4)),
    ],
)
def test_the_crop_begins_where_jump_download_begins_it(shape, size, rows, columns):
    plane = np.arange(shape[0] * shape[1], dtype=np.uint32).reshape(shape)
    assert np.array_equal(centre_crop(plane, size), plane[slice(*rows), slice(*columns)])


def test_png8_crops_before_it_stretches_and_reports_what_it_saw():
    plane = np.random.default_rng(0).integers(100, 5000, (800, 900)).astype(np.uint16)
    plane[:10] = 65535  # outside the crop: must not count
    made = png8([Source(tiff(plane), {})])
    assert np.array_equal(imagecodecs.png_decode(made.data), formula(plane[16:784, 66:834]))
    (seen,) = made.measured
    assert (seen.width, seen.height) == (900, 800)
    assert seen.high < 5000


def test_png_keeps_every_pixel():
    image = np.random.default_rng(1).integers(0, 256, (33, 47)).astype(np.uint8)
    assert np.array_equal(imagecodecs.png_decode(encode_png(image)), image)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "lzw"},
        {"compression": "lzw", "predictor": True},
        {"compression": "deflate", "predictor": True},
        {"tile": (16, 16)},
        {"bigtiff": True},
        {"byteorder": ">"},
    ],
)
def test_what_microscopes_write_is_decoded(options):
    plane = np.random.default_rng(2).integers(0, 65536, (50, 60)).astype(np.uint16)
    assert np.array_equal(decode(tiff(plane, **options)), plane)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (bytes(5000), "zero-filled"),
        (b"<?xml version='1.0'?><Error><Code>SlowDown</Code></Error>", "TIFF"),
        (tiff(np.ones((64, 64), np.uint16))[:4000], "TIFF"),
        (tiff(np.zeros((4, 4, 3), np.uint8), photometric="rgb"), "plane"),
        (tiff(np.zeros((4, 4), np.float32)), "unsigned"),
    ],
)
def test_what_is_no_image_is_refused_with_a_reason(data, reason):
    with pytest.raises(ImageError, match=reason):
        decode(data)
