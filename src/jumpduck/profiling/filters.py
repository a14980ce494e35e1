"""The filters of scipy and scikit-image that are used here, with types.

scikit-image is imported when it is needed, because that takes 0.3 s.
"""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage  # pyright: ignore[reportMissingTypeStubs]

from jumpduck.profiling.objects import Labels

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]
Float = TypeVar("Float", np.float32, np.float64)
Box = tuple[slice, slice]

_scipy: Any = ndimage


def blurred(image: NDArray[Float], sigma: float) -> NDArray[Float]:
    """Get the Gaussian mean of an image, whose border goes on as it is."""
    return _scipy.gaussian_filter(image, sigma, mode="nearest", truncate=3.0)


def opened(image: Image, edge: int) -> Image:
    """Get an image without what is bright and fits into no square of so many pixels."""
    return _scipy.grey_opening(image, edge, mode="nearest")


def highest_around(image: NDArray[np.float64], edge: int) -> NDArray[np.float64]:
    """Get the highest value of the square of so many pixels around each pixel."""
    return _scipy.maximum_filter(image, edge)


def depth_of(mask: Mask) -> NDArray[np.float64]:
    """Get the distance of each pixel to the nearest one that is not in the mask, in pixels.

    What is beyond the image is not in the mask.
    """
    return _scipy.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]


def distance_from(mask: Mask) -> NDArray[np.float64]:
    """Get the distance of each pixel to the nearest one of a mask that has one, in pixels."""
    return _scipy.distance_transform_edt(~mask)


def connected(mask: Mask) -> Labels:
    """Number the parts of a mask whose pixels touch by an edge, in the order of their rows."""
    labels: Labels = _scipy.label(mask)[0]
    return labels


def boxes(labels: Labels) -> list[Box | None]:
    """Get the rows and columns of each object; None for a number without a pixel."""
    return _scipy.find_objects(labels)


def flooded(image: NDArray[np.floating], seeds: Labels, within: Mask) -> Labels:
    """Get the watershed of an image from seeds, from bright to dark, within a mask."""
    from skimage import segmentation  # pyright: ignore[reportMissingTypeStubs]

    watershed: Any = segmentation.watershed  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return watershed(-image, seeds, mask=within).astype(np.int32, copy=False)


def medians_around(levels: NDArray[np.uint16], within: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Get the median of the neighbours of each pixel; those beyond the image do not count.

    Parameters
    ----------
    levels
        Values of at most 10 bit, because they are counted.
    within
        Which neighbours count.
    """
    from skimage.filters import rank  # pyright: ignore[reportMissingTypeStubs]

    median: Any = rank.median  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return median(levels, within)


def between(image: NDArray[np.floating], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Get the values of an image between its pixels, along straight lines.

    Parameters
    ----------
    places
        Rows and columns, of shape (2, height, width).
    """
    return _scipy.map_coordinates(image, places, order=1, mode="nearest")
