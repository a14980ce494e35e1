"""One value a well."""

from datetime import date

import polars as pl
import pytest

from jumpduck.errors import QueryError
from jumpduck.wells.well_values import well_values

ROWS = pl.DataFrame(
    {
        "Metadata_Well": ["B02", "A01", "A01", "A01"],
        "Metadata_pert_type": ["trt", "negcon", "negcon", "negcon"],
        "Metadata_Name": [None, "DMSO", "DMSO", "DMSO"],
        "Metadata_Drug": ["X-1", "X-0", "X-0", "X-0"],
        "status": ["fetched", "missing", "corrupt", "fetched"],
        "mean": [5.0, 1.0, float("nan"), 4.0],
        "count": [2, 3, 4, 9],
        "batch": ["a", "b", "a", "b"],
        "when": [date(2026, 1, 1)] * 4,
        "parts": [[1], [2], [3], [4]],
    }
)


def values(by, rows=ROWS, **options):
    found = well_values(rows, by, **options)
    return dict(found.wells.select("Metadata_Well", "value").iter_rows())


@pytest.mark.parametrize(
    ("by", "first", "second"),
    [
        ("role", "negcon", "trt"),
        ("perturbation", "DMSO", "X-1"),
        ("status", "corrupt", "fetched"),
        ("mean", 2.5, 5),
        ("COUNT", 4, 2),
        ("drug", "X-0", "X-1"),
        ("batch", "a, b", "a"),
        ("when", "2026-01-01", "2026-01-01"),
    ],
)
def test_the_rows_of_a_well_become_one_value(by, first, second):
    assert values(by) == {"A01": first, "B02": second}


def test_a_well_of_many_values_says_how_many():
    rows = pl.DataFrame({"Metadata_Well": ["A01"] * 9, "x": list("abcdefghi")})
    assert values("x", rows) == {"A01": "a, b, c and 6 more"}


def test_wells_are_in_the_order_of_the_plate_and_those_known_come_along():
    found = well_values(ROWS, "mean", known=["P24", "A10", "a2", "A01", "nowhere"])
    assert found.wells["Metadata_Well"].to_list() == ["A01", "a2", "A10", "B02", "P24"]
    assert found.wells["rows"].to_list() == [3, 0, 0, 1, 0]
    assert found.wells["value"].null_count() == 3
    assert (found.shape.wells, found.unplaced) == (384, ("nowhere",))


def test_two_ways_to_write_a_well_are_one():
    rows = pl.DataFrame({"Metadata_Well": ["A1", "A01", "a001"], "x": [1, 2, 9]})
    assert list(values("x", rows).values()) == [2]


@pytest.mark.parametrize(
    ("by", "says"),
    [
        ("drog", "there is no column 'drog'; did you mean Drug"),
        ("xyzzy", "there is no column 'xyzzy'; there are "),
        ("parts", r"by 'parts' is a column of type List\(Int64\); give one of numbers or text"),
    ],
)
def test_a_column_that_cannot_be_shown_is_refused(by, says):
    with pytest.raises(QueryError, match=says):
        values(by)


def test_without_any_name_there_is_no_perturbation():
    with pytest.raises(QueryError, match="name a column"):
        values("perturbation", ROWS.select("Metadata_Well", "mean"))
