"""Nuclei and cells of a site, by thresholds and watersheds; no model."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ImageError, QueryError
from jumpduck.imaging.transforms import Counts, histogram, otsu_threshold
from jumpduck.profiling.divided import divide_touching, fill_small_holes
from jumpduck.profiling.filters import Image, Mask, blurred, distance_from, flooded, opened
from jumpduck.profiling.objects import CELLS, CYTOPLASM, NUCLEI, Labels, Objects, flagged, sized

REACH_UM = 10.0
"""The distance from a nucleus that counts as much as the median brightness of cells."""

PIXEL_UM = 0.6
"""Edge of a pixel where nothing says another: 20 x and pixels of the camera added up two by two."""

SMOOTHING_UM = 0.6
"""Standard deviation of the Gaussian that nuclei are smoothed with."""

CELL_SMOOTHING_UM = 1.2
"""That of the channel of cells, which has more texture."""

BACKGROUND_DIAMETERS = 2.5
"""Edge of the window that the background is the least of, in diameters of the largest nucleus."""

BACKGROUND_GRID_UM = 5.0
"""Edge of the squares whose means the background is looked for in."""

NOISE_FACTOR = 4.5
"""How far above the background objects are, in distances of its median to its percentile 5: 5
standard deviations of noise, which hardly any pixel of a blank image has."""


@dataclass(frozen=True, kw_only=True)
class SegmentOptions:
    """How nuclei and cells are found; lengths are in micrometres.

    Attributes
    ----------
    nuclei
        Name of the channel that shows nuclei.
    cells
        Name of the channel that shows whole cells; without one there are nuclei alone.
    pixel_um
        Edge of a pixel in micrometres. With 1, all lengths are in pixels.
    nucleus_um
        Diameters that nuclei have at least and at most. What is smaller or larger is kept, and
        marked.
    """

    nuclei: str
    cells: str | None = None
    pixel_um: float = PIXEL_UM
    nucleus_um: tuple[float, float] = (6.0, 45.0)

    def __post_init__(self) -> None:
        """Check the lengths.

        Raises
        ------
        QueryError
            One is not a number above 0, or the least diameter is not below the largest.
        """
        if not 0 < self.pixel_um < np.inf:
            raise QueryError(
                f"pixel_um {self.pixel_um} is not an edge of a pixel in micrometres; give one "
                f"above 0, such as {PIXEL_UM}"
            )
        least, largest = self.nucleus_um
        if not 0 < least < largest < np.inf:
            raise QueryError(
                f"nucleus_um {least}, {largest} are not the least and the largest diameter of a "
                "nucleus; give two numbers above 0, the smaller one first"
            )

    @property
    def diameters_pixels(self) -> tuple[float, float]:
        """The least and the largest diameter of a nucleus in pixels."""
        least, largest = self.nucleus_um
        return least / self.pixel_um, largest / self.pixel_um


def segment(
    planes: Mapping[str, NDArray[np.unsignedinteger | np.floating]], options: SegmentOptions
) -> Objects:
    """Get the nuclei of a site, and its cells and cytoplasms if a channel shows cells.

    Nuclei: the plane is smoothed, its background subtracted, and Otsu's threshold taken; holes
    are filled, and touching nuclei are divided by a watershed of the distance to their border.
    Cells: from each nucleus, the watershed of the channel of cells within its own threshold.
    Cytoplasm: the cell without the nucleus. A blank plane has no object.

    Parameters
    ----------
    planes
        By channel; of shape (height, width), whole numbers or floats. Pixels of floats that are
        not numbers count as background.

    Raises
    ------
    QueryError
        There is no plane of a channel that `options` names.
    ImageError
        The planes differ in size.
    """
    nuclei_plane = _plane(planes, options.nuclei, "nuclei")
    labels, count = _nuclei(nuclei_plane, options)
    found = {NUCLEI: labels}
    if options.cells is not None:
        plane = _plane(planes, options.cells, "cells")
        if plane.shape != nuclei_plane.shape:
            raise ImageError(
                f"channel {options.cells} has {sized(plane)}, {options.nuclei} "
                f"{sized(nuclei_plane)}; segmentation needs planes of one size"
            )
        smooth, mask = _foreground(plane, CELL_SMOOTHING_UM, options)
        mask = fill_small_holes(mask, options.diameters_pixels[0])
        cells = cells_around(labels, mask, smooth, REACH_UM / options.pixel_um)
        found[CELLS], found[CYTOPLASM] = cells, np.where(labels == 0, cells, 0)
    return flagged(found, count, options.diameters_pixels)


def cells_around(
    nuclei: Labels, mask: Mask, image: Image | None = None, reach_pixels: float = 1
) -> Labels:
    """Get the cells of nuclei: the watershed from the nuclei within a mask.

    The watershed floods what is near to a nucleus before what is far, and what is bright before
    what is dark. It is done at half of the resolution, because that takes a fifth of the time, and
    images do not show the line between two cells that touch more exactly. The border of the mask
    is that of whole pixels. A nucleus is part of its cell.

    Parameters
    ----------
    mask
        Where cells are.
    image
        Brightness of cells; without it the distance alone counts.
    reach_pixels
        The distance in pixels that counts as much as the median brightness of the mask.
    """
    wanted = mask | (nuclei > 0)
    if not nuclei.any():
        return np.zeros_like(nuclei)
    seeds, within = nuclei[::2, ::2], _any_of_four(wanted)
    first = -2 / reach_pixels * distance_from(seeds > 0)
    if image is not None and mask.any():
        median = float(np.median(image[mask]))
        first += image[::2, ::2] / (median if median > 0 else 1)
    rough = flooded(first, seeds, within)
    whole = rough.repeat(2, 0).repeat(2, 1)[: mask.shape[0], : mask.shape[1]]
    return np.where(nuclei > 0, nuclei, np.where(wanted, whole, 0))


def _any_of_four(mask: Mask) -> Mask:
    """A mask at half of the resolution: where one of four pixels has it."""
    height, width = mask.shape
    even = np.pad(mask, ((0, height % 2), (0, width % 2)))
    return even[::2, ::2] | even[1::2, ::2] | even[::2, 1::2] | even[1::2, 1::2]


def _nuclei(plane: Image, options: SegmentOptions) -> tuple[Labels, int]:
    """The nuclei of a plane and their number."""
    _, mask = _foreground(plane, SMOOTHING_UM, options)
    least, _ = options.diameters_pixels
    speck = max(1, SMOOTHING_UM / options.pixel_um)
    return divide_touching(fill_small_holes(mask, least), least / 2, 4 * speck**2)


def _plane(
    planes: Mapping[str, NDArray[np.unsignedinteger | np.floating]], name: str, option: str
) -> Image:
    if name not in planes:
        raise QueryError(
            f"{option} {name!r} is not a channel of the site; there is {', '.join(planes)}"
        )
    plane = planes[name]
    if plane.ndim != 2 or not plane.size:
        raise ImageError(f"channel {name} is not a plane: its shape is {plane.shape}")
    image = plane.astype(np.float32)
    if plane.dtype.kind == "f" and not np.isfinite(image).all():
        number = np.isfinite(image)
        image[~number] = image[number].min(initial=np.inf) if number.any() else 0
    return image


def _foreground(image: Image, smoothing_um: float, options: SegmentOptions) -> tuple[Image, Mask]:
    """An image that is smooth and has no background, and where it is bright."""
    sigma = smoothing_um / options.pixel_um
    smooth = blurred(image, sigma)
    smooth -= _background(smooth, options)
    return smooth, smooth > _threshold(smooth)


def _background(image: Image, options: SegmentOptions) -> Image:
    """The level around and below the objects: what is left if all smaller than a window go."""
    step = max(1, round(BACKGROUND_GRID_UM / options.pixel_um))
    window = max(3, round(BACKGROUND_DIAMETERS * options.diameters_pixels[1] / step))
    down, across = (_squares(edge, step) for edge in image.shape)
    sums = np.add.reduceat(np.add.reduceat(image, down, 0), across, 1)
    sizes = np.outer(np.diff(down, append=image.shape[0]), np.diff(across, append=image.shape[1]))
    grid = blurred(opened((sums / sizes).astype(np.float32), window), window / 4)
    return _between(_between(grid, image.shape[0], down).T, image.shape[1], across).T


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


def _threshold(image: Image) -> float:
    """The level between background and objects, or what noise does not reach if that is more.

    Otsu's threshold parts the pixels into two groups; the level is half way between their medians,
    because their means, and so Otsu's own level, are drawn together by the pixels of soft borders.
    """
    low, high = float(image.min()), float(image.max())
    if not high > low:
        return high
    step = (high - low) / 65535
    counts = histogram(((image - low) / step).astype(np.uint16))
    otsu = otsu_threshold(counts)
    below, above = np.cumsum(counts[: otsu + 1]), np.cumsum(counts[otsu + 1 :])
    noise, background = _level(below, 0.05), _level(below, 0.5)
    objects = otsu + 1 + _level(above, 0.5)
    return low + step * max(
        (background + objects) / 2, background + NOISE_FACTOR * (background - noise)
    )


def _level(cumulative: Counts, share: float) -> int:
    """The level up to which a share of the pixels is."""
    return int(np.searchsorted(cumulative, share * int(cumulative[-1])))
