"""Typed doors to functions of scipy and centrosome, whose own signatures say nothing of types."""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def bounding_boxes(labels: NDArray[np.int32]) -> list[tuple[slice, slice]]:
    """Get the bounding box of each of the labels 1..n, of which none is absent."""
    return _ndimage().find_objects(labels)


def distance_to_background(mask: NDArray[np.bool_]) -> Floats:
    """Get each pixel's Euclidean distance to the nearest one outside the mask."""
    return _ndimage().distance_transform_edt(mask)


def holes(mask: NDArray[np.bool_]) -> int:
    """Get how many pixels of background the mask encloses.

    The background is 8-connected, as in scikit-image's ``area_filled``.
    """
    outside = np.pad(~mask, 1, constant_values=True)
    parts, _ = _ndimage().label(outside, np.ones((3, 3)))
    return int(np.count_nonzero(outside) - np.count_nonzero(parts == parts[0, 0]))


def convex_hulls(labels: NDArray[np.int32], count: int) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Get the corners of the convex hulls of objects 1..n, and how many each object has.

    Returns
    -------
    tuple of array of shape (corners, 3) and array of shape (n,)
        A corner is its label, row and column.
    """
    return _morphology().convex_hull(labels, np.arange(1, count + 1))


def feret_diameters(hulls: tuple[NDArray[Any], NDArray[Any]]) -> tuple[Floats, Floats]:
    """Get the smallest and the largest Feret diameter of each object."""
    corners, counts = hulls
    return _morphology().feret_diameter(corners, counts, np.arange(1, len(counts) + 1))


def enclosing_circles(
    labels: NDArray[np.int32], hulls: tuple[NDArray[Any], NDArray[Any]]
) -> tuple[Floats, Floats]:
    """Get the centre, of shape (n, 2), and the radius of each object's smallest circle."""
    numbers = np.arange(1, len(hulls[1]) + 1)
    return _morphology().minimum_enclosing_circle(labels, numbers, hulls)


def opened_by_disk(image: Floats, radius: int) -> Floats:
    """Get an image without what is bright and fits into a disk; borders are mirrored."""
    across = np.arange(-radius, radius + 1)
    disk = across[:, None] ** 2 + across**2 <= radius**2

    def filtered(how: Any, image: Floats) -> Floats:  # noqa: ANN401 - scipy has no types
        # the border is mirrored here, because scipy reads other memory where the disk is larger
        # than the image
        wide = np.pad(image, radius, mode="symmetric")
        return how(wide, footprint=disk)[radius:-radius, radius:-radius]

    return filtered(_ndimage().grey_dilation, filtered(_ndimage().grey_erosion, image))


def nearest_points(points: Floats, count: int) -> NDArray[np.int64]:
    """Get the indices of so many points, or all, that are nearest to each point, itself included.

    Of shape (points, count).
    """
    from scipy import spatial  # pyright: ignore

    wanted = np.arange(1, min(count, len(points)) + 1)
    return cast("Any", spatial).cKDTree(points).query(points, wanted)[1]


def pearson(x: Floats, y: Floats) -> float:
    """Get the correlation of two channels, neither of which is constant."""
    from scipy import stats  # pyright: ignore

    return float(cast("Any", stats).pearsonr(x, y)[0])


def _ndimage() -> Any:  # noqa: ANN401 - scipy has no types
    from scipy import ndimage  # pyright: ignore

    return ndimage


def _morphology() -> Any:  # noqa: ANN401 - centrosome has no types
    from centrosome import cpmorphology  # pyright: ignore

    return cpmorphology
