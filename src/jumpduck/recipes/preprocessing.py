"""From a file to the part of the image that a recipe keeps, and what that needs of the plate."""

import math
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from types import NoneType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ImageError, JumpduckError, ManifestError, QueryError, StoreError
from jumpduck.imaging.only_page import read_only_page
from jumpduck.imaging.quality import Quality, quality
from jumpduck.imaging.tiff_header import PageHeader, read_header
from jumpduck.imaging.tiff_reader import Plane, decode_rows
from jumpduck.imaging.transforms import (
    Counts,
    crop_slices,
    divide,
    histogram,
    percentiles,
    resize,
    resized_shape,
)
from jumpduck.recipes.base import Fetch, Measured, Source
from jumpduck.recipes.plate_illumination import (
    URL_ILLUM,
    Illumination,
    Key,
    illumination_of_plate,
    published_illumination,
)
from jumpduck.recipes.plate_images import CHANNEL, SITE, chosen_images, read_images
from jumpduck.rows import SITE_KEY, Row

if TYPE_CHECKING:
    import polars as pl

PIXEL_SIZE_UM = "Metadata_Pixel_Size_Microns"

LEVEL_IMAGES = 64
"""Images of a channel whose grey levels stand for those of the plate."""

BYTES_PER_PIXEL = 12
"""Memory for each pixel of the crop, beside the decoded rows: copy, histogram, encoder."""

BYTES_PER_CORRECTED_PIXEL = 12
"""Memory for each pixel that illumination adds: three planes of float32."""

MIN_PIXEL_UM, MAX_PIXEL_UM = 0.001, 1000
"""Edges of a pixel that a microscope can have, in micrometres."""

MAX_EDGE_PIXELS = 8192
"""Longest edge that an image is enlarged to: a square of it is the largest plane that is read."""

GREY_LEVELS = 65536

Levels = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PlateContext:
    """What is known of a plate before its first image; levels and faults by channel."""

    illum: Illumination = field(default_factory=lambda: Illumination({}, {}, {}))
    levels: Mapping[str, Levels] = field(default_factory=dict[str, Levels])
    faults: Mapping[str, str] = field(default_factory=dict[str, str])
    """Why something could not be read: the error of each image of the channel."""
    channels: Sequence[str] = ()
    """All channels of the plate, in the manifest's order."""

    @property
    def memory_bytes(self) -> int:
        """Memory of the illumination functions."""
        return sum(function.nbytes for function in self.illum.functions.values())


