"""The manifest -> what is measured of each cell; images are not kept."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import KW_ONLY, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from jumpduck.errors import ManifestError, QueryError
from jumpduck.normalization.aggregation import AVERAGES, Aggregation
from jumpduck.options import expanded, takes
from jumpduck.profile_tables.columns import features_of, metadata_of
from jumpduck.profile_tables.profiles import Profiles
from jumpduck.profile_tables.reading import open_profiles
from jumpduck.profile_tables.writing import write_parts
from jumpduck.profiling.plate_files import cells_file, images_file
from jumpduck.profiling.plate_images import gather_images
from jumpduck.profiling.recipe import NAME
from jumpduck.recipes.base import Recipe
from jumpduck.recipes.registry import build
from jumpduck.rows import SITE_KEY, WELL_KEY, PlateKey
from jumpduck.selection.criteria import Names, as_names
from jumpduck.transfer.limits import Limits
from jumpduck.transfer.manifest_files import ManifestFiles
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.origins import Origin
from jumpduck.transfer.run import fill
from jumpduck.transfer.scheduler import Event, no_progress

PROFILES_FILE = "profiles.parquet"

LEVELS = {"site": SITE_KEY, "well": WELL_KEY}
"""What cells are averaged over."""

SITES_PER_PROCESS = 8
"""Sites for which one more process is worth its start, which takes a core two seconds."""

CHUNK_BYTES = 64 << 20
"""Of features that are averaged at a time."""

PLACES = ("_Location_", "_AreaShape_Center_", "_AreaShape_BoundingBox")
"""In the names of what says where a cell is in its image, and nothing of the cell."""

NONE = "none"


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
            The manifest does not say which channel shows nuclei.
        """
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
        segment: dict[str, object] = {}
        if self.nucleus_um is not None:
            segment["nucleus_um"] = _two_numbers(self.nucleus_um)
        if self.pixel_um is not None:
            segment["pixel_um"] = self.pixel_um
        return build(
            NAME,
            nuclei=nuclei,
            cells=cells,
            features=list(as_names(self.features)),
            illum=self.illum,
            illum_from_plate=self.illum_from_plate,
            labels=self.labels,
            images=self.images,
            segment=segment,
        )

    def limits(self, manifest: Manifest) -> Limits:
        """Get the limits of a run, by default with more processes than as many images need.

        Because what measures holds Python's lock, threads of one process wait for each other.
        """
        sites = manifest.files // max(1, len(_channels(manifest)))
        count = max(1, min(self.threads, self.connections, sites // SITES_PER_PROCESS))
        return self if self.processes is not None else replace(self, processes=count)


@takes(ProfileOptions)
def profile(options: ProfileOptions) -> pl.DataFrame:
    """Fetch the sites of a manifest, find their cells, and measure them; images are not kept.

    ``cells/SOURCE/BATCH/PLATE.parquet`` gets a row for each cell, ``images.parquet`` a row for each
    site, and ``profiles.parquet``, if it is asked for, a row for each well or site. What is there
    from an earlier run is not made again. A site that lacks a channel, or whose images are broken,
    is a row with a reason.

    Returns
    -------
    pl.DataFrame
        The rows of ``images.parquet`` of the plates of the manifest: counts and quality of each
        site, with ``status`` and ``error`` as in the results of `jumpduck.download`.

    Raises
    ------
    QueryError
        An option is wrong.
    ManifestError
        The manifest lacks a column, or does not say which channel shows nuclei.
    StoreError
        `out` cannot be written, has no space left, or is being filled with other options.
    """
    manifest = Manifest.open(options.manifest, options.limit, options.shard)
    recipe = options.build(manifest)
    with closing(profile_plates(options, manifest, recipe)) as plates:
        for _ in plates:
            pass
    files = (images_file(expanded(options.out), plate.key) for plate in manifest.plates())
    found = [pl.read_parquet(file, glob=False) for file in files if file.is_file()]
    return pl.concat(found, how="diagonal_relaxed")


def profile_plates(
    options: ProfileOptions, manifest: Manifest, recipe: Recipe, command: str | None = None
) -> Generator[pl.DataFrame]:
    """Get the results of each plate, as `download_plates` does; at its end, write the tables.

    `command` is the command line that goes on with the run, if there is one.
    """
    out = expanded(options.out)
    with closing(
        fill(
            manifest,
            out,
            recipe,
            options.limits(manifest),
            endpoint=options.endpoint,
            made_by=NAME,
            command=command,
            force=options.force,
            scratch=options.scratch,
            progress=options.progress,
        )
    ) as plates:
        yield from plates
    gather_images(out)
    if options.aggregate is not None:
        write_aggregated(options, [plate.key for plate in manifest.plates()])


def count_cells(out: str | Path, manifest: Manifest) -> int:
    """Get the number of cells in the tables of the plates of a manifest."""
    files = (cells_file(expanded(out), plate.key) for plate in manifest.plates())
    rows = [pl.scan_parquet(one, glob=False).select(pl.len()) for one in files if one.is_file()]
    return sum(frame.item() for frame in pl.collect_all(rows))


def write_aggregated(options: ProfileOptions, plates: Sequence[PlateKey]) -> int:
    """Write the profiles of wells or sites, and get their number.

    Raises
    ------
    ProfileError
        No cell was found, or plates have other features.
    StoreError
        The table cannot be written.
    """
    assert options.aggregate is not None
    out, by = expanded(options.out), LEVELS[options.aggregate]
    files = [file for key in plates if (file := cells_file(out, key)).is_file()]
    kept = _common(files, by)
    parts = (
        part for file in files if (part := _aggregated(file, by, kept, options.average)) is not None
    )
    return write_parts(parts, out / PROFILES_FILE)


def _common(files: Sequence[Path], by: Sequence[str]) -> list[str]:
    """Get the columns that have one value for all cells that are averaged, in each plate."""
    kept: dict[str, None] | None = None
    for file in files:
        schema = dict(pl.read_parquet_schema(file))
        others = [
            name
            for name in metadata_of(schema, features_of(schema))
            if name not in by and name not in _of_cells(schema)
        ]
        grouped = pl.scan_parquet(file, glob=False).group_by(by)
        same = grouped.agg(pl.col(others).n_unique() <= 1).select(pl.col(others).all()).collect()
        here = {name: None for name in others if same[name].item()}
        kept = here if kept is None else {name: None for name in kept if name in here}
    return list(kept or ())


def _aggregated(
    file: Path, by: Sequence[str], kept: Sequence[str], average: str
) -> Profiles | None:
    """Get the averages of the cells of a plate, with their number; None where there are none."""
    names = [
        name
        for name in features_of(dict(pl.read_parquet_schema(file)))
        if not any(place in name for place in PLACES)
    ]
    with open_profiles(file, features=names) as table:
        if not len(table):
            return None
        averages = Aggregation(table.metadata.select(*by, *kept), by, average)
        rows = max(1, CHUNK_BYTES // (8 * len(names)))
        for first, last in pairwise((*range(0, len(table), rows), len(table))):
            numbers = np.arange(first, last)
            averages.add(numbers, table.read(numbers))
        made = averages.profiles(names)
        counts = table.metadata.group_by(by).agg(
            Metadata_Object_Count=pl.len().cast(pl.Int64),
            Metadata_Site_Counts=pl.col("Metadata_ImageNumber").n_unique().cast(pl.Int64),
        )
        with_counts = made.metadata.join(counts, on=by, how="left", maintain_order="left")
        return replace(made, metadata=with_counts)


def _of_cells(schema: Mapping[str, pl.DataType]) -> set[str]:
    """Get the columns that tell the cells of a site apart, or mark them."""
    numbers = ("_ObjectNumber", "_Object_Number", "_Parent_Nuclei", "_Parent_Cells")
    return {
        name
        for name, dtype in schema.items()
        if name.startswith("Metadata_") and (name.endswith(numbers) or dtype == pl.Boolean)
    }


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


def _two_numbers(text: str) -> tuple[float, float]:
    least, _, largest = text.partition(",")
    try:
        return float(least), float(largest)
    except ValueError:
        raise QueryError(
            f"nucleus_um {text!r} is not two diameters in micrometres, as 6,45"
        ) from None
