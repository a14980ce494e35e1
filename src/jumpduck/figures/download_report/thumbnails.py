"""Kept files -> small pictures of a well's channels, as many as the report has space for."""

import base64
import io
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from jumpduck.cores import usable_cores
from jumpduck.figures.download_report.tables import CHANNEL
from jumpduck.figures.tiles import (
    STRETCH_PERCENTILES,
    Levels,
    Scale,
    TileFile,
    read_tiles,
    stretched,
)
from jumpduck.recipes.kept_images import stretched_levels
from jumpduck.rows import DONE, PLATE_KEY, SITE_KEY, WELL_KEY
from jumpduck.transfer.fault_reasons import reason
from jumpduck.transfer.filled_folder import FilledFolder

EDGE_PIXELS = 128
"""Pixels of the longer side of a picture."""

WEBP_QUALITY = 60

LETTERS_AROUND = 20
"""What the report has beside each picture."""

MAX_IMAGES = 2_000
"""Images that are read, at most: they take about 10 seconds on two cores."""

BATCH_SITES = 32
"""Sites that are read before the next ones are looked at."""

SCALE_SHARES = (0.05, 0.95)
"""Of the images of a plate and channel: so many of their lower levels are darker than black, and so
many of their upper ones less bright than white."""


@dataclass(frozen=True)
class Picture:
    """What the report shows of a channel of a site.

    Attributes
    ----------
    channel
        Its ``Metadata_Channel``.
    webp
        The picture in base64; None if there is none.
    reason
        Why there is none.
    """

    channel: str
    webp: str | None
    reason: str = ""


@dataclass(frozen=True)
class SitePictures:
    """The pictures of a site, in the order of its rows."""

    key: tuple[object, ...]
    pictures: Sequence[Picture]


def thumbnails(folder: FilledFolder, wells: pl.DataFrame, max_bytes: int) -> list[SitePictures]:
    """Get small pictures of the sites of wells, until `max_bytes` or `MAX_IMAGES` are reached.

    First come sites without a file or with an outlier, then the first well of each role on each
    plate, then further wells, and then further sites. The same folder gives the same pictures.

    Parameters
    ----------
    wells
        Rows of `jumpduck.figures.download_report.tables.wells`, with a column ``outlier``.
    max_bytes
        Letters of the pictures in base64, with those around them.
    """
    rows = _rows_to_show(folder, wells)
    scales = _scales(folder)
    sites = [list(group) for _, group in itertools.groupby(rows, lambda row: row["number"])]
    found: list[SitePictures] = []
    left = max_bytes
    # some at a time, because what comes after the last picture need not be read
    for start in range(0, len(sites), BATCH_SITES):
        some = sites[start : start + BATCH_SITES]
        files = [_files_of(site) for site in some]
        for site, tiles in zip(some, read_tiles(folder.path, files, usable_cores()), strict=True):
            key = tuple(site[0][name] for name in SITE_KEY)
            pictures = [
                Picture(channel, None, tile.fault)
                if tile.fault
                else Picture(channel, _webp(tile.grey, scales.get((*key[:3], channel))))
                for channel, tile in tiles.items()
            ]
            left -= sum(len(one.webp or "") + len(one.reason) + LETTERS_AROUND for one in pictures)
            if left < 0:
                return found
            found.append(SitePictures(key, pictures))
    return found


def _rows_to_show(folder: FilledFolder, wells: pl.DataFrame) -> list[dict[str, Any]]:
    """Get the images of the sites to show, with the number of their site, in that order."""
    notable = (pl.col("status") != "done") | pl.col("outlier")
    of_role = pl.int_range(pl.len()).over(*PLATE_KEY, "role")
    order = pl.int_range(pl.len()).over(PLATE_KEY)
    ranked = (
        wells.select(*WELL_KEY, "role", notable.alias("notable"))
        .with_columns(of_role=of_role)
        .sort("notable", "of_role", descending=[True, False], maintain_order=True)
        .with_columns(order=order)
        .sort("order", *PLATE_KEY)
        .head(MAX_IMAGES)
        .select(*WELL_KEY, "order")
    )
    sites = (
        folder.results.select(*SITE_KEY, "status")
        .join(ranked.lazy(), on=WELL_KEY)
        .group_by(SITE_KEY)
        .agg(pl.col("order").first(), whole=pl.col("status").is_in(DONE).all(), images=pl.len())
        .collect(engine="streaming")
        .sort(*WELL_KEY, "whole", SITE_KEY[-1])
        .with_columns(of_well=pl.int_range(pl.len()).over(WELL_KEY))
        .sort("of_well", "order", *PLATE_KEY)
        .filter(pl.col("images").cum_sum() <= MAX_IMAGES)
        .with_row_index("number")
        .select(*SITE_KEY, "number")
    )
    place = pl.col(CHANNEL).replace_strict(
        {one.name: number for number, one in enumerate(folder.channels)}, return_dtype=pl.Int64
    )
    columns = (
        *SITE_KEY, CHANNEL, "path", "status", "checksum", "recipe", "parameters", "low", "high",
    )  # fmt: skip
    return (
        # chosen before the join, because a column of the user's may be called number
        folder.results.select(*columns, reason(), place=place)
        .join(sites.lazy(), on=SITE_KEY)
        .collect(engine="streaming")
        .sort("number", "place")
        .to_dicts()
    )


def _scales(folder: FilledFolder) -> dict[tuple[object, ...], Scale]:
    """Get the grey levels that become black and white, by plate and channel."""
    low, high = SCALE_SHARES
    levels = (
        folder.results.filter(pl.col("status").is_in(DONE))
        .group_by(*PLATE_KEY, CHANNEL)
        .agg(pl.col("low").quantile(low), pl.col("high").quantile(high))
        .drop_nulls()
        .collect(engine="streaming")
    )
    return {tuple(key): (black, white) for *key, black, white in levels.iter_rows()}


def _files_of(site: Sequence[Mapping[str, Any]]) -> dict[str, TileFile]:
    channels = {(row["path"], row[CHANNEL]) for row in site}
    counts = Counter(path for path, _ in channels)
    return {str(row[CHANNEL]): _file_of(row, in_stack=counts[row["path"]] > 1) for row in site}


def _file_of(row: Mapping[str, Any], *, in_stack: bool) -> TileFile:
    if row["status"] not in DONE:
        return TileFile(row[CHANNEL], fault=f"{row['status']}: {row['reason'] or 'not known why'}")
    return TileFile(
        row[CHANNEL],
        row["path"],
        levels=stretched_levels(row),
        checksum=row["checksum"],
        in_stack=in_stack,
    )


def _webp(grey: Levels, scale: Scale | None) -> str:
    """Get a picture in base64; without a scale of its plate, it has one of its own."""
    image = Image.fromarray(
        stretched(grey, scale or np.percentile(grey, STRETCH_PERCENTILES).tolist())
    )
    image.thumbnail((EDGE_PIXELS, EDGE_PIXELS), Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, "webp", quality=WEBP_QUALITY, method=4)
    return base64.b64encode(buffer.getvalue()).decode()
