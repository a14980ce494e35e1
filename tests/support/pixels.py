"""Images as other programs would write and compute them."""

import io

import numpy as np
import tifffile


def formula(plane, percentile=1.0):
    """The published formula of png8, written down plainly."""
    plane = plane.astype(np.float32)
    low, high = np.percentile(plane, percentile), np.percentile(plane, 100 - percentile)
    return np.floor(255 * np.clip((plane - low) / (high - low + 2.2e-16), 0, 1)).astype(np.uint8)


def tiff(plane, **options):
    """The bytes of a TIFF file, written by tifffile."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, plane, **{"metadata": None, **options})
    return buffer.getvalue()
