"""All kept images as one CSV, with the absolute path of each."""

import polars as pl

from jumpduck.errors import QueryError
from jumpduck.rows import SITE_KEY
from jumpduck.transfer.kept_sites import CHANNEL, KeptSites, Plate, Totals
from jumpduck.transfer.stacks import page_numbers


class Paths:
    """A row for each image: its key, where it is, what made it, and the columns of its site."""

    name = "paths"
    out = "paths.csv"

    def __init__(self, kept: KeptSites, totals: Totals) -> None:
        if totals.has_stacks and "page" in kept.site_columns:
            raise QueryError(
                "column 'page' of the results has a name that images of stacks get here; rename it "
                "in the manifest, and download into another folder"
            )
        self._kept = kept
        self._has_stacks = totals.has_stacks

    def frame(self, plate: Plate) -> pl.DataFrame:
        """Get the rows of a plate."""
        images = plate.images
        page = [page_numbers(self._kept, plate)] if self._has_stacks else []
        own = [name for name in plate.site_columns if name not in SITE_KEY]
        return images.select(
            *SITE_KEY,
            CHANNEL,
            pl.concat_str(pl.lit(f"{self._kept.root}/"), "path").alias("path"),
            *page,
            "recipe",
            *own,
        )
