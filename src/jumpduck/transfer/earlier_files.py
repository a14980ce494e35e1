"""Files of a manifest that an output folder has from earlier runs, by the recipe that made them."""

from dataclasses import dataclass

import polars as pl

from jumpduck.recipes.base import Recipe
from jumpduck.rows import DONE, PLATE_KEY
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.output_folder import OutputFolder

MAX_COMPARED_ROWS = 5_000_000
"""Rows of a manifest whose images are compared one by one; of more, plates are compared."""


@dataclass(frozen=True, slots=True)
class EarlierFiles:
    """How many files of a manifest are there as one recipe made them.

    Attributes
    ----------
    recipe, parameters
        As the results keep them.
    files
        Rows of the manifest.
    replaced
        The recipe that is asked for now gives its files the same names.
    """

    recipe: str
    parameters: str
    files: int
    replaced: bool


def count_there(folder: OutputFolder, manifest: Manifest, recipe: Recipe) -> int:
    """Get the number of files of a manifest that are there as a recipe makes them."""
    own = (recipe.label, recipe.parameters_text)
    return sum(one.files for one in _found(folder, manifest, recipe, _is(*own)))


def files_of_other_recipes(
    folder: OutputFolder, manifest: Manifest, recipe: Recipe
) -> list[EarlierFiles]:
    """Get the files of a manifest that other recipes, or other parameters, made, by recipe."""
    own = (recipe.label, recipe.parameters_text)
    return _found(folder, manifest, recipe, ~_is(*own))


def _is(label: str, parameters: str) -> pl.Expr:
    return (pl.col("recipe") == label) & (pl.col("parameters") == parameters)


def _found(
    folder: OutputFolder, manifest: Manifest, recipe: Recipe, which: pl.Expr
) -> list[EarlierFiles]:
    made_by = ("recipe", "parameters")
    if not folder.gathered.results.is_file():
        return []
    names = {
        (run.notes["recipe"], run.notes["parameters"]): (run.notes["suffix"], run.notes["per_site"])
        for run in folder.asked.runs()
    }
    try:
        rows = pl.scan_parquet(folder.gathered.results, glob=False).filter(
            which, pl.col("status").is_in(DONE)
        )
        if rows.select("status").head(1).collect(engine="streaming").is_empty():
            return []  # as a rule, because a folder has files of one recipe
        on = ["url"] if manifest.files <= MAX_COMPARED_ROWS else list(PLATE_KEY)
        with manifest.reading():
            found = (
                rows.join(manifest.scan(on).unique(), on=on, how="semi")
                .group_by(made_by)
                .agg(pl.len(), pl.col("path").min())
                .sort(made_by)
                .collect(engine="streaming")
            )
    except pl.exceptions.PolarsError:
        return []  # the run writes this table anew, because it is made from those of the plates
    own = (recipe.suffix, recipe.per_site)
    return [
        EarlierFiles(
            label,
            parameters,
            files,
            # a folder that was copied does not know its runs
            replaced=names.get((label, parameters), own) == own and path.endswith(recipe.suffix),
        )
        for label, parameters, files, path in found.rows()
    ]
