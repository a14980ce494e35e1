"""Images as a model takes them."""

import numpy as np
import pytest

from jumpduck.embeddings.description import description_of
from jumpduck.embeddings.inputs import inputs_of, resized
from jumpduck.errors import ModelError

IMAGES = np.random.default_rng(5).random((3, 2, 12, 8), np.float32)


def prepared(said, images=IMAGES, statistics=None):
    return inputs_of(description_of(said), statistics).prepared(images)


def test_images_stay_as_they_are_without_a_description():
    assert np.array_equal(prepared({}), IMAGES)


def test_range_and_statistics_are_those_that_were_asked_for():
    said = {"range": [0, 255], "mean": [10, 20], "sd": [2, 4]}
    expected = (255 * IMAGES - np.array([10, 20])[:, None, None]) / np.array([2, 4])[:, None, None]
    assert prepared(said) == pytest.approx(expected, rel=1e-5)
    assert prepared({"range": [1, -1]}) == pytest.approx(1 - 2 * IMAGES, abs=1e-6)
    of_images = prepared(said, statistics=([0.5, 0.25], [0.1, 0.2]))
    assert of_images[:, 1] == pytest.approx((IMAGES[:, 1] - 0.25) / 0.2, abs=1e-6)


def test_statistics_of_another_number_of_channels_are_refused():
    with pytest.raises(ModelError, match="statistics of 3 channels, and the images have 2"):
        prepared({"mean": [0, 0, 0], "sd": [1, 1, 1]})


def test_each_channel_becomes_a_grey_picture_of_three_colours():
    found = prepared({"rgb": "average", "mean": [0, 0, 1], "sd": [1, 2, 1]})
    assert found.shape == (6, 3, 12, 8)
    assert np.array_equal(found[3, 0], IMAGES[1, 1])
    assert np.array_equal(found[3, 1], IMAGES[1, 1] / 2)
    assert found[3, 2] == pytest.approx(IMAGES[1, 1] - 1, abs=1e-6)


def test_the_images_that_are_given_stay_as_they_are():
    before = IMAGES.copy()
    for said in ({"mean": 1, "sd": 2}, {"size": [6, 4]}, {"rgb": "average"}):
        prepared(said)
    assert np.array_equal(IMAGES, before)


def test_a_smaller_image_has_the_means_of_the_areas_that_its_pixels_cover():
    blocks = IMAGES[0].reshape(2, 4, 3, 4, 2).mean((2, 4))
    assert resized(IMAGES[0], (4, 4)) == pytest.approx(blocks, abs=1e-6)
    assert resized(IMAGES[0], (5, 3)).mean() == pytest.approx(IMAGES[0].mean(), abs=1e-6)


def test_a_larger_image_is_interpolated_between_the_centers_of_pixels():
    ramp = np.arange(4, dtype=np.float32)[None, None].repeat(2, axis=1)
    found = resized(ramp, (2, 8))
    assert found[0, 0] == pytest.approx([0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3])
    assert prepared({"size": 16}).shape == (3, 2, 16, 16)
