"""Illumination functions: read from the bytes of a published one, or made of a mean image."""

import io

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from jumpduck.errors import ImageError
from jumpduck.imaging.tiff_header import MAX_PLANE_PIXELS

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
"""By the version that the file names."""

SIGMA_PIXELS = 500.0
"""Of the Gaussian filter that smooths a mean image."""

RADIUS_SIGMAS = 4.0
"""Where the filter ends."""

ROBUST_MINIMUM_PERCENT = 0.02
"""Percentile of the smoothed values above 0 that becomes 1."""


def decode_illumination(data: bytes) -> NDArray[np.float32]:
    """Get an illumination function from an ``.npy`` file.

    ``np.load`` allocates what the header promises, and reads other formats too; therefore the
    header is compared with the size of the file first.

    Raises
    ------
    ImageError
        The bytes are not a plane of floats above 0, or are cut short.
    """
    file = io.BytesIO(data)
    try:
        shape, is_transposed, dtype = _HEADERS[npy.read_magic(file)](file)
    except Exception as error:
        raise ImageError(f"not an .npy file: it begins with {data[:8]!r}") from error
    if len(shape) != 2 or dtype.kind != "f" or dtype.itemsize > 8:
        raise ImageError(f"not a plane of floats: {dtype}, shape {shape}")
    height, width = shape
    if height < 1 or width < 1 or height * width > MAX_PLANE_PIXELS:
        raise ImageError(f"it promises {width} x {height} values, at most {MAX_PLANE_PIXELS}")
    first, count = file.tell(), height * width
    end = first + count * dtype.itemsize
    if end > len(data):
        raise ImageError(f"cut short: its values end at byte {end} of {len(data)}")
    with np.errstate(over="ignore", invalid="ignore"):
        flat = np.frombuffer(data, dtype, count, first).astype(np.float32)
    if not (np.isfinite(flat).all() and (flat > 0).all()):
        raise ImageError("it has values that are not above 0")
    return flat.reshape(shape, order="F" if is_transposed else "C")


def illumination_of(mean: NDArray[np.float64]) -> NDArray[np.float32]:
    """Get the illumination function of the mean of many images, as pybbbc makes it.

    The mean is smoothed by a Gaussian filter with a sigma of 500 pixels. The percentile 0.02 of its
    values above 0 is the robust minimum: smaller values become it, then all are divided by it.

    Raises
    ------
    ImageError
        The mean is 0 everywhere.
    """
    height, width = mean.shape
    # along one axis the filter is a matrix, and a product of matrices is fast for any sigma
    smooth = _smoothing(height) @ mean @ _smoothing(width).T
    above = smooth[smooth > 0]
    if not above.size:
        raise ImageError("its images are black")
    robust_minimum = np.percentile(above, ROBUST_MINIMUM_PERCENT)
    return (np.maximum(smooth, robust_minimum) / robust_minimum).astype(np.float32)


def _smoothing(count: int) -> NDArray[np.float64]:
    """Get the matrix of a Gaussian filter of a line of so many pixels, reflected at its ends.

    Reflected again and again, the line has a period of twice its length. Therefore the weights are
    added up by their place in a period.
    """
    radius = int(RADIUS_SIGMAS * SIGMA_PIXELS + 0.5)
    steps = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (steps / SIGMA_PIXELS) ** 2)
    period = 2 * count
    folded = np.zeros(period)
    np.add.at(folded, steps % period, weights / weights.sum())
    pixels = np.arange(count)
    there, back = pixels - pixels[:, None], -1 - pixels - pixels[:, None]
    return folded[there % period] + folded[back % period]
