"""Random changes of images with any number of channels."""

import hashlib
import math
from collections import Counter

import numpy as np
import pytest
import torch
from scipy import ndimage

from jumpduck.embeddings import augmentations
from jumpduck.embeddings.augmentations import (
    Blur,
    Chain,
    Crop,
    Flip,
    Gamma,
    Noise,
    Rotate,
    Scale,
    Shift,
    Standardise,
    Views,
    preset,
)
from jumpduck.errors import ImageError, QueryError

pytestmark = pytest.mark.torch

STEPS = (
    Crop(24), Crop(24, nuclei=0), Flip(1), Flip(0), Rotate(), Shift(), Scale(), Gamma(),
    Gamma(own_range=True), Noise(), Blur(), preset("contrastive", 24, 0), preset("masked", 24),
    preset("classification"), Views((Crop(24), Flip())),
)  # fmt: skip


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def image_of(channels, edge=32):
    random = np.random.default_rng(channels)
    return torch.from_numpy(random.random((channels, edge, edge), np.float32))


def digest(image):
    return hashlib.sha256(image.numpy().tobytes()).hexdigest()


def views(image):
    return [image] if isinstance(image, torch.Tensor) else image


@pytest.mark.parametrize("channels", [1, 3, 5, 8])
def test_no_step_changes_its_source_or_leaves_0_to_1_whatever_the_number_of_channels(channels):
    source = image_of(channels)
    array = source.numpy()  # of the same memory
    before = digest(source)
    for step in STEPS:
        for seed in range(5):
            for view in views(step(source, seeded(seed))):
                assert view.shape[0] == channels
                assert view.dtype == torch.float32
                assert 0 <= view.min() <= view.max() <= 1 + 1e-6
    assert digest(source) == before
    assert hashlib.sha256(array.tobytes()).hexdigest() == before


def test_the_same_seed_gives_the_same_image_and_another_one_another():
    source = image_of(5)
    for step in STEPS:
        one, same, other = (views(step(source, seeded(seed))) for seed in (1, 1, 2))
        assert all(map(torch.equal, one, same))
        assert step in (Flip(1), Flip(0)) or not all(map(torch.equal, one, other)), step


def test_flips_are_four_images_of_equal_chance():
    source = image_of(2)
    found = Counter(digest(Flip(0.5)(source, seeded(seed))) for seed in range(400))
    assert set(found) == {digest(source.flip(axes)) for axes in ((), (1,), (2,), (1, 2))}
    assert min(found.values()) > 60


def test_shift_scale_and_gamma_draw_a_number_for_each_channel():
    source = 0.4 + 0.2 * image_of(4)
    shifts = Shift(0.3)(source, seeded(3)) - source
    factors = Scale(0.6, 1.4)(source, seeded(3)) / source
    powers = Gamma(0.5, 1.5)(source, seeded(3)).log() / source.log()
    for values, low, high in ((shifts, -0.3, 0.3), (factors, 0.6, 1.4), (powers, 0.5, 1.5)):
        drawn = values.mean((1, 2))
        assert torch.allclose(values, drawn[:, None, None].expand_as(values), atol=1e-4)
        assert low <= drawn.min() < drawn.max() <= high
        assert len(set(drawn.tolist())) == 4
    ranged = Gamma(0.5, 1.5, own_range=True)(source, seeded(3))
    low, high = source.amin((1, 2), keepdim=True), source.amax((1, 2), keepdim=True)
    inside = (source - low) / (high - low)
    exponent = Gamma(0.5, 1.5)(torch.full((4, 1, 1), math.exp(-1)), seeded(3)).log().neg()
    assert torch.allclose(ranged, low + (high - low) * inside**exponent, atol=1e-5)
    blank = torch.full((4, 8, 8), 0.3)
    assert torch.equal(Gamma(own_range=True)(blank, seeded(1)), blank)


def test_noise_has_the_standard_deviation_that_was_asked_for():
    source = torch.full((3, 200, 200), 0.5)
    added = Noise(0.025)(source, seeded(1)) - source
    assert added.std().item() == pytest.approx(0.025, rel=0.02)
    assert abs(added.mean().item()) < 0.001
    assert not torch.equal(added[0], added[1])


def test_rotation_and_blur_are_those_of_scipy():
    source = torch.from_numpy(ndimage.gaussian_filter(image_of(1, 41).numpy(), (0, 2, 2)))
    generator = seeded(5)
    torch.rand((), generator=generator)  # whether it happens
    drawn = float(torch.rand(1, generator=generator))
    angle, sigma = -30 + 60 * drawn, 0.1 + 1.9 * drawn
    turned = ndimage.rotate(source[0].numpy(), angle, reshape=False, order=1)
    assert np.abs(Rotate(30)(source, seeded(5))[0].numpy() - turned)[8:-8, 8:-8].max() < 1e-3
    reach = math.ceil(3 * sigma)
    blurred = ndimage.gaussian_filter(source[0].numpy(), sigma, mode="mirror", radius=reach)
    assert np.abs(Blur()(source, seeded(5))[0].numpy() - blurred).max() < 1e-5


def test_crops_are_drawn_until_one_has_nuclei():
    image = torch.zeros(2, 120, 120)
    image[1, 90:110, 90:110] = 0.5
    image[0] = torch.arange(120 * 120).reshape(120, 120) / 120**2
    some, any_place = Crop(30, nuclei=1, tries=100), Crop(30)
    for seed in range(20):
        crop = some(image, seeded(seed))
        assert (crop[1] > 0).float().mean() >= 0.01
        top, left = divmod(round(float(crop[0, 0, 0]) * 120**2), 120)
        assert torch.equal(crop, image[:, top : top + 30, left : left + 30])
    assert sum(float(any_place(image, seeded(seed))[1].max()) == 0 for seed in range(20)) > 5
    assert some(torch.zeros(2, 40, 40), seeded(0)).shape == (2, 30, 30)
    with pytest.raises(ImageError, match="a crop of 30 pixels does not fit into an image of 20 x"):
        some(torch.zeros(2, 20, 40), seeded(0))


def test_standardise_ends_a_chain_also_one_of_several_views():
    source = image_of(2)
    last = Standardise([0.5, 0.2], [0.1, 0.0])
    made = Chain((Views((Crop(8), Crop(4))), last))(source, seeded(1))
    plain = Views((Crop(8), Crop(4)))(source, seeded(1))
    assert [view.shape[1] for view in made] == [8, 4]
    for view, before in zip(made, plain, strict=True):
        assert torch.allclose(view[0], (before[0] - 0.5) / 0.1)
        assert torch.allclose(view[1], before[1] - 0.2)
    with pytest.raises(QueryError, match="mean and sd have 2 and 2 values, and the image 3 chann"):
        last(image_of(3), seeded(1))


def test_what_is_not_there_is_said_at_once(monkeypatch):
    with pytest.raises(QueryError, match="preset 'rgb' is not one of contrastive, masked, classif"):
        preset("rgb")
    monkeypatch.setattr(augmentations, "find_spec", lambda name: None)
    for step in (Rotate, Blur):
        with pytest.raises(QueryError, match=r"needs kornia; .* pip install 'jumpduck\[train\]'"):
            step()
