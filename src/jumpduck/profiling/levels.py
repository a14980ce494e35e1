"""Where background ends and objects begin: levels of one image."""

import numpy as np
from numpy.typing import NDArray

from jumpduck.imaging.transforms import Counts, histogram, otsu_threshold
from jumpduck.profiling.filters import Image, blurred, opened

NOISE_FACTOR = 4.5
"""How far above the background objects are, in distances of its median to its percentile 5: 5
standard deviations of noise, which hardly any pixel of a blank image has."""

LEVELS = 65536
CLASS_LEVELS = 256
"""Levels in which three classes are looked for; the time grows with their square."""


def without_background(image: Image, window_pixels: float, grid_pixels: float) -> Image:
    """Get an image minus the level around and below its objects.

    The background is what a grey opening leaves of the means of small squares, smooth, with
    straight lines between the squares.

    Parameters
    ----------
    window_pixels
        Edge of the window of the opening: larger than any group of objects without background.
    grid_pixels
        Edge of the squares.
    """
    step = max(1, round(grid_pixels))
    window = max(3, round(window_pixels / step))
    down, across = (_squares(edge, step) for edge in image.shape)
    sums = np.add.reduceat(np.add.reduceat(image, down, 0), across, 1)
    sizes = np.outer(np.diff(down, append=image.shape[0]), np.diff(across, append=image.shape[1]))
    grid = blurred(opened((sums / sizes).astype(np.float32), window), window / 4)
    return image - _between(_between(grid, image.shape[0], down).T, image.shape[1], across).T


def half_level(image: Image) -> float:
    """Get the level half way between background and objects, or what noise does not reach.

    Otsu's threshold parts the pixels into two groups; the level is half way between their medians,
    because their means, and so Otsu's own level, are drawn together by the pixels of soft borders.
    """
    counts, low, step = _levels(image)
    if not step:
        return low
    otsu = otsu_threshold(counts)
    below, above = np.cumsum(counts[: otsu + 1]), np.cumsum(counts[otsu + 1 :])
    noise, background = _level(below, 0.05), _level(below, 0.5)
    objects = otsu + 1 + _level(above, 0.5)
    return low + step * max(
        (background + objects) / 2, background + NOISE_FACTOR * (background - noise)
    )


def lower_level_of_three(image: Image) -> float:
    """Get the lower one of the two levels that part the pixels into three groups, by Otsu's method.

    The variance between the groups is the largest that any two of 256 levels give.
    """
    counts, low, step = _levels(image)
    if not step:
        return low
    pixels = counts.reshape(CLASS_LEVELS, -1).sum(1).astype(np.float64)
    number = np.cumsum(np.append(0, pixels))
    total = np.cumsum(np.append(0, pixels * np.arange(CLASS_LEVELS)))
    # the share of the variance of a group is its squared sum by its number of pixels
    count, summed = number[None] - number[:, None], total[None] - total[:, None]
    share = np.divide(summed**2, count, out=np.zeros_like(count), where=count > 0)
    between = np.triu(share[0, :, None] + share + share[None, :, -1], 1)
    first = int(np.argmax(between)) // (CLASS_LEVELS + 1)
    return low + step * first * (LEVELS // CLASS_LEVELS)


def _levels(image: Image) -> tuple[Counts, float, float]:
    """The number of pixels at each of 65,536 levels, the lowest one, and the step between two.

    The step is 0 where all pixels are the same.
    """
    low, high = float(image.min()), float(image.max())
    step = (high - low) / (LEVELS - 1)
    if not step:
        return np.array([image.size]), low, 0.0
    counts = histogram(((image - low) / step).astype(np.uint16))
    return np.append(counts, np.zeros(LEVELS - len(counts), np.int64)), low, step


def _level(cumulative: Counts, share: float) -> int:
    """The level up to which a share of the pixels is."""
    return int(np.searchsorted(cumulative, share * int(cumulative[-1])))


def _squares(pixels: int, step: int) -> NDArray[np.int64]:
    """The first pixel of each square along an edge."""
    return np.arange(0, pixels, step, dtype=np.int64)


def _between(grid: Image, pixels: int, starts: NDArray[np.int64]) -> Image:
    """The rows of a grid at each pixel: straight lines between the middles of its squares.

    There is no product of matrices, because its rounding differs from processor to processor.
    """
    middles = (starts + np.append(starts[1:], pixels) - 1) / 2
    place = np.interp(np.arange(pixels), middles, np.arange(len(starts)))
    before = np.minimum(place.astype(np.int64), max(0, len(starts) - 2))
    share = (place - before).astype(np.float32)[:, None]
    after = np.minimum(before + 1, len(starts) - 1)
    between = grid[before] * (1 - share) + grid[after] * share
    return between.astype(np.float32, copy=False)
