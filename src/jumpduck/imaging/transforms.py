"""Planes of pixels: their crop, their grey levels, their quality. Pure functions on arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jumpduck.imaging.tiff_reader import Plane

Counts = NDArray[np.int64]

LAG = 2
"""Columns between the pixels that the focus compares."""

FOCUS_ROWS = 4
"""The focus looks at one row in so many."""

TOPS = (255, 1023, 4095, 16383, 65535)
"""The levels that cameras and types end at."""

PART = 1 << 18

_LEVELS = np.arange(65536, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Quality:
    """What a plane is worth: `quality` says how each is computed."""

    mean: float
    saturated: float
    focus: float | None
    constant: bool


def crop_slices(shape: tuple[int, ...], size: int) -> tuple[slice, slice]:
    """Get the rows and columns of the middle `size` x `size` pixels.

    An edge shorter than `size` stays whole, and all do at size 0. The middle starts at
    ``H // 2 - size // 2``, as in jump_download.
    """
    rows, columns = (
        slice(0, edge)
        if size > edge or size <= 0
        else slice(edge // 2 - size // 2, edge // 2 - size // 2 + size)
        for edge in shape
    )
    return rows, columns


def centre_crop(plane: Plane, size: int) -> Plane:
    """Get the middle `size` x `size` pixels: those of `crop_slices`."""
    return plane[crop_slices(plane.shape, size)]


def histogram(plane: Plane) -> Counts:
    """Get the number of pixels at each grey level, from 0 to the highest there is."""
    flat = plane.ravel()
    counts = np.zeros(int(plane.max()) + 1, np.int64)
    for part in _parts(flat.size):
        counts += np.bincount(flat[part], minlength=len(counts))
    return counts


def percentiles(counts: Counts, q: float) -> tuple[np.float32, np.float32]:
    """Get percentiles `q` and ``100 - q`` of the pixels that `counts` counts, by level from 0.

    Linear interpolation in float32, as ``np.percentile(plane.astype(np.float32), q)`` does it.
    """
    total = np.cumsum(counts)
    return _percentile(total, q), _percentile(total, 100 - q)


def to_8bit(plane: Plane, q: float) -> tuple[NDArray[np.uint8], float, float]:
    """Get `plane` in 8 bit, and the two grey levels that became 0 and 255.

    With ``lo`` and ``hi`` the percentiles `q` and ``100 - q`` of the plane, linearly
    interpolated, a pixel ``I`` becomes
    ``floor(255 * clip((I - lo) / (hi - lo + 2.2e-16), 0, 1))``, all in float32 as numpy evaluates
    it on a float32 plane. A constant plane becomes 0. Formula: jump_download.

    The percentiles come from the histogram and the formula is evaluated once per grey level: the
    same bits as the plain computation, several times sooner.
    """
    low, high = percentiles(histogram(plane), q)
    return stretch(plane, low, high), float(low), float(high)


def stretch(plane: Plane, low: np.float32, high: np.float32) -> NDArray[np.uint8]:
    """Get `plane` in 8 bit: `low` becomes 0, `high` 255, by the formula of `to_8bit`."""
    levels = _LEVELS[: int(plane.max()) + 1]
    table = np.floor(255 * np.clip((levels - low) / (high - low + 2.2e-16), 0, 1))
    table, flat = table.astype(np.uint8), plane.ravel()
    image = np.empty(flat.size, np.uint8)
    for part in _parts(flat.size):
        # no level is outside the table: the mode only spares a copy
        table.take(flat[part], out=image[part], mode="clip")
    return image.reshape(plane.shape)


def divide(plane: Plane, illum: NDArray[np.float32]) -> Plane:
    """Get `plane` over its illumination function, rounded, in the type that it had.

    What leaves the type's range is clipped to it. Formula: CellProfiler's
    CorrectIlluminationApply, "Divide".
    """
    top = np.iinfo(plane.dtype).max
    return np.clip(np.rint(plane / illum), 0, top).astype(plane.dtype)


def resize(plane: Plane, edge: int) -> Plane:
    """Get `plane` with its longer edge `edge` pixels long, each pixel the mean of what it covers.

    A pixel at a border counts by the share of it that is covered. Rounded to whole levels, halves
    to even.
    """
    longer = max(plane.shape)
    height, width = (max(1, round(side * edge / longer)) for side in plane.shape)
    means = _shrink(_shrink(plane.astype(np.float64), height).T, width).T
    return np.rint(means).astype(plane.dtype)


def quality(plane: Plane, counts: Counts) -> Quality:
    """Get the quality of a plane whose histogram is `counts`.

    ``mean`` is the mean grey level. ``saturated`` is the share of the pixels at the highest level
    that occurs, where that is one of `TOPS`; else 0. ``focus`` is the mean squared difference of
    pixels two columns apart, in every fourth row, over twice the plane's variance: 0 is smooth, 1
    is noise (the gradient of Brenner et al. 1976, made independent of brightness and contrast;
    None where the plane is constant). ``constant`` says that all pixels are equal.
    """
    levels = np.arange(len(counts), dtype=np.int64)
    number, highest = plane.size, len(counts) - 1
    # whole numbers: exact, and no linear algebra library that would start threads
    total = int((counts * levels).sum())
    # n² times the variance
    spread = number * int((counts * levels * levels).sum()) - total * total
    rows = plane[::FOCUS_ROWS].astype(np.int32)
    steps = rows[:, LAG:] - rows[:, :-LAG]
    focus = None
    if spread and steps.size:
        squares = int(np.einsum("ij,ij->", steps, steps, dtype=np.int64))
        focus = squares / steps.size / (2 * spread / number**2)
    saturated = int(counts[highest]) / number if highest in TOPS else 0.0
    return Quality(total / number, saturated, focus, constant=not spread)


def _parts(size: int) -> list[slice]:
    """Slices of so many pixels that numpy's copies of them as indices stay small."""
    return [slice(start, start + PART) for start in range(0, size, PART)]


def _percentile(total: Counts, q: float) -> np.float32:
    """The percentile, from cumulative counts."""
    n = int(total[-1])
    place = (n - 1) * (q / 100)
    before = int(place)
    weight = place - before
    ranks = (before, min(before + 1, n - 1))
    a, b = np.searchsorted(total, ranks, side="right").astype(np.float32)
    return a + (b - a) * weight if weight < 0.5 else b - (b - a) * (1 - weight)


def _shrink(plane: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """The means of `rows` equal bands of a plane."""
    total = np.vstack([np.zeros_like(plane[:1]), np.cumsum(plane, axis=0)])
    edges = np.arange(rows + 1) * (len(plane) / rows)
    edges[-1] = len(plane)
    before = np.minimum(edges.astype(np.int64), len(plane) - 1)
    part = (edges - before)[:, None]
    at_edges = total[before] + part * plane[before]
    return np.diff(at_edges, axis=0) * (rows / len(plane))
