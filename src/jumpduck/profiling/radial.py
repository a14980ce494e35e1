"""How light lies between the centre and the edge of objects, in CellProfiler's numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jumpduck.profiling.distances import distance_in_image, distance_to_centre
from jumpduck.profiling.grey_values import GreyValues
from jumpduck.profiling.regions import Floats, Integers, Regions, totals

BINS = 4
"""Rings of each object; CellProfiler's default."""

WEDGES = 8
"""Parts of a ring whose means are compared."""


@dataclass(frozen=True)
class Rings:
    """Which pixel is in which ring and wedge of its object.

    Parameters
    ----------
    pixels
        Indices of the pixels that the object's centre is connected with.
    wedge
        (object x (`BINS` + 1) + ring) x `WEDGES` + wedge, for each of them. By rounding a pixel
        might come after the last ring; it counts in the sums and has no feature of its own.
    pixels_in_wedge
        Pixels of each object, ring and wedge.
    """

    pixels: Integers
    wedge: Integers
    pixels_in_wedge: Floats


def rings(objects: Regions) -> Rings:
    """Divide objects into rings, from the pixel that is farthest from the edge.

    The share of the way from that centre to the edge is d / (d + e + 0.001), with d the length of
    the shortest path to the centre inside of the object, in steps of 1 and of the square root of
    2, and e the distance to the edge.
    """
    to_edge = distance_in_image(objects)
    centre = objects.first(to_edge == objects.largest(to_edge)[objects.owner])
    to_centre = distance_to_centre(objects, centre)
    pixels = np.flatnonzero(np.isfinite(to_centre))
    owner, to_centre = objects.owner[pixels].astype(np.int64), to_centre[pixels]
    share = to_centre / (to_centre + to_edge[pixels] + 0.001)
    ring = np.minimum((share * BINS).astype(np.int64), BINS)
    down = (objects.rows - objects.rows[centre][objects.owner])[pixels]
    right = (objects.columns - objects.columns[centre][objects.owner])[pixels]
    wedge = (down > 0) + 2 * (right > 0) + 4 * (np.abs(down) > np.abs(right))
    wedge += (owner * (BINS + 1) + ring) * WEDGES
    shape = (objects.count, BINS + 1, WEDGES)
    counts = np.bincount(wedge, minlength=objects.count * (BINS + 1) * WEDGES)
    return Rings(pixels, wedge, counts.reshape(shape).astype(np.float64))


def radial_distribution(values: GreyValues, parts: Rings) -> dict[tuple[str, str], Floats]:
    """Get how light lies in rings.

    ``FracAtD`` is a ring's share of the light, ``MeanFrac`` that divided by its share of the
    pixels. ``RadialCV`` is the coefficient of variation of the means of its eight wedges.

    Returns
    -------
    dict
        By feature and ring, such as ``("FracAtD", "1of4")``.
    """
    grey = values.grey[parts.pixels]
    shape = (values.objects.count, BINS + 1)
    wedges = (*shape, WEDGES)
    wedge_light = totals(parts.wedge, grey, shape[0] * shape[1] * WEDGES).reshape(wedges)
    light = wedge_light.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = light / light.sum(axis=1, keepdims=True)
        variation = _variation(wedge_light / parts.pixels_in_wedge, parts.pixels_in_wedge > 0)
    pixels = parts.pixels_in_wedge.sum(axis=-1)
    pixel_share = pixels / pixels.sum(axis=1, keepdims=True)
    mean = share / (pixel_share + np.finfo(float).eps)
    each = {"FracAtD": share, "MeanFrac": mean, "RadialCV": variation}
    return {
        (name, f"{ring + 1}of{BINS}"): table[:, ring]
        for name, table in each.items()
        for ring in range(BINS)
    }


def _variation(means: Floats, filled: NDArray[np.bool_]) -> Floats:
    """Get the standard deviation of the filled wedges' means, divided by their mean."""
    count = filled.sum(axis=-1)
    means = np.where(filled, means, 0)
    mean = means.sum(axis=-1) / count
    squares = np.where(filled, (means - mean[..., None]) ** 2, 0).sum(axis=-1)
    # an object whose pixels are all 0 has the value 0 and not NaN, as in CellProfiler
    return np.where((count == 0) | (mean == 0), 0, np.sqrt(squares / count) / mean)
