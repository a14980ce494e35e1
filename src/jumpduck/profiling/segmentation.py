"""The objects of a site: nuclei, cells and cytoplasms, found in its planes or given as masks."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ImageError, QueryError
from jumpduck.profiling.filters import Image
from jumpduck.profiling.local_models import (
    ModelName,
    check_model,
    nuclei_by_model,
    weights_digest,
)
from jumpduck.profiling.nuclei_and_cells import cells_around, cells_in, nuclei_in, nuclei_of_mask
from jumpduck.profiling.objects import (
    CELLS,
    CYTOPLASM,
    NUCLEI,
    Labels,
    Objects,
    flagged,
    numbered,
    sized,
)
from jumpduck.recipes.preprocessing import MAX_PIXEL_UM, MIN_PIXEL_UM

PIXEL_UM = 0.6
"""Edge of a pixel where nothing says another: 20 x and pixels of the camera added up two by two."""


@dataclass(frozen=True, kw_only=True)
class SegmentOptions:
    """How nuclei and cells are found; lengths are in micrometres.

    Attributes
    ----------
    nuclei
        Name of the channel that shows nuclei.
    cells
        Name of the channel that shows whole cells; without one there are nuclei alone.
    segmenter
        Program whose model finds the nuclei; without one, thresholds and watersheds do.
    weights
        What its weights are in: a file for cellpose, a folder with config.json for stardist.
    pixel_um
        Edge of a pixel in micrometres. With 1, all lengths are in pixels.
    nucleus_um
        Diameters that nuclei have at least and at most. What is smaller or larger is kept, and
        marked.
    """

    nuclei: str
    cells: str | None = None
    segmenter: ModelName | None = None
    weights: str | None = None
    pixel_um: float = PIXEL_UM
    nucleus_um: tuple[float, float] = (6.0, 45.0)

    def __post_init__(self) -> None:
        """Check the options.

        Raises
        ------
        QueryError
            A length is out of range, the least diameter is not below the largest, or there are
            weights without a program.
        """
        if not MIN_PIXEL_UM <= self.pixel_um <= MAX_PIXEL_UM:
            raise QueryError(
                f"pixel_um {self.pixel_um} is not an edge of a pixel in micrometres; give one "
                f"from {MIN_PIXEL_UM} to {MAX_PIXEL_UM}, such as {PIXEL_UM}"
            )
        least, largest = self.nucleus_um
        if not 0 < least < largest < np.inf:
            raise QueryError(
                f"nucleus_um {least}, {largest} are not the least and the largest diameter of a "
                "nucleus; give two numbers above 0, the smaller one first"
            )
        if self.segmenter is None and self.weights is not None:
            raise QueryError(f"weights {self.weights} are of no use without `segmenter`; give both")

    def digests(self) -> dict[str, str]:
        """Get the SHA-256 of the weights, if a model is asked for.

        Raises
        ------
        QueryError
            The model cannot be used, as `jumpduck.profiling.local_models.check_model` says.
        """
        if self.segmenter is None:
            return {}
        return {"weights": weights_digest(check_model(self.segmenter, self.weights))}

    @property
    def diameters_pixels(self) -> tuple[float, float]:
        """The least and the largest diameter of a nucleus in pixels."""
        least, largest = self.nucleus_um
        return least / self.pixel_um, largest / self.pixel_um


Planes = Mapping[str, NDArray[np.unsignedinteger | np.floating]]
Masks = Mapping[str, NDArray[np.integer]]


def segment(planes: Planes, options: SegmentOptions, masks: Masks | None = None) -> Objects:
    """Get the nuclei of a site, its cells if a channel or a mask shows them, and cytoplasms.

    A blank plane has no object. The cytoplasm is the cell without the nucleus.

    Parameters
    ----------
    planes
        By channel; of shape (height, width), whole numbers or floats. Pixels of floats that are
        not numbers count as background.
    masks
        What is known already: ``Nuclei``, ``Cells``, ``Cytoplasm`` or some of them. A mask has one
        value beside 0; its objects may touch. An image with several values beside 0 has numbered
        objects, and what has one number in two of them is one cell. Cells of a mask are parted
        between the nuclei; nuclei of a mask have the numbers of the cells that they lie in.

    Raises
    ------
    QueryError
        There is no plane of a channel that is needed, or no mask of this name.
    ImageError
        Planes or masks differ in size, or a model failed.
    """
    given = _given(masks or {})
    needed = {options.nuclei: "nuclei"} if NUCLEI not in given else {}
    if options.cells is not None and CELLS not in given:
        needed |= {options.cells: "cells"}
    images = {name: _plane(planes, name, option) for name, option in needed.items()}
    _check_sizes(images, given)
    nuclei = _nuclei(images, options, given)
    found = {NUCLEI: nuclei}
    if CELLS in given or options.cells is not None:
        cells = _cells(images, options, given, nuclei)
        rest = given.get(CYTOPLASM)
        if rest is None or _has_one_value(rest):
            outside = nuclei == 0 if rest is None else (nuclei == 0) & (rest > 0)
            rest = np.where(outside, cells, 0)
        found |= {CELLS: cells, CYTOPLASM: rest}
    # what is found here has numbers without gaps
    labels, count = numbered(found) if given else (found, int(nuclei.max()))
    return flagged(labels, count, options.diameters_pixels)


def _given(masks: Masks) -> dict[str, Labels]:
    """Masks as label images: their numbers agree, and a mask with one value is 0 and 1."""
    known = (NUCLEI, CELLS, CYTOPLASM)
    for name in masks:
        if name not in known:
            raise QueryError(f"masks have {name!r}, which is not one of {', '.join(known)}")
    several = {name: mask for name, mask in masks.items() if not _has_one_value(mask)}
    one = {name: (mask > 0).astype(np.int32) for name, mask in masks.items() if name not in several}
    return one | (numbered(several)[0] if several else {})


def _nuclei(
    images: Mapping[str, Image], options: SegmentOptions, masks: Mapping[str, Labels]
) -> Labels:
    given, cells = masks.get(NUCLEI), masks.get(CELLS)
    if given is not None and not _has_one_value(given):
        labels = given
    elif given is not None:
        labels, _ = nuclei_of_mask(given > 0, options.pixel_um, options.diameters_pixels)
    elif options.segmenter is not None:
        labels, _ = nuclei_by_model(images[options.nuclei], options.segmenter, options.weights)
    else:
        labels, _ = nuclei_in(images[options.nuclei], options.pixel_um, options.diameters_pixels)
    if cells is None or _has_one_value(cells) or (given is not None and labels is given):
        return labels
    return np.where(labels > 0, cells, 0)


def _cells(
    images: Mapping[str, Image],
    options: SegmentOptions,
    masks: Mapping[str, Labels],
    nuclei: Labels,
) -> Labels:
    given = masks.get(CELLS)
    if given is not None:
        return cells_around(nuclei, given > 0) if _has_one_value(given) else given
    plane = images[options.cells or ""]
    return cells_in(plane, nuclei, options.pixel_um, options.diameters_pixels)


def _has_one_value(image: NDArray[np.integer]) -> bool:
    """Whether an image is a mask: its values beside 0 are all the same."""
    values = image[image > 0]
    return not values.size or bool(values.min() == values.max())


def _check_sizes(images: Mapping[str, Image], masks: Mapping[str, Labels]) -> None:
    named: dict[str, NDArray[np.generic]] = {
        f"channel {name}": image for name, image in images.items()
    }
    named |= {f"mask {name}": mask for name, mask in masks.items()}
    (first, image), *others = named.items()
    for other, one in others:
        if one.shape != image.shape:
            raise ImageError(
                f"{other} has {sized(one)}, {first} {sized(image)}; planes and masks of a site "
                "need one size"
            )


def _plane(planes: Planes, name: str, option: str) -> Image:
    if name not in planes:
        raise QueryError(
            f"{option} {name!r} is not a channel of the site; there is {', '.join(planes)}"
        )
    plane = planes[name]
    if plane.ndim != 2 or not plane.size:
        raise ImageError(f"channel {name} is not a plane: its shape is {plane.shape}")
    with np.errstate(over="ignore"):  # what is too large becomes infinite
        image = plane.astype(np.float32)
    if plane.dtype.kind == "f" and not np.isfinite(image).all():
        number = np.isfinite(image)
        image[~number] = image[number].min(initial=np.inf) if number.any() else 0
    return image
