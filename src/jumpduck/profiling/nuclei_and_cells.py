"""Nuclei in a plane, and cells around nuclei, by thresholds and watersheds."""

import numpy as np

from jumpduck.profiling.divided import divide_touching, fill_small_holes
from jumpduck.profiling.filters import Image, Mask, blurred, distance_from, flooded
from jumpduck.profiling.levels import half_level, lower_level_of_three, without_background
from jumpduck.profiling.objects import Labels

REACH_UM = 10.0
"""The distance from a nucleus that counts as much as brightness that is less by a factor of e."""

SMOOTHING_UM = 0.6
"""Standard deviation of the Gaussian that planes are smoothed with."""

MOST_SMOOTH = 16
"""Standard deviations of that Gaussian that an edge of the image has at least."""

BACKGROUND_DIAMETERS = 2.5
"""Edge of the window that the background is the least of, in diameters of the largest nucleus."""

CELL_BACKGROUND_DIAMETERS = 4.0
"""That of cells, which are larger and denser."""

GRID_UM = 5.0
"""Edge of the squares whose means the background is looked for in."""

PEDESTAL_SHARE = 0.01
"""What is added to the levels of cells before their logarithm, as a share of the percentile 99.9,
because the logarithm would make large differences of small ones near 0."""


def nuclei_in(
    plane: Image, pixel_um: float, diameters_pixels: tuple[float, float]
) -> tuple[Labels, int]:
    """Get the nuclei of a plane and their number.

    The plane is smoothed, its background subtracted, and Otsu's threshold taken; holes are filled,
    and touching nuclei are divided by a watershed of the distance to their border.

    Parameters
    ----------
    pixel_um
        Edge of a pixel in micrometres.
    diameters_pixels
        The least and the largest diameter of a nucleus.
    """
    smooth = _smooth(plane, pixel_um)
    window = BACKGROUND_DIAMETERS * diameters_pixels[1]
    bright = without_background(smooth, window, GRID_UM / pixel_um)
    return nuclei_of_mask(bright > half_level(bright), pixel_um, diameters_pixels)


def nuclei_of_mask(
    mask: Mask, pixel_um: float, diameters_pixels: tuple[float, float]
) -> tuple[Labels, int]:
    """Get the nuclei of a mask, without its small holes, divided where they touch."""
    least, _ = diameters_pixels
    speck = max(1, SMOOTHING_UM / pixel_um)
    return divide_touching(fill_small_holes(mask, least), least / 2, 4 * speck**2)


def cells_in(
    plane: Image, nuclei: Labels, pixel_um: float, diameters_pixels: tuple[float, float]
) -> Labels:
    """Get the cells of nuclei in a plane that shows whole cells.

    Cells are bright in the middle and dim at their border, therefore there are three groups of
    pixels, of which the middle one belongs to the cells, and levels are compared as logarithms.
    """
    least, largest = diameters_pixels
    smooth = np.maximum(_smooth(plane, pixel_um), 0)
    pedestal = PEDESTAL_SHARE * float(np.quantile(smooth, 0.999))
    if not pedestal:
        return nuclei.copy()
    window = CELL_BACKGROUND_DIAMETERS * largest
    bright = without_background(np.log(smooth + pedestal), window, GRID_UM / pixel_um)
    mask = fill_small_holes(bright > lower_level_of_three(bright), least)
    return cells_around(nuclei, mask, bright * (REACH_UM / pixel_um))


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


def _smooth(plane: Image, pixel_um: float) -> Image:
    """A plane without noise; a size of pixels that cannot be does not make it take hours."""
    return blurred(plane, min(SMOOTHING_UM / pixel_um, max(plane.shape) / MOST_SMOOTH))


def _any_of_four(mask: Mask) -> Mask:
    """A mask at half of the resolution: where one of four pixels has it."""
    height, width = mask.shape
    even = np.pad(mask, ((0, height % 2), (0, width % 2)))
    return even[::2, ::2] | even[1::2, ::2] | even[::2, 1::2] | even[1::2, 1::2]
