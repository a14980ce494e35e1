"""Masks of objects that may touch, divided into objects."""

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ImageError
from jumpduck.profiling.filters import (
    Mask,
    blurred,
    boxes,
    connected,
    depth_of,
    flooded,
    highest_around,
)
from jumpduck.profiling.objects import MAX_OBJECTS, Labels

NECK_SHARE = 0.85
"""Two parts are two objects if the neck between them is narrower than this share of the smaller."""


NEAREST = 8
"""Higher places that a place is compared with: in a mask like a net there are thousands."""


def divide_touching(mask: Mask, least_radius: float, speck_pixels: float) -> tuple[Labels, int]:
    """Get the objects of a mask, divided where one has a neck.

    The middle of a part is where the distance to the border has a maximum. Of two such places the
    lower one belongs to the higher one if the distance stays above `NECK_SHARE` of its own on the
    straight line between them; else each is the seed of an object in a watershed of the distance.

    Parameters
    ----------
    least_radius
        Radius in pixels of the smallest object. Parts that have less than half of it, such as
        bulges, do not count.
    speck_pixels
        Connected pixels that are fewer are noise and left out.

    Raises
    ------
    ImageError
        There are more objects than `jumpduck.profiling.objects.MAX_OBJECTS`.

    Returns
    -------
    tuple
        The label image and the number of objects. Numbers go by the first row of an object, then
        by its column; those of a divided one follow each other.
    """
    whole = connected(mask)
    areas = np.bincount(whole.ravel())
    if np.count_nonzero(areas[1:] >= speck_pixels) > MAX_OBJECTS:
        raise ImageError(f"more than {MAX_OBJECTS} objects, which a site may have")
    found = np.zeros(mask.shape, np.int32)
    count = 0
    for number, box in enumerate(boxes(whole), 1):
        if box is None or areas[number] < speck_pixels:
            continue
        inside = whole[box] == number
        place = found[box]
        seeds, parts = _seeds(inside, least_radius)
        if parts > 1:
            depth, markers = seeds
            # smooth, because steps of whole pixels would move the line to one side
            smooth = blurred(depth, least_radius / 3)
            place[inside] = flooded(smooth, markers, inside)[inside] + count
        else:
            place[inside] = count + 1
        count += parts
    return found, count


def fill_small_holes(mask: Mask, diameter: float) -> Mask:
    """Get a mask without the holes whose area is less than that of a circle."""
    outside = connected(~mask)
    areas = np.bincount(outside.ravel())
    filled = areas < np.pi / 4 * diameter**2
    for edge in (outside[0], outside[-1], outside[:, 0], outside[:, -1]):
        filled[edge] = False
    filled[0] = True  # the mask itself
    return filled[outside]


def _seeds(inside: Mask, least_radius: float) -> tuple[tuple[NDArray[np.float64], Labels], int]:
    """The distance to the border, the seeds of a connected part, and their number."""
    depth = depth_of(inside)
    edge = 2 * max(1, round(least_radius / 2)) + 1
    peaks = (depth == highest_around(depth, edge)) & (depth >= least_radius / 2)
    places = np.argwhere(peaks)
    heights = depth[peaks]
    order = np.argsort(-heights, kind="stable")
    places, heights = places[order], heights[order]
    groups = np.zeros(len(places), np.int32)
    parts = 0
    for one, (place, height) in enumerate(zip(places, heights, strict=True)):
        for other in _nearest(places[:one], place):
            if _neck(depth, place, places[other]) >= NECK_SHARE * height:
                groups[one] = groups[other]
                break
        else:
            parts += 1
            groups[one] = parts
    markers = np.zeros(inside.shape, np.int32)
    markers[tuple(places.T)] = groups
    return (depth, markers), max(1, parts)


def _nearest(places: NDArray[np.int64], place: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers of the places that are nearest to one, the nearest first."""
    rows, columns = (places - place).T
    far = rows**2 + columns**2
    few = np.argpartition(far, NEAREST)[:NEAREST] if len(far) > NEAREST else np.arange(len(far))
    return few[np.argsort(far[few], kind="stable")]


def _neck(depth: NDArray[np.float64], start: NDArray[np.int64], end: NDArray[np.int64]) -> float:
    """The least distance to the border on the straight line between two places."""
    steps = int(np.abs(end - start).max()) + 1
    rows, columns = np.rint(np.linspace(start, end, steps)).astype(np.int64).T
    return float(depth[rows, columns].min())
