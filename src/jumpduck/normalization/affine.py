"""What a fitted step does to the rows of one group: an affine map of their features."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
"""Numbers by row and feature, or by feature."""

Kept = NDArray[np.bool_]
"""Which features stay."""


BLOCK_VALUES = 2**16
"""Values that are mapped at a time."""


@dataclass(frozen=True)
class Affine:
    """The map ``y = ((x - center - slope * count) / scale) @ matrix`` of the features that stay.

    Parameters
    ----------
    kept
        Which features stay; None for all. The others of this map have as many entries as stay.
    center, scale
        What is subtracted, and what the difference is divided by; None for 0 and 1.
    slope
        How much more of each feature there is for one more cell; None for 0.
    matrix
        What rows are multiplied by, from the right; None for the identity.
    facts
        What the fit found out, such as the strength of the shrinkage.
    """

    kept: Kept | None = None
    center: Values | None = None
    scale: Values | None = None
    slope: Values | None = None
    matrix: Values | None = None
    facts: Mapping[str, float] = field(default_factory=dict[str, float])

    def apply(self, x: Values, count: Values | None = None) -> Values:
        """Get the rows mapped; `x` stays as it is.

        Parameters
        ----------
        x
            Values by row and feature.
        count
            Cells of each row, where there is a slope.
        """
        width = x.shape[1] if self.kept is None else int(self.kept.sum())
        y = np.empty((len(x), width))
        # a block of rows at a time, because it stays in the processor's cache
        rows = max(1, BLOCK_VALUES // max(1, width))
        for start in range(0, len(x), rows):
            part = slice(start, start + rows)
            self._move(x[part], y[part], None if count is None else count[part])
        return y if self.matrix is None else y @ self.matrix

    def _move(self, x: Values, y: Values, count: Values | None) -> None:
        """Write the rows, without the matrix, to `y`."""
        some = x if self.kept is None else x[:, self.kept]
        if self.center is None:
            y[:] = some
        else:
            np.subtract(some, self.center, out=y)
        if self.slope is not None and count is not None:
            y -= count[:, None] * self.slope
        if self.scale is not None:
            y /= self.scale


def arrays_of(one: Affine) -> dict[str, NDArray[np.float64] | Kept]:
    """Get the arrays of a map by name, without those that are None."""
    named = {
        "kept": one.kept,
        "center": one.center,
        "scale": one.scale,
        "slope": one.slope,
        "matrix": one.matrix,
    }
    return {name: array for name, array in named.items() if array is not None}
