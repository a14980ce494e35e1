"""The recipes that come with the package; each function's arguments are its options."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np

from jumpduck.errors import ImageError, ManifestError, QueryError
from jumpduck.imaging.quality import quality
from jumpduck.imaging.tiff_reader import decode
from jumpduck.imaging.transforms import histogram, stretch
from jumpduck.imaging.writers import (
    Compression,
    encode_jxl,
    encode_ome_tiff,
    encode_png,
    encode_tiff,
)
from jumpduck.recipes.base import Encoded, Fetch, Recipe, Row, Source
from jumpduck.recipes.preprocessing import CHANNEL, Plate, Seen, View
from jumpduck.schema import BRIGHTFIELD, CHANNELS, SITE_KEY

CROP = 768
PERCENTILE = 1.0

Write = Callable[[Recipe, Seen, np.float32, np.float32], bytes]


def png8(
    *,
    crop: int = CROP,
    crop_um: float | None = None,
    percentile: float = PERCENTILE,
    illum: bool = False,
    resize: int | None = None,
) -> Recipe:
    """8-bit PNG, each image stretched between its own percentiles: jump_download's, bit for bit."""
    view = View(crop, crop_um, illum, resize)
    return _single("png8", ".png", view, _write_png8, percentile)


def png8_plate(
    *,
    crop: int = CROP,
    crop_um: float | None = None,
    percentile: float = PERCENTILE,
    illum: bool = False,
    resize: int | None = None,
) -> Recipe:
    """8-bit PNG, all images of a plate's channel stretched alike: brightness stays comparable.

    The percentiles are those of 64 images of the channel, read before the first is made.
    """
    view = View(crop, crop_um, illum, resize)
    plain = _single("png8-plate", ".png", view, _write_png8, percentile)

    def prepare(rows: Sequence[Row], fetch: Fetch) -> Plate:
        return view.prepare_levels(rows, fetch, percentile)

    return dataclasses.replace(plain, prepare=prepare)


def png16(
    *,
    crop: int = CROP,
    crop_um: float | None = None,
    illum: bool = False,
    resize: int | None = None,
) -> Recipe:
    """PNG with every grey level kept: 16 bit, opens everywhere."""

    def write(recipe: Recipe, seen: Seen, low: np.float32, high: np.float32) -> bytes:
        return encode_png(seen.plane, recipe.note(low=float(low), high=float(high)))

    return _single("png16", ".png", View(crop, crop_um, illum, resize), write)


def tiff16(
    *,
    crop: int = CROP,
    crop_um: float | None = None,
    illum: bool = False,
    resize: int | None = None,
    compression: Compression = "zstd",
) -> Recipe:
    """TIFF with every grey level kept, zstd or deflate after horizontal differences."""
    _check_choice("compression", compression, ("zstd", "deflate"))

    def write(recipe: Recipe, seen: Seen, low: np.float32, high: np.float32) -> bytes:
        note = recipe.note(low=float(low), high=float(high))
        return encode_tiff(seen.plane, note, compression=compression, pixel_size_um=seen.pixel_um)

    view = View(crop, crop_um, illum, resize)
    return _single("tiff16", ".tiff", view, write, compression=compression)


