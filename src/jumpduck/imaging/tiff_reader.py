"""From the bytes of a published TIFF to its pixels, or to the reason why not.

Files come from a bucket and are hostile until checked: what a header promises is held against the
file's size and a limit before anything is allocated or decoded.
"""

import itertools
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ImageError

Plane = NDArray[np.uint8 | np.uint16]

MAX_PIXELS = 1 << 26
"""Pixels a plane may have: 8192 x 8192; the largest in JUMP are 2160 x 2160."""

MAX_TAGS = 4096

COMPRESSIONS = {
    1: "none",
    5: "LZW",
    8: "deflate",
    32773: "PackBits",
    32946: "deflate",
    50000: "zstd",
}
EXPANSION = {"none": 1, "PackBits": 64, "deflate": 1032, "LZW": 2731, "zstd": math.inf}
"""Bytes that can come of one."""

UNPREDICTED = ("none", "PackBits")
PHOTOMETRIC = {0: "white at 0", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr"}
SAMPLE_FORMAT = {1: "unsigned", 2: "signed", 3: "float"}

# tag numbers, TIFF 6.0
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTO, FILL_ORDER = 256, 257, 258, 259, 262, 266
STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES, PREDICTOR = 273, 277, 278, 279, 317
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES, FORMAT = 322, 323, 324, 325, 339
_PIECES = {STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES}
_READ = _PIECES | {
    WIDTH, HEIGHT, BITS, COMPRESSION, PHOTO, FILL_ORDER, SAMPLES, ROWS_PER_STRIP, PREDICTOR,
    TILE_WIDTH, TILE_HEIGHT, FORMAT,
}  # fmt: skip
_NUMBERS = {3: "H", 4: "I", 16: "Q"}  # types of tags that hold whole numbers


@dataclass(frozen=True, slots=True)
class Page:
    """One grey plane of a TIFF whose header was found to be sound."""

    index: int
    width: int
    height: int
    bits: int
    order: str
    plain: bool
    """The pixels lie in the file one after the other, as they are."""
    offset: int
    """Where the first of them are."""
    strip: int
    """Rows that cannot be decoded but together; all of them where the file is in tiles."""
    fields: Sequence[tuple[int, str]]
    """Where in the file the height stands, and as what type; of a single strip, also its rows."""


def decode(data: bytes | memoryview, *, page: int = 0) -> Plane:
    """Get one plane of a grey TIFF, 8 or 16 bit; 12 bit become 16.

    Parameters
    ----------
    page
        Which of a file's pages, from 0.

    Raises
    ------
    ImageError
        The bytes are empty, all zero, no TIFF, cut short, or the page holds something else than
        one grey plane of unsigned integers.
    """
    return pixels(data, read_page(data, page))


def read_page(data: bytes | memoryview, index: int = 0) -> Page:
    """Get what the header says about a page, held against the size of the file.

    Raises
    ------
    ImageError
        As `decode` does, for all that can be told without decoding.
    """
    if not data:
        raise ImageError("empty file")
    if not any(data[:64]) and not any(data):
        raise ImageError(f"zero-filled file of {len(data)} bytes")
    try:
        order, tags = _directory(data, index)
        return _page(data, index, order, tags)
    except struct.error as error:
        raise ImageError(f"not a readable TIFF: cut short at {len(data)} bytes") from error


def pixels(data: bytes | memoryview, page: Page, rows: int | None = None) -> Plane:
    """Get the first `rows` rows of a page, or all of it.

    Rows below are not decoded where the file is in strips. The array may be a read-only view of
    `data`.

    Raises
    ------
    ImageError
        What is compressed cannot be decompressed.
    """
    rows = page.height if rows is None else min(rows, page.height)
    if page.plain:
        dtype = np.dtype(f"{page.order}u{page.bits // 8}")
        flat = np.frombuffer(data, dtype, rows * page.width, page.offset)
        plane = flat.reshape(rows, page.width)
        return plane.astype(dtype.newbyteorder("="), copy=False)
    asked = min(-(-rows // page.strip) * page.strip, page.height)
    file = bytearray(data) if asked < page.height else data
    if isinstance(file, bytearray):
        # libtiff decodes what a header asks for: ask for less
        for place, kind in page.fields:
            struct.pack_into(page.order + kind, file, place, asked)
    try:
        plane = imagecodecs.tiff_decode(cast("bytes", file), index=page.index)
    except Exception as error:
        raise ImageError(f"not a readable TIFF: {error or type(error).__name__}") from error
    if plane.ndim != 2 or plane.shape != (asked, page.width):
        raise ImageError(f"not one grey plane: shape {plane.shape}")
    if plane.dtype.name not in ("uint8", "uint16"):
        raise ImageError(f"not 8 or 16 bit unsigned: {plane.dtype}")
    return plane[:rows]


@dataclass(frozen=True, slots=True)
class _Tag:
    values: Sequence[int]
    place: int
    kind: str


def _directory(data: bytes | memoryview, index: int) -> tuple[str, dict[int, _Tag]]:
    """The byte order, and the tags of page `index` that hold whole numbers."""
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
    magic = struct.unpack_from(f"{order}H", data, 2)[0] if order and len(data) >= 8 else 0
    if order is None or magic not in (42, 43):
        raise ImageError(f"not a readable TIFF: it begins with {bytes(data[:8])!r}")
    big = magic == 43
    head, entry, link = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
    (at,) = struct.unpack_from(order + link, data, 8 if big else 4)
    seen: set[int] = set()
    first = number = 0
    size = struct.calcsize(order + entry)
    for page in range(index + 1):
        if at == 0 or at in seen:
            raise ImageError(f"not a readable TIFF: no page {index}, it has {page}")
        seen.add(at)
        if at + 8 > len(data):
            raise ImageError(
                f"not a readable TIFF: cut short, its directory is at byte {at} of {len(data)}"
            )
        (number,) = struct.unpack_from(order + head, data, at)
        if number > MAX_TAGS:
            raise ImageError(f"not a readable TIFF: {number} tags")
        first = at + struct.calcsize(order + head)
        (at,) = struct.unpack_from(order + link, data, first + number * size)
    tags: dict[int, _Tag] = {}
    for place in range(first, first + number * size, size):
        name, kind, count, _ = struct.unpack_from(order + entry, data, place)
        if name not in _READ or kind not in _NUMBERS or not count:
            continue
        letter = _NUMBERS[kind]
        wide = struct.calcsize(order + letter)
        inline = place + size - (8 if big else 4)
        where = inline
        if count * wide > (8 if big else 4):
            (where,) = struct.unpack_from(order + link, data, inline)
        if count * wide > len(data) - where:
            raise ImageError(
                f"not a readable TIFF: cut short, tag {name} ends at byte {where + count * wide} "
                f"of {len(data)}"
            )
        values = np.frombuffer(data, f"{order}u{wide}", count, where).tolist()
        tags[name] = _Tag(values, where, letter)
    return order, tags


def _page(data: bytes | memoryview, index: int, order: str, tags: Mapping[int, _Tag]) -> Page:
    def one(name: int, default: int) -> int:
        return int(tags[name].values[0]) if name in tags else default

    width, height, bits = one(WIDTH, 0), one(HEIGHT, 0), one(BITS, 1)
    if not width or not height:
        raise ImageError(f"not one grey plane: {width} x {height} pixels")
    if width * height > MAX_PIXELS:
        raise ImageError(f"header promises {width} x {height} pixels, more than {MAX_PIXELS}")
    codec = _check_pixels(one)
    tiled = TILE_OFFSETS in tags
    tall, wide = min(one(ROWS_PER_STRIP, height) or height, height), width
    if tiled:
        tall, wide = one(TILE_HEIGHT, 0), one(TILE_WIDTH, 0)
        if not 0 < tall * wide <= MAX_PIXELS:
            raise ImageError(f"not a readable TIFF: tiles of {wide} x {tall} pixels")
    number = -(-width // wide) * -(-height // tall)
    offsets, counts = _pieces(data, tags, number, tiled=tiled)
    size = -(-width * bits // 8)
    if height * size > EXPANSION[codec] * sum(counts):
        raise ImageError(
            f"not a readable TIFF: {sum(counts)} bytes of {codec} for {width} x {height} pixels"
        )
    plain = codec == "none" and not tiled and bits != 12 and one(FILL_ORDER, 1) == 1
    plain = plain and all(
        after == before + tall * size for before, after in itertools.pairwise(offsets)
    )
    strip, cut = (height if tiled else tall), [HEIGHT]
    if number == 1 and codec == "LZW" and ROWS_PER_STRIP in tags:
        # alone among the codecs, its decoder stops where it is told to
        strip, cut = 1, [HEIGHT, ROWS_PER_STRIP]
    fields = [(tags[name].place, tags[name].kind) for name in cut]
    return Page(index, width, height, bits, order, plain, offsets[0], strip, fields)


def _check_pixels(one: Callable[[int, int], int]) -> str:
    """Refuse what is no grey plane of unsigned integers; get the codec of one that is."""
    samples, photo = one(SAMPLES, 1), one(PHOTO, 1)
    if samples != 1 or photo != 1:
        what = PHOTOMETRIC.get(photo, "grey")
        raise ImageError(f"not one grey plane: {what}, {samples} samples a pixel")
    bits, kind = one(BITS, 1), one(FORMAT, 1)
    if kind != 1 or bits not in (8, 12, 16):
        what = SAMPLE_FORMAT.get(kind, "other")
        raise ImageError(f"not 8 or 16 bit unsigned: {bits} bit {what}")
    codec = COMPRESSIONS.get(one(COMPRESSION, 1))
    if codec is None:
        known = ", ".join(sorted(EXPANSION))
        raise ImageError(f"compression {one(COMPRESSION, 1)} is none of {known}")
    predictor = one(PREDICTOR, 1)
    sound = predictor == 2 and bits != 12 and codec not in UNPREDICTED
    if predictor != 1 and not sound:
        raise ImageError(f"predictor {predictor} in {bits} bit with compression {codec}")
    return codec


def _pieces(
    data: bytes | memoryview, tags: Mapping[int, _Tag], number: int, *, tiled: bool
) -> tuple[Sequence[int], Sequence[int]]:
    """Where the strips or tiles of a page begin, and how long they are."""
    names = (TILE_OFFSETS, TILE_BYTES) if tiled else (STRIP_OFFSETS, STRIP_BYTES)
    what = "tile" if tiled else "strip"
    if any(name not in tags or len(tags[name].values) < number for name in names):
        raise ImageError(f"not a readable TIFF: it lists fewer than its {number} {what}s")
    offsets, counts = (tags[name].values[:number] for name in names)
    for piece, (offset, count) in enumerate(zip(offsets, counts, strict=True)):
        if offset + count > len(data):
            raise ImageError(
                f"not a readable TIFF: cut short, {what} {piece} ends at byte {offset + count} "
                f"of {len(data)}"
            )
    return offsets, counts
