"""Which features stay: the filters of pycytominer 1.7.1, and that of CellPaintSSL."""

import numpy as np

from jumpduck.normalization.affine import Kept, Values
from jumpduck.normalization.moments import Moments, Scatter

SSL_VARIANCE = 1e-5
"""Variance up to which CellPaintSSL drops a feature."""


def varies_in_both(treated: Moments, controls: Moments, cutoff: float = SSL_VARIANCE) -> Kept:
    """Get the features whose variance is above `cutoff` among treated rows and among controls."""
    return (treated.variance > cutoff) & (controls.variance > cutoff)


def above_variance(moments: Moments, cutoff: float = 1e-6) -> Kept:
    """Get the features whose population variance is above `cutoff`."""
    return moments.variance > cutoff


def not_too_frequent(x: Values, freq_cut: float = 0.05, unique_cut: float = 0.01) -> Kept:
    """Get the features with many values.

    Parameters
    ----------
    freq_cut
        How often the second most frequent value is there at least, as a share of the most frequent.
    unique_cut
        How many different values there are at least, as a share of the rows.
    """
    kept = np.zeros(x.shape[1], np.bool_)
    for place in range(x.shape[1]):
        column = x[:, place]
        _, counts = np.unique(column[~np.isnan(column)], return_counts=True)
        if len(counts) > 1:
            second, first = np.partition(counts, -2)[-2:]
            kept[place] = second / first >= freq_cut and len(counts) / len(x) >= unique_cut
    return kept


def not_correlated(scatter: Scatter, threshold: float = 0.9) -> Kept:
    """Get features of which no two have a correlation above `threshold`.

    Of each such pair, the feature is dropped whose absolute correlations with all features have the
    larger sum; of equal sums, the later one.
    """
    _, matrix = scatter.merged()
    deviations = np.sqrt(np.diag(matrix))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations = matrix / np.outer(deviations, deviations)
    # rounded, so that the order of the rows does not decide between equal sums
    known: Values = np.where(np.isnan(correlations), 0.0, np.abs(correlations))
    sums = np.asarray(np.around(known.sum(axis=0), 9), np.float64)
    rank = np.empty(len(sums), int)
    rank[np.argsort(sums, kind="stable")] = np.arange(len(sums))
    too_much: Kept = (correlations > threshold) & (rank[:, None] > rank[None, :])
    return np.logical_not(too_much.any(axis=1))


def rarely_missing(moments: Moments, cutoff: float = 0.05) -> Kept:
    """Get the features that are missing (NaN) in at most a share `cutoff` of the rows."""
    return 1 - moments.count / max(moments.rows, 1) <= cutoff


def without_outliers(low: Values, high: Values, cutoff: float = 500.0) -> Kept:
    """Get the features whose smallest and largest values are within `cutoff` of 0."""
    return (np.abs(low) <= cutoff) & (np.abs(high) <= cutoff)
