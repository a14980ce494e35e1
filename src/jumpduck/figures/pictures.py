"""Sites of an output folder -> a PNG of them, and a table of what is in it."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from jumpduck.cores import usable_cores
from jumpduck.figures.colours import Colour
from jumpduck.figures.montage import draw_montage, scales_of
from jumpduck.figures.site_images import sites_with_images, table_of
from jumpduck.figures.tiles import read_tiles

PNG_EFFORT = 1
"""Of 9: a picture of tiles does not become much smaller with more."""


def picture_of(
    folder: Path,
    results: pl.LazyFrame,
    sites: pl.DataFrame,
    colours: Mapping[str, Colour],
    *,
    composite: Sequence[str],
    footer: str = "",
    each_alone: bool = False,
) -> tuple[bytes, pl.DataFrame]:
    """Get a PNG of sites, a row each, and one row an image that it shows.

    Parameters
    ----------
    folder
        Where their files are.
    results
        What became of each file.
    sites
        What `jumpduck.selection.shown_sites` gives.
    colours
        Channels to draw, in their order, and their colours.
    composite
        Channels that the last column adds up.
    footer
        Line at the end.
    each_alone
        Whether each image is stretched by itself; else all of a channel and plate alike.

    Raises
    ------
    ManifestError
        The sites of a plate are files of two recipes.
    """
    images = sites_with_images(sites, results, list(colours))
    tiles = read_tiles(folder, [site.kept for site in images], usable_cores())
    rows = [site.row(drawn) for site, drawn in zip(images, tiles, strict=True)]
    scales = scales_of(rows, each_alone=each_alone)
    picture = draw_montage(rows, scales, colours, composite, footer, each_alone=each_alone)
    buffer = io.BytesIO()
    picture.save(buffer, "png", compress_level=PNG_EFFORT)
    return buffer.getvalue(), table_of(images, rows, scales)
