"""Bytes to pixels to bytes: pure functions, no files, no network."""

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ImageError

Plane = NDArray[np.uint8] | NDArray[np.uint16]

CROP = 768
PERCENTILE = 1.0

_LEVELS = np.arange(65536, dtype=np.float32)


def decode(data: bytes) -> Plane:
    """Get the one plane of a grey TIFF, 8 or 16 bit.

    Raises
    ------
    ImageError
        The bytes are empty, all zero, no TIFF, cut short, or hold something else than one grey
        plane of unsigned integers.
    """
    if not data:
        raise ImageError("empty file")
    if not any(data[:64]) and not any(data):
        raise ImageError(f"zero-filled file of {len(data)} bytes")
    try:
        plane = imagecodecs.tiff_decode(data, index=0)
    except Exception as error:
        raise ImageError(f"not a readable TIFF: {error}") from error
    if plane.ndim != 2 or not plane.size:
        raise ImageError(f"not one grey plane: shape {plane.shape}")
    if plane.dtype.name not in ("uint8", "uint16"):
        raise ImageError(f"not 8 or 16 bit unsigned: {plane.dtype}")
    if not plane[0].any() and not plane.any():
        raise ImageError("all pixels are zero")
    return plane


def centre_crop(plane: Plane, size: int) -> Plane:
    """Get the middle `size` x `size` pixels; an edge shorter than `size` stays as it is.

    The middle starts at ``H // 2 - size // 2``, as in jump_download.
    """
    rows, columns = (
        slice(0, edge)
        if size > edge
        else slice(edge // 2 - size // 2, edge // 2 - size // 2 + size)
        for edge in plane.shape
    )
    return plane[rows, columns]


def to_8bit(plane: Plane, percentile: float) -> tuple[NDArray[np.uint8], float, float]:
    """Get `plane` in 8 bit, and the two grey levels that became 0 and 255.

    With ``lo`` and ``hi`` the percentiles `percentile` and ``100 - percentile`` of the plane,
    linearly interpolated, a pixel ``I`` becomes
    ``floor(255 * clip((I - lo) / (hi - lo + 2.2e-16), 0, 1))``, all in float32 as numpy evaluates
    it on a float32 plane. A constant plane becomes 0. Formula: jump_download.

    The percentiles come from the histogram and the formula is evaluated once per grey level: the
    same bits as the plain computation, several times sooner.
    """
    counts = np.cumsum(np.bincount(plane.ravel(), minlength=1))
    low, high = (_percentile(counts, q) for q in (percentile, 100 - percentile))
    levels = _LEVELS[: len(counts)]
    table = np.floor(255 * np.clip((levels - low) / (high - low + 2.2e-16), 0, 1))
    return table.astype(np.uint8).take(plane), float(low), float(high)


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Get the PNG of an 8-bit grey image: fast settings, the size of an ordinary PNG."""
    # strategy 2 is huffman only, filter 64 the average of left and upper neighbour: noise
    # leaves nothing else to find
    return bytes(imagecodecs.png_encode(image, level=1, strategy=2, filter=64))


def _percentile(counts: NDArray[np.int64], q: float) -> np.float32:
    """The percentile as np.percentile gives it for float32 data, from cumulative counts."""
    n = int(counts[-1])
    place = (n - 1) * (q / 100)
    before = int(place)
    weight = place - before
    ranks = (before, min(before + 1, n - 1))
    a, b = np.searchsorted(counts, ranks, side="right").astype(np.float32)
    return a + (b - a) * weight if weight < 0.5 else b - (b - a) * (1 - weight)
