"""The CSV that CellProfiler's module LoadData reads: a row for each site."""

import json

import polars as pl

from jumpduck.errors import QueryError
from jumpduck.exports.plain_names import words_of_channels
from jumpduck.rows import SITE_KEY
from jumpduck.transfer.kept_sites import CHANNEL, KeptSites, Plate, Totals
from jumpduck.transfer.stacks import page_numbers

UNREADABLE = (".jxl",)
"""Suffixes of files that CellProfiler cannot read."""

WHOLE = ("raw", "tiff16", "png16", "stack")
"""Recipes that keep grey levels as they are published."""

CHANGES = ("crop", "crop_um", "resize", "illum", "illum_from_plate")
"""Options with which an illumination function does not fit the kept image."""


class LoadData:
    """File and folder of each channel, and the columns ``Metadata_*`` of each site.

    The image of channel X is called OrigX, as the Cell Painting Gallery does. Of a stack,
    ``Frame_OrigX`` is the number of the page, from 0. The illumination functions of the manifest
    are columns, too, where the kept images are as published: elsewhere they would not fit, or count
    twice.
    """

    name = "loaddata"
    out = "load_data.csv"

    def __init__(self, kept: KeptSites, totals: Totals) -> None:
        if kept.incomplete:
            raise QueryError(
                "incomplete sites cannot be in form loaddata, because CellProfiler stops at an "
                "image that is not there; leave `incomplete` out"
            )
        if other := [suffix for suffix in totals.suffixes if suffix in UNREADABLE]:
            raise QueryError(
                f"form loaddata takes files that CellProfiler reads, and {kept.folder.path} has "
                f"{other[0]}; download with `--recipe png16` or `--recipe tiff16` into another "
                "folder"
            )
        self._kept = kept
        self._words = words_of_channels(kept.channels)
        self._is_whole = all(_keeps_all(*recipe) for recipe in totals.recipes)

    def frame(self, plate: Plate) -> pl.DataFrame:
        """Get the rows of a plate."""
        root = f"{self._kept.root}/"
        images = plate.images.with_columns(page_numbers(self._kept, plate))
        columns: list[pl.Expr] = []
        for channel in plate.channels:
            word = self._words[channel]
            own = pl.col(CHANNEL) == channel
            path = pl.concat_str(pl.lit(root), pl.col("path")).filter(own).first()
            columns += _file_and_folder(path, f"Orig{word}")
            if plate.is_stacked:
                columns.append(pl.col("page").filter(own).first().alias(f"Frame_Orig{word}"))
            illum = images.filter(own).get_column("url_illum", default=None)
            if self._is_whole and illum is not None and not illum.null_count():
                url = pl.col("url_illum").filter(own).first()
                columns += _file_and_folder(url, f"Illum{word}")
        metadata = [
            pl.col(name).first()
            for name in plate.site_columns
            if name not in SITE_KEY and name.startswith("Metadata_")
        ]
        return images.group_by(SITE_KEY, maintain_order=True).agg(*metadata, *columns)


def _file_and_folder(path: pl.Expr, name: str) -> list[pl.Expr]:
    return [
        path.str.extract(r"([^/]*)$").alias(f"FileName_{name}"),
        path.str.replace(r"/[^/]*$", "").alias(f"PathName_{name}"),
    ]


def _keeps_all(label: str, parameters: str) -> bool:
    options = json.loads(parameters)
    return label.split(maxsplit=1)[0] in WHOLE and not any(options.get(name) for name in CHANGES)
