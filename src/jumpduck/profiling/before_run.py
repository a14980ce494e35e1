"""What a run would lose, leave out or not notice, before anything is fetched."""

from pathlib import Path

import polars as pl

from jumpduck.counts import counted
from jumpduck.errors import QueryError
from jumpduck.profiling.plate_files import IMAGES_FILE, OF_IMAGES
from jumpduck.recipes.base import Recipe
from jumpduck.rows import DONE, SITE_KEY
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.output_folder import OutputFolder


def remarks_before(out: Path, manifest: Manifest, recipe: Recipe, *, force: bool) -> list[str]:
    """Get remarks on what a run would leave out or not notice.

    Raises
    ------
    QueryError
        Cells of other sites of a plate would be lost, because they were measured with other
        options.
    """
    folder = OutputFolder(out)
    is_own = (pl.col("recipe") == recipe.label) & (pl.col("parameters") == recipe.parameters_text)
    for plate in manifest.plates():
        others = folder.plates.read(plate.key).filter(
            ~is_own, pl.col("status").is_in(DONE), pl.col("path").str.ends_with(recipe.suffix)
        )
        if others.is_empty():
            continue
        lost = (
            others.join(plate.rows(SITE_KEY), on=SITE_KEY, how="anti").select(SITE_KEY).n_unique()
        )
        if lost:
            raise QueryError(
                f"{folder.path} has the cells of {counted(lost, 'site')} of plate "
                f"{'/'.join(plate.key)} which were measured with other options, and which this "
                "manifest, limit or shard does not have; they would be lost: give another `out`, "
                "or all sites of the plate"
            )
    remarks: list[str] = []
    if left_out := [name for name in manifest.columns if name.startswith(OF_IMAGES)]:
        remarks.append(
            f"{', '.join(left_out)} of the manifest {'are' if len(left_out) > 1 else 'is'} left "
            "out: the tables have the names and URLs of the images that are measured"
        )
    if (
        recipe.parameters["masks"] is not None
        and not force
        and (folder.path / IMAGES_FILE).is_file()
    ):
        remarks.append(
            "sites that are there are not measured again if their masks have changed; `force` "
            "measures them again"
        )
    return remarks
