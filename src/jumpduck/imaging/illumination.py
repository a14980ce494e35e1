"""From the bytes of a published illumination function to its values."""

import io

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from jumpduck.errors import ImageError
from jumpduck.imaging.tiff_header import MAX_PLANE_PIXELS

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
"""By the version that the file names."""


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
