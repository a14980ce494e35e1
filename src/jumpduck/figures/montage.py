"""Sites as a picture: a row a site, a column a channel, and all of them in colour."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from jumpduck.figures.colours import Colour
from jumpduck.figures.text import font, shortened, wrapped
from jumpduck.figures.tiles import (
    STRETCH_PERCENTILES,
    TILE_PIXELS,
    Levels,
    Scale,
    Tile,
    stretched,
)

GAP_PIXELS = 6
MARGIN_PIXELS = 18
LABEL_PIXELS = 196
"""Width of the text beside the tiles."""

PLATE_PIXELS = 40
"""Height of the line that names a plate."""

HEADER_PIXELS = 50
"""Height of the names of the channels, below it."""

CONTROLS_GAP_PIXELS = 14
"""Between what was asked for and its controls."""

FOOTER_PIXELS = 36
FIRST_COLUMN_PIXELS = MARGIN_PIXELS + LABEL_PIXELS

MAX_PIXELS = 65_535
"""Height of a picture: many programs do not open a higher one."""

MAX_ROWS = (MAX_PIXELS - MARGIN_PIXELS - FOOTER_PIXELS) // (
    TILE_PIXELS + GAP_PIXELS + PLATE_PIXELS + HEADER_PIXELS
)
"""Rows of a picture, also where each is of another plate."""

BACKGROUND, TILE_BACKGROUND, HATCH = "#15171c", "#1f2229", "#343a46"
BRIGHT_TEXT, TEXT, ACCENT, WARNING = "#f4f5f7", "#a9b1bf", "#ffc53d", "#ff9e64"

BAR_SHARE = 0.4
"""Of the width of an image that its scale bar has at most."""

BAR_STEPS = (1, 2, 5)
BAR_HEIGHT_PIXELS = 4
BAR_MARGIN_PIXELS = 8

COMPOSITE = "composite"

EACH_ALONE = "each image by itself"
"""Below the name of a channel whose images have no levels in common."""


@dataclass(frozen=True, slots=True)
class Row:
    """A site in the picture.

    Attributes
    ----------
    plate
        Name of its plate, above its rows.
    name
        What was done to its cells.
    remarks
        Further lines beside its images.
    warning
        What was reported about it; empty if nothing.
    is_control
        It is shown beside what was asked for.
    tiles
        By channel; those of a plate have the same channels.
    edges_um
        Longer edge of images in micrometres, by channel, where it is known.
    """

    plate: str
    name: str
    remarks: Sequence[str]
    warning: str
    is_control: bool
    tiles: Mapping[str, Tile]
    edges_um: Mapping[str, float]


def scales_of(rows: Sequence[Row], *, each_alone: bool) -> list[dict[str, Scale]]:
    """Get the grey levels that become black and white, by row and channel.

    They are percentiles 0.5 and 99.5 of every fourth pixel that is drawn of an image, or, unless
    `each_alone`, of all images of the channel and plate. A fault has none.
    """
    pixels: dict[object, list[Levels]] = {}
    for number, row in enumerate(rows):
        for channel, tile in row.tiles.items():
            if not tile.fault:
                key = (number if each_alone else row.plate, channel)
                pixels.setdefault(key, []).append(tile.grey[::2, ::2].ravel())
    found: dict[object, Scale] = {}
    for key, parts in pixels.items():
        black, white = np.percentile(np.concatenate(parts), STRETCH_PERCENTILES)
        found[key] = float(black), float(white)
    return [
        {
            channel: found[number if each_alone else row.plate, channel]
            for channel, tile in row.tiles.items()
            if not tile.fault
        }
        for number, row in enumerate(rows)
    ]


def draw_montage(
    rows: Sequence[Row],
    scales: Sequence[Mapping[str, Scale]],
    colours: Mapping[str, Colour],
    composite: Sequence[str],
    footer: str,
    *,
    each_alone: bool,
) -> Image.Image:
    """Draw sites below each other, those of a plate together.

    Parameters
    ----------
    rows, scales
        Of each site, and what `scales_of` returns for them.
    colours
        Of each channel that is a column where its plate has it, in their order.
    composite
        Channels that the last column adds up in their colours; of a single one there is none.
    footer
        Last line; empty for none.
    each_alone
        The scales are those of each image, which the header says in place of levels.
    """
    columns = max(len(row.tiles) + _is_added(row, composite) for row in rows)
    step = TILE_PIXELS + GAP_PIXELS
    plates = [list(numbers) for _, numbers in groupby(range(len(rows)), lambda n: rows[n].plate)]
    gaps = sum(rows[n].is_control and not rows[n - 1].is_control for p in plates for n in p[1:])
    width = FIRST_COLUMN_PIXELS + step * columns - GAP_PIXELS + MARGIN_PIXELS
    height = (
        len(plates) * (PLATE_PIXELS + HEADER_PIXELS)
        + len(rows) * step
        + gaps * CONTROLS_GAP_PIXELS
        + MARGIN_PIXELS
        + (FOOTER_PIXELS if footer else 0)
    )
    image = Image.new("RGB", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(image)
    top = 0
    for plate in plates:
        _draw_plate(draw, rows[plate[0]].plate, top, width)
        own = {name: colour for name, colour in colours.items() if name in rows[plate[0]].tiles}
        levels = dict.fromkeys(own, EACH_ALONE) if each_alone else _levels(scales[n] for n in plate)
        is_added = _is_added(rows[plate[0]], composite)
        _draw_header(draw, own, levels, top + PLATE_PIXELS, is_added=is_added)
        top += PLATE_PIXELS + HEADER_PIXELS
        sums = [_added_up(rows[n], scales[n], colours, composite) for n in plate]
        full = [_brightest(one) for one in sums]
        shown = None
        for number, total, of_row in zip(plate, sums, full, strict=True):
            row, brightest = rows[number], of_row if each_alone else max(full)
            if number != plate[0] and row.is_control and not rows[number - 1].is_control:
                top += CONTROLS_GAP_PIXELS
            _draw_label(draw, row, top)
            pictures = list(_grey_pictures(row, scales[number], own))
            if is_added:
                pictures.append(_composite_picture(row, composite, total * (255 / brightest)))
            for place, picture in enumerate(pictures):
                left = FIRST_COLUMN_PIXELS + step * place
                image.paste(picture, (left, top))
            bar = _bar(row, list(own), composite if is_added else ())
            if bar is not None and bar != shown:
                _draw_bar(draw, bar, top)
                shown = bar
            top += step
    if footer:
        text = shortened(footer, 15, width - 2 * MARGIN_PIXELS)
        draw.text((MARGIN_PIXELS, top + FOOTER_PIXELS // 2), text, TEXT, font(15), anchor="lm")
    return image


def _levels(scales: Iterable[Mapping[str, Scale]]) -> dict[str, str]:
    """Get the grey levels of each channel, from black to white."""
    joined = {channel: scale for one in scales for channel, scale in one.items()}
    return {channel: f"{black:,.0f} – {white:,.0f}" for channel, (black, white) in joined.items()}


def _draw_plate(draw: ImageDraw.ImageDraw, plate: str, top: int, width: int) -> None:
    line = top + PLATE_PIXELS // 2 + 4
    text = shortened(plate, 16, width - 2 * MARGIN_PIXELS)
    draw.text((MARGIN_PIXELS, line), text, ACCENT, font(16), anchor="lm")
    right = MARGIN_PIXELS + font(16).getlength(text) + 12
    if right < width - MARGIN_PIXELS:
        draw.line((right, line, width - MARGIN_PIXELS, line), HATCH, 2)


def _is_added(row: Row, composite: Sequence[str]) -> bool:
    """Get whether there is a composite of the channels that a plate has."""
    return sum(channel in row.tiles for channel in composite) > 1


def _draw_header(
    draw: ImageDraw.ImageDraw,
    colours: Mapping[str, Colour],
    levels: Mapping[str, str],
    top: int,
    *,
    is_added: bool,
) -> None:
    """Write the name of each channel, its grey levels, and its colour."""
    names = [*colours, COMPOSITE] if is_added else list(colours)
    for place, name in enumerate(names):
        left = FIRST_COLUMN_PIXELS + (TILE_PIXELS + GAP_PIXELS) * place
        middle, right = left + TILE_PIXELS // 2, left + TILE_PIXELS - 1
        text = shortened(name, 15, TILE_PIXELS)
        draw.text((middle, top + 12), text, BRIGHT_TEXT, font(15), anchor="mm")
        if place == len(colours):
            break
        draw.rectangle((left, top + 41, right, top + 43), colours[name])
        if name in levels:
            text = shortened(levels[name], 12, TILE_PIXELS)
            draw.text((middle, top + 30), text, TEXT, font(12), anchor="mm")


def _draw_label(draw: ImageDraw.ImageDraw, row: Row, top: int) -> None:
    width = LABEL_PIXELS - 14
    lines = [(text, 16, BRIGHT_TEXT) for text in wrapped(row.name, 16, width, 3)]
    lines += [(shortened(text, 13, width), 13, TEXT) for text in row.remarks]
    lines += [(text, 12, WARNING) for text in wrapped(row.warning, 12, width, 3)]
    baseline = top + (TILE_PIXELS - sum(size + 6 for _, size, _ in lines)) // 2
    for text, size, colour in lines:
        baseline += size + 6
        draw.text((MARGIN_PIXELS, baseline), text, colour, font(size), anchor="ls")
    bar = TEXT if row.is_control else ACCENT
    left = MARGIN_PIXELS - 10
    draw.rectangle((left, top, left + 2, top + TILE_PIXELS - 1), bar)


def _grey_pictures(
    row: Row, scales: Mapping[str, Scale], channels: Iterable[str]
) -> Iterator[Image.Image]:
    for channel in channels:
        tile = row.tiles[channel]
        if tile.fault:
            yield _hatched(tile.fault)
        else:
            yield _centred(stretched(tile.grey, scales[channel]))


def _composite_picture(
    row: Row, composite: Sequence[str], total: NDArray[np.float32]
) -> Image.Image:
    """Get a sum of channels as a picture, with the names of those that it lacks."""
    lacks = [channel for channel in composite if channel in row.tiles and row.tiles[channel].fault]
    if len(lacks) == sum(channel in row.tiles for channel in composite):
        return _hatched("no channel is there")
    added = [channel for channel in composite if channel in row.tiles and channel not in lacks]
    height, width = _shape_of(row, added)
    top, left = (TILE_PIXELS - height) // 2, (TILE_PIXELS - width) // 2
    drawn = total[top : top + height, left : left + width]
    picture = _centred(np.clip(np.rint(drawn), 0, 255).astype(np.uint8))
    if lacks:
        text = shortened(f"without {', '.join(lacks)}", 12, TILE_PIXELS - 12)
        place = (BAR_MARGIN_PIXELS, BAR_MARGIN_PIXELS)
        _draw_over(ImageDraw.Draw(picture), place, text, "lt")
    return picture


def _added_up(
    row: Row, scales: Mapping[str, Scale], colours: Mapping[str, Colour], composite: Sequence[str]
) -> NDArray[np.float32]:
    """Get the sum of channels in their colours: red, green and blue, each from 0, 255 is full."""
    total = np.zeros((TILE_PIXELS, TILE_PIXELS, 3), np.float32)
    for channel in composite:
        tile = row.tiles.get(channel)
        if tile is None or tile.fault:
            continue
        grey = stretched(tile.grey, scales[channel])
        top, left = ((TILE_PIXELS - edge) // 2 for edge in grey.shape)
        place = total[top : top + grey.shape[0], left : left + grey.shape[1]]
        for part, share in enumerate(colours[channel]):
            if share:
                place[:, :, part] += grey * np.float32(share / 255)
    return total


def _brightest(total: NDArray[np.float32]) -> float:
    """Get the sum of channels that is drawn full, at least 255.

    Because many channels overlap, their sum is often above 255; cut off there, it would be white.
    """
    some = total[::2, ::2].max(axis=2)
    return max(255.0, float(np.percentile(some, STRETCH_PERCENTILES[1])))


def _centred(pixels: NDArray[np.uint8]) -> Image.Image:
    tile = Image.new("RGB", (TILE_PIXELS, TILE_PIXELS), TILE_BACKGROUND)
    height, width = pixels.shape[:2]
    tile.paste(Image.fromarray(pixels), ((TILE_PIXELS - width) // 2, (TILE_PIXELS - height) // 2))
    return tile


def _hatched(fault: str) -> Image.Image:
    """Get a tile with oblique lines, and what is wrong."""
    tile = Image.new("RGB", (TILE_PIXELS, TILE_PIXELS), TILE_BACKGROUND)
    draw = ImageDraw.Draw(tile)
    for start in range(-TILE_PIXELS, TILE_PIXELS, 14):
        draw.line((start, TILE_PIXELS, start + TILE_PIXELS, 0), HATCH, 3)
    kind, _, reason = fault.partition(": ")
    lines = [(text, 15, WARNING) for text in wrapped(kind, 15, TILE_PIXELS - 20, 2)]
    lines += [(text, 12, BRIGHT_TEXT) for text in wrapped(reason, 12, TILE_PIXELS - 20, 5)]
    baseline = (TILE_PIXELS - sum(size + 5 for _, size, _ in lines)) // 2
    for text, size, colour in lines:
        baseline += size + 5
        box = draw.textbbox((TILE_PIXELS // 2, baseline), text, font(size), anchor="ms")
        draw.rectangle((box[0] - 4, box[1] - 3, box[2] + 4, box[3] + 3), TILE_BACKGROUND)
        draw.text((TILE_PIXELS // 2, baseline), text, colour, font(size), anchor="ms")
    return tile


@dataclass(frozen=True, slots=True)
class _Bar:
    """Where a scale bar stands: over the image of a column, and how large its pixels are."""

    column: int
    shape: tuple[int, int]
    um_per_pixel: float


def _bar(row: Row, channels: Sequence[str], composite: Sequence[str]) -> _Bar | None:
    """Get the bar of the last image whose pixels have a known size.

    A composite has one if that size is the same in all channels that it adds up.
    """
    there = [name for name in channels if not row.tiles[name].fault]
    sizes = {
        name: row.edges_um[name] / max(row.tiles[name].grey.shape)
        for name in there
        if name in row.edges_um
    }
    added = [name for name in there if name in composite]
    if added and all(
        name in sizes and math.isclose(sizes[name], sizes[added[0]], rel_tol=1e-3) for name in added
    ):
        return _Bar(len(channels), _shape_of(row, added), sizes[added[0]])
    if not sizes:
        return None
    last = list(sizes)[-1]
    return _Bar(channels.index(last), _shape_of(row, [last]), sizes[last])


def _shape_of(row: Row, channels: Iterable[str]) -> tuple[int, int]:
    """Get height and width of the smallest tile that holds those of some channels."""
    height, width = (
        max(edges) for edges in zip(*(row.tiles[name].grey.shape for name in channels), strict=True)
    )
    return height, width


def bar_length_um(longest_um: float) -> float:
    """Get the longest length of 1, 2 or 5 times a power of ten that is not longer."""
    power = 10.0 ** math.floor(math.log10(longest_um))
    return max(step * power for step in BAR_STEPS if step * power <= longest_um * (1 + 1e-9))


def _draw_bar(draw: ImageDraw.ImageDraw, bar: _Bar, top: int) -> None:
    """Draw a scale bar at the lower right corner of an image."""
    height, width = bar.shape
    length_um = bar_length_um(BAR_SHARE * width * bar.um_per_pixel)
    left = FIRST_COLUMN_PIXELS + (TILE_PIXELS + GAP_PIXELS) * bar.column
    x1 = left + (TILE_PIXELS + width) // 2 - BAR_MARGIN_PIXELS
    y1 = top + (TILE_PIXELS + height) // 2 - BAR_MARGIN_PIXELS
    x0, y0 = x1 - round(length_um / bar.um_per_pixel), y1 - BAR_HEIGHT_PIXELS
    draw.rectangle((x0 - 1, y0 - 1, x1, y1), "black")
    draw.rectangle((x0, y0, x1 - 1, y1 - 1), "white")
    _draw_over(draw, ((x0 + x1) // 2, y0 - 3), f"{length_um:g} µm", "mb")


def _draw_over(draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, anchor: str) -> None:
    draw.text(place, text, "white", font(12), anchor=anchor, stroke_width=2, stroke_fill="black")
