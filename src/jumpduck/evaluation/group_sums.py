"""Figures that are made of sums over groups, and their intervals by resampling the groups."""

from collections.abc import Callable

import numpy as np

from jumpduck.evaluation.measured import COVERAGE, RESAMPLES, exact_bounds
from jumpduck.evaluation.similarities import Floats, Rows

_BLOCK_BYTES = 32_000_000
"""Of the weights of resamples that are in memory together."""

Statistic = Callable[[Floats], Floats]
"""Makes values, of the shape (...), of sums, of the shape (..., sums)."""


def group_sums(parts: Floats, groups: Rows) -> Floats:
    """Get the sums of the rows of each group.

    Parameters
    ----------
    parts
        What is summed: rows by sums.
    groups
        The number of the group of each row, from 0 on.

    Returns
    -------
    numpy.ndarray
        Groups by sums.
    """
    sums = np.zeros((int(groups.max(initial=-1)) + 1, parts.shape[1]))
    np.add.at(sums, groups, parts)
    return sums


def interval_of_sums(
    sums: Floats, statistic: Statistic, seed: int, resamples: int = RESAMPLES
) -> tuple[float | None, float | None]:
    """Get the bootstrap interval of a statistic of sums over groups.

    The groups are drawn with replacement, as many as there are, because rows of one group are not
    independent of one another (Efron and Tibshirani 1993, 8.6). The statistic is that of the summed
    rows of those drawn; draws that give none are left out. Where all are 0, or all 1, the other end
    is that of the exact interval of a proportion, as of `interval`.

    Parameters
    ----------
    sums
        Groups by sums, in an order that does not depend on that of the rows of the table.
    statistic
        Makes the values of the sums.
    seed
        Another seed, other draws.

    Returns
    -------
    tuple of float
        The bounds of the middle 95 percent; None where there are fewer than two groups.
    """
    groups = len(sums)
    if groups < 2:
        return None, None
    draw = np.random.default_rng(seed)
    even = np.full(groups, 1 / groups)
    rows = max(1, _BLOCK_BYTES // (8 * groups))
    values: list[Floats] = []
    for start in range(0, resamples, rows):
        weights = draw.multinomial(groups, even, size=min(rows, resamples - start))
        with np.errstate(divide="ignore", invalid="ignore"):
            values.append(statistic(weights.astype(np.float64) @ sums))
    found = np.concatenate(values)
    found = found[np.isfinite(found)]
    if not len(found):
        return None, None
    outside = (1 - COVERAGE) / 2
    low, high = np.quantile(found, [outside, 1 - outside])
    if (found == 0).all():
        high = exact_bounds(groups)[0]
    elif (found == 1).all():
        low = exact_bounds(groups)[1]
    return float(low), float(high)


def ratio(sums: Floats) -> Floats:
    """Get the first sum by the second: a mean, if they are of values and of ones."""
    return sums[..., 0] / sums[..., 1]
