"""The measurements of cp_measure, under CellProfiler's names of columns."""

import warnings
from functools import cache, partial
from itertools import combinations

import numpy as np

SHAPES = ("sizeshape", "zernike", "feret")
OF_CHANNELS = ("radial_distribution", "radial_zernikes", "intensity", "texture", "granularity")
OF_PAIRS = ("pearson", "manders_fold", "overlap", "rwc", "costes")


def measured_by_cp_measure(kind, planes, labels, groups=(*SHAPES, *OF_CHANNELS, *OF_PAIRS)):
    """Columns of the groups, as CellProfiler names them; planes are unsigned whole numbers."""
    one, two = _functions()
    grey = {name: plane / np.iinfo(plane.dtype).max for name, plane in planes.items()}
    found = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for group in SHAPES:
            if group in groups:
                of_group = one[group](labels, None)
                found |= {f"AreaShape_{name}": values for name, values in of_group.items()}
        for channel, plane in grey.items():
            for group in OF_CHANNELS:
                if group in groups:
                    of_group = one[group](labels, plane)
                    found |= {
                        _of_channel(group, name, channel): of_group[name] for name in of_group
                    }
        for first, second in combinations(grey, 2):
            for group in OF_PAIRS:
                if group in groups:
                    for name, values in two[group](grey[first], grey[second], labels).items():
                        found[_of_pair(name, first, second)] = values
    return {f"{kind}_{name}": values for name, values in found.items()}


@cache
def _functions():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # because its documentation has invalid escapes
        from cp_measure.bulk import get_core_measurements, get_correlation_measurements
        from cp_measure.core.measurecolocalization import get_correlation_overlap

    two = {**get_correlation_measurements(), "overlap": get_correlation_overlap}
    two["costes"] = partial(two["costes"], scale_max=65535)
    return get_core_measurements(legacy=True), two  # legacy: the quartiles of CellProfiler


def _of_channel(group, name, channel):
    if group in {"intensity", "granularity"}:
        return f"{name}_{channel}"
    if group == "texture":
        name = f"Texture_{name}"
    category, feature, *rest = name.split("_")
    return "_".join([category, feature, channel, *rest])


def _of_pair(name, first, second):
    name = name.replace("Pearson", "Correlation")
    if name.endswith("_2"):
        first, second = second, first
    return f"{name.removesuffix('_1').removesuffix('_2')}_{first}_{second}"
