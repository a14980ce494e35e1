"""Illumination functions as CellProfiler makes them: a mean image, smoothed by a median."""

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ImageError
from jumpduck.profiling.filters import between, medians_around

SHRINK = 4
"""The mean image is this much smaller when it is smoothed, as in JUMP's pipelines."""

WINDOW_PIXELS = 50
"""Size of the object that CellProfiler's median filter is given there, of the smaller image."""

RADIUS_PIXELS = round(WINDOW_PIXELS / 2.35)
"""CellProfiler takes the size as the width of a Gaussian at half of its height, and the standard
deviation as the radius of a disk."""

LEVELS = 1023
"""Steps between the least and the highest value of the mean, because the filter counts values."""

ROBUST_MINIMUM_PERCENT = 2.0
"""Percentile of the smoothed values above 0 that becomes 1."""


def median_illumination(mean: NDArray[np.float64]) -> NDArray[np.float32]:
    """Get the illumination function of the mean of many images, as JUMP's pipelines make it.

    The mean is shrunk to a quarter of its edges, smoothed by the median in a disk, enlarged again,
    and divided by its robust minimum, the percentile 2 of its values above 0: CellProfiler's
    CorrectIlluminationCalculate with the method "Regular", a median filter and rescaling.

    Raises
    ------
    ImageError
        The mean is 0 everywhere.
    """
    height, width = mean.shape
    rows = np.arange(0, height, SHRINK, dtype=np.intp)
    columns = np.arange(0, width, SHRINK, dtype=np.intp)
    sums = np.add.reduceat(np.add.reduceat(mean, rows, 0), columns, 1)
    small: NDArray[np.float64] = sums / (
        np.diff(rows, append=height)[:, None] * np.diff(columns, append=width)
    )
    place = np.arange(-RADIUS_PIXELS, RADIUS_PIXELS + 1)
    disk = (np.hypot(place[:, None], place) <= RADIUS_PIXELS).astype(np.uint8)
    least = float(small.min())
    step = max((float(small.max()) - least) / LEVELS, float(np.finfo(np.float64).tiny))
    levels = np.rint((small - least) / step).astype(np.uint16)
    smooth = least + step * medians_around(levels, disk)
    # the middle of each pixel of the whole image, in pixels of the smaller one
    whole = between(smooth, (np.indices(mean.shape, np.float64) + 0.5) / SHRINK - 0.5)
    above = whole[whole > 0]
    if not above.size:
        raise ImageError("its images are black")
    robust_minimum = np.percentile(above, ROBUST_MINIMUM_PERCENT)
    return (np.maximum(whole, robust_minimum) / robust_minimum).astype(np.float32)
