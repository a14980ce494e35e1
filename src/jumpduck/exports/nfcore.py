"""The samplesheet of nf-core/cellpainting: a row for each image.

Columns and patterns are those of ``assets/schema_input.json`` of that pipeline.
"""

import polars as pl

from jumpduck.errors import QueryError
from jumpduck.exports.plain_names import places_of_wells, words_of_channels
from jumpduck.transfer.kept_sites import CHANNEL, KeptSites, Plate, Totals

SUFFIXES = (".tif", ".tiff")


class Samplesheet:
    """Channel, path, source, batch, plate, well, site, row and column of each image."""

    name = "nfcore"
    out = "samplesheet.csv"

    def __init__(self, kept: KeptSites, totals: Totals) -> None:
        if other := [suffix for suffix in totals.suffixes if suffix not in SUFFIXES]:
            raise QueryError(
                f"form nfcore takes TIFFs only, and {kept.folder.path} has {other[0]}; download "
                "with `--recipe raw` or `--recipe tiff16` into another folder"
            )
        if totals.has_stacks:
            raise QueryError(
                "form nfcore takes one file an image, and the files here hold all channels of a "
                "site; download with `--recipe raw` or `--recipe tiff16` into another folder"
            )
        places = places_of_wells(kept.wells, self.name)
        self._rows = {well: place.row for well, place in places.items()}
        self._columns = {well: place.column for well, place in places.items()}
        self._kept = kept
        self._words = words_of_channels(kept.channels)

    def frame(self, plate: Plate) -> pl.DataFrame:
        """Get the rows of a plate."""
        well = pl.col("Metadata_Well")
        return plate.images.select(
            channel=pl.col(CHANNEL).replace_strict(self._words),
            path=pl.concat_str(pl.lit(f"{self._kept.root}/"), "path"),
            source="Metadata_Source",
            batch="Metadata_Batch",
            plate="Metadata_Plate",
            well=well,
            site="Metadata_Site",
            row=well.replace_strict(self._rows),
            col=well.replace_strict(self._columns),
        )
