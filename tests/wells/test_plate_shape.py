"""Shapes of plates and the places of wells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jumpduck.errors import QueryError
from jumpduck.wells.plate_shape import SHAPES, Place, place_of, row_letters, shape_of
from tests.support.examples import examples

PLACES = st.builds(Place, st.integers(1, 32), st.integers(1, 48))


def test_plates_have_the_sizes_that_are_sold():
    assert [shape.wells for shape in SHAPES] == [6, 12, 24, 48, 96, 384, 1536]


@examples(50)
@given(PLACES, st.integers(0, 3), st.booleans())
def test_the_name_of_a_well_says_its_place(place, zeros, small):
    name = f"{row_letters(place.row)}{'0' * zeros}{place.column}"
    assert place_of(name.lower() if small else name) == place


@examples(100)
@given(st.lists(PLACES, min_size=1, max_size=20))
def test_a_plate_is_the_smallest_that_holds_its_wells(places):
    shape = shape_of(places)
    assert all(map(shape.holds, places))
    smaller = SHAPES[: SHAPES.index(shape)]
    assert not any(all(map(one.holds, places)) for one in smaller)
    assert shape_of(places, wells=1536).wells == 1536


@pytest.mark.parametrize("name", ["", "A", "A0", "00", "1:1", "ABC1", "A100", "Ä01", "A1 x", "A٣"])
def test_what_is_not_a_well_has_no_place(name):
    assert place_of(name) is None


def test_a_plate_that_is_too_small_or_not_sold_is_refused():
    with pytest.raises(QueryError, match=r"wells 100 is not .* give one of 6, 12"):
        shape_of([], wells=100)
    with pytest.raises(QueryError, match=r"wells 96 is too few: there is a well P24"):
        shape_of([Place(1, 1), Place(16, 24)], wells=96)
    with pytest.raises(QueryError, match="there is a well AG01, which no plate"):
        shape_of([Place(33, 1)])
