"""Intervals by resampling groups."""

import numpy as np
import pytest

from jumpduck.evaluation.group_sums import group_sums, interval_of_sums, ratio


def test_the_sums_are_those_of_the_rows_of_each_group():
    parts = np.array([[1.0, 10], [2, 20], [4, 40]])
    assert group_sums(parts, np.array([1, 0, 1])).tolist() == [[2, 20], [5, 50]]


def test_the_interval_of_a_mean_is_that_of_the_normal_approximation():
    draw = np.random.default_rng(0)
    values = draw.normal(3, 2, 400)
    low, high = interval_of_sums(
        np.column_stack([values, np.ones(400)]), ratio, seed=1, resamples=4000
    )
    error = values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_rows_that_are_repeated_in_their_group_do_not_make_the_interval_narrower():
    values = np.random.default_rng(0).normal(size=50)
    groups = np.arange(50)
    once = group_sums(np.column_stack([values, np.ones(50)]), groups)
    often = group_sums(np.column_stack([np.repeat(values, 9), np.ones(450)]), np.repeat(groups, 9))
    assert interval_of_sums(once, ratio, seed=5) == pytest.approx(
        interval_of_sums(often, ratio, seed=5)
    )


def test_one_group_has_no_interval():
    assert interval_of_sums(np.ones((1, 2)), ratio, seed=0) == (None, None)
