"""The options of `jumpduck profile`, and the recipe that they make."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import polars as pl

from jumpduck.errors import ManifestError, QueryError, needs_extra
from jumpduck.normalization.aggregation import AVERAGES
from jumpduck.options import expanded
from jumpduck.profiling.deep_features import DeepOptions
from jumpduck.profiling.plate_files import refuse_own_columns
from jumpduck.profiling.segmentation import SegmentOptions
from jumpduck.recipes.base import Recipe
from jumpduck.recipes.registry import build
from jumpduck.rows import SITE_KEY, WELL_KEY
from jumpduck.selection.criteria import Names, as_names
from jumpduck.transfer.limits import Limits
from jumpduck.transfer.manifest_files import ManifestFiles
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.origins import Origin
from jumpduck.transfer.scheduler import Event, no_progress

RECIPE = "jumpduck.profiling.recipe:profile"
"""By which worker processes, and the results, find the recipe."""

LIBRARIES = ("scipy", "skimage", "centrosome")
"""What the extra ``profile`` installs."""

LEVELS = {"site": SITE_KEY, "well": WELL_KEY}
"""What cells are averaged over."""

SITES_PER_PROCESS = 8
"""Sites for which one more process is worth its start, which takes a core two seconds."""

NONE = "none"

FLAGS = {"features": "--features"}
"""Flags that are not made of the field's name."""


