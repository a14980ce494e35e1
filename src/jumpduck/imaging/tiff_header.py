"""What the header of a published TIFF says about one page, or the reason why it cannot be read.

Anybody may have written the files of a bucket. A decoder allocates what a header asks for, so a
header of 100 bytes that promises 100,000 x 100,000 pixels could take all memory. Therefore the
header is checked here, against the size of the file and a limit, before anything is allocated or
decoded; a library that parses and decodes in one call leaves no place for that check. The header
also says where the pixels of an uncompressed file are, so that they are read without a copy, and
which rows a crop needs, so that the rows below are not decoded.

The file need not be in memory: only the directories up to the page are looked at, by slices.
"""

import itertools
import math
import operator
import struct
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from jumpduck.errors import ImageError

MAX_PLANE_PIXELS = 1 << 26
"""8192 x 8192; the largest published planes of Cell Painting have 2160 x 2160 pixels."""

MAX_TAGS = 4096
MAX_PAGES = 100_000

MAX_PIECES = MAX_PLANE_PIXELS // 256
"""Strips or tiles of a page; the smallest tiles that programs write have 16 x 16 pixels."""

MAX_TILE_PIXELS = 1 << 22
"""2048 x 2048: a small image has no larger tiles, because a decoder allocates a whole tile."""

COMPRESSIONS = {
    1: "none",
    5: "LZW",
    8: "deflate",
    32773: "PackBits",
    32946: "deflate",
    50000: "zstd",
}

MAX_BYTES_PER_BYTE = {"none": 1, "PackBits": 64, "deflate": 1032, "LZW": 2731, "zstd": math.inf}
"""How many bytes one compressed byte can become, by compression."""

