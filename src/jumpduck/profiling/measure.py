"""What is measured of the objects of one site, by CellProfiler's names."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ImageError, QueryError
from jumpduck.profiling.colocalization import correlation, rank_weighted
from jumpduck.profiling.costes import costes
from jumpduck.profiling.granularity import granularity, without_spots
from jumpduck.profiling.grey_values import GreyValues, grey_values, shares
from jumpduck.profiling.image_quality import plane_quality
from jumpduck.profiling.intensity import intensity, locations
from jumpduck.profiling.library_calls import convex_hulls, feret_diameters
from jumpduck.profiling.neighbours import neighbours
from jumpduck.profiling.objects import Objects
from jumpduck.profiling.radial import radial_distribution, rings
from jumpduck.profiling.regions import Floats, Integers, Regions, regions
from jumpduck.profiling.shape import edges, shape
from jumpduck.profiling.texture import texture, texture_pairs
from jumpduck.profiling.zernike import zernike

CORE, CELLPROFILER = "core", "cellprofiler"
FEATURES = (CORE, CELLPROFILER)
"""Sets of features that `measure` knows."""

HIGHEST_FLOAT = 16.0
"""A plane of floats with larger values is one of grey levels, not of shares of the largest one."""

Planes = Mapping[str, NDArray[Any]]


def measure(planes: Planes, objects: Objects, features: Sequence[str]) -> dict[str, Floats]:
    """Get a column a feature, of shape (objects,); row 0 is object 1.

    Columns are named as CellProfiler names them, such as ``Nuclei_AreaShape_Area``,
    ``Cells_Intensity_MeanIntensity_CH`` or ``Cytoplasm_Correlation_Manders_CH1_CH2``. Which there
    are, and their order, depends on the channels, on the label images and on `features`, never on
    the objects. An object without a pixel in a label image has ``AreaShape_Area`` 0 there and NaN
    for the rest; elsewhere there is NaN where CellProfiler has it, such as for the correlation
    with a channel that is constant in the object.

    Parameters
    ----------
    planes
        By channel: unsigned whole numbers, which are divided by the largest of their type as
        CellProfiler does, or floats that already are shares of it.
    objects
        The objects of these planes.
    features
        ``core``: area and shape, locations, intensities, correlations of channels.
        ``cellprofiler``: also what takes longer, all that cp_measure 0.3 has.

    Raises
    ------
    QueryError
        A set of features is none of `FEATURES`.
    ImageError
        A plane is of another size than the objects, or is of another type, or is not finite.
    """
    if unknown := [name for name in features if name not in FEATURES] or not features:
        raise QueryError(f"features {unknown or list(features)} are not of {', '.join(FEATURES)}")
    for kind, labels in objects.labels.items():
        for channel, plane in planes.items():
            _check(channel, plane, kind, labels)
    found: dict[str, Floats] = {}
    # these belong to images, so all kinds of objects share them
    spots = without_spots(list(planes.values())) if CELLPROFILER in features else None
    for kind, labels in objects.labels.items():
        pixels, present = regions(labels, objects.count)
        if not present.size:
            # the columns are those of any object, so one of one pixel gives their names
            corner = np.zeros(labels.shape, np.int32)
            corner[0, 0] = 1
            pixels, _ = regions(corner, 1)
        numbers = present + 1 if present.size else np.ones(1, np.int64)
        for name, values in _columns(planes, pixels, numbers, spots, features):
            column = np.full(objects.count, np.nan)
            column[present] = values[: present.size]
            found[f"{kind}_{name}"] = column
        area = found[f"{kind}_AreaShape_Area"]
        area[np.isnan(area)] = 0
    return found


def image_quality(planes: Planes) -> dict[str, float]:
    """Get the quality of whole images, by CellProfiler's names: ``ImageQuality_FocusScore_CH``.

    `planes` are those of `measure`; see `jumpduck.profiling.image_quality.plane_quality`.
    """
    return {
        "_".join(["ImageQuality", name, channel, *scale]): value
        for channel, plane in planes.items()
        for (name, *scale), value in plane_quality(shares(plane)).items()
    }


def _columns(
    planes: Planes,
    pixels: Regions,
    numbers: Integers,
    spots: Floats | None,
    features: Sequence[str],
) -> Iterator[tuple[str, Floats]]:
    """Yield the columns of one label image, without its name."""
    channels = {channel: grey_values(pixels, plane) for channel, plane in planes.items()}
    yield from _core(channels, pixels, numbers)
    if CELLPROFILER in features:
        yield from _slower(planes, channels, pixels, spots)


def _core(
    channels: Mapping[str, GreyValues], pixels: Regions, numbers: Integers
) -> Iterator[tuple[str, Floats]]:
    shapes = shape(pixels)
    yield from ((f"AreaShape_{name}", values) for name, values in shapes.items())
    yield "Location_Center_X", shapes["Center_X"]
    yield "Location_Center_Y", shapes["Center_Y"]
    yield "Location_Center_Z", np.zeros(pixels.count)
    near = neighbours(pixels, numbers, shapes["Center_X"], shapes["Center_Y"])
    yield from ((f"Neighbors_{name}_Adjacent", column) for name, column in near.items())
    edge = edges(pixels)
    for channel, values in channels.items():
        for name, column in intensity(values, edge).items():
            yield f"Intensity_{name}_{channel}", column
        for name, column in locations(values).items():
            yield f"Location_{name}_{channel}", column
    for one, other in combinations(channels, 2):
        for name, both in correlation(channels[one], channels[other]).items():
            yield from _of_pair(name, one, other, both)


def _slower(
    planes: Planes, channels: Mapping[str, GreyValues], pixels: Regions, spots: Floats | None
) -> Iterator[tuple[str, Floats]]:
    hulls = convex_hulls(pixels.labels, pixels.count)
    for name, column in zip(("Min", "Max"), feret_diameters(hulls), strict=True):
        yield f"AreaShape_{name}FeretDiameter", column
    of_area, of_light = zernike(pixels, hulls, list(planes.values()))
    yield from ((f"AreaShape_{name}", column) for name, column in of_area.items())
    parts, directions = rings(pixels), texture_pairs(pixels)
    spectra = granularity(pixels, list(channels.values()), spots)
    for (channel, values), moments, spectrum in zip(
        channels.items(), of_light, spectra, strict=True
    ):
        for name, column in spectrum.items():
            yield f"Granularity_{name}_{channel}", column
        for (name, ring), column in radial_distribution(values, parts).items():
            yield f"RadialDistribution_{name}_{channel}_{ring}", column
        for (name, order), column in moments.items():
            yield f"RadialDistribution_{name}_{channel}_{order}", column
        for (name, which), column in texture(values, directions).items():
            yield f"Texture_{name}_{channel}_{which}", column
    for one, other in combinations(channels, 2):
        yield from _of_pair("Costes", one, other, costes(channels[one], channels[other]))
        yield from _of_pair("RWC", one, other, rank_weighted(channels[one], channels[other]))


def _of_pair(
    name: str, one: str, other: str, both: tuple[Floats, ...]
) -> Iterator[tuple[str, Floats]]:
    yield f"Correlation_{name}_{one}_{other}", both[0]
    if len(both) > 1:
        yield f"Correlation_{name}_{other}_{one}", both[1]


def _check(channel: str, plane: NDArray[Any], kind: str, labels: NDArray[np.int32]) -> None:
    if plane.shape != labels.shape:
        raise ImageError(
            f"channel {channel} has {plane.shape[1]} x {plane.shape[0]} pixels, objects {kind} "
            f"{labels.shape[1]} x {labels.shape[0]}"
        )
    if plane.dtype.kind not in "uf":
        raise ImageError(
            f"channel {channel} is of {plane.dtype}; planes are of unsigned whole numbers or floats"
        )
    if plane.dtype.kind == "f" and not np.abs(plane).max(initial=0) <= HIGHEST_FLOAT:
        raise ImageError(
            f"channel {channel} is of {plane.dtype} and has values that are not finite or above "
            f"{HIGHEST_FLOAT:g}; floats are shares of the largest grey level, such as level / 65535"
        )
