"""Haralick's texture features of objects, by the names and the numbers of CellProfiler."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jumpduck.profiling.grey_values import GreyValues
from jumpduck.profiling.regions import Floats, Integers, Regions, totals

SCALE_PIXELS = 3
"""Distance of the two pixels of a pair; CellProfiler's default."""

LEVELS = 256
"""Grey levels that pairs are counted in; CellProfiler's default."""

DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1))
"""Rows and columns of a step, in CellProfiler's order."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of pixels of one object at the distance `SCALE_PIXELS` in one direction.

    `first` and `second` are indices of pixels, of shape (pairs,); objects come in their order.
    """

    first: NDArray[np.int32]
    second: NDArray[np.int32]


def texture_pairs(objects: Regions) -> list[Pairs]:
    """Get the pairs of each of the `DIRECTIONS`."""
    height, width = objects.labels.shape
    number = np.zeros(objects.labels.size, np.int32)
    number[objects.at] = np.arange(objects.at.size, dtype=np.int32)
    rows, columns = np.divmod(objects.at, width)
    flat, found = objects.labels.ravel(), list[Pairs]()
    for down, right in DIRECTIONS:
        row, column = rows + SCALE_PIXELS * down, columns + SCALE_PIXELS * right
        first = np.flatnonzero((row < height) & (column >= 0) & (column < width))
        second = objects.at[first] + SCALE_PIXELS * (down * width + right)
        same = flat[second] == objects.owner[first] + 1
        found.append(Pairs(first[same].astype(np.int32), number[second[same]]))
    return found


def texture(values: GreyValues, directions: list[Pairs]) -> dict[tuple[str, str], Floats]:
    """Get the thirteen features of Haralick 1973 (doi:10.1109/TSMC.1973.4309314).

    Grey values become levels 0 to 255, and pairs with level 0 do not count. An object that has no
    pair in one of the directions has NaN in all, as in CellProfiler.

    Returns
    -------
    dict
        By feature and by scale, direction and levels, such as ``("Contrast", "3_00_256")``.
    """
    levels = np.clip(np.rint(values.grey * (LEVELS - 1)), 0, LEVELS - 1).astype(np.uint8)
    highest = np.maximum.reduceat(levels, values.objects.starts).astype(np.float64)
    each = [_haralick(values.objects, levels, highest, pairs) for pairs in directions]
    lacks = np.any([np.isnan(one["Entropy"]) for one in each], axis=0)
    return {
        (name, f"{SCALE_PIXELS}_{number:02d}_{LEVELS}"): np.where(lacks, np.nan, column)
        for number, one in enumerate(each)
        for name, column in one.items()
    }


@dataclass(frozen=True)
class _Cells:
    """The cells of the objects' co-occurrence matrices that are not empty, once for a, b and b, a.

    `low` and `high` are the levels, `pairs` how many pairs have them, all of shape (cells,).
    """

    owner: NDArray[np.int32]
    low: NDArray[np.int32]
    high: NDArray[np.int32]
    pairs: Integers


def _cells(objects: Regions, levels: NDArray[np.uint8], pairs: Pairs) -> _Cells:
    """Count the pairs of each two levels.

    An object fills few of the 256 x 256 cells, so its pairs are sorted instead, and equal ones
    counted; numbers of 16 bits are sorted ten times as fast as others.
    """
    first, second = levels[pairs.first], levels[pairs.second]
    owner = objects.owner[pairs.first]
    if not (lit := (first > 0) & (second > 0)).all():
        first, second, owner = first[lit], second[lit], owner[lit]
    code = np.minimum(first, second).astype(np.uint16) << 8 | np.maximum(first, second)
    ends = np.cumsum(np.bincount(owner, minlength=objects.count)).tolist()
    for start, end in zip([0, *ends], ends, strict=False):
        code[start:end].sort(kind="stable")
    new = np.ones(code.size, bool)
    new[1:] = (code[1:] != code[:-1]) | (owner[1:] != owner[:-1])
    begins = np.flatnonzero(new)
    code = code[begins].astype(np.int32)
    return _Cells(owner[begins], code >> 8, code & 255, np.diff(begins, append=first.size))


def _haralick(
    objects: Regions, levels: NDArray[np.uint8], highest: Floats, pairs: Pairs
) -> dict[str, Floats]:
    """Get the features of one direction; NaN for objects without a pair."""
    cells = _cells(objects, levels, pairs)
    owner, low, high = cells.owner, cells.low, cells.high

    def histogram(values: NDArray[np.int32], end: int) -> Floats:
        found = totals(owner * end + values, cells.pairs, objects.count * end)
        return found.reshape(objects.count, end)

    count = totals(owner, cells.pairs, objects.count)
    level, sum_level = np.arange(LEVELS), np.arange(2 * LEVELS)
    with np.errstate(invalid="ignore", divide="ignore"):
        # the matrix is symmetric: two unequal levels fill two cells, each with half of the share
        both = np.where(low == high, 1, 2)
        share = cells.pairs / (both * count[owner])
        lacks = np.where(count == 0, np.nan, 0)
        entropy = totals(owner, both * share * -np.log2(share), objects.count) + lacks
        sums, steps = histogram(low + high, 2 * LEVELS), histogram(high - low, LEVELS)
        # each pair counts in both orders, so the rows and the columns of the matrix sum to these
        single = histogram(low, LEVELS) + histogram(high, LEVELS)
        total, squares = single @ level, single @ level**2
        twice = 2 * count
        # whole numbers until the division, because small variances would be lost otherwise
        variance = (twice * squares - total * total) / (twice * twice)
        products = totals(owner, cells.pairs * low * high, objects.count)
        covariance = products / count - (total / twice) ** 2
        sums, steps = sums / count[:, None], steps / count[:, None]
        one = _entropy(single / twice[:, None])
        shared = entropy - 2 * one
        average = sums @ sum_level
        return {
            "AngularSecondMoment": totals(owner, both * share**2, objects.count) + lacks,
            "Contrast": steps @ level**2,
            "Correlation": np.where(variance == 0, 1.0, covariance / variance),
            "DifferenceEntropy": _entropy(steps),
            # of the shares, not of the steps; over as many as the object's highest level asks for
            "DifferenceVariance": (steps**2).sum(axis=1) / (highest + 1) - 1 / (highest + 1) ** 2,
            "Entropy": entropy,
            "InfoMeas1": np.where(one == 0, shared, shared / one),
            "InfoMeas2": np.sqrt(np.maximum(1 - np.exp(2 * shared), 0)),
            "InverseDifferenceMoment": steps @ (1 / (1 + level**2)),
            "SumAverage": average,
            "SumEntropy": _entropy(sums),
            "SumVariance": sums @ sum_level**2 - average**2,
            "Variance": variance,
        }


def _entropy(shares: Floats) -> Floats:
    """Get the entropy of each row in bits."""
    return -(shares * np.log2(np.where(shares > 0, shares, 1))).sum(axis=1)
