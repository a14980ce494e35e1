"""sites.parquet -> a contact sheet: one row a well, one column a channel."""

import functools
import io
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
from PIL import Image, ImageDraw, ImageFont, ImageOps

from jumpduck.errors import ImageError, ManifestError
from jumpduck.imaging.readers import decode_image, page_channels
from jumpduck.imaging.transforms import to_8bit
from jumpduck.options import expanded
from jumpduck.rows import PLATE_KEY, SITE_KEY
from jumpduck.storage.atomic_files import atomic_write
from jumpduck.storage.replaced_files import is_png, refuse_other_file

ROLE, NAME = "Metadata_pert_type", "Metadata_Name"
PERTURBATION = "Metadata_Perturbation"
PATH_PREFIX = "path_"

MAX_WELLS = 384
"""Rows of a sheet; the last line says how many wells were left out."""

TILE_PIXELS = 160
GAP_PIXELS = 6
MARGIN_PIXELS = 18
LABEL_PIXELS = 180
"""Width of the text beside the tiles."""

HEADER_PIXELS = 44
PLATE_PIXELS = 42
"""Height of the line that names a plate."""

BACKGROUND, TILE_BACKGROUND, CROSS = "#15171c", "#1f2229", "#4a505c"
BRIGHT_TEXT, TEXT, ACCENT = "#f4f5f7", "#9aa2b1", "#ffc53d"

STRETCH_PERCENT = 1.0
"""Of the pixels at either end that become black or white, where a file holds grey levels."""

Site = Mapping[str, object]


def contact_sheet(out: str | Path = "images", path: str | Path | None = None) -> Path:
    """Draw one site of each well, its channels side by side, and get the path of the PNG.

    The site of a well is the one with the most channels; of several, the first. A channel
    without a file is a crossed tile. A file of 8 bits is drawn as it is; a TIFF or a file of 16
    bits holds grey levels and is stretched between its percentiles 1 and 99.

    Parameters
    ----------
    out
        Folder that `jumpduck.download` filled, with any recipe.
    path
        PNG to write; ``contact_sheet.png`` in `out` by default.

    Raises
    ------
    ManifestError
        `out` has no sites.parquet, or it names no images.
    StoreError
        `path` is a file of another kind.
    """
    folder = expanded(out)
    target = expanded(path) if path is not None else folder / "contact_sheet.png"
    refuse_other_file(target, "a picture", is_png)
    table = folder / "sites.parquet"
    if not table.is_file():
        raise ManifestError(f"no {table}; fill the folder with `jumpduck download`")
    sites = pl.read_parquet(table, glob=False)
    columns = [name for name in sites.columns if name.startswith(PATH_PREFIX)]
    channels = [column.removeprefix(PATH_PREFIX) for column in columns]
    if sites.is_empty() or not columns:
        raise ManifestError(f"{table} names no images; fill the folder with `jumpduck download`")
    wells = (
        sites.with_columns(absent=pl.sum_horizontal(pl.col(columns).is_null()))
        .sort("absent", "Metadata_Site")
        .group_by(*PLATE_KEY, "Metadata_Well")
        .first()
        .sort(*PLATE_KEY, "Metadata_Well")
        .select(sites.columns)
    )
    sheet = _draw(folder, wells.head(MAX_WELLS).rows(named=True), channels)
    if wells.height > MAX_WELLS:
        sheet = _with_footer(sheet, f"and {wells.height - MAX_WELLS:,} more wells")
    buffer = io.BytesIO()
    sheet.save(buffer, "png")
    atomic_write(target, buffer.getvalue())
    return target


