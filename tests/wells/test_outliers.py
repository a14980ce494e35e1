"""The images and wells that stand out."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from jumpduck.errors import QueryError
from jumpduck.wells import outliers
from jumpduck.wells.outliers import MEASURES, find_outliers
from tests.support.measured_images import PLATE, images


def robust_z(values, least):
    """The formula of the docstring, on numpy alone."""
    values = np.asarray(values)
    median = np.median(values)
    return (values - median) / max(1.4826 * np.median(np.abs(values - median)), least)


def found(rows, **options):
    return find_outliers(rows.lazy(), **options).rows


def of_images(rows, measure):
    return rows.filter(pl.col("Metadata_Site").is_not_null(), measure=measure)


def test_a_robust_z_is_that_of_numpy():
    random = np.random.default_rng(7)
    rows = images(
        wells=12,
        sites=3,
        mean=random.lognormal(6, 0.5, 36),
        focus=random.beta(2, 20, 36),
        saturated=random.beta(1, 50, 36),
    )
    seen = found(rows, threshold=1e-9)
    for measure in MEASURES:
        levels = rows[measure.column].to_numpy()
        expected = robust_z(
            np.log(levels) if measure.logarithm else levels, measure.least_deviation
        )
        mine = of_images(seen, measure.column).sort("Metadata_Well", "Metadata_Site")
        kept = expected > 0 if measure.below is None else expected != 0
        assert mine["z"].to_numpy() == pytest.approx(expected[kept])
        assert mine["value"].to_numpy() == pytest.approx(levels[kept])


def test_the_value_of_a_well_is_the_median_of_its_images():
    mean = np.random.default_rng(1).normal(1000, 20, (12, 3))
    mean[4] = 50_000, 2000, 2100
    rows = images(wells=12, sites=3, mean=mean.ravel())
    (well,) = found(rows).filter(pl.col("Metadata_Site").is_null()).rows(named=True)
    medians = np.log(np.median(mean, axis=1))
    assert well["Metadata_Well"] == "A05"
    assert well["z"] == pytest.approx(robust_z(medians, 0.02)[4])
    assert well["value"] == pytest.approx(2100)
    assert well["reason"] == "brighter than its plate: 2,100, median 1,006"


def test_images_are_compared_within_their_plate_and_channel_alone():
    dim, bright = np.linspace(90, 110, 20), np.linspace(9000, 11000, 20)
    other = {**PLATE, "Metadata_Plate": "P2"}
    rows = pl.concat(
        [
            images(wells=20, mean=dim, Metadata_Channel="DNA"),
            images(wells=20, mean=bright, Metadata_Channel="ER"),
            images(wells=10, mean=bright[:10], **other),
        ]
    )
    assert found(rows).is_empty()
    assert found(rows.with_columns(Metadata_Plate=pl.lit("P1"))).height


def test_where_more_than_half_are_equal_the_least_deviation_counts():
    saturated = [0.0] * 18 + [0.004, 0.006]
    (row,) = of_images(found(images(wells=20, saturated=saturated)), "saturated").rows(named=True)
    assert row["z"] == pytest.approx(0.006 / 0.001)
    assert row["reason"] == "more saturated than its plate: 0.60%, median 0.00%"


def test_an_image_without_anything_sharp_stands_out_though_focus_cannot_be_below_0():
    focus = [*np.linspace(0.04, 0.08, 19), 0.0]
    (row,) = of_images(found(images(wells=20, focus=focus)), "focus").rows(named=True)
    assert row["z"] < -5
    assert row["reason"].startswith("less sharp than its plate: ")


def test_too_few_images_have_no_z():
    mean = [1000.0] * 9 + [9000.0]
    assert found(images(wells=10, mean=mean)).height == 2
    alone = find_outliers(images(wells=9, mean=mean[1:]).lazy())
    assert alone.rows.is_empty()
    assert alone.plates["compared"].to_list() == [False]


def test_a_constant_image_is_listed_and_does_not_count_among_the_others():
    rows = images(wells=20, mean=[1000.0] * 8 + [0.0] * 12, focus=[0.1] * 8 + [None] * 12)
    rows = rows.with_columns(constant=pl.col("mean") == 0)
    seen = find_outliers(rows.lazy())
    assert seen.rows["measure"].unique().to_list() == ["constant"]
    assert seen.rows["z"].null_count() == 12
    (plate,) = seen.plates.rows(named=True)
    assert plate["mean"] == pytest.approx(1000)
    assert (plate["images"], plate["constant"], plate["compared"]) == (20, 12, False)


def test_images_without_a_file_and_those_not_measured_are_not_compared():
    rows = images(wells=20, mean=[1000.0] * 19 + [9000.0])
    missing = rows.with_columns(status=pl.lit("missing"))
    seen = find_outliers(pl.concat([missing, rows.clear()]).lazy())
    assert seen.rows.is_empty()
    assert seen.plates.is_empty()
    assert find_outliers(rows.clear().lazy()).rows.is_empty()


def test_looking_at_a_few_plates_at_a_time_changes_nothing(monkeypatch):
    random = np.random.default_rng(3)
    plates = [
        images(wells=16, mean=random.lognormal(6, 1, 16), **{**PLATE, "Metadata_Plate": name})
        for name in ("P3", "P1", "P2")
    ]
    rows = pl.concat(plates)
    at_once = find_outliers(rows.lazy(), threshold=1)
    monkeypatch.setattr(outliers, "CHUNK_ROWS", 20)
    in_parts = find_outliers(rows.lazy(), threshold=1)
    assert at_once.rows.height > 3
    # not to the last digit, because a logarithm differs by where it stands in a column
    assert_frame_equal(in_parts.rows, at_once.rows)
    assert_frame_equal(in_parts.plates, at_once.plates)


@pytest.mark.parametrize("threshold", [0, -1, float("nan"), float("inf")])
def test_a_threshold_is_a_positive_number(threshold):
    with pytest.raises(QueryError, match=r"threshold .* give a number above 0"):
        find_outliers(images(wells=2).lazy(), threshold)
