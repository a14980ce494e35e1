"""The part of an image that a recipe looks at, and what it needs to know of the plate for that."""

import io
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ImageError, ManifestError, QueryError, StoreError
from jumpduck.imaging.quality import Quality, quality
from jumpduck.imaging.tiff_reader import Plane, decode_rows, read_header
from jumpduck.imaging.transforms import (
    Counts,
    crop_slices,
    divide,
    histogram,
    percentiles,
    resize,
)
from jumpduck.recipes.base import Fetch, Measured, Row, Source

CHANNEL, URL, ILLUM = "Metadata_Channel", "url", "url_illum"
PIXEL_UM = "Metadata_Pixel_Size_Microns"

SAMPLE = 64
"""Images of a channel whose grey levels stand for the plate's."""

Levels = tuple[np.float32, np.float32]


@dataclass(frozen=True, slots=True)
class Plate:
    """What is known of a plate before its first image, by channel."""

    illum: Mapping[str, NDArray[np.float32]] = field(default_factory=dict[str, NDArray[np.float32]])
    levels: Mapping[str, Levels] = field(default_factory=dict[str, Levels])
    faults: Mapping[str, str] = field(default_factory=dict[str, str])
    """Why something could not be had; a reason for each image of the channel."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The part of an image that was asked for, its histogram, and what there is to say of it."""

    plane: Plane
    counts: Counts
    width: int
    height: int
    quality: Quality
    pixel_um: float | None

    def measured(self, low: float | None, high: float | None) -> Measured:
        """Get the columns of the results, with these two grey levels."""
        one = self.quality
        return Measured(
            self.width, self.height, low, high, one.mean, one.saturated, one.focus, one.constant
        )

    def percentiles(self, q: float) -> Levels:
        """Get percentiles `q` and ``100 - q`` of the part."""
        return percentiles(self.counts, q)


