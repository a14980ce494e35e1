"""The recipes that come with the package; each function's arguments are its options."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from jumpduck.errors import ImageError, ManifestError, QueryError
from jumpduck.imaging.quality import quality
from jumpduck.imaging.tiff_header import read_header
from jumpduck.imaging.tiff_reader import decode
from jumpduck.imaging.transforms import histogram, otsu_threshold, stretch
from jumpduck.imaging.writers import (
    Compression,
    encode_json_tiff,
    encode_jxl,
    encode_ome_tiff,
    encode_png,
    encode_tiff,
)
from jumpduck.recipes.base import Encoded, Fetch, Measured, Recipe, Source
from jumpduck.recipes.preprocessing import (
    CHANNEL,
    PIXEL_SIZE_UM,
    Levels,
    PlateContext,
    PreprocessedImage,
    Preprocessing,
    naming_channel,
)
from jumpduck.rows import SITE_KEY, Row

if TYPE_CHECKING:
    import polars as pl

CROP = 768
"""Pixels of the crop's edge: jump_download's."""

PERCENTILE = 1.0

RAW_BYTES_PER_PIXEL = 6
"""Memory for each pixel of a file that is only checked: the plane and its histogram."""

MAX_LEVEL = 65535
"""The grey level that CellPaintSSL takes for 1, of images with 8 bit, too."""

Encode = Callable[[Recipe, PreprocessedImage, Levels], bytes]


def png8(
    *,
    crop: int = CROP,
    crop_um: float | None = None,
    percentile: float = PERCENTILE,
    illum: bool = False,
    illum_from_plate: bool = False,
    resize: int | None = None,
) -> Recipe:
    """8-bit PNG, each image stretched between its own percentiles: jump_download's, bit for bit."""
    steps = Preprocessing(crop, crop_um, illum, resize, illum_from_plate)
    return _of_one_image("png8", ".png", steps, _encode_png8, percentile)


def png8_plate(
    *,
    crop: int = CROP,
    crop_um: float | None = None,
    percentile: float = PERCENTILE,
    illum: bool = False,
    illum_from_plate: bool = False,
    resize: int | None = None,
) -> Recipe:
    """8-bit PNG, all images of a plate's channel stretched alike: brightness stays comparable.

    The percentiles are those of 64 images of the channel, read before the first is made.
    """
    steps = Preprocessing(crop, crop_um, illum, resize, illum_from_plate)
    plain = _of_one_image("png8-plate", ".png", steps, _encode_png8, percentile)

    def prepare(rows: Sequence[Row], fetch: Fetch) -> PlateContext:
        return steps.prepare_levels(rows, fetch, percentile)

    def agrees(results: "pl.DataFrame", context: object) -> "pl.Series":
        import polars as pl

        levels = _context(context).levels
        known = [levels.get(channel) for channel in results[CHANNEL]]
        had = results.select("low", "high").rows()
        alike = pl.Series(
            [now is None or tuple(now) == one for now, one in zip(known, had, strict=True)],
            dtype=pl.Boolean,
        )
        return alike & steps.agrees(results, _context(context)) if illum_from_plate else alike

    return dataclasses.replace(plain, prepare=prepare, agrees=agrees)


def png16(
    *,
    crop: int = CROP,
    crop_um: float | None = None,
    illum: bool = False,
    illum_from_plate: bool = False,
    resize: int | None = None,
) -> Recipe:
    """PNG with every grey level kept: 16 bit, opens everywhere."""

    def encode(recipe: Recipe, image: PreprocessedImage, levels: Levels) -> bytes:
        return encode_png(image.plane, _note(recipe, levels))

    steps = Preprocessing(crop, crop_um, illum, resize, illum_from_plate)
    return _of_one_image("png16", ".png", steps, encode)


def tiff16(
    *,
    crop: int = CROP,
    crop_um: float | None = None,
    illum: bool = False,
    illum_from_plate: bool = False,
    resize: int | None = None,
    compression: Compression = "zstd",
) -> Recipe:
    """TIFF with every grey level kept, zstd or deflate after horizontal differences."""
    _check_choice("compression", compression, ("zstd", "deflate"))

    def encode(recipe: Recipe, image: PreprocessedImage, levels: Levels) -> bytes:
        return encode_tiff(
            image.plane,
            _note(recipe, levels),
            compression=compression,
            pixel_size_um=image.pixel_size_um,
        )

    steps = Preprocessing(crop, crop_um, illum, resize, illum_from_plate)
    plain = _of_one_image(
        "tiff16", ".tiff", steps, encode, version=3, more={"compression": compression}
    )
    check = _check_with_pixel_size(steps)
    return dataclasses.replace(plain, check=check, reads=(PIXEL_SIZE_UM,))