WITHOUT_PREDICTOR = ("none", "PackBits")
PHOTOMETRIC = {0: "white at 0", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr"}
NUMBER_KINDS = {1: "u", 2: "i", 3: "f"}
"""What a pixel is, as numpy writes it."""
KIND_NAMES = {"u": "unsigned", "i": "signed", "f": "float"}
GREY_LEVELS = {("u", 8), ("u", 12), ("u", 16)}
"""Kinds and bits of a pixel that recipes read."""
NUMBERS = GREY_LEVELS | {("u", 32), ("i", 8), ("i", 16), ("i", 32), ("f", 32), ("f", 64)}
"""Those that can be mapped to grey levels."""

# numbers of tags, TIFF 6.0
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTO, FILL_ORDER = 256, 257, 258, 259, 262, 266
STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES, PREDICTOR = 273, 277, 278, 279, 317
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES, FORMAT = 322, 323, 324, 325, 339
DEPTH, TILE_DEPTH = 32997, 32998  # planes of a page, of SGI; libtiff reads them
_TAGS_READ = {
    WIDTH, HEIGHT, BITS, COMPRESSION, PHOTO, FILL_ORDER, STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP,
    STRIP_BYTES, PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES, FORMAT, DEPTH,
    TILE_DEPTH,
}  # fmt: skip
_LISTS = {STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES}
"""Tags with a value for each strip or tile; the others have one value."""
WHOLE_NUMBERS = {3: "H", 4: "I", 16: "Q"}
"""`struct` formats of the tag types that hold whole numbers."""


class FileBytes(Protocol):
    """A file by its slices, in memory or fetched as they are asked for."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> bytes | memoryview: ...


class NoPageError(ImageError):
    """The file has fewer pages."""


@dataclass(frozen=True, slots=True)
class PageHeader:
    """What the header says about one grey plane, after its check."""

    page: int
    width: int
    height: int
    kind: str
    """What a pixel is, as numpy writes it: ``u``, ``i`` or ``f``."""
    bits: int
    """Bits a pixel: 8, 12 or 16; with `any_numbers` also 32 or 64."""
    byte_order: str
    """As `struct` writes it: ``<`` or ``>``."""
    contiguous: bool
    """All pixels are in the file uncompressed, one after the other."""
    offset: int
    """Byte of the file where the first strip or tile begins."""
    rows_together: int
    """The decoder can stop after a multiple of so many rows; all rows for a file in tiles."""
    height_fields: Sequence[tuple[int, str]]
    """Byte and `struct` format of the numbers to change so that the decoder stops earlier."""
    streams: Sequence[tuple[int, int, int]]
    """Of a deflated page: where each strip or tile begins, its bytes, and those it inflates to."""
    pieces: Sequence[tuple[int, int]]
    """Where each strip or tile begins, and its bytes."""
    tags: Mapping[int, int]
    """The tags that have one value and say how the pixels are written."""

    @property
    def plane_bytes(self) -> int:
        """Memory of the decoded page."""
        return self.height * self.width * (2 if self.bits == 12 else self.bits // 8)


def read_header(
    data: bytes | memoryview, page: int = 0, *, any_numbers: bool = False
) -> PageHeader:
    """Get what the header of a file in memory says about a page.

    Raises
    ------
    ImageError
        As `read_page_header`, or the file is empty or zero-filled.
    """
    if not data:
        raise ImageError("empty file")
    if not any(data[:64]) and not any(data):
        raise ImageError(f"zero-filled file of {len(data)} bytes")
    return read_page_header(data, page, any_numbers=any_numbers)


def read_page_header(data: FileBytes, page: int, *, any_numbers: bool = False) -> PageHeader:
    """Get what the header says about a page; as `read_page_headers`."""
    return next(read_page_headers(data, range(page, page + 1), any_numbers=any_numbers))


def read_page_headers(
    data: FileBytes, pages: range, *, any_numbers: bool = False
) -> Iterator[PageHeader]:
    """Get what the header says about pages, checked against the size of the file.

    Parameters
    ----------
    any_numbers
        Also take a page of signed, 32 bit or float numbers, which have yet to become grey levels.

    Raises
    ------
    NoPageError
        The file has fewer pages.
    ImageError
        The bytes are not a TIFF or cut short, or a page is not one grey plane.
    """
    page = -1
    try:
        for page, directory in enumerate(directories(data)):
            if page in pages:
                yield _check_page(data, page, directory, any_numbers=any_numbers)
            if page == pages[-1]:
                return
    except struct.error as error:
        raise ImageError(f"not a readable TIFF: cut short at {len(data)} bytes") from error
    raise NoPageError(f"not a readable TIFF: no page {pages[-1]}, it has {page + 1}")


@dataclass(frozen=True, slots=True)
class _Tag:
    values: Sequence[int]
    byte: int
    """Byte of the file where the first value is."""
    number_format: str


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the tags of a page are, and how they are written."""

    tags: range
    """Where each tag begins."""
    byte_order: str
    tag_format: str
    link_format: str


def _unpack(data: FileBytes, number_format: str, at: int) -> tuple[int, ...]:
    part = data[at : at + struct.calcsize(number_format)]
    return struct.unpack(number_format, part)


def directories(data: FileBytes) -> Iterator[Directory]:
    """Get the directory of each page, one after the other."""
    byte_order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
    magic = _unpack(data, f"{byte_order}H", 2)[0] if byte_order and len(data) >= 8 else 0
    big = magic == 43
    # a BigTIFF says the size of its offsets, of which there is one
    is_odd = big and _unpack(data, f"{byte_order}HH", 4) != (8, 0)
    if byte_order is None or magic not in (42, 43) or is_odd:
        raise ImageError(f"not a readable TIFF: it begins with {bytes(data[:8])!r}")
    count_format, tag_format, link_format = (
        byte_order + one for one in (("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I"))
    )
    tag_bytes = struct.calcsize(tag_format)
    (link,) = _unpack(data, link_format, 8 if big else 4)
    visited: set[int] = set()
    while link:
        if link in visited:
            raise ImageError(
                f"not a readable TIFF: its page {len(visited)} is an earlier one again"
            )
        if len(visited) == MAX_PAGES:
            raise ImageError(f"not a readable TIFF: more than {MAX_PAGES} pages are not read")
        visited.add(link)
        if link + 8 > len(data):
            raise ImageError(
                f"not a readable TIFF: cut short, its directory is at byte {link} of {len(data)}"
            )
        (tag_count,) = _unpack(data, count_format, link)
        if tag_count > MAX_TAGS:
            raise ImageError(f"not a readable TIFF: {tag_count} tags")
        first_tag = link + struct.calcsize(count_format)
        end = first_tag + tag_count * tag_bytes
        (link,) = _unpack(data, link_format, end)
        yield Directory(range(first_tag, end, tag_bytes), byte_order, tag_format, link_format)


def _tags(data: FileBytes, directory: Directory) -> dict[int, _Tag]:
    """Those tags of a directory that are read here."""
    tags: dict[int, _Tag] = {}
    byte_order, link_format = directory.byte_order, directory.link_format
    inline_bytes = struct.calcsize(link_format)
    start = directory.tags.start
    entries = data[start : directory.tags.stop]
    for tag_at in directory.tags:
        name, kind, count, _ = struct.unpack_from(directory.tag_format, entries, tag_at - start)
        if name not in _TAGS_READ:
            continue
        # what libtiff makes of the following, this check could take for something else
        if name in tags:
            raise ImageError(f"not a readable TIFF: it has tag {name} twice")
        if kind not in WHOLE_NUMBERS or (kind == 16 and inline_bytes == 4):
            raise ImageError(f"not a readable TIFF: tag {name} has type {kind}")
        if not 0 < count <= MAX_PIECES:
            raise ImageError(f"not a readable TIFF: tag {name} has {count} values")
        number_format = WHOLE_NUMBERS[kind]
        number_bytes = struct.calcsize(byte_order + number_format)
        value_at = tag_at + directory.tags.step - inline_bytes
        if count * number_bytes > inline_bytes:
            (value_at,) = _unpack(data, link_format, value_at)
        if count * number_bytes > len(data) - value_at:
            raise ImageError(
                f"not a readable TIFF: cut short, tag {name} ends at byte "
                f"{value_at + count * number_bytes} of {len(data)}"
            )
        listed = data[value_at : value_at + count * number_bytes]
        values = np.frombuffer(listed, f"{byte_order}u{number_bytes}").tolist()
        tags[name] = _Tag(values, value_at, number_format)
    return tags


def _check_page(
    data: FileBytes, page: int, directory: Directory, *, any_numbers: bool
) -> PageHeader:
    tags, byte_order = _tags(data, directory), directory.byte_order

    def first_value(tag: int, default: int) -> int:
        return int(tags[tag].values[0]) if tag in tags else default

    width, height, bits = first_value(WIDTH, 0), first_value(HEIGHT, 0), first_value(BITS, 1)
    if not width or not height:
        raise ImageError(f"not one grey plane: {width} x {height} pixels")
    if width * height > MAX_PLANE_PIXELS:
        raise ImageError(
            f"the header promises {width} x {height} pixels, more than {MAX_PLANE_PIXELS}"
        )
    kind, compression = _check_pixel_type(first_value, NUMBERS if any_numbers else GREY_LEVELS)
    for name in tags.keys() - _LISTS:
        if len(tags[name].values) > 1:
            raise ImageError(f"not a readable TIFF: tag {name} has {len(tags[name].values)} values")
    tiled = not tags.keys().isdisjoint((TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES))
    if tiled and not tags.keys().isdisjoint((STRIP_OFFSETS, STRIP_BYTES)):
        raise ImageError("not a readable TIFF: it has both strips and tiles")
    what = "tile" if tiled else "strip"
    piece_height = min(first_value(ROWS_PER_STRIP, height) or height, height)
    piece_width = width
    if tiled:
        piece_height, piece_width = first_value(TILE_HEIGHT, 0), first_value(TILE_WIDTH, 0)
        if not 0 < piece_height * piece_width <= max(MAX_TILE_PIXELS, 4 * width * height):
            raise ImageError(f"not a readable TIFF: tiles of {piece_width} x {piece_height} pixels")
    pieces = -(-width // piece_width) * -(-height // piece_height)
    offsets, counts = _check_pieces(len(data), tags, pieces, directory.tags, tiled=tiled)
    row_bytes = -(-width * bits // 8)
    piece_bytes = [piece_height * -(-piece_width * bits // 8)] * pieces
    if not tiled:
        piece_bytes[-1] = (height - (pieces - 1) * piece_height) * row_bytes
    if compression == "none" and any(map(operator.lt, counts, piece_bytes)):
        raise ImageError(f"not a readable TIFF: a {what} holds less than its pixels")
    if height * row_bytes > MAX_BYTES_PER_BYTE[compression] * sum(counts):
        raise ImageError(
            f"not a readable TIFF: {sum(counts)} bytes of {compression} for "
            f"{width} x {height} pixels"
        )
    as_in_memory = compression == "none" and bits != 12 and first_value(FILL_ORDER, 1) == 1
    contiguous = as_in_memory and not tiled
    contiguous = contiguous and all(
        after == before + piece_height * row_bytes for before, after in itertools.pairwise(offsets)
    )
    rows_together, to_change = (height if tiled else piece_height), [HEIGHT]
    if pieces == 1 and compression == "LZW" and ROWS_PER_STRIP in tags and not tiled:
        # only the decoder of LZW stops inside a strip
        rows_together, to_change = 1, [HEIGHT, ROWS_PER_STRIP]
    fields = [(tags[tag].byte, tags[tag].number_format) for tag in to_change]
    is_deflated = compression == "deflate"
    streams = list(zip(offsets, counts, piece_bytes, strict=True)) if is_deflated else []
    return PageHeader(
        page,
        width,
        height,
        kind,
        bits,
        byte_order,
        contiguous,
        offsets[0],
        rows_together,
        fields,
        streams,
        list(zip(offsets, counts, strict=True)),
        {name: int(tag.values[0]) for name, tag in tags.items() if name not in _LISTS},
    )


def _check_pixel_type(
    first_value: Callable[[int, int], int], allowed: Container[tuple[str, int]]
) -> tuple[str, str]:
    """Refuse what is not a grey plane of allowed numbers; the kind and compression of one."""
    samples, photo = first_value(SAMPLES, 1), first_value(PHOTO, 1)
    if samples != 1 or photo != 1:
        what = PHOTOMETRIC.get(photo, "RGB" if samples == 3 else "grey")
        is_colour = samples >= 3 or what == "palette"
        advice = "; export each channel as a grey image of its own" if is_colour else ""
        raise ImageError(f"not one grey plane: {what}, {samples} samples a pixel{advice}")
    depth = max(first_value(DEPTH, 1), first_value(TILE_DEPTH, 1))
    if depth != 1:
        raise ImageError(f"not one grey plane: {depth} planes")
    bits, kind = first_value(BITS, 1), NUMBER_KINDS.get(first_value(FORMAT, 1), "")
    if (kind, bits) not in allowed:
        advice = "; give range=LOW,HIGH in its URL" if (kind, bits) in NUMBERS else ""
        what = KIND_NAMES.get(kind, "other")
        raise ImageError(f"not 8 or 16 bit unsigned: {bits} bit {what}{advice}")
    compression = COMPRESSIONS.get(first_value(COMPRESSION, 1))
    if compression is None:
        known = ", ".join(sorted(MAX_BYTES_PER_BYTE))
        raise ImageError(
            f"not a readable TIFF: compression {first_value(COMPRESSION, 1)}; can read {known}"
        )
    predictor = first_value(PREDICTOR, 1)
    readable = (predictor == 2 and bits != 12) or (predictor == 3 and kind == "f")
    if predictor != 1 and not (readable and compression not in WITHOUT_PREDICTOR):
        raise ImageError(
            f"not a readable TIFF: predictor {predictor} in {bits} bit with "
            f"compression {compression}"
        )
    return kind, compression


def _check_pieces(
    file_bytes: int,
    tags: Mapping[int, _Tag],
    pieces: int,
    directory: range,
    *,
    tiled: bool,
) -> tuple[Sequence[int], Sequence[int]]:
    """Where each strip or tile of a page begins, and its bytes."""
    names = (TILE_OFFSETS, TILE_BYTES) if tiled else (STRIP_OFFSETS, STRIP_BYTES)
    what = "tile" if tiled else "strip"
    if any(name not in tags or len(tags[name].values) < pieces for name in names):
        raise ImageError(f"not a readable TIFF: it lists fewer than its {pieces} {what}s")
    offsets, counts = (tags[name].values[:pieces] for name in names)
    for piece, (offset, count) in enumerate(zip(offsets, counts, strict=True)):
        if offset + count > file_bytes:
            raise ImageError(
                f"not a readable TIFF: cut short, {what} {piece} ends at byte {offset + count} "
                f"of {file_bytes}"
            )
    header = [(0, 8), (directory.start, directory.stop - directory.start)]
    by_place = sorted([*header, *(one for one in zip(offsets, counts, strict=True) if one[1])])
    for (one, count), (other, _) in itertools.pairwise(by_place):
        if one + count > other:
            raise ImageError(f"not a readable TIFF: a {what} and what is at byte {other} overlap")
    return offsets, counts
