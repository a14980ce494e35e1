"""From kept files to small images of grey levels that can be compared."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from jumpduck.errors import ImageError
from jumpduck.imaging.readers import decode_image, page_channels
from jumpduck.imaging.tiff_reader import Plane
from jumpduck.transfer.manifest_paths import PLAIN_PATH

TILE_PIXELS = 192
"""Edge of the square that an image is drawn in."""

STRETCH_PERCENTILES = (0.5, 99.5)
"""Of the pixels: what is below is black, and what is above is white."""

Levels = NDArray[np.float32]
"""Grey levels of a small image, by row and column."""

Scale = tuple[float, float]
"""Grey levels that become black and white."""


@dataclass(frozen=True, slots=True)
class TileFile:
    """One channel of a site, as the results say what was kept of it.

    Attributes
    ----------
    channel
        Its name, which tells the page of a stack.
    path
        File in the output folder.
    fault
        Why the file is absent; None if the file exists.
    levels
        Grey levels that 0 and 255 of a file of 8 bit stand for; None if it has those that were
        published.
    checksum
        SHA-256 of the file; None if it is not known.
    in_stack
        Whether the file holds further channels, also such that are not drawn.
    """

    channel: str
    path: str = ""
    fault: str | None = None
    levels: tuple[float, float] | None = None
    checksum: str | None = None
    in_stack: bool = False


@dataclass(frozen=True, slots=True)
class Tile:
    """A small image, or why there is none.

    Attributes
    ----------
    grey
        Grey levels as published; no edge is longer than `TILE_PIXELS`.
    fault
        In words; empty if there is an image.
    """

    grey: Levels = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    fault: str = ""


def read_tiles(
    folder: Path, sites: Sequence[Mapping[str, TileFile]], threads: int
) -> list[dict[str, Tile]]:
    """Get the tile of each channel of each site; a file that cannot be read is a fault."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(_tiles_of, repeat(folder), sites))


def stretched(grey: Levels, scale: Scale) -> NDArray[np.uint8]:
    """Get grey levels as pixels from 0, which is black, to 255, which is white."""
    black, white = scale
    share = (grey - np.float32(black)) / np.float32(max(white - black, 1e-6))
    return np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)


def _tiles_of(folder: Path, site: Mapping[str, TileFile]) -> dict[str, Tile]:
    tiles: dict[str, Tile] = {}
    stacks: dict[str, bytes] = {}
    for channel, image in site.items():
        try:
            if image.fault is not None:
                raise ImageError(image.fault)
            if not re.fullmatch(PLAIN_PATH, image.path):
                raise ImageError(f"corrupt: path {image.path!r} could leave the folder")
            # a stack is read once for all its channels
            data = stacks.get(image.path) or _read(folder, image)
            if image.in_stack:
                stacks[image.path] = data
            tiles[channel] = Tile(_small(_plane(data, image), image.levels))
        except FileNotFoundError:
            tiles[channel] = Tile(fault="missing: the file was removed from the folder")
        except OSError as error:
            tiles[channel] = Tile(fault=f"failed: {error.strerror or error}")
        except ImageError as error:
            tiles[channel] = Tile(fault=str(error))
    return tiles


def _read(folder: Path, image: TileFile) -> bytes:
    data = (folder / image.path).read_bytes()
    if image.checksum is not None and hashlib.sha256(data).hexdigest() != image.checksum:
        raise ImageError("corrupt: the file has another checksum than it had")
    return data


def _plane(data: bytes, image: TileFile) -> Plane:
    try:
        page = 0
        if image.in_stack:
            names = page_channels(data)
            if image.channel not in names:
                raise ImageError(f"the stack has no channel {image.channel}")
            page = names.index(image.channel)
        return decode_image(data, page=page)
    except ImageError as error:
        raise ImageError(f"corrupt: {error}") from error


def _small(plane: Plane, levels: tuple[float, float] | None) -> Levels:
    """Get the grey levels of a plane as published, each the mean of the area that it covers."""
    height, width = plane.shape
    scale = TILE_PIXELS / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    whole = Image.fromarray(plane if plane.dtype == np.uint8 else plane.astype(np.float32))
    if plane.dtype == np.uint8:
        whole = whole.convert("F")
    small = np.asarray(whole.resize(size, Image.Resampling.BOX), np.float32)
    if levels is None or plane.dtype != np.uint8:
        return small
    low, high = levels
    return np.float32(low) + small * np.float32((high - low) / 255)