def jxl(
    *,
    crop: int = CROP,
    crop_um: float | None = None,
    percentile: float = PERCENTILE,
    illum: bool = False,
    illum_from_plate: bool = False,
    resize: int | None = None,
    bits: int = 16,
    effort: int = 1,
    distance: float = 0.0,
) -> Recipe:
    """JPEG XL: the smallest that keeps every grey level; with bits=8 stretched as png8.

    At a distance above 0 it is lossy: 1 is what a viewer does not see.
    """
    _check_choice("bits", bits, (8, 16))
    _check_choice("effort", effort, range(1, 10))
    if not 0 <= distance <= 25:
        raise QueryError(f"distance {distance} is not between 0 (lossless) and 25")

    def encode(recipe: Recipe, image: PreprocessedImage, levels: Levels) -> bytes:
        plane = stretch(image.plane, *levels) if bits == 8 else image.plane
        return encode_jxl(plane, _note(recipe, levels), effort=effort, distance=distance)

    steps = Preprocessing(crop, crop_um, illum, resize, illum_from_plate)
    more: dict[str, object] = {"bits": bits, "effort": effort, "distance": distance}
    return _of_one_image("jxl", ".jxl", steps, encode, percentile, more=more)


def stack(
    *,
    crop: int = CROP,
    crop_um: float | None = None,
    illum: bool = False,
    illum_from_plate: bool = False,
    resize: int | None = None,
    compression: Compression = "zstd",
    channels: Sequence[str] = (),
    otsu: str | None = None,
) -> Recipe:
    """One OME-TIFF for each site with every grey level kept: one page for each channel.

    The pages have the order of `channels`, by default that of the manifest. With `otsu`, the file
    is a TIFF whose description is the JSON that CellPaintSSL reads: ``otsuth`` is the threshold of
    that channel, as a share of 65535.
    """
    _check_choice("compression", compression, ("zstd", "deflate"))
    channels = (channels,) if isinstance(channels, str) else channels
    steps = Preprocessing(crop, crop_um, illum, resize, illum_from_plate)

    def prepare(rows: Sequence[Row], fetch: Fetch) -> PlateContext:
        context = steps.prepare(rows, fetch)
        if channels and set(channels) != set(context.channels):
            other = min(set(channels) ^ set(context.channels))
            raise ManifestError(
                f"channels {', '.join(channels)} of the stack and those of the manifest differ in "
                f"{other}; the manifest has {', '.join(context.channels)}"
            )
        if otsu is not None and otsu not in context.channels:
            raise ManifestError(
                f"otsu {otsu!r} is not a channel of the manifest, which has "
                f"{', '.join(context.channels)}"
            )
        return context

    def make(sources: Sequence[Source], context: object) -> Encoded:
        plate = _context(context)
        by_channel = {str(source.row[CHANNEL]): source for source in sources}
        order = list(channels or plate.channels or by_channel)
        if lacks := [name for name in channels if name not in by_channel]:
            raise ImageError(f"the site lacks {', '.join(lacks)}")
        images: dict[str, PreprocessedImage] = {}
        for name, source in by_channel.items():
            with naming_channel(name):
                images[name] = steps.read(source, plate)
        names = sorted(images, key=order.index)
        planes = [images[name].plane for name in names]
        if len({(plane.shape, plane.dtype.name) for plane in planes}) > 1:
            raise ImageError("the channels of the site differ in size or type")
        name = "__".join(str(sources[0].row.get(name)) for name in SITE_KEY)
        pixel_size_um = images[names[0]].pixel_size_um
        if otsu is None:
            data = encode_ome_tiff(
                planes,
                names,
                name=name,
                note=recipe.note(),
                compression=compression,
                pixel_size_um=pixel_size_um,
            )
        elif otsu not in images:
            raise ImageError(f"the site lacks {otsu}")
        else:
            level = otsu_threshold(images[otsu].counts)
            about = {"otsuth": str(level / MAX_LEVEL), "channels": names, "name": name}
            data = encode_json_tiff(
                planes,
                about | {"jumpduck": recipe.note()},
                compression=compression,
                pixel_size_um=pixel_size_um,
            )
        return Encoded(data, [_measured(image) for image in images.values()])

    parameters = {
        **steps.parameters,
        "compression": compression,
        "channels": list(channels),
        # left out without it, so that earlier files have the same parameters
        **({} if otsu is None else {"otsu": otsu}),
    }
    recipe = Recipe(
        "stack",
        2,
        ".ome.tiff" if otsu is None else ".tiff",
        parameters,
        True,
        make,
        prepare,
        _check_with_pixel_size(steps),
        steps.columns,
        steps.work_bytes_of_site,
        _agrees(steps),
        reads=(PIXEL_SIZE_UM,),
        writes=steps.writes,
    )
    return recipe


