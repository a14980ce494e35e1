"""Count, mean and variance of features, and their scatter, of rows that come in blocks.

Blocks are merged by the formulas of Chan, Golub and LeVeque (1979, Updating formulae and a pairwise
algorithm for computing sample variances), which keep the digits where a mean is far from 0.
"""

import numpy as np

from jumpduck.normalization.affine import Values


class Moments:
    """Count, mean and variance of each feature; what is missing (NaN) does not count.

    Parameters
    ----------
    width
        Number of features.
    """

    def __init__(self, width: int) -> None:
        self.rows = 0
        self.count = np.zeros(width)
        self.mean = np.zeros(width)
        self._squares = np.zeros(width)

    def add(self, x: Values) -> None:
        """Add rows."""
        if not len(x):
            return
        self.rows += len(x)
        there = ~np.isnan(x) if np.isnan(x).any() else None
        if there is None:
            count = np.full(x.shape[1], float(len(x)))
            mean = x.mean(axis=0)
            squares = ((x - mean) ** 2).sum(axis=0)
        else:
            count = there.sum(axis=0).astype(float)
            mean = np.where(there, x, 0).sum(axis=0) / np.maximum(count, 1)
            squares = np.where(there, (x - mean) ** 2, 0).sum(axis=0)
        whole = np.maximum(self.count + count, 1)
        step = mean - self.mean
        self._squares += squares + step**2 * self.count * count / whole
        self.mean += step * count / whole
        self.count += count

    @property
    def variance(self) -> Values:
        """Population variance (divided by the count) of each feature; NaN where none is known."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self._squares / self.count


class Scatter:
    """Mean and scatter matrix ``sum((x - mean)(x - mean)')`` of rows without missing values.

    Parameters
    ----------
    width
        Number of features.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.count = 0
        self._merged = 0
        self._mean = np.zeros(width)
        self._matrix: Values | None = None
        self._waiting: list[Values] = []

    def add(self, x: Values) -> None:
        """Add rows; they are held until there are more of them than features.

        One large product is faster than many small ones, and the strength of a shrinkage is
        checked against the rows where they are fewer than the features.
        """
        if len(x):
            self._waiting.append(x)
            self.count += len(x)
        if self.count - self._merged > max(self.width, 256):
            self._merge()

    @property
    def rows(self) -> Values | None:
        """The rows, if they are at most as many as features."""
        if self._merged or self.count > self.width:
            return None
        return np.concatenate(self._waiting) if self._waiting else np.zeros((0, self.width))

    def merged(self) -> tuple[Values, Values]:
        """Get the mean and the scatter matrix."""
        rows = self.rows
        if rows is not None:
            if not len(rows):
                return np.zeros(self.width), np.zeros((self.width, self.width))
            mean = rows.mean(axis=0)
            centred = rows - mean
            return mean, centred.T @ centred
        self._merge()
        assert self._matrix is not None
        return self._mean, self._matrix

    def _merge(self) -> None:
        if not self._waiting:
            return
        x = np.concatenate(self._waiting)
        self._waiting = []
        mean = x.mean(axis=0)
        x -= mean
        matrix = x.T @ x
        step = mean - self._mean
        whole = self._merged + len(x)
        if self._matrix is None:
            self._matrix = matrix
        else:
            self._matrix += matrix
            self._matrix += np.outer(step, step * (self._merged * len(x) / whole))
        self._mean = self._mean + step * (len(x) / whole)
        self._merged = whole
