"""Medians and quartiles of features, on all cores."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from jumpduck.cores import usable_cores
from jumpduck.normalization.affine import Values

MIN_COLUMNS, MAX_COLUMNS = 8, 64
"""Features that a thread takes at a time; 8 numbers fill a line of the processor's cache."""

MAX_VALUES = 2**20
"""Values that a thread takes at a time: so little memory is used again, and not new each time."""

BLOCK_ROWS = 512
"""Rows that are transposed at a time."""

SAMPLED = 2048
"""Values of a long row that say where a quantile is about."""

MIN_VALUES = 50_000
"""Values from which on a second thread is worth its start."""


def quantiles(x: Values | Sequence[Values], shares: Sequence[float]) -> Values:
    """Get quantiles of each feature, by linear interpolation; missing values (NaN) do not count.

    Parameters
    ----------
    x
        Values by row and feature; or several such arrays, which are taken as one.
    shares
        Which quantiles, from 0 to 1.

    Returns
    -------
    Values
        By share and feature; NaN where all values are missing.
    """
    blocks = _blocks(x)
    found = np.empty((len(shares), blocks[0].shape[1]))

    def find(columns: slice) -> None:
        found[:, columns] = _of_rows(_transposed(blocks, columns), shares)

    _in_threads(find, blocks)
    return found


def median_and_mad(x: Values | Sequence[Values]) -> tuple[Values, Values]:
    """Get the median of each feature and the median of the distances from it.

    Takes what `quantiles` takes.
    """
    blocks = _blocks(x)
    medians, deviations = np.empty(blocks[0].shape[1]), np.empty(blocks[0].shape[1])

    def find(columns: slice) -> None:
        turned = _transposed(blocks, columns)
        middle = _of_rows(turned, (0.5,))[0]
        turned -= middle[:, None]
        medians[columns] = middle
        deviations[columns] = _of_rows(np.abs(turned, out=turned), (0.5,))[0]

    _in_threads(find, blocks)
    return medians, deviations


def _blocks(x: Values | Sequence[Values]) -> Sequence[Values]:
    return [x] if isinstance(x, np.ndarray) else x


def _in_threads(work: Callable[[slice], None], blocks: Sequence[Values]) -> None:
    """Do something with some columns at a time; numpy lets threads run while it orders numbers."""
    rows, width = sum(map(len, blocks)), blocks[0].shape[1]
    threads = min(usable_cores(), max(1, rows * width // MIN_VALUES))
    most = min(MAX_COLUMNS, max(MIN_COLUMNS, MAX_VALUES // max(1, rows)))
    each = max(1, min(most, -(-width // threads)))
    parts = [slice(start, start + each) for start in range(0, width, each)]
    if threads == 1:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, parts):
            pass


def _transposed(blocks: Sequence[Values], columns: slice) -> Values:
    """Get some columns as the rows of an array of their own."""
    width = blocks[0][:0, columns].shape[1]
    turned = np.empty((width, sum(map(len, blocks))))
    at = 0
    for block in blocks:
        # some rows at a time, because they stay in the processor's cache
        for start in range(0, len(block), BLOCK_ROWS):
            part = block[start : start + BLOCK_ROWS, columns]
            turned[:, at : at + len(part)] = part.T
            at += len(part)
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
    around = 3 * np.sqrt(len(some)) / 2  # three standard deviations of a rank in the sample
    first = some[max(0, int(middle - around))]
    last = some[min(len(some) - 1, int(middle + around) + 1)]
    before = int(np.count_nonzero(row < first))
    inside = np.compress((row >= first) & (row <= last), row)
    if not before <= low <= high < before + len(inside):
        before, inside = 0, row.copy()
    inside.partition(high - before)
    above = inside[high - before]
    return (inside[: high - before].max() if high > low else above), above
