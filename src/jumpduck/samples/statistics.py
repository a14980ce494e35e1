"""Mean and standard deviation of each channel, from sums of whole numbers."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ManifestError, StoreError
from jumpduck.imaging.tiff_reader import Plane
from jumpduck.imaging.transforms import histogram
from jumpduck.samples.computed import keep_computed, read_computed
from jumpduck.samples.readable_sites import ReadableSites

HIGHEST = 65535
"""All sums are of grey levels of 16 bit; one of 8 bit is 257 of these."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of each channel in the order of ``Samples.channels``, over all pixels of all sites.

    Attributes
    ----------
    mean, sd
        Of the values from 0 to 1; `sd` is that of all pixels (divided by their number).
    count
        Number of pixels of each channel.
    sites
        Number of sites whose images could be read.
    """

    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    count: NDArray[np.int64]
    sites: int


Sums = tuple[int, int, int]
"""Number of pixels, sum of their levels, and sum of the squares of these.

Whole numbers, so that the order of the images and the number of threads change nothing.
"""


def statistics_of(sites: ReadableSites, folder: Path) -> Statistics:
    """Get the statistics of all sites that can be read; computed once for the same images.

    Raises
    ------
    ManifestError
        No site can be read.
    """
    images = sites.images
    name = f"statistics/{images.digest()}.json"
    if (kept := read_computed(folder, name)) is not None:
        totals, count = _parsed(kept, folder / name)
    else:
        totals, count = [(0, 0, 0)] * len(images.channels), 0
        for found in sites.each(lambda site: list(map(sums_of, images.planes(site)))):
            totals = [_added(one, other) for one, other in zip(totals, found, strict=True)]
            count += 1
        if not count:
            raise ManifestError("no image of any site can be read; see `skipped` for the reasons")
        if count == images.sites.height:  # because others may be there the next time
            data = {"channels": images.channels, "sites": count, "sums": totals}
            keep_computed(folder, name, json.dumps(data).encode())
    return _from_sums(totals, count)


def sums_of(plane: Plane) -> Sums:
    """Get the sums of one image."""
    counts = histogram(plane)
    levels = np.arange(len(counts), dtype=np.int64)
    factor = HIGHEST // np.iinfo(plane.dtype).max
    total, squares = int(counts @ levels), int(counts @ levels**2)
    return plane.size, factor * total, factor**2 * squares


def _added(one: Sums, other: Sums) -> Sums:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _parsed(data: bytes, file: Path) -> tuple[list[Sums], int]:
    try:
        found = json.loads(data)
        sums = [(int(count), int(total), int(squares)) for count, total, squares in found["sums"]]
        return sums, int(found["sites"])
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{file} is damaged: {error}; remove it") from error


def _from_sums(totals: list[Sums], sites: int) -> Statistics:
    means = [total / count / HIGHEST for count, total, _ in totals]
    # the variance as one quotient of whole numbers, because a difference of floats would lose it
    deviations = [
        math.sqrt((count * squares - total**2) / count**2) / HIGHEST
        for count, total, squares in totals
    ]
    counts = [count for count, _, _ in totals]
    return Statistics(np.array(means), np.array(deviations), np.array(counts, np.int64), sites)
