"""The recipe of `jumpduck profile`: from the images of a site to what is measured of its cells."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from jumpduck.errors import ImageError, ManifestError, QueryError
from jumpduck.imaging.tiff_header import read_header
from jumpduck.imaging.writers import encode_ome_tiff
from jumpduck.profiling.deep_features import DeepOptions, cell_features, site_features
from jumpduck.profiling.mask_files import MaskFiles
from jumpduck.profiling.masks import encode_labels
from jumpduck.profiling.measure import FEATURES, image_quality, measure
from jumpduck.profiling.objects import Objects
from jumpduck.profiling.plate_table import PlateGathering
from jumpduck.profiling.segmentation import SegmentOptions
from jumpduck.profiling.segmentation import segment as find_objects
from jumpduck.profiling.site_file import SUFFIX, Site
from jumpduck.recipes.base import Encoded, Fetch, Recipe, Source
from jumpduck.recipes.plate_illumination import URL_ILLUM, illumination_of_plate
from jumpduck.recipes.preprocessing import (
    CHANNEL,
    PIXEL_SIZE_UM,
    PlateContext,
    PreprocessedImage,
    Preprocessing,
    naming_channel,
)
from jumpduck.rows import SITE_KEY, Row

if TYPE_CHECKING:
    import polars as pl

FROM_PLATE = ("mean", "median")
"""How an illumination function is made of a plate: as pybbbc does, and as CellProfiler does."""

BYTES_PER_PLANE_PIXEL = 16
"""Memory for each pixel of each channel: the plane, and two copies of float32 in turn."""

BYTES_PER_SITE_PIXEL = 120
"""Memory for each pixel of a site: labels, distances and what is measured at the same time."""

WORKER_BYTES = 320 << 20
"""Work memory of each core: that of a site of five channels of 1080 x 1080 pixels."""

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
    masks: str | None = None,
    segment: Mapping[str, Any] | None = None,
    deep: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
) -> Recipe:
    """One file for each site with what was measured of its cells, until its plate is complete.

    Then one table takes all of them in. `segment` has the options of
    `jumpduck.profiling.segmentation.SegmentOptions`, `nuclei` and `cells` the channels that mark
    them, `features` sets of measurements, `masks` the pattern of
    `jumpduck.profiling.mask_files.MaskFiles`, `deep` the options of
    `jumpduck.profiling.deep_features.DeepOptions`. Both name files by their SHA-256, and `files`
    says where these are: they may lie elsewhere the next time. Without them the recipe knows what
    it made, and makes nothing.
    """
    unknown = [repr(name) for name in features if name not in FEATURES]
    if unknown or not features:
        named = ", ".join(unknown) or "none"
        raise QueryError(f"features {named} is not one of {', '.join(FEATURES)}")
    if illum_from_plate is not None and illum_from_plate not in FROM_PLATE:
        raise QueryError(
            f"illum_from_plate {illum_from_plate!r} is not one of {', '.join(FROM_PLATE)}"
        )
    if illum and illum_from_plate is not None:
        raise QueryError("`illum` and `illum_from_plate` divide by two functions; give one of them")
    # CellProfiler's function is one for all sites of a plate, as published ones are
    by_median = illum_from_plate == "median"
    steps = Preprocessing(
        0, None, illum or by_median, None, illum_from_plate=illum_from_plate == "mean"
    )
    lengths = {name: value for name, value in (segment or {}).items() if value is not None}
    how = SegmentOptions(nuclei=nuclei or "", cells=cells, **lengths)
    model = None if deep is None else DeepOptions(**deep)
    of_model = () if model is None else (model.model, model.description)
    places = files or {}
    lacks = [one for one in (how.weights, *of_model) if one is not None and one not in places]
    work = _Work(
        steps,
        replace(how, weights=places.get(how.weights or "")),
        features,
        None if masks is None else MaskFiles(masks),
        None
        if model is None
        else replace(
            model,
            model=places.get(model.model, ""),
            description=places.get(model.description or ""),
        ),
        labels=labels,
        images=images,
        by_median=by_median,
        has_pixel_um="pixel_um" in lengths,
        lacks=lacks,
    )
    parameters: dict[str, object] = {
        "nuclei": nuclei,
        "cells": cells,
        "features": list(features),
        "illum": illum,
        "illum_from_plate": illum_from_plate,
        "labels": labels,
        "images": images,
        "masks": masks,
        "segment": {
            **{name: one for name, one in asdict(how).items() if name not in ("nuclei", "cells")},
            # as the manifest says of each site
            "pixel_um": lengths.get("pixel_um"),
        },
        "deep": None if model is None else asdict(model),
    }
    return Recipe(
        "profile",
        1,
        SUFFIX,
        parameters,
        True,
        work.make,
        work.prepare,
        work.check,
        () if by_median else steps.columns,
        work.work_bytes,
        work.agrees if illum_from_plate is not None else None,
        reads=(PIXEL_SIZE_UM,),
        writes=(URL_ILLUM,) if illum_from_plate is not None else (),
        worker_bytes=WORKER_BYTES,
        gathering=PlateGathering(),
    )


@dataclass(frozen=True)
class _Work:
    """What is done to a plate and its sites; takes the options of `profile`."""

    steps: Preprocessing
    how: SegmentOptions
    features: Sequence[str]
    masks: MaskFiles | None
    model: DeepOptions | None
    _: KW_ONLY
    labels: bool
    images: bool
    by_median: bool
    has_pixel_um: bool
    """The size of pixels is an option, and not that of each site."""
    lacks: Sequence[str]
    """SHA-256 of files of which nothing says where they are."""

    def prepare(self, rows: Sequence[Row], fetch: Fetch) -> PlateContext:
        if self.lacks:
            raise QueryError(
                f"a model or its description, with the SHA-256 {self.lacks[0]}, is not at hand; "
                "run `jumpduck profile` again with the files that the folder was filled with"
            )
        if self.by_median:
            from jumpduck.profiling.illumination import median_illumination

            plain = Preprocessing(0, None, illum=False, resize=None).prepare(rows, fetch)
            found = illumination_of_plate(rows, fetch, median_illumination, by_site=False)
            context = replace(plain, illum=found, faults=found.faults)
        else:
            context = self.steps.prepare(rows, fetch)
        for option, channel in (("nuclei", self.how.nuclei), ("cells", self.how.cells)):
            if channel is not None and channel not in context.channels:
                raise ManifestError(
                    f"{option} {channel!r} is not a channel of a plate of the manifest, which has "
                    f"{', '.join(context.channels)}"
                )
        return context

    def make(self, sources: Sequence[Source], context: object) -> Encoded:
        plate = cast("PlateContext", context) if context is not None else PlateContext()
        read = _read(sources, self.steps, plate)
        planes: dict[str, Any] = {name: image.plane for name, image in read.items()}
        objects = self._objects(sources[0].row, planes)
        measured: dict[str, Any] = dict(measure(planes, objects, self.features))
        quality = image_quality(planes)
        if self.model is not None and self.model.unit == "cell":
            measured |= cell_features(planes, objects, self.model)
        elif self.model is not None:
            quality |= site_features(planes, self.model)
        values = np.empty((objects.count, len(measured)), np.float32)
        for number, column in enumerate(measured.values()):
            values[:, number] = column
        pictures = _pictures(sources, read, objects, labels=self.labels, images=self.images)
        site = Site(list(measured), values, objects.flags, quality, tuple(objects.labels), pictures)
        order = (str(source.row[CHANNEL]) for source in sources)
        return Encoded(
            site.encode(),
            [read[name].measured(*read[name].percentiles(PERCENT)) for name in order],
        )

    def _objects(self, row: Row, planes: Mapping[str, Any]) -> Objects:
        shape = next(iter(planes.values())).shape
        masks = None if self.masks is None else self.masks.read(row, shape)
        size = row.get(PIXEL_SIZE_UM)
        is_known = not self.has_pixel_um and isinstance(size, float) and size > 0
        return find_objects(
            planes, replace(self.how, pixel_um=size) if is_known else self.how, masks
        )

    def check(self, row: Row, context: object) -> None:
        self.steps.check(row, cast("PlateContext", context), keeps_pixel_size=True)

    def work_bytes(self, sources: Sequence[Source]) -> int:
        of_planes = self.steps.work_bytes_of_site(sources)
        header = read_header(sources[0].data)
        pixels = header.width * header.height
        return of_planes + pixels * (BYTES_PER_SITE_PIXEL + BYTES_PER_PLANE_PIXEL * len(sources))

    def agrees(self, results: "pl.DataFrame", context: object) -> "pl.Series":
        return self.steps.agrees(results, cast("PlateContext", context))


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
        with naming_channel(name):
            read[name] = steps.read(by_channel[name], plate)
    shapes = {image.plane.shape for image in read.values()}
    if len(shapes) > 1:
        sizes = ", ".join(f"{width} x {height}" for height, width in sorted(shapes))
        raise ImageError(f"the channels of the site have several sizes: {sizes}")
    return read


def _pictures(
    sources: Sequence[Source],
    read: Mapping[str, PreprocessedImage],
    objects: Objects,
    *,
    labels: bool,
    images: bool,
) -> dict[str, bytes]:
    """Get the label images and the images that are kept, by the end of their names."""
    kept: dict[str, bytes] = {}
    size = next(iter(read.values())).pixel_size_um
    for part, plane in objects.labels.items() if labels else ():
        kept[f"labels/__{part}.tiff"] = encode_labels(plane, part, pixel_size_um=size)
    if images:
        name = "__".join(str(sources[0].row.get(key)) for key in SITE_KEY)
        kept["images/.ome.tiff"] = encode_ome_tiff(
            [image.plane for image in read.values()],
            list(read),
            name=name,
            pixel_size_um=size,
        )
    return kept
