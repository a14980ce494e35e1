"""Crop, grey levels and size of planes; pure functions on arrays."""

import numpy as np
from numpy.typing import NDArray

from jumpduck.imaging.tiff_reader import Plane

Counts = NDArray[np.int64]
"""The number of pixels at each grey level, by level from 0."""

BLOCK_PIXELS = 1 << 18
"""Pixels that are used as indices at a time, because numpy copies indices into 8 bytes each."""

BLOCK_LINES = 64
"""Columns, then rows, that are resized at a time: what stays in the processor's cache."""

_LEVELS = np.arange(65536, dtype=np.float32)


def crop_slices(shape: tuple[int, ...], size_pixels: int) -> tuple[slice, slice]:
    """Get the rows and the columns of the middle square of a plane.

    The square begins at ``height // 2 - size_pixels // 2``, as in jump_download.

    Parameters
    ----------
    shape
        Height and width of the plane in pixels.
    size_pixels
        Edge of the square. An edge of the plane that is shorter stays whole; 0 keeps both whole.
    """
    rows, columns = (
        slice(0, edge)
        if size_pixels > edge or size_pixels <= 0
        else slice(edge // 2 - size_pixels // 2, edge // 2 - size_pixels // 2 + size_pixels)
        for edge in shape
    )
    return rows, columns


def histogram(plane: Plane) -> Counts:
    """Get the number of pixels at each grey level, from 0 to the plane's highest level."""
    flat = plane.ravel()
    counts = np.zeros(int(plane.max()) + 1, np.int64)
    for block in _blocks(flat.size):
        counts += np.bincount(flat[block], minlength=len(counts))
    return counts


def otsu_threshold(counts: Counts) -> int:
    """Get the grey level up to which pixels are background, by Otsu's method.

    It is the level that parts the pixels into two groups whose means differ the most for their
    sizes: skimage's ``threshold_otsu`` of a plane of whole numbers.
    """
    levels = np.flatnonzero(counts)
    if len(levels) == 1:
        return int(levels[0])
    pixels = counts[levels].astype(np.float64)
    below, sum_below = np.cumsum(pixels)[:-1], np.cumsum(pixels * levels)[:-1]
    above, sum_above = pixels.sum() - below, (pixels * levels).sum() - sum_below
    between = below * above * (sum_below / below - sum_above / above) ** 2
    return int(levels[np.argmax(between)])


def percentiles(counts: Counts, q: float) -> tuple[float, float]:
    """Get percentiles `q` and ``100 - q`` of the pixels of a histogram, in grey levels.

    They are interpolated linearly in float64, so they have the same bits as
    ``np.percentile(plane.astype(np.float64), q)``.

    Parameters
    ----------
    counts
        What `histogram` returns, or a sum of several.
    q
        Percent, from 0 to below 50.
    """
    cumulative = np.cumsum(counts)
    return _percentile(cumulative, q), _percentile(cumulative, 100 - q)


def stretch(plane: Plane, low: float, high: float) -> NDArray[np.uint8]:
    """Get `plane` in 8 bit: grey level `low` and less become 0, `high` and more become 255.

    A pixel ``I`` becomes ``floor(255 * clip((I - low) / (high - low + 2.2e-16), 0, 1))``. A
    constant plane becomes 0. The formula is jump_download's, and so is its rounding, that of
    numpy 1.24 on a float32 plane: `low` and the denominator are float64 until they meet the
    pixels. The formula is evaluated once for each grey level, not for each pixel: the bits are
    the same, and it takes a fraction of the time.
    """
    levels = _LEVELS[: int(plane.max()) + 1]
    share = (levels - np.float32(low)) / np.float32(high - low + 2.2e-16)
    table, flat = (255 * np.clip(share, 0, 1)).astype(np.uint8), plane.ravel()
    image = np.empty(flat.size, np.uint8)
    for block in _blocks(flat.size):
        # No level lies outside the table. The mode is set because numpy's default copies `out`.
        table.take(flat[block], out=image[block], mode="clip")
    return image.reshape(plane.shape)


def to_8bit(plane: Plane, q: float) -> NDArray[np.uint8]:
    """Get `plane` in 8 bit, stretched from its percentile `q` to its percentile ``100 - q``."""
    return stretch(plane, *percentiles(histogram(plane), q))


def divide(plane: Plane, illum: NDArray[np.float32]) -> Plane:
    """Get `plane` divided by its illumination function, rounded, in the plane's own type.

    Values beyond the type's range are clipped to it. The formula is that of CellProfiler's
    CorrectIlluminationApply, "Divide".

    Parameters
    ----------
    plane, illum
        Both of shape (height, width).
    """
    highest = np.iinfo(plane.dtype).max
    with np.errstate(over="ignore"):  # an infinite value is clipped
        quotient = plane / illum
    return np.clip(np.rint(quotient), 0, highest).astype(plane.dtype)


def resized_shape(shape: tuple[int, ...], edge_pixels: int) -> tuple[int, int]:
    """Get the height and width that `resize` gives a plane: its proportions, at least 1 pixel."""
    longer = max(shape)
    height, width = (max(1, round(side * edge_pixels / longer)) for side in shape)
    return height, width


def resize(plane: Plane, edge_pixels: int) -> Plane:
    """Get `plane` with a longer edge of `edge_pixels` pixels, in the plane's own type.

    Each pixel is the mean of the area that it covers; a pixel at the border of that area counts
    by its covered share. Means are rounded to whole levels, halves to even.
    """
    height, width = resized_shape(plane.shape, edge_pixels)
    rows, resized = np.empty((height, plane.shape[1])), np.empty((height, width), plane.dtype)
    # in blocks, because whole planes of float64 take several times their memory
    for block in _blocks(plane.shape[1], BLOCK_LINES):
        rows[:, block] = _band_means(plane[:, block], height, axis=0)
    for block in _blocks(height, BLOCK_LINES):
        resized[block] = np.rint(_band_means(rows[block], width, axis=1))
    return resized


def _blocks(count: int, block: int = BLOCK_PIXELS) -> list[slice]:
    return [slice(start, start + block) for start in range(0, count, block)]


def _percentile(cumulative: Counts, q: float) -> float:
    n = int(cumulative[-1])
    position = (n - 1) * (q / 100)
    before = int(position)
    weight = position - before
    ranks = (before, min(before + 1, n - 1))
    a, b = map(int, np.searchsorted(cumulative, ranks, side="right"))
    # the two forms of numpy's interpolation, because their rounding differs
    return a + (b - a) * weight if weight < 0.5 else b - (b - a) * (1 - weight)


def _band_means(
    plane: Plane | NDArray[np.float64], bands: int, *, axis: int
) -> NDArray[np.float64]:
    """The means of so many bands of a plane, equally wide along an axis, instead of its lines."""
    lines = plane.shape[axis]
    total = np.zeros((lines + 1, plane.shape[1]) if axis == 0 else (len(plane), lines + 1))
    np.cumsum(plane, axis=axis, out=total[1:] if axis == 0 else total[:, 1:])
    edges = np.arange(bands + 1) * (lines / bands)
    edges[-1] = lines
    line = np.minimum(edges.astype(np.int64), lines - 1)
    share = np.expand_dims(edges - line, 1 - axis)
    at_edges = np.take(total, line, axis) + share * np.take(plane, line, axis)
    return np.diff(at_edges, axis=axis) * (bands / lines)