@dataclass(frozen=True, slots=True)
class PreprocessedImage:
    """The part of an image that a recipe keeps, its histogram, and what was measured of it."""

    plane: Plane
    counts: Counts
    width: int
    height: int
    quality: Quality
    pixel_size_um: float | None
    made_of: str | None = None
    """What the illumination function was made of; None if it was published, or there is none."""

    def measured(self, low: float | None, high: float | None) -> Measured:
        """Get the columns of the results, with these two grey levels."""
        of_crop = self.quality
        return Measured(
            self.width,
            self.height,
            low,
            high,
            of_crop.mean,
            of_crop.saturated,
            of_crop.focus,
            of_crop.constant,
            self.made_of,
        )

    def percentiles(self, q: float) -> Levels:
        """Get percentiles `q` and ``100 - q`` of the part."""
        return percentiles(self.counts, q)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Crop, then illumination, then size.

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
    illum_from_plate
        Divide by a function made of the images of the plate instead.

    Raises
    ------
    QueryError
        A value is out of range.
    """

    crop: int
    crop_um: float | None
    illum: bool
    resize: int | None
    illum_from_plate: bool = False

    def __post_init__(self) -> None:
        for name, edge in (("crop", self.crop), ("resize", self.resize)):
            if type(edge) not in (int, NoneType):
                raise QueryError(f"{name} {edge!r} is not a whole number of pixels")
        if self.crop < 0:
            raise QueryError(f"crop {self.crop} is below 0; give an edge in pixels, or 0 for all")
        if self.crop_um is not None and not 0 < self.crop_um < math.inf:
            raise QueryError(f"crop_um {self.crop_um} is not above 0; give micrometres")
        if self.resize is not None and not 1 <= self.resize <= MAX_EDGE_PIXELS:
            raise QueryError(
                f"resize {self.resize} is not between 1 and {MAX_EDGE_PIXELS}, in pixels"
            )
        if self.illum and self.illum_from_plate:
            raise QueryError(
                "`illum` and `illum_from_plate` divide by two functions; give one of them"
            )

    @property
    def parameters(self) -> dict[str, object]:
        """What shapes the output.

        `illum_from_plate` only if it is set, because files that were made before it was an option
        are the same without it.
        """
        parameters = asdict(self)
        if not self.illum_from_plate:
            del parameters["illum_from_plate"]
        return parameters

    def prepare(self, rows: Sequence[Row], fetch: Fetch) -> PlateContext:
        """Get what the images of a plate will need."""
        channels = _channels_of(rows)
        if self.illum:
            illum = published_illumination(rows, fetch)
        elif self.illum_from_plate:
            illum = illumination_of_plate(rows, fetch)
        else:
            return PlateContext(channels=channels)
        return PlateContext(illum, faults=illum.faults, channels=channels)

    def illum_key(self, row: Row) -> Key:
        """Get which illumination function of its plate is that of an image."""
        return str(row.get(CHANNEL)), row.get(SITE) if self.illum_from_plate else None

    @property
    def writes(self) -> tuple[str, ...]:
        """Columns of the manifest that the options fill in."""
        return (URL_ILLUM,) if self.illum_from_plate else ()

    def agrees(self, results: "pl.DataFrame", context: PlateContext) -> "pl.Series":
        """Get whether each of some results was divided by the function that there is now."""
        import polars as pl

        made_of = context.illum.made_of
        rows = results.select(CHANNEL, SITE, URL_ILLUM).iter_rows(named=True)
        now = ((made_of.get(self.illum_key(row)), row[URL_ILLUM]) for row in rows)
        return pl.Series([one in (None, had) for one, had in now], dtype=pl.Boolean)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the manifest that the options need."""
        needed = {PIXEL_SIZE_UM: self.crop_um is not None, URL_ILLUM: self.illum}
        return tuple(name for name, is_needed in needed.items() if is_needed)

    def check(self, row: Row, context: PlateContext, *, keeps_pixel_size: bool = False) -> None:
        """Raise an error if no file can be made of a row, whatever its image is.

        Parameters
        ----------
        keeps_pixel_size
            The recipe writes the pixel size into the file.

        Raises
        ------
        StoreError
            The illumination function or the grey levels of its channel could not be read.
        ManifestError
            The size of its pixels is needed, and is missing or impossible.
        """
        if fault := context.faults.get(str(row.get(CHANNEL))):
            raise StoreError(fault)
        size = _pixel_size_um(row)
        if size is None and self.crop_um is not None:
            raise ManifestError(f"crop_um needs {PIXEL_SIZE_UM}, and this row has none; fill it in")
        is_used = keeps_pixel_size or self.crop_um is not None
        if is_used and size is not None and not MIN_PIXEL_UM <= size <= MAX_PIXEL_UM:
            raise ManifestError(
                f"{PIXEL_SIZE_UM} {size} of this row is not between {MIN_PIXEL_UM} and "
                f"{MAX_PIXEL_UM} micrometres; correct it"
            )

    def prepare_levels(self, rows: Sequence[Row], fetch: Fetch, q: float) -> PlateContext:
        """Get what `prepare` returns, and percentiles `q` and ``100 - q`` of each channel.

        They are those of all pixels of 64 images after this preprocessing: the same images in
        whichever order the rows are. Of a channel with fewer images, all are read. Files that
        are absent or broken are left out. If a server does not answer, there are no levels,
        because those of another run would differ.
        """
        context = self.prepare(rows, fetch)
        levels: dict[str, Levels] = {}
        faults = dict(context.faults)

        def count(source: Source) -> Counts:
            counts = self.read(source, context).counts
            return np.pad(counts, (0, GREY_LEVELS - len(counts)))

        for channel in sorted({str(row[CHANNEL]) for row in rows} - set(faults)):
            some = chosen_images([row for row in rows if row[CHANNEL] == channel], LEVEL_IMAGES)
            try:
                found = read_images(some, fetch, count)
            except (JumpduckError, OSError) as error:
                faults[channel] = (
                    f"one of the {len(some)} images that decide on the grey levels of {channel} "
                    f"could not be read: {error}"
                )
                continue
            counts = sum(one for one in found if one is not None)
            if isinstance(counts, int):
                faults[channel] = f"none of {len(some)} images of {channel} could be read"
            else:
                levels[channel] = percentiles(counts, q)
        return replace(context, levels=levels, faults=faults)

    def work_bytes_of_site(self, sources: Sequence[Source]) -> int:
        """Get the sum of `work_bytes`; an ImageError names the channel of the image."""
        total = 0
        for source in sources:
            with naming_channel(str(source.row[CHANNEL])):
                total += self.work_bytes(source)
        return total

    def work_bytes(self, source: Source) -> int:
        """Get the memory that a recipe needs for an image beside the file, in bytes.

        Raises
        ------
        ImageError
            The header is not that of an image that can be read.
        """
        header = read_header(source.data)
        rows, columns = self._crop_of(header, source.row)
        decoded = 0
        if not header.contiguous:
            # a copy of the file, as a rule, because the decoder stops where its header says
            decoded = rows.stop * header.width * 2 + len(source.data)
            decoded += max((inflated for *_, inflated in header.streams), default=0)
        height, width = rows.stop - rows.start, columns.stop - columns.start
        work = decoded + BYTES_PER_PIXEL * height * width
        if self.illum or self.illum_from_plate:
            work += BYTES_PER_CORRECTED_PIXEL * height * width
        if self.resize:
            shorter, narrower = resized_shape((height, width), self.resize)
            # between the two axes, the means are float64
            work += shorter * (8 * width + BYTES_PER_PIXEL * narrower)
        return work

    def read(self, source: Source, context: PlateContext) -> PreprocessedImage:
        """Get the part of an image.

        Raises
        ------
        ImageError
            The file cannot be decoded.
        StoreError, ManifestError
            As `check`, or its illumination function has another size.
        """
        self.check(source.row, context)
        header = read_only_page(source.data)
        rows, columns = self._crop_of(header, source.row)
        # rows below the crop are not decoded
        decoded = decode_rows(source.data, header, rows.stop)
        plane = np.ascontiguousarray(decoded[rows, columns])
        counts = histogram(plane)
        of_crop = quality(plane, counts)
        pixel_size_um = _pixel_size_um(source.row)
        if self.illum or self.illum_from_plate:
            plane = divide(plane, self._illum(source.row, context, header)[rows, columns])
        if self.resize:
            if pixel_size_um is not None:
                pixel_size_um *= max(plane.shape) / self.resize
            plane = resize(plane, self.resize)
        if self.illum or self.illum_from_plate or self.resize:
            counts = histogram(plane)
        made_of = context.illum.made_of.get(self.illum_key(source.row))
        return PreprocessedImage(
            plane, counts, header.width, header.height, of_crop, pixel_size_um, made_of
        )

    def _illum(self, row: Row, context: PlateContext, header: PageHeader) -> NDArray[np.float32]:
        """Get the illumination function of an image."""
        key = self.illum_key(row)
        what = f"the illumination function of {key[0]}"
        function = context.illum.functions.get(key)
        if function is None:
            raise StoreError(
                f"{what} at site {key[1]} was not made, because none of its images could be read"
            )
        if function.shape != (header.height, header.width):
            # not an ImageError, because either of the two can be the wrong one
            raise StoreError(
                f"{what} has {function.shape[1]} x {function.shape[0]} pixels, the image "
                f"{header.width} x {header.height}"
            )
        return function

    def _crop_of(self, header: PageHeader, row: Row) -> tuple[slice, slice]:
        """Get the rows and columns that are kept."""
        return self.crop_of((header.height, header.width), _pixel_size_um(row))

    def crop_of(self, shape: tuple[int, int], pixel_size_um: float | None) -> tuple[slice, slice]:
        """Get the rows and columns that are kept of a published image."""
        edge = self.crop
        if self.crop_um is not None and pixel_size_um is not None:
            edge = max(1, round(min(self.crop_um / pixel_size_um, max(shape) + 1)))
        return crop_slices(shape, edge)


@contextmanager
def naming_channel(channel: str) -> Generator[None]:
    """Have an ImageError say which image of a site it is about."""
    try:
        yield
    except ImageError as error:
        raise ImageError(f"channel {channel}: {error}") from error


def _channels_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """Get the channels of a plate in the order that its sites have them.

    The sites with the most channels come first, so that the order is the same in whichever order
    the sites are.
    """
    sites: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        key = tuple(str(row.get(name)) for name in SITE_KEY)
        sites.setdefault(key, []).append(str(row[CHANNEL]))
    ordered = sorted(sites.items(), key=lambda site: (-len(site[1]), site[0]))
    return tuple(dict.fromkeys(name for _, names in ordered for name in names))


def _pixel_size_um(row: Row) -> float | None:
    """Get the size of a row's pixels, None if it is not known."""
    value = row.get(PIXEL_SIZE_UM)
    return value if isinstance(value, float) and not math.isnan(value) else None
