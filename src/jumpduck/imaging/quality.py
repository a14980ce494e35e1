"""The quality of a plane in four numbers."""

from dataclasses import dataclass

import numpy as np

from jumpduck.imaging.tiff_reader import Plane
from jumpduck.imaging.transforms import Counts

FOCUS_DISTANCE_COLUMNS = 2
"""Columns between the two pixels whose difference the focus measures."""

FOCUS_ROW_STEP = 4
"""The focus is computed from one row in so many."""

HIGHEST_LEVELS = (255, 1023, 4095, 16383, 65535)
"""The highest grey levels of cameras with 8, 10, 12, 14 and 16 bits."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality of a plane; `quality` says how each number is computed."""

    mean: float
    saturated: float
    focus: float | None
    constant: bool


def quality(plane: Plane, counts: Counts) -> Quality:
    """Get the quality of a plane.

    ``mean`` is the mean grey level. ``saturated`` is the share of pixels, from 0 to 1, that have
    the plane's highest level, if that is one of `HIGHEST_LEVELS`; else 0. ``focus`` is the mean
    squared difference of pixels two columns apart, in every fourth row, divided by twice the
    plane's variance: 0 for a smooth plane, 1 for noise, None for a constant plane. It is the
    gradient of Brenner et al. 1976 (doi:10.1177/24.1.1254907), made independent of brightness
    and contrast. ``constant`` says that all pixels are equal.

    Parameters
    ----------
    plane
        Grey levels, of shape (height, width).
    counts
        The plane's `jumpduck.imaging.transforms.histogram`.
    """
    levels = np.arange(len(counts), dtype=np.int64)
    pixels, highest = plane.size, len(counts) - 1
    # Whole numbers, because they are exact and because numpy's product of floats calls a linear
    # algebra library, which starts threads.
    total = int((counts * levels).sum())
    variance_times_pixels_squared = pixels * int((counts * levels * levels).sum()) - total * total
    rows = plane[::FOCUS_ROW_STEP].astype(np.int32)
    steps = rows[:, FOCUS_DISTANCE_COLUMNS:] - rows[:, :-FOCUS_DISTANCE_COLUMNS]
    focus = None
    if variance_times_pixels_squared and steps.size:
        squares = int(np.einsum("ij,ij->", steps, steps, dtype=np.int64))
        focus = squares / steps.size / (2 * variance_times_pixels_squared / pixels**2)
    saturated = int(counts[highest]) / pixels if highest in HIGHEST_LEVELS else 0.0
    return Quality(total / pixels, saturated, focus, constant=not variance_times_pixels_squared)
