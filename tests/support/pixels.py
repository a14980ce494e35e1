"""Images as other programs would write and compute them."""

import io

import numpy as np
import tifffile
from numpy.lib.stride_tricks import sliding_window_view


def formula(plane, percentile=1.0):
    """The formula of jump_download with the percentiles of its numpy, 1.24, written down plainly.

    There the percentiles of a float32 plane are float64. They become float32 only where they meet
    the pixels; numpy 2 would round them first.
    """
    low, high = (np.percentile(plane.astype(float), q) for q in (percentile, 100 - percentile))
    share = (plane.astype(np.float32) - np.float32(low)) / np.float32(high - low + 2.2e-16)
    return np.floor(255 * np.clip(share, 0, 1)).astype(np.uint8)


def tiff(plane, **options):
    """The bytes of a TIFF file, written by tifffile."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, plane, **{"metadata": None, **options})
    return buffer.getvalue()


def illumination_as_in_pybbbc(planes):
    """The formula of pybbbc, step by step: the mean, smoothed along each axis, over its minimum."""
    sigma, radius = 500, 2000
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weights /= weights.sum()
    smooth = np.mean([plane.astype(np.float64) for plane in planes], axis=0)
    for axis in (0, 1):
        margins = [(radius, radius) if one == axis else (0, 0) for one in (0, 1)]
        padded = np.pad(smooth, margins, mode="symmetric")  # what scipy calls reflect
        smooth = sliding_window_view(padded, len(weights), axis) @ weights
    minimum = np.percentile(smooth[smooth > 0], 0.02)
    smooth[smooth < minimum] = minimum
    return smooth / minimum
