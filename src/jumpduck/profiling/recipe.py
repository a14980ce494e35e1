"""The recipe of `jumpduck profile`: from the images of a site to what is measured of its cells."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from jumpduck.errors import ImageError, ManifestError, QueryError
from jumpduck.imaging.writers import encode_ome_tiff, encode_tiff
from jumpduck.profiling.plate_table import PlateGathering
from jumpduck.profiling.site_file import SUFFIX, Site
from jumpduck.recipes.base import Encoded, Fetch, Recipe, Source
from jumpduck.recipes.plate_illumination import illumination_of_plate
from jumpduck.recipes.preprocessing import (
    CHANNEL,
    PIXEL_SIZE_UM,
    PlateContext,
    PreprocessedImage,
    Preprocessing,
)
from jumpduck.rows import SITE_KEY, Row

if TYPE_CHECKING:
    import polars as pl

    from jumpduck.profiling.objects import Objects

NAME = "jumpduck.profiling.recipe:profile"
"""By which worker processes, and the results, find the recipe."""

FROM_PLATE = ("mean", "median")
"""How an illumination function is made of a plate: as pybbbc does, and as CellProfiler does."""

BYTES_PER_PLANE_PIXEL = 16
"""Memory for each pixel of each channel: the plane, and two copies of float32 in turn."""

BYTES_PER_SITE_PIXEL = 120
"""Memory for each pixel of a site: labels, distances and what is measured at the same time."""

PERCENT = 1.0
"""Percentile of the grey levels that the results keep."""


def profile(
    *,
    nuclei: str | None = None,
    cells: str | None = None,
    features: Sequence[str] = ("core",),
    illum: bool = False,
    illum_from_plate: str | None = None,
    labels: bool = False,
    images: bool = False,
    segment: Mapping[str, Any] | None = None,
) -> Recipe:
    """One file for each site with what was measured of its cells, until its plate is complete.

    Then one table takes all of them in. `segment` has the options of
    `jumpduck.profiling.segmentation.SegmentOptions`, `nuclei` and `cells` the channels that mark
    them, `features` sets of measurements.
    """
    from jumpduck.profiling.measure import FEATURES
    from jumpduck.profiling.segmentation import SegmentOptions
    from jumpduck.profiling.segmentation import segment as find_objects

    if unknown := [name for name in features if name not in FEATURES] or not features:
        raise QueryError(f"features {unknown or 'none'} are not of {', '.join(FEATURES)}")

    if illum_from_plate is not None and illum_from_plate not in FROM_PLATE:
        raise QueryError(
            f"illum_from_plate {illum_from_plate!r} is not one of {', '.join(FROM_PLATE)}"
        )
    lengths = {name: value for name, value in (segment or {}).items() if value is not None}
    how = SegmentOptions(nuclei=nuclei or "", cells=cells, **lengths)
    # CellProfiler's function is one for all sites of a plate, as published ones are
    by_median = illum_from_plate == "median"
    steps = Preprocessing(
        0, None, illum or by_median, None, illum_from_plate=illum_from_plate == "mean"
    )
    if illum and illum_from_plate is not None:
        raise QueryError("`illum` and `illum_from_plate` divide by two functions; give one of them")
    of_plate = illum_from_plate is not None

    def prepare(rows: Sequence[Row], fetch: Fetch) -> PlateContext:
        if by_median:
            from jumpduck.profiling.illumination import median_illumination

            channels = (
                Preprocessing(0, None, illum=False, resize=None).prepare(rows, fetch).channels
            )
            found = illumination_of_plate(rows, fetch, median_illumination, by_site=False)
            context = PlateContext(found, faults=found.faults, channels=channels)
        else:
            context = steps.prepare(rows, fetch)
        for option, channel in (("nuclei", nuclei), ("cells", cells)):
            if channel is not None and channel not in context.channels:
                raise ManifestError(
                    f"{option} {channel!r} is not a channel of the manifest, which has "
                    f"{', '.join(context.channels)}"
                )
        return context

    def make(sources: Sequence[Source], context: object) -> Encoded:
        from jumpduck.profiling.measure import image_quality, measure

        plate = cast("PlateContext", context) if context is not None else PlateContext()
        read = _read(sources, steps, plate)
        planes: dict[str, Any] = {name: image.plane for name, image in read.items()}
        size = sources[0].row.get(PIXEL_SIZE_UM)
        is_known = "pixel_um" not in lengths and isinstance(size, float) and size > 0
        objects = find_objects(planes, replace(how, pixel_um=size) if is_known else how)
        measured = measure(planes, objects, features)
        columns = list(measured)
        values = np.empty((objects.count, len(columns)), np.float32)
        for number, name in enumerate(columns):
            values[:, number] = measured[name]
        pictures = _pictures(sources, read, objects, labels=labels, images=images)
        site = Site(
            columns,
            values,
            dict(objects.flags),
            image_quality(planes),
            tuple(objects.labels),
            pictures,
        )
        order = (str(source.row[CHANNEL]) for source in sources)
        return Encoded(
            site.encode(),
            [read[name].measured(*read[name].percentiles(PERCENT)) for name in order],
        )

    def check(row: Row, context: object) -> None:
        steps.check(row, cast("PlateContext", context), keeps_pixel_size=True)

    def work_bytes(sources: Sequence[Source]) -> int:
        from jumpduck.imaging.tiff_header import read_header

        header = read_header(sources[0].data)
        pixels = header.width * header.height
        of_planes = sum(steps.work_bytes(source) for source in sources)
        return of_planes + pixels * (BYTES_PER_SITE_PIXEL + BYTES_PER_PLANE_PIXEL * len(sources))

    def agrees(results: "pl.DataFrame", context: object) -> "pl.Series":
        return steps.agrees(results, cast("PlateContext", context))

    parameters: dict[str, object] = {
        "nuclei": nuclei,
        "cells": cells,
        "features": list(features),
        "illum": illum,
        "illum_from_plate": illum_from_plate,
        "labels": labels,
        "images": images,
        "segment": {
            **{name: one for name, one in asdict(how).items() if name not in ("nuclei", "cells")},
            # as the manifest says of each site
            "pixel_um": lengths.get("pixel_um"),
        },
    }
    return Recipe(
        "profile",
        1,
        SUFFIX,
        parameters,
        True,
        make,
        prepare,
        check,
        () if by_median else steps.columns,
        work_bytes,
        agrees if of_plate else None,
        reads=(PIXEL_SIZE_UM,),
        writes=("url_illum",) if of_plate else (),
        gathering=PlateGathering(),
    )


def _read(
    sources: Sequence[Source], steps: Preprocessing, plate: PlateContext
) -> dict[str, PreprocessedImage]:
    """Get the images of a site by channel, in the order of the plate's channels.

    Raises
    ------
    ImageError
        One cannot be decoded, the site lacks one, or two differ in size.
    """
    by_channel = {str(source.row[CHANNEL]): source for source in sources}
    if lacks := [name for name in plate.channels if name not in by_channel]:
        raise ImageError(f"the site lacks {', '.join(lacks)}, which others of its plate have")
    read: dict[str, PreprocessedImage] = {}
    for name in plate.channels or by_channel:
        try:
            read[name] = steps.read(by_channel[name], plate)
        except ImageError as error:
            raise ImageError(f"channel {name}: {error}") from error
    shapes = {image.plane.shape for image in read.values()}
    if len(shapes) > 1:
        sizes = ", ".join(f"{width} x {height}" for height, width in sorted(shapes))
        raise ImageError(f"the channels of the site have several sizes: {sizes}")
    return read


def _pictures(
    sources: Sequence[Source],
    read: Mapping[str, PreprocessedImage],
    objects: "Objects",
    *,
    labels: bool,
    images: bool,
) -> dict[str, bytes]:
    """Get the label images and the images that are kept, by the end of their names."""
    kept: dict[str, bytes] = {}
    for part, plane in objects.labels.items() if labels else ():
        of_16_bit = objects.count < 1 << 16
        kept[f"labels/__{part}.tiff"] = encode_tiff(
            cast("Any", plane.astype(np.uint16 if of_16_bit else np.uint32)), part
        )
    if images:
        name = "__".join(str(sources[0].row.get(key)) for key in SITE_KEY)
        first = next(iter(read.values()))
        kept["images/.ome.tiff"] = encode_ome_tiff(
            [image.plane for image in read.values()],
            list(read),
            name=name,
            pixel_size_um=first.pixel_size_um,
        )
    return kept
