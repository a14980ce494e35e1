"""Features without what the number of cells explains."""

import numpy as np

from jumpduck.normalization.affine import Affine, Values


class CountScatter:
    """How features go with the number of cells, of rows that come in blocks.

    What is missing (NaN) does not count. Blocks are merged as in `moments`.
    """

    def __init__(self, width: int) -> None:
        self.rows = 0
        self._count, self._x, self._cells = np.zeros(width), np.zeros(width), np.zeros(width)
        self._together, self._squares = np.zeros(width), np.zeros(width)

    def add(self, x: Values, cells: Values) -> None:
        """Add rows and the number of cells of each."""
        there = ~np.isnan(x)
        count = there.sum(axis=0).astype(float)
        some = np.maximum(count, 1)
        x_mean = np.where(there, x, 0).sum(axis=0) / some
        cells_mean = np.where(there, cells[:, None], 0).sum(axis=0) / some
        x_apart = np.where(there, x - x_mean, 0)
        cells_apart = np.where(there, cells[:, None] - cells_mean, 0)
        x_step, cells_step = x_mean - self._x, cells_mean - self._cells
        whole = np.maximum(self._count + count, 1)
        weight = self._count * count / whole
        self._together += (x_apart * cells_apart).sum(axis=0) + x_step * cells_step * weight
        self._squares += (cells_apart**2).sum(axis=0) + cells_step**2 * weight
        self._x += x_step * count / whole
        self._cells += cells_step * count / whole
        self._count += count
        self.rows += len(x)

    def residuals(self) -> Affine:
        """Get what is left of features after a straight line in the number of cells."""
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = np.where(self._squares > 0, self._together / self._squares, 0.0)
        center = self._x - slope * self._cells
        return Affine(center=center, slope=slope, facts={"rows": float(self.rows)})