def jxl(
    *,
    crop: int = CROP,
    crop_um: float | None = None,
    percentile: float = PERCENTILE,
    illum: bool = False,
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

    def write(recipe: Recipe, seen: Seen, low: np.float32, high: np.float32) -> bytes:
        image = stretch(seen.plane, low, high) if bits == 8 else seen.plane
        note = recipe.note(low=float(low), high=float(high))
        return encode_jxl(image, note, effort=effort, distance=distance)

    view = View(crop, crop_um, illum, resize)
    more = {"bits": bits, "effort": effort, "distance": distance}
    return _single("jxl", ".jxl", view, write, percentile, **more)


def stack(
    *,
    crop: int = CROP,
    crop_um: float | None = None,
    illum: bool = False,
    resize: int | None = None,
    compression: Compression = "zstd",
    channels: Sequence[str] = (),
) -> Recipe:
    """One OME-TIFF a site with every grey level kept: a page a channel, in the order of channels.

    By default that is DNA, RNA, ER, AGP, Mito, then brightfield, of those that the manifest has.
    """
    _check_choice("compression", compression, ("zstd", "deflate"))
    view = View(crop, crop_um, illum, resize)
    order = tuple(channels) or (*CHANNELS, *BRIGHTFIELD)

    def prepare(rows: Sequence[Row], fetch: Fetch) -> Plate:
        there = {str(row[CHANNEL]) for row in rows}
        if lacks := sorted(there - set(order)) + [one for one in channels if one not in there]:
            raise ManifestError(
                f"the channels of a stack and of the manifest are not the same: {lacks[0]} is only "
                f"in one of them; the manifest has {', '.join(sorted(there))}"
            )
        return view.prepare(rows, fetch)

    def make(sources: Sequence[Source], context: object) -> Encoded:
        seen = [view.read(source, _plate(context)) for source in sources]
        names = [str(source.row[CHANNEL]) for source in sources]
        if lacks := [one for one in channels if one not in names]:
            raise ImageError(f"the site lacks {', '.join(lacks)}")
        if len({(one.plane.shape, one.plane.dtype.name) for one in seen}) > 1:
            raise ImageError("the channels of the site differ in size or type")
        levels = [one.percentiles(PERCENTILE) for one in seen]
        places = sorted(range(len(names)), key=lambda place: order.index(names[place]))
        data = encode_ome_tiff(
            [seen[place].plane for place in places],
            [names[place] for place in places],
            name="__".join(str(sources[0].row.get(name)) for name in SITE_KEY),
            note=recipe.note(),
            compression=compression,
            pixel_size_um=seen[0].pixel_um,
        )
        measured = [
            one.measured(float(low), float(high))
            for one, (low, high) in zip(seen, levels, strict=True)
        ]
        return Encoded(data, measured)

    parameters = {**dataclasses.asdict(view), "compression": compression, "channels": list(order)}
    recipe = Recipe("stack", 1, ".ome.tiff", parameters, True, make, prepare)
    return recipe


def raw() -> Recipe:
    """The file as published, byte for byte, after a look whether all of it can be decoded."""

    def make(sources: Sequence[Source], _: object) -> Encoded:
        (source,) = sources
        plane = decode(source.data)
        counts = histogram(plane)
        seen = Seen(plane, counts, plane.shape[1], plane.shape[0], quality(plane, counts), None)
        low, high = seen.percentiles(PERCENTILE)
        return Encoded(source.data, [seen.measured(float(low), float(high))])

    return Recipe("raw", 1, ".tiff", {}, False, make)


def _single(
    name: str,
    suffix: str,
    view: View,
    write: Write,
    percentile: float | None = None,
    **more: object,
) -> Recipe:
    """A recipe of one image: what the view sees, through `write`."""
    q = PERCENTILE if percentile is None else percentile
    if not 0 <= q < 50:
        raise QueryError(f"percentile {q} is not from 0 to below 50")

    def make(sources: Sequence[Source], context: object) -> Encoded:
        (source,) = sources
        plate = _plate(context)
        seen = view.read(source, plate)
        low, high = plate.levels.get(str(source.row.get(CHANNEL))) or seen.percentiles(q)
        data = write(recipe, seen, low, high)
        return Encoded(data, [seen.measured(float(low), float(high))])

    parameters = {**dataclasses.asdict(view), **more}
    if percentile is not None:
        parameters["percentile"] = percentile
    recipe = Recipe(name, 1, suffix, parameters, False, make, view.prepare)
    return recipe


def _write_png8(recipe: Recipe, seen: Seen, low: np.float32, high: np.float32) -> bytes:
    image = stretch(seen.plane, low, high)
    return encode_png(image, recipe.note(low=float(low), high=float(high)))


def _plate(context: object) -> Plate:
    return cast("Plate", context) if context is not None else Plate()


def _check_choice(option: str, value: object, choices: Sequence[object]) -> None:
    if value not in choices:
        raise QueryError(f"{option} {value!r} is none of {', '.join(map(str, choices))}")
