"""Sizes of bright spots in images and objects, by the names and the numbers of CellProfiler."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jumpduck.profiling.grey_values import GreyValues, shares
from jumpduck.profiling.library_calls import opened_by_disk
from jumpduck.profiling.regions import Floats, Integers, Regions

SUBSAMPLING = 4
"""Every fourth row and column of the image is used, and again of that for the background."""

BACKGROUND_RADIUS = 10
"""Radius, in pixels of the background's image, of what is too large to count as a spot."""

SPECTRUM = 16
"""Steps of the spectrum; CellProfiler's default."""


def without_spots(planes: Sequence[NDArray[Any]]) -> Floats | None:
    """Get images of a quarter of the size, with less and less spots.

    Returns
    -------
    array of shape (planes, `SPECTRUM`, rows, columns), or None
        Step k has what is left of an image above its background when k + 1 pixels are taken from
        the rim of each bright spot, and what is still there grows back. None for images of fewer
        than eight rows or columns, for which CellProfiler has no numbers.
    """
    if not planes or min(planes[0].shape) < 2 * SUBSAMPLING:
        return None
    values: list[Floats] = []
    limits: list[NDArray[np.int32]] = []
    for plane in planes:
        spots = _spots(plane)
        # Ranks stand for values, because only their order counts until the end, and because
        # numbers of few bits are compared faster.
        own, ranks = np.unique(spots, return_inverse=True)
        values.append(own)
        limits.append(ranks.reshape(spots.shape).astype(np.int32))
    kind = np.uint16 if max(own.size for own in values) <= 2**16 else np.int32
    height, width = limits[0].shape
    shape = (height, len(planes) * SPECTRUM, width)
    images, highest = np.empty(shape, kind), np.empty(shape, kind)
    for number, ranks in enumerate(limits):
        current = ranks.astype(kind)
        steps = slice(number * SPECTRUM, (number + 1) * SPECTRUM)
        highest[:, steps] = current[:, None]
        for step in range(steps.start, steps.stop):
            images[:, step] = current = _shrunk(current)
    grown = _grown_back(images, highest).transpose(1, 0, 2)
    each = np.split(grown, len(planes))
    return np.stack([own[ranks] for own, ranks in zip(values, each, strict=True)])


def _spots(plane: NDArray[Any]) -> Floats:
    """Get an image of a quarter of the size, less its background."""
    height, width = (edge // SUBSAMPLING for edge in plane.shape)
    image = shares(plane[::SUBSAMPLING, ::SUBSAMPLING][:height, :width])
    background = opened_by_disk(image[::SUBSAMPLING, ::SUBSAMPLING], BACKGROUND_RADIUS)
    for size in (height, width):
        # CellProfiler stretches a quarter of the size, which need not be a whole number
        at, below = _positions(size, size / SUBSAMPLING)
        above = np.minimum(below + 1, len(background) - 1)
        share = (at - below)[:, None]
        background = (background[below] * (1 - share) + background[above] * share).T
    return np.maximum(image - background, 0)


def granularity(
    objects: Regions, channels: Sequence[GreyValues], steps: Floats | None
) -> list[dict[str, Floats]]:
    """Get the granular spectrum of each channel, in percent of the object's mean intensity.

    Parameters
    ----------
    steps
        `without_spots` of the channels.
    """
    means = np.full((len(channels), SPECTRUM, objects.count), np.nan)
    if steps is not None:
        stack = steps.reshape(-1, *steps.shape[2:])
        up, across = (
            _interpolation(edge, small)
            for edge, small in zip(objects.labels.shape, stack.shape[1:], strict=True)
        )
        for number, (box, mask) in enumerate(zip(objects.boxes, objects.crops(), strict=True)):
            rows, columns = up[box[0]], across[box[1]]
            top, left = _used(rows), _used(columns)
            # how much each pixel of the small image counts in the object's mean
            weights = rows[:, top].T @ mask.astype(np.float64) @ columns[:, left]
            total = np.einsum("sij,ij->s", stack[:, top, left], weights)
            means[:, :, number] = total.reshape(len(channels), SPECTRUM) / objects.area[number]
    found: list[dict[str, Floats]] = []
    for values, mean in zip(channels, means, strict=True):
        lost = -np.diff(mean, axis=0, prepend=values.mean[None])
        percent = 100 * lost / np.maximum(values.mean, np.finfo(float).eps)
        found.append({str(step + 1): percent[step] for step in range(SPECTRUM)})
    return found


def _positions(size: int, stretched: float) -> tuple[Floats, Integers]:
    """Get where pixels lie among samples, the last at ``stretched - 1``, and the sample before."""
    at = np.arange(size, dtype=np.float64) * ((stretched - 1) / (size - 1))
    return at, np.floor(at).astype(np.int64)


def _interpolation(size: int, samples: int) -> Floats:
    """Get the weights with which samples give so many pixels by linear interpolation.

    Of shape (size, samples). A pixel that lies beyond the last sample by rounding has no weights,
    as in CellProfiler.
    """
    at, below = _positions(size, samples)
    row = np.flatnonzero(at <= samples - 1)
    at, below = at[row], below[row]
    weights = np.zeros((size, samples + 1))
    weights[row, below] = 1 - (at - below)
    weights[row, below + 1] = at - below
    return weights[:, :samples]


def _used(weights: Floats) -> slice:
    """Get the columns from the first to the last one that has a weight."""
    used = np.flatnonzero(weights.any(axis=0))
    return slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 1)


def _shrunk(image: NDArray[Any]) -> NDArray[Any]:
    """Get the smallest value of each pixel and its four neighbours."""
    found = image.copy()
    for ours, theirs in (
        (found[1:], image[:-1]),
        (found[:-1], image[1:]),
        (found[:, 1:], image[:, :-1]),
        (found[:, :-1], image[:, 1:]),
    ):
        np.minimum(ours, theirs, out=ours)
    return found


def _grown_back(images: NDArray[Any], limits: NDArray[Any]) -> NDArray[Any]:
    """Grow images until they fill what is connected with them below their limits.

    This is the morphological reconstruction by dilation, with four neighbours, of Vincent 1993
    (doi:10.1109/83.217222). Rows are gone through down and up, all images at once, until nothing
    changes; an image that has not changed is done.

    Parameters
    ----------
    images, limits
        Of shape (rows, images, columns).
    """
    found = images
    active = np.arange(int(images.shape[1]))
    before = np.zeros(active.size, np.int64)
    while active.size:
        for order in (range(len(images)), range(len(images) - 1, -1, -1)):
            last = None
            for number in order:
                row, most = images[number], limits[number]
                if last is not None:
                    np.maximum(row, last, out=row)
                    np.minimum(row, most, out=row)
                right, left = row[:, 1:], row[:, :-1]
                np.maximum(right, left, out=right)
                np.minimum(right, most[:, 1:], out=right)
                np.maximum(left, right, out=left)
                np.minimum(left, most[:, :-1], out=left)
                last = row
        now = images.sum(axis=(0, 2), dtype=np.int64)
        changed = now != before
        if images is not found:
            found[:, active] = images
        active, before = active[changed], now[changed]
        images, limits = images[:, changed], limits[:, changed]
    return found
