"""The manifest -> what is measured of each cell; images are not kept."""

from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import polars as pl

from jumpduck.options import expanded, takes
from jumpduck.profiling.before_run import remarks_before
from jumpduck.profiling.options import LEVELS, RECIPE, ProfileOptions
from jumpduck.profiling.plate_files import cells_file, images_file
from jumpduck.profiling.plate_images import gather_images
from jumpduck.profiling.plate_profiles import average_plates
from jumpduck.recipes.base import Recipe
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.run import fill


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
    for text in remarks_before(out, manifest, recipe, force=options.force):
        options.progress({"event": "remark", "text": text})
    with closing(
        fill(
            manifest,
            out,
            recipe,
            options.limits(manifest),
            endpoint=options.endpoint,
            made_by=RECIPE,
            command=command,
            force=options.force,
            scratch=options.scratch,
            progress=options.progress,
        )
    ) as plates:
        yield from plates
    gather_images(out)
    if options.aggregate is not None:
        by = LEVELS[options.aggregate]
        for text in average_plates(out, by, options.average, recipe):
            options.progress({"event": "remark", "text": text})


def count_cells(out: str | Path, manifest: Manifest) -> int:
    """Get the number of cells in the tables of the plates of a manifest."""
    files = (cells_file(expanded(out), plate.key) for plate in manifest.plates())
    rows = [pl.scan_parquet(one, glob=False).select(pl.len()) for one in files if one.is_file()]
    return sum(frame.item() for frame in pl.collect_all(rows))
