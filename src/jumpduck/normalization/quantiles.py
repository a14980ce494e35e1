"""Medians and quartiles of features, on all cores."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from jumpduck.normalization.affine import Values

MAX_COLUMNS = 64
"""Features that a thread takes at a time."""

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
        found[:, columns] = _of_rows(np.array(x[:, columns].T, order="C"), shares)

    _in_threads(find, x)
    return found


def median_and_mad(x: Values) -> tuple[Values, Values]:
    """Get the median of each feature and the median of the distances from it."""
    medians, deviations = np.empty(x.shape[1]), np.empty(x.shape[1])

    def find(columns: slice) -> None:
        turned = np.array(x[:, columns].T, order="C")
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


def _of_rows(turned: Values, shares: Sequence[float]) -> Values:
    """Get quantiles of each row of an array, which is put in another order."""
    missing = np.isnan(turned).any(axis=1)
    places = np.multiply(shares, turned.shape[1] - 1)
    low = np.floor(places).astype(int)
    high = np.minimum(low + 1, turned.shape[1] - 1)
    turned.partition(sorted({*low.tolist(), *high.tolist()}), axis=1)
    below, above = turned[:, low].T, turned[:, high].T
    found = below + (above - below) * (places - low)[:, None]
    for row in np.flatnonzero(missing):
        there = turned[row][~np.isnan(turned[row])]
        found[:, row] = np.quantile(there, shares) if len(there) else np.nan
    return found
