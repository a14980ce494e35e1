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
    levels = np.clip(np.rint(values.grey * (LEVELS - 1)), 0, LEVELS - 1).astype(np.int32)
    highest = np.maximum.reduceat(levels, values.objects.starts)
    each = [_haralick(values.objects, levels, highest, pairs) for pairs in directions]
    lacks = np.any([np.isnan(one["Entropy"]) for one in each], axis=0)
    return {
        (name, f"{SCALE_PIXELS}_{number:02d}_{LEVELS}"): np.where(lacks, np.nan, column)
        for number, one in enumerate(each)
        for name, column in one.items()
    }


def _haralick(
    objects: Regions, levels: NDArray[np.int32], highest: NDArray[np.int32], pairs: Pairs
) -> dict[str, Floats]:
    """Get the features of one direction; NaN for objects without a pair."""
    first, second = levels[pairs.first], levels[pairs.second]
    owner = objects.owner[pairs.first]
    if not (lit := (first > 0) & (second > 0)).all():
        first, second, owner = first[lit], second[lit], owner[lit]
    count = np.bincount(owner, minlength=objects.count)
    with np.errstate(invalid="ignore", divide="ignore"):
        moment, entropy = _joint(objects, first, second, owner, count)
        sums = _histogram(owner, first + second, objects.count, 2 * LEVELS) / count[:, None]
        steps = _histogram(owner, np.abs(first - second), objects.count, LEVELS) / count[:, None]
        # each pair counts in both orders, so the rows and the columns of the matrix sum to these
        single = _histogram(owner, first, objects.count, LEVELS)
        single += _histogram(owner, second, objects.count, LEVELS)
        level = np.arange(LEVELS, dtype=np.int64)
        total, squares = single @ level, single @ level**2
        twice = 2 * count
        # whole numbers until the division, because small variances would be lost otherwise
        variance = (twice * squares - total * total) / (twice * twice)
        products = totals(owner, first * second, objects.count)
        covariance = products / count - (total / twice) ** 2
        sum_level = np.arange(2 * LEVELS)
        sum_average = sums @ sum_level
        one = _entropy(single / twice[:, None])
        shared = entropy - 2 * one
        return {
            "AngularSecondMoment": moment,
            "Contrast": steps @ level**2,
            "Correlation": np.where(variance == 0, 1.0, covariance / variance),
            "DifferenceEntropy": _entropy(steps),
            # of the shares, not of the steps; over as many as the object's highest level asks for
            "DifferenceVariance": (steps**2).sum(axis=1) / (highest + 1) - 1 / (highest + 1.0) ** 2,
            "Entropy": entropy,
            "InfoMeas1": np.where(one == 0, shared, shared / one),
            "InfoMeas2": np.sqrt(np.maximum(1 - np.exp(2 * shared), 0)),
            "InverseDifferenceMoment": steps @ (1 / (1 + level**2)),
            "SumAverage": sum_average,
            "SumEntropy": _entropy(sums),
            "SumVariance": sums @ sum_level**2 - sum_average**2,
            "Variance": variance,
        }


def _joint(
    objects: Regions,
    first: NDArray[np.int32],
    second: NDArray[np.int32],
    owner: NDArray[np.int32],
    count: Integers,
) -> tuple[Floats, Floats]:
    """Get the angular second moment and the entropy of the co-occurrence matrices.

    Of a matrix of 256 x 256 an object fills few cells, so the pairs are sorted instead, and equal
    ones counted; 16 bits are sorted ten times as fast as more.
    """
    code = (np.minimum(first, second) * LEVELS + np.maximum(first, second)).astype(np.uint16)
    ends = np.cumsum(count)
    for start, end in zip((ends - count).tolist(), ends.tolist(), strict=True):
        code[start:end].sort(kind="stable")
    new = np.ones(code.size, bool)
    new[1:] = (code[1:] != code[:-1]) | (owner[1:] != owner[:-1])
    begins = np.flatnonzero(new)
    code, owner = code[begins], owner[begins]
    share = np.diff(begins, append=first.size) / count[owner]
    # a pair of unequal levels fills two cells of the symmetric matrix, each with half of the share
    cells = 2 - (code // LEVELS == code % LEVELS)
    share /= cells
    moment = totals(owner, cells * share**2, objects.count)
    entropy = totals(owner, cells * share * -np.log2(share), objects.count)
    lacks = np.where(count == 0, np.nan, 0.0)
    return moment + lacks, entropy + lacks


def _histogram(
    owner: NDArray[np.int32], values: NDArray[np.int32], objects: int, values_end: int
) -> Integers:
    flat = np.bincount(owner * values_end + values, minlength=objects * values_end)
    return flat.reshape(objects, values_end)


def _entropy(shares: Floats) -> Floats:
    """Get the entropy of each row in bits."""
    return -(shares * np.log2(np.where(shares > 0, shares, 1))).sum(axis=1)
