"""Kept files -> small pictures of a well's channels, as many as the report has space for."""

import base64
import functools
import io
import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from PIL import Image

from jumpduck.errors import ImageError
from jumpduck.figures.download_report.tables import CHANNEL, WELL_KEY
from jumpduck.imaging.readers import decode_image, page_channels
from jumpduck.imaging.transforms import to_8bit
from jumpduck.rows import DONE, PLATE_KEY, SITE_KEY
from jumpduck.transfer.cores import usable_cores
from jumpduck.transfer.fault_reasons import reason
from jumpduck.transfer.filled_folder import FilledFolder
from jumpduck.transfer.manifest_paths import PLAIN_PATH

EDGE_PIXELS = 128
"""Pixels of the longer side of a picture."""

WEBP_QUALITY = 60

MAX_BYTES = 4_000_000
"""Letters of the report that are pictures, at most."""

MAX_FILES = 2_000
"""Files that are read, at most: they take about 10 seconds on two cores."""

MAX_FILE_BYTES = 256_000_000
"""A larger file is not read."""

UNSAFE_PATH = "its path could leave the folder"

STRETCH_PERCENT = 1.0
"""Of the pixels at either end that become black or white, where a file holds grey levels."""

BATCH_SITES = 64
"""Sites that are read before the next ones are looked at."""


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


def thumbnails(folder: FilledFolder, wells: pl.DataFrame) -> list[SitePictures]:
    """Get small pictures of the sites of wells, until `MAX_BYTES` or `MAX_FILES` are reached.

    First come sites without a file or with an outlier, then the first well of each role on each
    plate, then further wells, and then further sites. The same folder gives the same pictures.

    Parameters
    ----------
    wells
        Rows of `jumpduck.figures.download_report.tables.wells`, with a column ``outlier``.
    """
    rows = _rows_to_show(folder, wells)
    sites = [list(group) for _, group in itertools.groupby(rows, lambda row: row["number"])]
    found: list[SitePictures] = []
    left = MAX_BYTES
    with ThreadPoolExecutor(usable_cores()) as pool:
        # a chunk at a time, because what comes after the last picture need not be read
        for start in range(0, len(sites), BATCH_SITES):
            some = sites[start : start + BATCH_SITES]
            for site in pool.map(functools.partial(_site_pictures, folder.path), some):
                left -= sum(len(one.webp or "") for one in site.pictures)
                if left < 0:
                    return found
                found.append(site)
    return found


def _rows_to_show(folder: FilledFolder, wells: pl.DataFrame) -> list[dict[str, object]]:
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
        .head(MAX_FILES)
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
        .filter(pl.col("images").cum_sum() <= MAX_FILES)
        .with_row_index("number")
        .select(*SITE_KEY, "number")
    )
    safe = pl.col("path").str.contains(PLAIN_PATH)
    place = pl.col(CHANNEL).replace_strict(
        {one.name: number for number, one in enumerate(folder.channels)}, return_dtype=pl.Int64
    )
    return (
        folder.results.join(sites.lazy(), on=SITE_KEY)
        .select(
            "number",
            *SITE_KEY,
            CHANNEL,
            "path",
            place=place,
            done=pl.col("status").is_in(DONE),
            safe=safe,
            reason=pl.concat_str("status", reason(), separator=": "),
        )
        .collect(engine="streaming")
        .sort("number", "place")
        .to_dicts()
    )


def _site_pictures(folder: Path, rows: Sequence[Mapping[str, object]]) -> SitePictures:
    paths = [row["path"] for row in rows if row["done"]]
    stack = len(set(paths)) < len(paths)
    read: dict[object, bytes | str] = {}
    for row in rows:
        if row["done"] and row["path"] not in read:
            safe = row["safe"]
            read[row["path"]] = _read(folder / str(row["path"])) if safe else UNSAFE_PATH
    pictures = [_picture(row, read.get(row["path"]), stack=stack) for row in rows]
    return SitePictures(tuple(rows[0][name] for name in SITE_KEY), pictures)


def _read(file: Path) -> bytes | str:
    """Get a file, or why it cannot be shown."""
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            return f"the file has more than {MAX_FILE_BYTES / 1e6:.0f} MB"
        return file.read_bytes()
    except OSError as error:
        return f"the file cannot be read: {error.strerror or error}"


def _picture(row: Mapping[str, object], data: bytes | str | None, *, stack: bool) -> Picture:
    channel = str(row[CHANNEL])
    if not isinstance(data, bytes):
        return Picture(channel, None, data or str(row["reason"]))
    try:
        page = page_channels(data).index(channel) if stack else 0
        plane = decode_image(data, page=page)
    except (ImageError, ValueError) as error:
        return Picture(channel, None, f"the file cannot be read: {error}")
    if plane.dtype.itemsize > 1 or str(row["path"]).endswith((".tif", ".tiff")):
        plane = to_8bit(plane, STRETCH_PERCENT)
    image = Image.fromarray(plane)
    image.thumbnail((EDGE_PIXELS, EDGE_PIXELS), Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, "webp", quality=WEBP_QUALITY, method=4)
    return Picture(channel, base64.b64encode(buffer.getvalue()).decode())
