import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from jumpduck.imaging.quality import HIGHEST_LEVELS, quality
from jumpduck.imaging.transforms import histogram
from jumpduck.synthetic.cells import Phenotype, draw_site
from tests.support.examples import examples

shapes = nps.array_shapes(min_dims=2, max_dims=2, max_side=40)
planes = st.one_of(
    nps.arrays(np.uint16, shapes),
    nps.arrays(np.uint8, shapes),
    nps.arrays(np.uint16, shapes, elements=st.sampled_from([0, 254, 255, 1023, 4095, 65535])),
)


def quality_of(plane):
    return quality(plane, histogram(plane))


@examples(100)
@given(planes)
def test_quality_is_what_its_definition_says(plane):
    found = quality_of(plane)
    assert found.mean == pytest.approx(plane.mean(), rel=1e-12)
    assert found.constant == (plane.min() == plane.max())
    top = int(plane.max())
    assert found.saturated == ((plane == top).mean() if top in HIGHEST_LEVELS else 0)
    rows = plane[::4].astype(float)
    steps = np.square(rows[:, 2:] - rows[:, :-2])
    if found.constant or not steps.size:
        assert found.focus is None
    else:
        expected = steps.mean() / (2 * plane.astype(float).var())
        assert found.focus == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_focus_falls_with_blur_and_not_with_brightness():
    plane = draw_site(256, Phenotype(), 1)["DNA"].astype(np.float64)
    blurred = plane
    for _ in range(4):
        blurred = (blurred + np.roll(blurred, 1, 1) + np.roll(blurred, -1, 1)) / 3
    sharp = quality_of(plane.astype(np.uint16)).focus
    assert quality_of(blurred.astype(np.uint16)).focus < 0.9 * sharp
    assert quality_of((plane * 3 + 500).astype(np.uint16)).focus == pytest.approx(sharp, rel=0.01)


def test_a_camera_of_twelve_bits_saturates_at_its_own_top():
    plane = np.full((10, 10), 300, np.uint16)
    plane[0] = 4095
    assert quality_of(plane).saturated == 0.1
