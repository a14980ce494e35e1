"""Nuclei and cells of a site, by thresholds and watersheds; no model."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ImageError, QueryError
from jumpduck.profiling.divided import divide_touching, fill_small_holes
from jumpduck.profiling.filters import Image, Mask, blurred, distance_from, flooded
from jumpduck.profiling.levels import half_level, lower_level_of_three, without_background
from jumpduck.profiling.objects import CELLS, CYTOPLASM, NUCLEI, Labels, Objects, flagged, sized

REACH_UM = 10.0
"""The distance from a nucleus that counts as much as brightness that is less by a factor of e."""

PIXEL_UM = 0.6
"""Edge of a pixel where nothing says another: 20 x and pixels of the camera added up two by two."""

SMOOTHING_UM = 0.6
"""Standard deviation of the Gaussian that planes are smoothed with."""

BACKGROUND_DIAMETERS = 2.5
"""Edge of the window that the background is the least of, in diameters of the largest nucleus."""

CELL_BACKGROUND_DIAMETERS = 4.0
"""That of cells, which are larger and denser."""

GRID_UM = 5.0
"""Edge of the squares whose means the background is looked for in."""

PEDESTAL_SHARE = 0.01
"""What is added to the levels of cells before their logarithm, as a share of the percentile 99.9,
because the logarithm would make large differences of small ones near 0."""


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
        cells = _cells(plane, labels, options)
        found[CELLS], found[CYTOPLASM] = cells, np.where(labels == 0, cells, 0)
    return flagged(found, count, options.diameters_pixels)


def cells_around(nuclei: Labels, mask: Mask, brightness: Image | None = None) -> Labels:
    """Get the cells of nuclei: the watershed from the nuclei within a mask.

    The watershed floods what is near to a nucleus before what is far, and what is bright before
    what is dark. It is done at half of the resolution, because that takes a fifth of the time, and
    images do not show the line between two cells that touch more exactly. The border of the mask
    is that of whole pixels. A nucleus is part of its cell.

    Parameters
    ----------
    mask
        Where cells are.
    brightness
        Brightness of cells, in pixels: by so much a place is nearer.
    """
    if not nuclei.any():
        return np.zeros_like(nuclei)
    wanted = mask | (nuclei > 0)
    seeds, within = nuclei[::2, ::2], _any_of_four(wanted)
    nearness = -2 * distance_from(seeds > 0)
    if brightness is not None:
        nearness += brightness[::2, ::2]
    rough = flooded(nearness, seeds, within)
    whole = rough.repeat(2, 0).repeat(2, 1)[: mask.shape[0], : mask.shape[1]]
    return np.where(nuclei > 0, nuclei, np.where(wanted, whole, 0))


def _any_of_four(mask: Mask) -> Mask:
    """A mask at half of the resolution: where one of four pixels has it."""
    height, width = mask.shape
    even = np.pad(mask, ((0, height % 2), (0, width % 2)))
    return even[::2, ::2] | even[1::2, ::2] | even[::2, 1::2] | even[1::2, 1::2]


def _nuclei(plane: Image, options: SegmentOptions) -> tuple[Labels, int]:
    """The nuclei of a plane and their number."""
    least, largest = options.diameters_pixels
    smooth = blurred(plane, SMOOTHING_UM / options.pixel_um)
    window = BACKGROUND_DIAMETERS * largest
    bright = without_background(smooth, window, GRID_UM / options.pixel_um)
    mask = fill_small_holes(bright > half_level(bright), least)
    speck = max(1, SMOOTHING_UM / options.pixel_um)
    return divide_touching(mask, least / 2, 4 * speck**2)


def _cells(plane: Image, nuclei: Labels, options: SegmentOptions) -> Labels:
    """The cells of nuclei.

    Cells are bright in the middle and dim at their border, therefore there are three groups of
    pixels, of which the middle one belongs to the cells, and levels are compared as logarithms.
    """
    least, largest = options.diameters_pixels
    smooth = np.maximum(blurred(plane, SMOOTHING_UM / options.pixel_um), 0)
    pedestal = PEDESTAL_SHARE * float(np.quantile(smooth, 0.999))
    if not pedestal:
        return nuclei.copy()
    window = CELL_BACKGROUND_DIAMETERS * largest
    bright = without_background(np.log(smooth + pedestal), window, GRID_UM / options.pixel_um)
    mask = fill_small_holes(bright > lower_level_of_three(bright), least)
    return cells_around(nuclei, mask, bright * (REACH_UM / options.pixel_um))


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
