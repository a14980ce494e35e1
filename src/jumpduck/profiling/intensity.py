"""Intensities of objects and where they lie, by the names and the numbers of CellProfiler."""

import numpy as np

from jumpduck.profiling.grey_values import GreyValues
from jumpduck.profiling.regions import Floats, Mask, Regions


def intensity(values: GreyValues, edge: Mask) -> dict[str, Floats]:
    """Get what CellProfiler's MeasureObjectIntensity measures, but for locations.

    Quartiles and the median absolute deviation lie at CellProfiler's positions among the n sorted
    values, n/4, n/2 and 3n/4 from 0; numpy's percentiles lie at (n - 1)/4 and so on.

    Parameters
    ----------
    values
        The channel.
    edge
        Which pixels lie at an edge, by `jumpduck.profiling.shape.edges`.
    """
    objects = values.objects
    ordered = values.grey[values.order]
    median = quantile(objects, ordered, 0.5)
    deviations = np.abs(values.grey - median[objects.owner])
    middle = (objects.area // 2).tolist()
    for part, below in zip(objects.slices(), middle, strict=True):
        # what `quantile` reads is in its place; the rest need not be sorted
        own = deviations[part]
        own.partition([below, min(below + 1, own.size - 1)] if own.size > 1 else 0)
    x, y, _ = centre_of_mass(values)
    area = objects.area
    displacement = np.hypot(
        x - objects.sums(objects.columns) / area, y - objects.sums(objects.rows) / area
    )
    return {
        "IntegratedIntensity": values.total,
        "LowerQuartileIntensity": quantile(objects, ordered, 0.25),
        "MADIntensity": quantile(objects, deviations, 0.5),
        "MassDisplacement": displacement,
        "MaxIntensity": values.most,
        "MeanIntensity": values.mean,
        "MedianIntensity": median,
        "MinIntensity": values.least,
        "StdIntensity": np.sqrt(values.squares / area),
        "UpperQuartileIntensity": quantile(objects, ordered, 0.75),
        **_edge_intensity(values, edge),
    }


def quantile(objects: Regions, ordered: Floats, share: float) -> Floats:
    """Get the value at the position share x n of each object's n sorted values, from 0."""
    position = objects.area * share
    below = np.minimum(position.astype(np.int64), objects.area - 1)
    above = np.minimum(below + 1, objects.area - 1)
    weight = position - below
    return ordered[objects.starts + below] * (1 - weight) + ordered[objects.starts + above] * weight


def locations(values: GreyValues) -> dict[str, Floats]:
    """Get where the centre of mass and the first brightest pixel lie, in pixels of the image."""
    objects = values.objects
    x, y, z = centre_of_mass(values)
    brightest = objects.first(values.grey == values.most[objects.owner])
    return {
        "CenterMassIntensity_X": x,
        "CenterMassIntensity_Y": y,
        "CenterMassIntensity_Z": z,
        "MaxIntensity_X": objects.columns[brightest],
        "MaxIntensity_Y": objects.rows[brightest],
        "MaxIntensity_Z": np.zeros(objects.count),
    }


def centre_of_mass(values: GreyValues) -> tuple[Floats, Floats, Floats]:
    """Get the x, y and z of the centre of mass; NaN in an object without any light."""
    objects = values.objects
    with np.errstate(invalid="ignore", divide="ignore"):
        x = objects.sums(values.grey * objects.columns) / values.total
        y = objects.sums(values.grey * objects.rows) / values.total
        return x, y, 0 * x


def _edge_intensity(values: GreyValues, edge: Mask) -> dict[str, Floats]:
    """Get the intensities of edge pixels; 0 in an object that has none, as in CellProfiler."""
    objects = values.objects
    count = objects.sums(edge)
    some = np.maximum(count, 1)
    total = objects.sums(values.grey * edge)
    mean = total / some
    differences = (values.grey - mean[objects.owner]) * edge
    most = objects.largest(np.where(edge, values.grey, -np.inf))
    least = objects.smallest(np.where(edge, values.grey, np.inf))
    return {
        "IntegratedIntensityEdge": total,
        "MaxIntensityEdge": np.where(count > 0, most, 0),
        "MeanIntensityEdge": mean,
        "MinIntensityEdge": np.where(count > 0, least, 0),
        "StdIntensityEdge": np.sqrt(objects.sums(differences * differences) / some),
    }
