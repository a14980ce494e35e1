"""The quality of whole images in CellProfiler's numbers."""

import numpy as np
from numpy.typing import NDArray

from jumpduck.profiling.regions import Floats

WINDOW_PIXELS = 20
"""Edge of the squares of the local focus score; CellProfiler's setting."""

EDGE_SHARE = 8
"""The power spectrum is taken up to the smaller edge divided by this, because of the borders."""


def plane_quality(grey: NDArray[np.float64]) -> dict[tuple[str, ...], float]:
    """Get what CellProfiler's MeasureImageQuality measures of an image's light and focus.

    ``FocusScore`` is the variance divided by the mean. ``LocalFocusScore_20`` is how much that
    varies between squares of 20 pixels: its variance divided by its median. ``PowerLogLogSlope``
    is the slope of power by spatial frequency, both as logarithms: lower for blurred images.
    ``PercentMaximal`` and ``PercentMinimal`` are the pixels at the image's own extremes.

    Parameters
    ----------
    grey
        Of shape (height, width), in CellProfiler's scale.

    Returns
    -------
    dict
        By name, and by the window's edge where there is one; a column has the channel between.
    """
    mean, median = float(grey.mean()), float(np.median(grey))
    least, most = float(np.min(grey)), float(np.max(grey))
    variance = float(grey.var()) if most > least else 0.0
    return {
        ("FocusScore",): variance / mean if mean > 0 else 0.0,
        ("LocalFocusScore", str(WINDOW_PIXELS)): _local_focus(grey),
        ("MADIntensity",): float(np.median(np.abs(grey - median))),
        ("MaxIntensity",): most,
        ("MeanIntensity",): mean,
        ("MedianIntensity",): median,
        ("MinIntensity",): least,
        ("PercentMaximal",): 100 * np.count_nonzero(grey == most) / grey.size,
        ("PercentMinimal",): 100 * np.count_nonzero(grey == least) / grey.size,
        ("PowerLogLogSlope",): _power_slope(grey) if most > least else 0.0,
        ("StdIntensity",): variance**0.5,
        ("TotalArea",): float(grey.size),
        ("TotalIntensity",): float(grey.sum()),
    }


def _local_focus(grey: Floats) -> float:
    """Get the variance of the squares' focus scores, divided by their median."""
    height, width = grey.shape
    down, across = -(-height // WINDOW_PIXELS), -(-width // WINDOW_PIXELS)
    # a square begins at the first pixel that falls into it when the image is divided evenly
    rows = np.array([-(-number * height // down) for number in range(down)])
    columns = np.array([-(-number * width // across) for number in range(across)])

    def of_squares(values: Floats) -> Floats:
        return np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)

    pixels = of_squares(np.ones_like(grey))
    mean = of_squares(grey) / pixels
    heights, widths = np.diff(rows, append=height), np.diff(columns, append=width)
    differences = grey - mean.repeat(heights, axis=0).repeat(widths, axis=1)
    lit = mean != 0
    scores = of_squares(differences * differences)[lit] / (pixels * mean)[lit]
    middle = float(np.median(scores)) if scores.size else 0.0
    return float(scores.var()) / middle if middle > 0 else 0.0


def _power_slope(grey: Floats) -> float:
    """Get the slope of the logarithm of power by that of the spatial frequency."""
    spread = np.median(np.abs(grey - grey.mean()))
    even = grey / spread if spread > 0 else grey
    spectrum = np.fft.rfft2(even - even.mean())
    height, width = grey.shape
    highest = int(min(height, width) / EDGE_SHARE)
    if highest < 4:
        return 0.0  # because a line has two points, and the frequencies are 2 to highest - 1
    near = np.arange(highest)
    rows = np.concatenate([near, height - 1 - near])
    lower = spectrum[rows][:, near]
    # the spectrum of a real image is point-symmetric, so the columns that rfft2 leaves out are
    # those of the opposite rows
    upper = spectrum[-rows][:, 1 + near]
    radius = np.floor(np.hypot(np.tile(near, 2)[:, None], near)).astype(np.int64) + 1
    squares = np.abs(lower) ** 2 + np.abs(upper) ** 2
    power = np.bincount(radius.ravel(), squares.ravel())[2:highest]
    frequency = np.arange(2, highest)
    lit = power > 0
    if np.count_nonzero(lit) < 2:
        return 0.0
    x, y = np.log(frequency[lit]), np.log(power[lit])
    x -= x.mean()
    return float((x * y).sum() / (x * x).sum())
