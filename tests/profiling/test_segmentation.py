"""Nuclei and cells are found where they are."""

import numpy as np
import pytest

from jumpduck.errors import ImageError, QueryError
from jumpduck.profiling.objects import CELLS, CYTOPLASM, NUCLEI
from jumpduck.profiling.segmentation import SegmentOptions, segment

EDGE = 300
NUCLEI_ONLY = SegmentOptions(nuclei="n")
SOFT = 3
"""Pixels by which a cell is larger than its disc, because dim borders belong to cells."""
BOTH = SegmentOptions(nuclei="n", cells="c")


def field(discs, shape=(EDGE, EDGE), *, seed=0, background=400, level=6000):
    """A plane with soft discs (row, column, radius) and the noise of a camera."""
    rows, columns = np.indices(shape)
    light = np.zeros(shape)
    for row, column, radius in discs:
        depth = radius - np.hypot(rows - row, columns - column)
        light = np.maximum(light, 1 / (1 + np.exp(-np.clip(depth / 0.7, -30, 30))))
    counts = background + level * light
    noise = np.random.default_rng(seed).standard_normal(shape) * np.sqrt(counts)
    return np.clip(counts + noise, 0, 65535).astype(np.uint16)


def area(*discs, shape=(EDGE, EDGE)):
    rows, columns = np.indices(shape)
    return np.logical_or.reduce(
        [np.hypot(rows - row, columns - column) <= radius for row, column, radius in discs]
    ).sum()


APART = [(60, 60, 14), (60, 180, 12), (150, 100, 17), (220, 230, 15), (240, 60, 11)]


def test_planted_discs_are_found_with_their_areas():
    found = segment({"n": field(APART)}, NUCLEI_ONLY)
    assert found.count == len(APART)
    for row, column, radius in APART:
        number = found.labels[NUCLEI][row, column]
        assert (found.labels[NUCLEI] == number).sum() == pytest.approx(
            area((row, column, radius)), rel=0.02
        )
    assert not any(flags.any() for flags in found.flags.values())


@pytest.mark.parametrize("distance", [1.6, 1.8, 2.0])
@pytest.mark.parametrize("angle", [0, 0.5, 1.2])
def test_discs_that_touch_are_two_objects_that_share_their_area(distance, angle):
    radius = 15
    across = distance * radius * np.array([np.sin(angle), np.cos(angle)]) / 2
    middle = 149.5  # between two pixels, because a pixel cannot be divided
    pair = [(*(middle - across), radius), (*(middle + across), radius)]
    found = segment({"n": field(pair)}, NUCLEI_ONLY)
    assert found.count == 2
    areas = np.bincount(found.labels[NUCLEI].ravel())[1:]
    assert areas == pytest.approx([area(*pair) / 2] * 2, rel=0.02)


def test_a_long_and_a_bent_nucleus_stay_whole():
    bar = [(60, column, 10) for column in range(50, 90)]
    bent = [(200 + 40 * np.sin(t), 200 + 40 * np.cos(t), 10) for t in np.linspace(0, 1.5, 40)]
    assert segment({"n": field(bar + bent)}, NUCLEI_ONLY).count == 2


def test_objects_at_the_border_too_small_and_too_large_are_marked_and_kept():
    discs = [(0, 100, 14), (100, 100, 3), (200, 200, 60), (60, 250, 14)]
    found = segment({"n": field(discs)}, NUCLEI_ONLY)
    rows = [found.labels[NUCLEI][row, column] - 1 for row, column, _ in discs]
    assert sorted(rows) == [0, 1, 2, 3]
    marked = {name: [bool(flags[row]) for row in rows] for name, flags in found.flags.items()}
    assert marked == {
        "touches_border": [True, False, False, False],
        "too_small": [False, True, False, False],
        "too_large": [False, False, True, False],
    }


@pytest.mark.parametrize(
    "plane",
    [
        np.zeros((200, 200), np.uint16),
        np.full((200, 200), 65535, np.uint16),
        np.full((200, 200), 7, np.uint8),
        np.full((200, 200), np.nan, np.float32),
        field([], (1080, 1080)),
        np.random.default_rng(1).normal(0.2, 0.01, (500, 400)).astype(np.float32),
        np.zeros((1, 1), np.uint16),
        np.array([[1, 2]], np.uint16),
    ],
    ids=["black", "saturated", "constant", "nan", "noise", "float noise", "a pixel", "two pixels"],
)
def test_a_blank_field_has_no_object(plane):
    found = segment({"n": plane, "c": plane}, BOTH)
    assert found.count == 0
    assert {name: labels.shape for name, labels in found.labels.items()} == dict.fromkeys(
        (NUCLEI, CELLS, CYTOPLASM), plane.shape
    )
    assert all(flags.shape == (0,) for flags in found.flags.values())


def test_uneven_light_makes_no_object_and_hides_none():
    rows, columns = np.indices((400, 400))
    light = 1 - 0.4 * ((rows - 200) ** 2 + (columns - 200) ** 2) / (2 * 200**2)
    empty = (field([], (400, 400), background=3000) * light).astype(np.uint16)
    assert segment({"n": empty}, NUCLEI_ONLY).count == 0
    discs = [(40, 40, 14), (200, 200, 14), (350, 100, 14)]
    lit = (field(discs, (400, 400), background=3000, level=2000) * light).astype(np.uint16)
    assert segment({"n": lit}, NUCLEI_ONLY).count == 3