def raw() -> Recipe:
    """The file as published, byte for byte, after a check that all of it can be decoded."""

    def make(sources: Sequence[Source], _: object) -> Encoded:
        (source,) = sources
        plane = decode(source.data)
        counts = histogram(plane)
        height, width = plane.shape
        image = PreprocessedImage(plane, counts, width, height, quality(plane, counts), None)
        return Encoded(source.data, [_measured(image)])

    def work_bytes(sources: Sequence[Source]) -> int:
        header = read_header(sources[0].data)
        return RAW_BYTES_PER_PIXEL * header.width * header.height

    return Recipe("raw", 1, ".tiff", {}, False, make, work_bytes=work_bytes)


def _of_one_image(
    name: str,
    suffix: str,
    steps: Preprocessing,
    encode: Encode,
    percentile: float | None = None,
    *,
    version: int = 2,
    more: Mapping[str, object] = MappingProxyType({}),
) -> Recipe:
    """Get a recipe that makes one file of each image: preprocessed, then encoded."""
    q = PERCENTILE if percentile is None else percentile
    if not 0 <= q < 50:
        raise QueryError(f"percentile {q} is not in the range from 0 to below 50")

    def make(sources: Sequence[Source], context: object) -> Encoded:
        (source,) = sources
        plate = _context(context)
        image = steps.read(source, plate)
        levels = plate.levels.get(str(source.row.get(CHANNEL))) or image.percentiles(q)
        return Encoded(encode(recipe, image, levels), [_measured(image, levels)])

    def check(row: Row, context: object) -> None:
        steps.check(row, _context(context))

    def work_bytes(sources: Sequence[Source]) -> int:
        return steps.work_bytes(sources[0])

    parameters = {**steps.parameters, **more}
    if percentile is not None:
        parameters["percentile"] = percentile
    recipe = Recipe(
        name,
        version,
        suffix,
        parameters,
        False,
        make,
        steps.prepare,
        check,
        steps.columns,
        work_bytes,
        _agrees(steps),
        writes=steps.writes,
    )
    return recipe


def _agrees(steps: Preprocessing) -> "Callable[[pl.DataFrame, object], pl.Series] | None":
    """Get how results are compared with what `prepare` returned, where files depend on that."""
    if not steps.illum_from_plate:
        return None
    return lambda results, context: steps.agrees(results, _context(context))


def _check_with_pixel_size(steps: Preprocessing) -> Callable[[Row, object], None]:
    """Get the check of a recipe that writes the pixel size into its files."""

    def check(row: Row, context: object) -> None:
        steps.check(row, _context(context), keeps_pixel_size=True)

    return check


def _encode_png8(recipe: Recipe, image: PreprocessedImage, levels: Levels) -> bytes:
    return encode_png(stretch(image.plane, *levels), _note(recipe, levels))


def _note(recipe: Recipe, levels: Levels) -> str:
    low, high = levels
    return recipe.note(low=low, high=high)


def _measured(image: PreprocessedImage, levels: Levels | None = None) -> Measured:
    low, high = levels or image.percentiles(PERCENTILE)
    return image.measured(low, high)


def _context(context: object) -> PlateContext:
    return cast("PlateContext", context) if context is not None else PlateContext()


def _check_choice(option: str, value: object, choices: Sequence[object]) -> None:
    if value not in choices:
        raise QueryError(f"{option} {value!r} is not one of {', '.join(map(str, choices))}")
