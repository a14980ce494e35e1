"""The objects of one site: label images that agree in their numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ImageError

Labels = NDArray[np.int32]
"""An image of objects: 0 is background, the pixels of object n have the value n."""

MAX_OBJECTS = 100_000
"""Objects of a site at most; each becomes a row, and a file of noise has one a pixel."""

NUCLEI, CELLS, CYTOPLASM = "Nuclei", "Cells", "Cytoplasm"
"""Names of label images, as CellProfiler calls its objects."""


@dataclass(frozen=True)
class Objects:
    """Label images of one site: the same number in each is the same cell.

    Attributes
    ----------
    labels
        By name: ``Nuclei``, ``Cells``, ``Cytoplasm``, or some of them, in this order; each of
        shape (height, width). An object may have no pixel in one of them, such as a cytoplasm
        that the nucleus covers.
    count
        Number of objects; their numbers are 1 to `count`.
    flags
        What is doubtful, by row (row 0 is object 1): ``touches_border``, ``too_small`` and
        ``too_large`` say it of the first label image, ``cell_touches_border`` of ``Cells``.
        Objects with a flag stay in the table; a reader can leave them out by the flag.
    """

    labels: Mapping[str, Labels]
    count: int
    flags: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict[str, NDArray[np.bool_]])

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the label images in pixels."""
        height, width = next(iter(self.labels.values())).shape
        return height, width


def flagged(
    labels: Mapping[str, Labels], count: int, diameters_pixels: tuple[float, float]
) -> Objects:
    """Get objects with their flags.

    Parameters
    ----------
    labels
        As `Objects` has them; at least one.
    diameters_pixels
        Diameters of the circles whose areas are the least and the largest that an object of the
        first label image should have.

    Raises
    ------
    ImageError
        The label images differ in size.
    """
    first, *others = labels
    for name in others:
        if labels[name].shape != labels[first].shape:
            raise ImageError(
                f"objects {name} have {sized(labels[name])}, objects {first} {sized(labels[first])}"
            )
    areas = np.bincount(labels[first].ravel(), minlength=count + 1)[1:]
    least, largest = (np.pi / 4 * diameter**2 for diameter in diameters_pixels)
    flags = {
        "touches_border": _at_border(labels[first], count),
        "too_small": areas < least,
        "too_large": areas > largest,
    }
    if CELLS in others:
        flags["cell_touches_border"] = _at_border(labels[CELLS], count)
    return Objects(labels, count, flags)


def numbered(
    labels: Mapping[str, NDArray[np.integer]],
) -> tuple[dict[str, Labels], int]:
    """Get label images whose numbers are 1 to the number of objects, and that number.

    Their order stays, and what has the same number in two of them has so afterwards.

    Parameters
    ----------
    labels
        Whole numbers from 0 of any size, which may have gaps.

    Raises
    ------
    ImageError
        There are more than `MAX_OBJECTS`.
    """
    there = np.unique(np.concatenate([np.unique(image) for image in labels.values()]))
    numbers = there[there > 0]
    if len(numbers) > MAX_OBJECTS:
        raise ImageError(
            f"{len(numbers)} objects in {', '.join(labels)}; a site may have {MAX_OBJECTS}"
        )
    first = 1 - np.count_nonzero(there == 0)
    found = {
        name: (np.searchsorted(there, image) + first).astype(np.int32)
        for name, image in labels.items()
    }
    return found, len(numbers)


def sized(image: NDArray[np.generic]) -> str:
    """Get the size of an image as messages have it."""
    return " x ".join(str(edge) for edge in reversed(image.shape)) + " pixels"


def _at_border(labels: Labels, count: int) -> NDArray[np.bool_]:
    at_border = np.zeros(count + 1, np.bool_)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        at_border[edge] = True
    return at_border[1:]
