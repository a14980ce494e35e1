"""One file for each site: refused where the manifest's paths do not allow it."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import ManifestError
from jumpduck.recipes.base import Recipe
from jumpduck.transfer.manifest_reader import ONLY_IN_FORM, Manifest, folded

SITE = ("Metadata_Well", "Metadata_Site")
COLUMNS = ("path", *SITE, "Metadata_Channel")


def check_one_file_per_site(manifest: Manifest, recipe: Recipe) -> None:
    """Refuse a manifest in which the files of a recipe and the sites are not one to one.

    Raises
    ------
    ManifestError
        Two sites would have one file, or the channels of a site more than one.
    """
    if not recipe.per_site:
        return  # because a manifest with a repeated path is refused, each image has its own file
    hashes: list[NDArray[np.uint64]] = []
    for plate in manifest.plates():
        rows = recipe.targets(plate.rows(COLUMNS))
        twice = rows.filter(rows.select("path", "Metadata_Channel").is_duplicated())
        if twice.height:
            raise _refused(f"two images of channel {twice['Metadata_Channel'][0]!r} are in", twice)
        files = rows.group_by("path", maintain_order=True).agg(sites=pl.struct(SITE).n_unique())
        shared = files.filter(pl.col("sites") > 1)
        if shared.height:
            raise _refused(f"two sites of plate {plate.key[2]} would be the file", shared)
        split = rows.unique(("path", *SITE), maintain_order=True)
        split = split.filter(~split.select(SITE).is_unique())
        if split.height:
            raise _refused(f"a site of plate {plate.key[2]} would not be one file but also", split)
        hashes.append(folded(files["path"]).hash(seed=0).to_numpy())
    every = np.concatenate(hashes)
    every.sort()
    repeated = every[1:][every[1:] == every[:-1]]
    if len(repeated):
        every_plate = (recipe.targets(plate.rows(COLUMNS)) for plate in manifest.plates())
        alike = pl.concat(
            rows.filter(folded(rows["path"]).hash(seed=0) == repeated[0]) for rows in every_plate
        )
        names = alike["path"].unique().sort()
        if len(names) > 1:
            raise ManifestError(f"files {names[0]!r} and {names[1]!r} {ONLY_IN_FORM}; rename one")
        raise _refused("two plates would share the file", alike)


def _refused(what: str, files: pl.DataFrame) -> ManifestError:
    return ManifestError(
        f"{what} {files['path'][0]!r}; in the manifest, the paths of a site's channels must be the "
        "same but for __CHANNEL at their end, and differ from those of all other sites"
    )