@pytest.mark.parametrize("kind", ["uint8", "float32", "float64", "wide", "saturated"])
def test_the_type_the_scale_and_the_shape_of_a_plane_do_not_matter(kind):
    shape = (EDGE, 190) if kind == "wide" else (EDGE, EDGE)
    discs = [(60, 60, 14), (60, 130, 12), (150, 100, 17)]
    plane = field(discs, shape)
    if kind == "uint8":
        plane = (plane // 40).astype(np.uint8)
    elif kind in ("float32", "float64"):
        plane = (plane / 65535).astype(kind)
        plane[0, 0] = np.nan
    elif kind == "saturated":
        plane = np.where(plane > 3400, 65535, plane).astype(np.uint16)
    found = segment({"n": plane}, NUCLEI_ONLY)
    assert found.count == 3
    assert (found.labels[NUCLEI] > 0).sum() == pytest.approx(area(*discs, shape=shape), rel=0.02)


def test_lengths_are_in_micrometres():
    twice = [(2 * row, 2 * column, 2 * radius) for row, column, radius in APART]
    plane = field(twice, (2 * EDGE, 2 * EDGE))
    fine = SegmentOptions(nuclei="n", pixel_um=0.3)
    assert segment({"n": plane}, fine).count == len(APART)
    assert not segment({"n": plane}, fine).flags["too_large"].any()
    large = SegmentOptions(nuclei="n", pixel_um=2.0)
    assert segment({"n": plane}, large).flags["too_large"].all()


@pytest.mark.parametrize("pixel_um", [0.001, 1000])
def test_a_size_of_pixels_at_its_limits_takes_no_longer(pixel_um):
    planes = {"n": field(APART), "c": field(cells_of(APART, 30), seed=1)}
    found = segment(planes, SegmentOptions(nuclei="n", cells="c", pixel_um=pixel_um))
    assert found.flags["too_small" if pixel_um < 1 else "too_large"].all()


def cells_of(discs, radius):
    return [(row, column, radius) for row, column, _ in discs]


def test_a_cell_has_the_number_of_its_nucleus_and_the_cytoplasm_is_the_rest():
    cells = cells_of(APART, 30)
    found = segment({"n": field(APART), "c": field(cells, seed=1)}, BOTH)
    nuclei, whole, rest = (found.labels[name] for name in (NUCLEI, CELLS, CYTOPLASM))
    assert list(found.labels) == [NUCLEI, CELLS, CYTOPLASM]
    assert np.array_equal(whole[nuclei > 0], nuclei[nuclei > 0])
    assert np.array_equal(rest, np.where(nuclei > 0, 0, whole))
    for row, column, radius in cells:
        pixels = (whole == nuclei[row, column]).sum()
        assert area((row, column, radius)) < pixels < area((row, column, radius + SOFT))


def test_cells_that_touch_are_parted_between_their_nuclei():
    nuclei = [(150, 120, 13), (150, 170, 13)]
    cells = cells_of(nuclei, 30)
    light = np.maximum(field(cells[:1], seed=1), field(cells[1:], seed=2))
    found = segment({"n": field(nuclei), "c": light}, BOTH)
    left, right = np.bincount(found.labels[CELLS].ravel())[1:]
    assert area(*cells) < left + right < area(*cells_of(nuclei, 30 + SOFT))
    assert left == pytest.approx(right, rel=0.1)


def test_light_of_cells_far_from_any_nucleus_belongs_to_none():
    found = segment({"n": field(APART[:1]), "c": field(cells_of(APART, 25), seed=1)}, BOTH)
    assert found.count == 1
    assert area((60, 60, 25)) < (found.labels[CELLS] > 0).sum() < area((60, 60, 25 + SOFT))


def test_the_same_planes_give_the_same_objects():
    planes = {"n": field(APART), "c": field(cells_of(APART, 30), seed=1)}
    once, again = segment(planes, BOTH), segment(dict(reversed(planes.items())), BOTH)
    for name, labels in once.labels.items():
        assert np.array_equal(labels, again.labels[name])
        assert labels.dtype == np.int32


@pytest.mark.parametrize(
    ("planes", "error", "said"),
    [
        ({"x": (9, 9)}, QueryError, "nuclei 'n' is not a channel of the site; there is x"),
        ({"n": (9, 9)}, QueryError, "cells 'c' is not a channel of the site; there is n"),
        (
            {"n": (9, 9), "c": (9, 8)},
            ImageError,
            "channel c has 8 x 9 pixels, channel n 9 x 9 pixels",
        ),
        ({"n": (2, 9, 9), "c": (9, 9)}, ImageError, "channel n is not a plane"),
        ({"n": (0, 9), "c": (0, 9)}, ImageError, "channel n is not a plane"),
    ],
)
def test_planes_that_do_not_fit_are_refused(planes, error, said):
    with pytest.raises(error, match=said):
        segment({name: np.ones(shape, np.uint16) for name, shape in planes.items()}, BOTH)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pixel_um": 0}, "pixel_um 0 is not an edge"),
        ({"pixel_um": float("nan")}, "pixel_um nan"),
        ({"pixel_um": 1e-4}, "pixel_um 0.0001 is not .* give one from 0.001 to 1000"),
        ({"pixel_um": 1001}, "pixel_um 1001 is not"),
        ({"nucleus_um": (9, 3)}, "nucleus_um 9, 3 are not the least and the largest"),
    ],
)
def test_lengths_that_cannot_be_are_refused(options, said):
    with pytest.raises(QueryError, match=said):
        SegmentOptions(nuclei="n", **options)
