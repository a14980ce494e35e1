import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from jumpduck.imaging import transforms
from jumpduck.imaging.transforms import (
    crop_slices,
    divide,
    histogram,
    percentiles,
    resize,
    to_8bit,
)
from tests.support.examples import examples
from tests.support.pixels import formula


def test_a_ramp_becomes_the_published_test_vector():
    plane = np.arange(101, dtype=np.uint16)[None]
    image = to_8bit(plane, 1.0)
    assert image[0, :6].tolist() == [0, 0, 2, 5, 7, 10]
    assert image[0, 50] == 127
    assert image[0, 100] == 255
    assert percentiles(histogram(plane), 1.0) == (1, 99)


@pytest.mark.parametrize(
    ("levels", "low", "high", "grey"),
    [  # as numpy 1.24.4 gives them; with percentiles rounded to float32, one or two differ by 1
        ([101, 89, 97], 89.16, 100.92, [255, 0, 169]),
        ([41, 60, 60], 41.38, 60.0, [0, 254, 254]),
        ([725, 473, 725], 478.04, 725.0, [254, 0, 254]),
        ([47, 8, 73], 8.78, 72.48, [153, 0, 255]),
    ],
)
def test_percentiles_become_float32_only_where_they_meet_the_pixels(levels, low, high, grey):
    plane = np.array([levels], np.uint16)
    assert percentiles(histogram(plane), 1.0) == (low, high)
    assert to_8bit(plane, 1.0).tolist() == [grey]


planes = st.one_of(
    nps.arrays(np.uint16, nps.array_shapes(min_dims=2, max_dims=2, max_side=40)),
    nps.arrays(np.uint8, nps.array_shapes(min_dims=2, max_dims=2, max_side=40)),
    # two values, one of them about as rare as the percentile
    st.tuples(st.integers(0, 65535), st.integers(0, 65535), st.integers(0, 60)).map(
        lambda t: np.where(np.arange(30 * 40).reshape(30, 40) < t[2], t[0], t[1]).astype(np.uint16)
    ),
)


@examples(150)
@given(planes, st.sampled_from([0.0, 0.1, 1.0, 2.5, 25.0]))
def test_eight_bits_are_those_of_the_plain_formula(plane, percentile):
    assert np.array_equal(to_8bit(plane, percentile), formula(plane, percentile))


@pytest.mark.parametrize("edge", [1080, 998, 769])
def test_eight_bits_of_a_whole_camera_image_are_those_of_the_formula(edge):
    rng = np.random.default_rng(edge)
    plane = rng.gamma(2, 900, (edge, edge)).clip(0, 65535).astype(np.uint16)
    assert np.array_equal(to_8bit(plane, 1.0), formula(plane))


def test_a_constant_image_becomes_zero():
    assert not to_8bit(np.full((5, 7), 1234, np.uint16), 1.0).any()


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
    assert crop_slices(shape, size) == (slice(*rows), slice(*columns))


def test_a_crop_of_zero_keeps_the_whole_image():
    assert crop_slices((7, 9), 0) == (slice(0, 7), slice(0, 9))


def plain_resize(plane, height, width):
    """Cut each pixel into so many that each pixel of the result is a whole number of them."""
    fine = np.kron(plane.astype(np.float64), np.ones((height, width)))
    return np.rint(fine.reshape(height, len(plane), width, -1).mean(axis=(1, 3)))


@examples(50)
@given(st.tuples(st.integers(1, 20), st.integers(1, 20)), st.integers(1, 20), st.integers(0, 2**32))
def test_a_resized_pixel_is_the_mean_of_what_it_covers(shape, edge, seed):
    plane = np.random.default_rng(seed).integers(0, 65536, shape).astype(np.uint16)
    made = resize(plane, edge)
    assert (made.dtype, max(made.shape)) == (np.uint16, edge)
    # a half may round either way
    assert np.abs(made.astype(float) - plain_resize(plane, *made.shape)).max() <= 1
    assert np.array_equal(resize(plane, max(shape)), plane)


@pytest.mark.parametrize("edge", [100, 600])
def test_resizing_in_blocks_gives_the_pixels_of_resizing_at_once(edge, monkeypatch):
    plane = np.random.default_rng(0).integers(0, 65536, (60, 90)).astype(np.uint16)
    at_once = resize(plane, edge)
    monkeypatch.setattr(transforms, "BLOCK_LINES", 7)
    assert np.array_equal(resize(plane, edge), at_once)


def test_resizing_keeps_the_proportions():
    assert resize(np.zeros((100, 200), np.uint16), 50).shape == (25, 50)


def test_dividing_by_illumination_rounds_and_stays_in_range():
    plane = np.array([[100, 65535, 3]], np.uint16)
    illum = np.array([[2.0, 0.5, 2.0]], np.float32)
    assert divide(plane, illum).tolist() == [[50, 65535, 2]]
    tiny = np.full_like(illum, 1e-38)  # the quotients are infinite
    assert divide(plane, tiny).tolist() == [[65535, 65535, 65535]]