def _draw(folder: Path, wells: Sequence[Site], channels: Sequence[str]) -> Image.Image:
    step = TILE_PIXELS + GAP_PIXELS
    first_tile = MARGIN_PIXELS + LABEL_PIXELS
    plates = [list(rows) for _, rows in itertools.groupby(wells, _plate_text)]
    width = first_tile + step * len(channels) - GAP_PIXELS + MARGIN_PIXELS
    height = HEADER_PIXELS + PLATE_PIXELS * len(plates) + step * len(wells) + MARGIN_PIXELS
    sheet = Image.new("RGB", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for number, channel in enumerate(channels):
        middle = first_tile + step * number + TILE_PIXELS // 2
        text = _shortened(channel, 17, TILE_PIXELS)
        draw.text((middle, HEADER_PIXELS // 2 + 4), text, BRIGHT_TEXT, _font(17), anchor="mm")
    top = HEADER_PIXELS
    for rows in plates:
        line = top + PLATE_PIXELS // 2
        text = _shortened(_plate_text(rows[0]), 15, width - 2 * MARGIN_PIXELS)
        draw.text((MARGIN_PIXELS, line), text, ACCENT, _font(15), anchor="lm")
        right = MARGIN_PIXELS + _font(15).getlength(text) + 12
        draw.line((right, line, width - MARGIN_PIXELS, line), TILE_BACKGROUND, 2)
        top += PLATE_PIXELS
        for site in rows:
            _draw_label(draw, site, top)
            for number, tile in enumerate(_tiles(folder, site, channels)):
                sheet.paste(tile, (first_tile + step * number, top))
            top += step
    return sheet


def _draw_label(draw: ImageDraw.ImageDraw, site: Site, top: int) -> None:
    lines = [(f"{site['Metadata_Well']}  site {site['Metadata_Site']}", 18, BRIGHT_TEXT)]
    lines += [(str(text), 14, TEXT) for text in (site.get(ROLE), _name(site)) if text]
    baseline = top + (TILE_PIXELS - sum(size + 8 for _, size, _ in lines)) // 2
    for text, size, colour in lines:
        baseline += size + 6
        shown = _shortened(text, size, LABEL_PIXELS - 12)
        draw.text((MARGIN_PIXELS, baseline), shown, colour, _font(size), anchor="ls")


def _plate_text(site: Site) -> str:
    return "   /   ".join(str(site[name]) for name in PLATE_KEY)


def _name(site: Site) -> object:
    """The site's name, else its perturbation, else the first text that the collection gives it."""
    own = (*SITE_KEY, ROLE, NAME)
    others = [name for name in site if name not in own and not name.startswith(PATH_PREFIX)]
    texts = (site.get(name) for name in (NAME, PERTURBATION, *others))
    return next((text for text in texts if isinstance(text, str) and text), None)


def _tiles(folder: Path, site: Site, channels: Sequence[str]) -> list[Image.Image]:
    """The images of a site, small and in 8 bit; a cross where there is none."""
    paths = [site[PATH_PREFIX + channel] for channel in channels]
    present = [path for path in paths if path]
    stack = len(set(present)) < len(present)
    return [
        _tile(folder / str(path), channel if stack else None) if path else _crossed_tile()
        for path, channel in zip(paths, channels, strict=True)
    ]


def _tile(file: Path, channel: str | None) -> Image.Image:
    """The image of a file, or of one channel of a file that holds several."""
    try:
        data = file.read_bytes()
        page = page_channels(data).index(channel) if channel is not None else 0
        plane = decode_image(data, page=page)
    except (ImageError, OSError, ValueError):
        return _crossed_tile()
    if plane.dtype.itemsize > 1 or file.suffix == ".tiff":
        plane = to_8bit(plane, STRETCH_PERCENT)
    size = (TILE_PIXELS, TILE_PIXELS)
    image = ImageOps.contain(Image.fromarray(plane), size, Image.Resampling.BOX)
    return ImageOps.pad(image.convert("RGB"), size, color=TILE_BACKGROUND)


def _crossed_tile() -> Image.Image:
    tile = Image.new("RGB", (TILE_PIXELS, TILE_PIXELS), TILE_BACKGROUND)
    draw = ImageDraw.Draw(tile)
    first, last = TILE_PIXELS // 3, TILE_PIXELS - TILE_PIXELS // 3
    draw.line((first, first, last, last), CROSS, 4)
    draw.line((first, last, last, first), CROSS, 4)
    return tile


def _with_footer(sheet: Image.Image, text: str) -> Image.Image:
    taller = ImageOps.expand(sheet, (0, 0, 0, PLATE_PIXELS), BACKGROUND)
    place = (MARGIN_PIXELS, sheet.height + PLATE_PIXELS // 2 - MARGIN_PIXELS // 2)
    ImageDraw.Draw(taller).text(place, text, TEXT, _font(15), anchor="lm")
    return taller


@functools.cache
def _font(size_pixels: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_pixels)


def _shortened(text: str, size_pixels: int, width_pixels: int) -> str:
    """The text, or as much of its beginning as fits, with an ellipsis."""
    font = _font(size_pixels)
    if font.getlength(text) <= width_pixels:
        return text
    while text and font.getlength(text + "…") > width_pixels:
        text = text[:-1]
    return text + "…"
