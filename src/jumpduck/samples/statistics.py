"""Mean and standard deviation of each channel, from sums of whole numbers."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jumpduck.imaging.tiff_reader import Plane
from jumpduck.imaging.transforms import histogram
from jumpduck.samples.site_images import SiteImages

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


def statistics_of(images: SiteImages) -> Statistics:
    """Get the statistics of all sites."""
    totals = [(0, 0, 0)] * len(images.channels)
    for site in range(images.sites.height):
        planes = images.planes(site)
        totals = [_added(one, sums_of(plane)) for one, plane in zip(totals, planes, strict=True)]
    return _from_sums(totals, images.sites.height)


def sums_of(plane: Plane) -> Sums:
    """Get the sums of one image."""
    counts = histogram(plane)
    levels = np.arange(len(counts), dtype=np.int64)
    factor = HIGHEST // np.iinfo(plane.dtype).max
    total, squares = int(counts @ levels), int(counts @ levels**2)
    return plane.size, factor * total, factor**2 * squares


def _added(one: Sums, other: Sums) -> Sums:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _from_sums(totals: list[Sums], sites: int) -> Statistics:
    means = [total / count / HIGHEST for count, total, _ in totals]
    # the variance as one quotient of whole numbers, because a difference of floats would lose it
    deviations = [
        math.sqrt((count * squares - total**2) / count**2) / HIGHEST
        for count, total, squares in totals
    ]
    counts = [count for count, _, _ in totals]
    return Statistics(np.array(means), np.array(deviations), np.array(counts, np.int64), sites)