@dataclass(frozen=True)
class ProfileOptions(Limits):
    """What to profile, and how.

    Parameters
    ----------
    manifest
        Parquet or CSV file made by `jumpduck manifest`; several files, or a pattern of their names,
        count as one manifest.

        In Python also a frame; its columns are those of `jumpduck.schema.MANIFEST` and more.
    out
        Folder for the tables.
    endpoint
        S3 server other than AWS, as http://HOST:PORT; by default the one that the manifest names.
    nuclei
        Channel that shows nuclei; by default the one that the manifest says.
    cells
        Channel that shows whole cells; by default the one that the manifest says, if it does.
        ``none`` for nuclei alone.
    features
        Sets of measurements: ``core`` is fast, ``cellprofiler`` is all that cp_measure has.
    nucleus_um
        Diameters that nuclei have at least and at most, in micrometres, as 6,45. Others are kept,
        and marked.
    pixel_um
        Edge of a pixel in micrometres; by default what the manifest says of each site.
    masks
        Masks or label images instead of a segmentation: a path with {source}, {batch}, {plate},
        {well}, {site} and {object}, which becomes Nuclei, Cells and Cytoplasm.
    segmenter
        Program whose model finds the nuclei, with `weights` on the disk: cellpose or stardist.
    weights
        A file of weights for cellpose, a folder with config.json for stardist.
    model
        File of a model of which each cell, or site, gets further features, as `jumpduck embed`
        takes it.
    description
        JSON file that says what the model takes and gives, see docs/embed.md.
    architecture
        MODULE:FUNCTION that makes the module of torch which the weights are of.
    unit
        What the model is given: a box around each nucleus (cell), or whole images (site).
    box
        Edge of the box in pixels; by default what the model takes, or 128.
    illum
        Divide each image by the illumination function of its plate, whose URL a manifest made with
        `jumpduck manifest --illum` has.
    illum_from_plate
        Divide each image by a function that is made of the plate's images: of their mean at the
        same site as pybbbc does (mean), or of their mean on the plate as CellProfiler does
        (median).
    labels
        Keep the label images of nuclei and cells, as TIFF.
    images
        Keep the images as they were measured, as OME-TIFF.
    aggregate
        Also write profiles.parquet: the cells of each well, or site, averaged.
    average
        How they are averaged: mean or median.
    limit
        Number of images to fetch, from the beginning of the manifest or shard; all by default.
    shard
        Only a part of the manifest, as 7/200: the shard that `jumpduck split --into 200` would
        write.
    scratch
        Folder on a local disk where the files of a plate wait until all of them are made.
    force
        Profile sites again that are there from an earlier run.
    progress
        Called with each event, as that of `jumpduck.download`.
    processes
        Processes that fetch and measure, from 1 to the number of connections. By default as many as
        workers, and fewer where each would have less than 8 sites. All limits count for all of them
        together.
    """

    manifest: ManifestFiles | pl.DataFrame = "manifest.parquet"
    out: str | Path = "profiles"
    _: KW_ONLY
    endpoint: str | None = None
    nuclei: str | None = None
    cells: str | None = None
    features: Names = ("core",)
    nucleus_um: str | None = None
    pixel_um: float | None = None
    masks: str | None = None
    segmenter: Literal["cellpose", "stardist"] | None = None
    weights: str | Path | None = None
    model: str | Path | None = None
    description: str | Path | None = None
    architecture: str | None = None
    unit: Literal["cell", "site"] = "cell"
    box: int | None = None
    illum: bool = False
    illum_from_plate: Literal["mean", "median"] | None = None
    labels: bool = False
    images: bool = False
    aggregate: Literal["well", "site"] | None = None
    average: Literal["mean", "median"] = "mean"
    limit: int | None = None
    shard: str | None = None
    scratch: str | Path | None = None
    force: bool = False
    progress: Callable[[Event], None] = no_progress

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.aggregate is not None and self.aggregate not in LEVELS:
            raise QueryError(f"aggregate {self.aggregate!r} is not one of {', '.join(LEVELS)}")
        if self.average not in AVERAGES:
            raise QueryError(f"average {self.average!r} is not one of {', '.join(AVERAGES)}")

    def build(self, manifest: Manifest) -> Recipe:
        """Get the recipe for a manifest.

        Raises
        ------
        QueryError
            An option is wrong, or names no channel of the manifest.
        ManifestError
            The manifest does not say which channel shows nuclei, or has a column that the tables
            add.
        """
        if any(find_spec(name) is None for name in LIBRARIES):
            raise QueryError(needs_extra("jumpduck profile", ", ".join(LIBRARIES), "profile"))
        refuse_own_columns(manifest.columns)
        channels = _channels(manifest)
        nuclei = self.nuclei or _marked(manifest, channels, "nuclei")
        cells = self.cells or _marked(manifest, channels, "cells")
        if nuclei is None:
            raise ManifestError(
                "the manifest does not say which channel shows nuclei; name it with `nuclei`: "
                f"there are {', '.join(channels)}"
            )
        cells = None if cells == NONE else cells
        for option, channel in (("nuclei", nuclei), ("cells", cells)):
            if channel is not None and channel not in channels:
                raise QueryError(
                    f"{option} {channel!r} is not a channel of the manifest; there are "
                    f"{', '.join(channels)}"
                )
        segment: dict[str, Any] = {"segmenter": self.segmenter, "weights": _path(self.weights)}
        if self.nucleus_um is not None:
            segment["nucleus_um"] = _two_numbers(self.nucleus_um)
        if self.pixel_um is not None:
            segment["pixel_um"] = self.pixel_um
        of_segment = SegmentOptions(nuclei=nuclei, cells=cells, **segment).digests()
        deep, of_deep = self._deep()
        given = {**segment, **(deep or {})}
        return build(
            RECIPE,
            nuclei=nuclei,
            cells=cells,
            features=list(as_names(self.features)),
            illum=self.illum,
            illum_from_plate=self.illum_from_plate,
            labels=self.labels,
            images=self.images,
            masks=self.masks,
            segment=segment | of_segment,
            deep=None if deep is None else deep | of_deep,
            files={digest: given[option] for option, digest in (of_segment | of_deep).items()},
        )

    def _deep(self) -> tuple[dict[str, Any] | None, dict[str, str]]:
        """Get the options of the recipe's model, and digests of its files, after a try to load it.

        Raises
        ------
        QueryError, ModelError
            The model cannot be used, or an option is given without one.
        """
        deep: dict[str, Any] = {
            "model": _path(self.model),
            "description": _path(self.description),
            "architecture": self.architecture,
            "box": self.box,
        }
        if self.model is None:
            for option, value in {**deep, "unit": self.unit == "site"}.items():
                if value:
                    raise QueryError(f"{option} has no effect without `model`; give both")
            return None, {}
        deep["unit"] = self.unit
        options = DeepOptions(**deep)
        digests = options.digests()
        model = options.load()
        deep["architecture_sha256"] = model.facts.get("architecture_sha256")
        if (said := model.description.transformers) is not None:
            text = json.dumps(said, sort_keys=True)
            deep["configuration_sha256"] = hashlib.sha256(text.encode()).hexdigest()
        return deep, digests

    def limits(self, manifest: Manifest) -> Limits:
        """Get the limits of a run, by default with more processes than as many images need.

        Because what measures holds Python's lock, threads of one process wait for each other.
        """
        sites = manifest.files // max(1, len(_channels(manifest)))
        count = max(1, min(self.threads, self.connections, sites // SITES_PER_PROCESS))
        return self if self.processes is not None else replace(self, processes=count)


def _channels(manifest: Manifest) -> list[str]:
    """Get the channels of a manifest."""
    with manifest.reading():
        found = manifest.scan(["Metadata_Channel"]).unique().collect(engine="streaming")
    return sorted(found["Metadata_Channel"])


def _marked(manifest: Manifest, channels: Sequence[str], what: str) -> str | None:
    """Get the first channel of which the manifest's file says that it shows nuclei, or cells."""
    origins = (Origin.of_manifest("", notes) for notes in manifest.origins)
    known = (channel for origin in origins for channel in origin.channels)
    return next((one.name for one in known if one.marks == what and one.name in channels), None)


def _path(path: str | Path | None) -> str | None:
    """Get the whole path, because the recipe is built again in other folders."""
    return None if path is None else str(expanded(path).absolute())


def _two_numbers(text: str) -> tuple[float, float]:
    least, _, largest = text.partition(",")
    try:
        return float(least), float(largest)
    except ValueError:
        raise QueryError(
            f"nucleus_um {text!r} is not two diameters in micrometres, as 6,45"
        ) from None
