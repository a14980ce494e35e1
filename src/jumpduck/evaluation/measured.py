"""What a metric gives: its value beside chance, with an interval over groups."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from jumpduck.evaluation.similarities import Floats, Rows

RESAMPLES = 1000
"""Bootstrap samples of an interval."""

COVERAGE = 0.95
"""Share of the bootstrap samples inside of an interval."""

PAIRED = 2**0.5
"""By which intervals of what is made of pairs are wider: a pair counts for both of its members, so
that the variance of a mean over pairs is twice that of a mean over as many queries on their own."""

_DRAWN_AT_ONCE = 10_000_000
"""Numbers that bootstrap samples hold in memory at once."""


@dataclass(frozen=True)
class Measured:
    """A metric of a table of profiles.

    Attributes
    ----------
    metric
        Its name.
    value
        The figure; None where nothing could be measured.
    n
        Queries, or whatever the value is a mean of.
    chance
        The value to expect of profiles that say nothing.
    low, high
        Ends of the interval over bootstrap samples of groups; None for fewer than two groups.
    excluded
        How many rows or profiles were left out, by reason.
    more
        Further figures.
    queries
        One row a query.
    groups
        One row a group, where the metric has a figure for each.
    """

    metric: str
    value: float | None
    n: int
    chance: float | None
    low: float | None
    high: float | None
    excluded: Mapping[str, int] = field(default_factory=dict[str, int])
    more: Mapping[str, float | int | str | None] = field(
        default_factory=dict[str, float | int | str | None]
    )
    queries: pl.DataFrame = field(default_factory=pl.DataFrame)
    groups: pl.DataFrame = field(default_factory=pl.DataFrame)


def interval(
    values: Floats, groups: Rows, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float | None, float | None]:
    """Get the bootstrap interval of a mean, where whole groups are drawn.

    Rows of one group are not independent: each bootstrap sample draws as many groups as there are,
    with replacement, and takes the mean of all their rows. The interval has the middle 95% of those
    means (Efron and Tibshirani 1993, percentile interval). Where all values are 0, or all 1, each
    sample has the same mean; the other end is then that of the exact interval of a proportion, with
    as many observations as groups (Clopper and Pearson 1934).

    Parameters
    ----------
    values
        One a row, without NaN.
    groups
        Number of each row's group. The same groups in the same order of numbers give the same
        interval, whatever the order of the rows.
    """
    numbers, own = np.unique(groups, return_inverse=True)
    count = len(numbers)
    if count < 2:
        return None, None
    sums = np.bincount(own, values, count)
    sizes = np.bincount(own, minlength=count).astype(np.float64)
    rng = np.random.default_rng(seed)
    means: list[Floats] = []
    at_once = max(1, _DRAWN_AT_ONCE // count)
    for start in range(0, resamples, at_once):
        size = min(at_once, resamples - start)
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=size)
        means.append((drawn @ sums) / (drawn @ sizes))
    outside = (1 - COVERAGE) / 2
    low, high = np.quantile(np.concatenate(means), [outside, 1 - outside])
    if (values == 0).all():
        high = exact_bounds(count)[0]
    elif (values == 1).all():
        low = exact_bounds(count)[1]
    return float(low), float(high)


def exact_bounds(number: int) -> tuple[float, float]:
    """Get the upper bound of a proportion where none of a number are, and the lower where all are.

    The exact interval (Clopper and Pearson 1934), at the level `COVERAGE`.
    """
    bound = ((1 - COVERAGE) / 2) ** (1 / number)
    return 1 - bound, bound


def interval_of_pairs(
    value: float, bounds: tuple[float | None, float | None], least: float = 0.0
) -> tuple[float | None, float | None]:
    """Get the interval of a figure whose queries are neighbours of one another.

    Bootstrap samples draw queries, and leave the neighbours as they are. Without structure, the
    mean over pairs has twice the variance that they show (Lee 1990, U-Statistics, 1.3, for
    a degenerate kernel), so that the bounds are `PAIRED` times as far from the value. Those of a
    value that cannot be surpassed are exact ones of a proportion and remain.

    Parameters
    ----------
    value, bounds
        The figure and its bootstrap interval.
    least
        The smallest value that the figure can have; the largest is 1.
    """
    low, high = bounds
    if low is None or high is None or value in (least, 1.0):
        return bounds
    return max(least, value - PAIRED * (value - low)), min(1.0, value + PAIRED * (high - value))
