"""The grey values of one channel in the pixels of objects."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jumpduck.profiling.regions import Floats, Integers, Mask, Regions

THRESHOLD = 15 / 100
"""The share of an object's maximum from which a pixel counts as colocalized in CellProfiler."""


@dataclass(frozen=True)
class GreyValues:
    """The grey values of a channel in the objects' pixels, and what several features need of it.

    Parameters
    ----------
    objects
        The pixels.
    levels
        The plane as it was given: grey levels of whole numbers, or floats.
    grey
        The same in CellProfiler's scale: 1 is the largest that the plane's type holds. Of the
        shape (pixels,), in the order of `Regions`.
    """

    objects: Regions
    levels: NDArray[Any]
    grey: Floats

    @cached_property
    def total(self) -> Floats:
        """Sum in each object."""
        return self.objects.sums(self.grey)

    @cached_property
    def mean(self) -> Floats:
        """Mean in each object."""
        return self.total / self.objects.area

    @cached_property
    def least(self) -> Floats:
        """Smallest value in each object."""
        return self.objects.smallest(self.grey)

    @cached_property
    def most(self) -> Floats:
        """Largest value in each object."""
        return self.objects.largest(self.grey)

    @cached_property
    def centred(self) -> Floats:
        """Differences from the object's mean; exactly 0 in an object of one value."""
        mean = np.where(self.least == self.most, self.least, self.mean)
        return self.grey - mean[self.objects.owner]

    @cached_property
    def squares(self) -> Floats:
        """Sum of squared differences from the mean in each object."""
        return self.objects.sums(self.centred * self.centred)

    @cached_property
    def order(self) -> Integers:
        """The pixels, sorted by value within each object."""
        order = np.empty(self.levels.size, np.int64)
        for part in self.objects.slices():
            # stable, because that is a radix sort where levels have 16 bits
            order[part] = np.argsort(self.levels[part], kind="stable")
            order[part] += part.start
        return order

    @cached_property
    def ranks(self) -> NDArray[np.int32]:
        """Which of the object's distinct values a pixel has, from 0."""
        ordered, owner = self.levels[self.order], self.objects.owner
        new = np.zeros(ordered.size, np.int32)
        new[1:] = (ordered[1:] != ordered[:-1]) & (owner[1:] == owner[:-1])
        count = np.cumsum(new, dtype=np.int32)
        ranks = np.empty_like(count)
        ranks[self.order] = count - count[self.objects.starts][owner]
        return ranks

    @cached_property
    def highest_rank(self) -> NDArray[np.int32]:
        """The largest rank of each object."""
        return np.maximum.reduceat(self.ranks, self.objects.starts)

    @cached_property
    def bright(self) -> Mask:
        """Pixels of at least `THRESHOLD` of the object's maximum."""
        return self.grey >= (THRESHOLD * self.most)[self.objects.owner]

    @cached_property
    def bright_grey(self) -> Floats:
        """The values of pixels that are bright; others are 0."""
        return self.grey * self.bright

    @cached_property
    def bright_total(self) -> Floats:
        """Sum of the bright pixels in each object."""
        return self.objects.sums(self.bright_grey)


def grey_values(objects: Regions, plane: NDArray[Any]) -> GreyValues:
    """Get the grey values of a plane of unsigned whole numbers or of floats (see `GreyValues`)."""
    levels = plane.ravel()[objects.at]
    return GreyValues(objects, levels, shares(levels))


def shares(levels: NDArray[Any]) -> Floats:
    """Get grey levels in CellProfiler's scale; floats are in it already."""
    if levels.dtype.kind == "f":
        return levels.astype(np.float64)
    return np.true_divide(levels, np.iinfo(levels.dtype).max)