@dataclass(frozen=True, slots=True)
class View:
    """How to get from a file to the part that is kept: crop, then illumination, then size.

    Parameters
    ----------
    crop
        Edge of the middle square that is kept, in pixels; 0 keeps all.
    crop_um
        The same in micrometres, by the manifest's column ``Metadata_Pixel_Size_Microns``.
    illum
        Divide by the illumination function at the manifest's ``url_illum``.
    resize
        Longer edge of the result, in pixels.
    """

    crop: int
    crop_um: float | None
    illum: bool
    resize: int | None

    def __post_init__(self) -> None:
        if self.crop < 0:
            raise QueryError(f"crop {self.crop} is no number of pixels; 0 keeps all")
        if self.crop_um is not None and not 0 < self.crop_um < math.inf:
            raise QueryError(f"crop_um {self.crop_um} is no number of micrometres")
        if self.resize is not None and self.resize < 1:
            raise QueryError(f"resize {self.resize} is no number of pixels")

    def prepare(self, rows: Sequence[Row], fetch: Fetch) -> Plate:
        """Get what the images of a plate will need.

        Raises
        ------
        ManifestError
            The manifest lacks a column that the options need.
        """
        for row in rows if self.crop_um is not None else ():
            if not _pixel_um(row):
                raise ManifestError(
                    f"crop_um needs {PIXEL_UM} in each row of the manifest, and "
                    f"{row.get('path')} has none; add it from jump.microscopes, or use crop"
                )
        return _illumination(rows, fetch) if self.illum else Plate()

    def prepare_levels(self, rows: Sequence[Row], fetch: Fetch, q: float) -> Plate:
        """Get what `prepare` gives, and percentiles `q` and ``100 - q`` of each channel.

        They are those of all pixels, as this view has them, of 64 images: the same ones whatever
        the order of the rows. Of a channel with fewer images than that, all are read. Files that
        cannot be had are left out.
        """
        plate = self.prepare(rows, fetch)
        levels: dict[str, Levels] = {}
        faults = dict(plate.faults)
        for channel in sorted({str(row[CHANNEL]) for row in rows} - set(faults)):
            some = sorted((row for row in rows if row[CHANNEL] == channel), key=_draw)[:SAMPLE]
            with ThreadPoolExecutor(8) as pool:
                tasks = [pool.submit(self._counts, row, fetch, plate) for row in some]
            found = [task.result() for task in tasks]
            counts = sum(one for one in found if one is not None)
            if isinstance(counts, int):
                faults[channel] = f"none of {len(some)} images of {channel} could be read"
            else:
                levels[channel] = percentiles(counts, q)
        return replace(plate, levels=levels, faults=faults)

    def read(self, source: Source, plate: Plate) -> Seen:
        """Get the part of an image.

        Raises
        ------
        ImageError
            The file cannot be decoded, or its illumination function does not fit it.
        """
        channel = str(source.row.get(CHANNEL))
        if channel in plate.faults:
            raise ImageError(plate.faults[channel])
        page = read_header(source.data)
        pixel_um = _pixel_um(source.row)
        size = self.crop
        if self.crop_um is not None and pixel_um:
            size = max(1, round(self.crop_um / pixel_um))
        rows, columns = crop_slices((page.height, page.width), size)
        plane = np.ascontiguousarray(decode_rows(source.data, page, rows.stop)[rows, columns])
        counts = histogram(plane)
        seen = quality(plane, counts)
        if self.illum:
            illum = plate.illum[channel]
            if illum.shape != (page.height, page.width):
                raise ImageError(
                    f"the illumination function of {channel} has {illum.shape[1]} x "
                    f"{illum.shape[0]} pixels, the image {page.width} x {page.height}"
                )
            plane = divide(plane, illum[rows, columns])
        if self.resize:
            pixel_um = pixel_um and pixel_um * max(plane.shape) / self.resize
            plane = resize(plane, self.resize)
        if self.illum or self.resize:
            counts = histogram(plane)
        return Seen(plane, counts, page.width, page.height, seen, pixel_um)

    def _counts(self, row: Row, fetch: Fetch, plate: Plate) -> Counts | None:
        try:
            counts = self.read(Source(fetch(str(row[URL])), row), plate).counts
        except (ImageError, StoreError, OSError):
            return None
        return np.pad(counts, (0, 65536 - len(counts)))


def _illumination(rows: Sequence[Row], fetch: Fetch) -> Plate:
    """The plate's illumination functions, one a channel."""
    illum: dict[str, NDArray[np.float32]] = {}
    faults: dict[str, str] = {}
    urls = {(str(row[CHANNEL]), str(row.get(ILLUM) or "")) for row in rows}
    for channel, url in sorted(urls):
        if not url:
            raise ManifestError(
                f"illum needs the column {ILLUM} in the manifest, and {channel} has none; "
                "it is the URL of the plate's Illum….npy"
            )
        if channel in illum:
            raise ManifestError(f"the plate has two values of {ILLUM} for {channel}")
        try:
            illum[channel] = _load(fetch(url))
        except (ValueError, EOFError, OSError, StoreError) as error:
            faults[channel] = f"no illumination function of {channel}: {url}: {error}"
    return Plate(illum, {}, faults)


def _load(data: bytes) -> NDArray[np.float32]:
    illum = np.load(io.BytesIO(data), allow_pickle=False)
    if illum.ndim != 2 or illum.dtype.kind != "f":
        raise ValueError(f"not a plane of floats: {illum.dtype}, shape {illum.shape}")
    if not (np.isfinite(illum).all() and (illum > 0).all()):
        raise ValueError("it has values that are not above 0")
    return illum.astype(np.float32)


def _pixel_um(row: Row) -> float | None:
    value = row.get(PIXEL_UM)
    return value if isinstance(value, float) and 0 < value < math.inf else None


def _draw(row: Row) -> bytes:
    return blake2b(str(row["path"]).encode(), digest_size=8).digest()
