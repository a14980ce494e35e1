"""Medians and quartiles of features, on all cores."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from jumpduck.normalization.affine import Values

MAX_COLUMNS = 64
"""Features that a thread takes at a time."""

BLOCK_ROWS = 512
"""Rows that are transposed at a time."""

SAMPLED = 2048
"""Values of a long row that say where a quantile is about."""

MIN_VALUES = 50_000
"""Values from which on a second thread is worth its start."""


def quantiles(x: Values, shares: Sequence[float]) -> Values:
    """Get quantiles of each feature, by linear interpolation; missing values (NaN) do not count.

    Parameters
    ----------
    x
        Values by row and feature.
    shares
        Which quantiles, from 0 to 1.

    Returns
    -------
    Values
        By share and feature; NaN where all values are missing.
    """
    found = np.empty((len(shares), x.shape[1]))

    def find(columns: slice) -> None:
        found[:, columns] = _of_rows(_transposed(x, columns), shares)

    _in_threads(find, x)
    return found


def median_and_mad(x: Values) -> tuple[Values, Values]:
    """Get the median of each feature and the median of the distances from it."""
    medians, deviations = np.empty(x.shape[1]), np.empty(x.shape[1])

    def find(columns: slice) -> None:
        turned = _transposed(x, columns)
        middle = _of_rows(turned, (0.5,))[0]
        turned -= middle[:, None]
        medians[columns] = middle
        deviations[columns] = _of_rows(np.abs(turned, out=turned), (0.5,))[0]

    _in_threads(find, x)
    return medians, deviations


def cores() -> int:
    """Get the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _in_threads(work: Callable[[slice], None], x: Values) -> None:
    """Do something with some columns at a time; numpy lets threads run while it orders numbers."""
    width = x.shape[1]
    threads = min(cores(), max(1, x.size // MIN_VALUES))
    each = max(1, min(MAX_COLUMNS, -(-width // threads)))
    parts = [slice(start, start + each) for start in range(0, width, each)]
    if threads == 1:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, parts):
            pass


def _transposed(x: Values, columns: slice) -> Values:
    """Get some columns as the rows of an array of their own."""
    part = x[:, columns]
    turned = np.empty(part.shape[::-1])
    # a block of rows at a time, because it stays in the processor's cache
    for start in range(0, len(part), BLOCK_ROWS):
        turned[:, start : start + BLOCK_ROWS] = part[start : start + BLOCK_ROWS].T
    return turned


def _of_rows(turned: Values, shares: Sequence[float]) -> Values:
    """Get quantiles of each row of an array, which is put in another order."""
    missing = np.isnan(turned.sum(axis=1)) & np.isnan(turned).any(axis=1)
    length = turned.shape[1]
    places = np.multiply(shares, length - 1)
    found = np.empty((len(shares), len(turned)))
    sample = _sample(length)
    for number, place in enumerate(places):
        low = int(place)
        high = min(low + 1, length - 1)
        if sample is None:
            turned.partition(high, axis=1)
            above = turned[:, high]
            below = turned[:, :high].max(axis=1) if high > low else above
        else:
            pairs = [_two_of(row, low, high, sample) for row in turned]
            below, above = np.array(pairs).T
        found[number] = below + (above - below) * (place - low)
    for row in np.flatnonzero(missing):
        there = turned[row][~np.isnan(turned[row])]
        found[:, row] = np.quantile(there, shares) if len(there) else np.nan
    return found


def _sample(length: int) -> NDArray[np.intp] | None:
    """Get which values of a long row are looked at first; None for a short row."""
    if length < 2 * SAMPLED:
        return None
    return np.sort(np.random.default_rng(0).choice(length, SAMPLED, replace=False))


def _two_of(row: Values, low: int, high: int, sample: NDArray[np.intp]) -> tuple[float, float]:
    """Get the values of two neighbouring ranks of a long row.

    As Floyd and Rivest (1975, Expected time bounds for selection) have it, a sample says between
    which values they lie; only those are put in order. If the sample misleads, all are.
    """
    some = np.sort(row[sample])
    middle = low / len(row) * len(some)
    around = 4 * np.sqrt(len(some)) / 2
    first = some[max(0, int(middle - around))]
    last = some[min(len(some) - 1, int(middle + around) + 1)]
    before = int(np.count_nonzero(row < first))
    inside = row[(row >= first) & (row <= last)]
    if not before <= low <= high < before + len(inside):
        before, inside = 0, row.copy()
    inside.partition(high - before)
    above = inside[high - before]
    return (inside[: high - before].max() if high > low else above), above
