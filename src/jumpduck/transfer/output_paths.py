"""Where a recipe's files go: a manifest names one a channel, some recipes make one a site."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import ManifestError
from jumpduck.recipes.base import Recipe
from jumpduck.transfer.manifest_reader import Plan

SITE = ("Metadata_Well", "Metadata_Site")


def with_targets(rows: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Get the rows of a manifest with the path that this recipe's file has."""
    path = pl.col("path")
    if recipe.per_site:
        path = path.str.replace(r"__[^_/]+(_[HL])?$", "")
    return rows.with_columns(path + recipe.suffix)


def refuse_shared(plan: Plan, recipe: Recipe) -> None:
    """Refuse a manifest in which this recipe's files and the sites are not one to one.

    Raises
    ------
    ManifestError
        Two sites would have one file, or the channels of a site more than one.
    """
    if not recipe.per_site:
        return  # then a path is a file, and none stands twice in a plan
    hashes: list[NDArray[np.uint64]] = []
    for part in plan.parts:
        rows = with_targets(plan.rows(part, ("path", *SITE)), recipe)
        files = rows.group_by("path", maintain_order=True).agg(sites=pl.struct(SITE).n_unique())
        shared = files.filter(pl.col("sites") > 1)
        if shared.height:
            raise _refused(f"two sites of plate {part.plate[2]} would be the file", shared)
        split = rows.unique(("path", *SITE), maintain_order=True)
        split = split.filter(~split.select(SITE).is_unique())
        if split.height:
            raise _refused(f"a site of plate {part.plate[2]} would not be one file but also", split)
        hashes.append(files["path"].hash(seed=0).to_numpy())
    every = np.concatenate(hashes)
    every.sort()
    if (every[1:] == every[:-1]).any():
        twice = every[1:][every[1:] == every[:-1]][0]
        for part in plan.parts:
            files = with_targets(plan.rows(part, ("path",)), recipe)
            files = files.filter(pl.col("path").hash(seed=0) == twice)
            if files.height:
                raise _refused("two plates would share the file", files)


def _refused(what: str, files: pl.DataFrame) -> ManifestError:
    return ManifestError(
        f"{what} {files['path'][0]!r}; in the manifest the paths of a site's channels are the "
        "same but for __CHANNEL at their end, and no other site's are"
    )
