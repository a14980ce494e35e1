"""How two channels go together in objects, by the names and the numbers of CellProfiler."""

import numpy as np

from jumpduck.profiling.grey_values import GreyValues
from jumpduck.profiling.regions import Floats


def correlation(first: GreyValues, second: GreyValues) -> dict[str, tuple[Floats, ...]]:
    """Get Pearson's correlation, Manders' coefficients and the overlap of two channels.

    Returns
    -------
    dict
        One array for what is the same in both orders of the channels, or two: first then second,
        and second then first. ``Slope``, which CellProfiler has for images only, is that of the
        second channel on the first.
    """
    objects = first.objects
    together = objects.sums(first.centred * second.centred)
    with np.errstate(invalid="ignore", divide="ignore"):
        pearson = np.clip(together / np.sqrt(first.squares * second.squares), -1, 1)
        return {
            "Correlation": (pearson,),
            "Slope": (together / first.squares,),
            "Manders": _manders(first, second),
            **_overlap(first, second),
        }


def _manders(first: GreyValues, second: GreyValues) -> tuple[Floats, Floats]:
    """Get the share of each channel's bright light that is bright in the other as well."""
    objects = first.objects
    one = objects.sums(first.bright_grey * second.bright) / first.bright_total
    two = objects.sums(second.bright_grey * first.bright) / second.bright_total
    one, two = _zero_where_apart(first, second, one, two)
    return one, two


def _overlap(first: GreyValues, second: GreyValues) -> dict[str, tuple[Floats, ...]]:
    objects = first.objects
    product = first.bright_grey * second.bright_grey
    ours = objects.sums(first.bright_grey * first.bright_grey * second.bright)
    theirs = objects.sums(second.bright_grey * second.bright_grey * first.bright)
    both = objects.sums(product)
    overlap = both / np.sqrt(ours * theirs)
    overlap, k1, k2 = _zero_where_apart(first, second, overlap, both / ours, both / theirs)
    return {"Overlap": (overlap,), "K": (k1, k2)}


def rank_weighted(first: GreyValues, second: GreyValues) -> tuple[Floats, Floats]:
    """Get the rank weighted colocalization of two channels, both ways.

    Singan et al. 2011 (doi:10.1186/1471-2105-12-407), with ranks within each object, as in
    cp_measure; CellProfiler ranks the pixels of all objects of an image together.
    """
    objects = first.objects
    ranks = np.maximum(first.highest_rank, second.highest_rank) + 1.0
    weight = 1 - np.abs(first.ranks - second.ranks) / ranks.repeat(objects.area)
    with np.errstate(invalid="ignore", divide="ignore"):
        one = objects.sums(first.bright_grey * second.bright * weight) / first.bright_total
        two = objects.sums(second.bright_grey * first.bright * weight) / second.bright_total
    one, two = _zero_where_apart(first, second, one, two)
    return one, two


def _zero_where_apart(first: GreyValues, second: GreyValues, *found: Floats) -> tuple[Floats, ...]:
    """Set to 0 what belongs to objects in which no pixel is bright in both channels."""
    apart = first.objects.sums(first.bright & second.bright) == 0
    return tuple(np.where(apart, 0.0, one) for one in found)
