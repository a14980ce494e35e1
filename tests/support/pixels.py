"""Images as other programs would write and compute them."""

import io

import numpy as np
import tifffile


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
