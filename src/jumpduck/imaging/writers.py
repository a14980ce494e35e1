"""From pixels to the bytes of a file, with a note in it on how it was made."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from xml.sax.saxutils import escape

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

from jumpduck.imaging.tiff_reader import Plane

Compression = Literal["zstd", "deflate"]

# PNG's filters: a byte as it is, less its left neighbour, less the mean of that and the upper one
NONE, LEFT, AVERAGE = 0, 1, 3

SAMPLE = 32  # rows that decide on the filter
GAIN = 0.95  # of the size: what a search for matches has to be below to be worth its time


def encode_png(image: Plane, note: str = "") -> bytes:
    """Get the PNG of a grey image of 8 or 16 bit, with `note` as its text ``jumpduck``.

    Fast settings, the size of an ordinary PNG: noise leaves nothing to find but the average of
    the neighbours, so Huffman codes alone follow it.
    """
    height, width = image.shape
    deep = image.dtype.itemsize
    body = image if deep == 1 else image.astype(">u2")
    raw = body.view(np.uint8).reshape(height, width * deep)
    header = struct.pack(">IIBBBBB", width, height, 8 * deep, 0, 0, 0, 0)
    chunks = [(b"IHDR", header)]
    if note:
        chunks.append((b"tEXt", b"jumpduck\0" + note.encode("latin-1", "replace")))
    chunks += [(b"IDAT", _deflate(raw, deep)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + _check(name + data) for name, data in chunks
    )


def encode_jxl(image: Plane, note: str = "", *, effort: int = 1, distance: float = 0) -> bytes:
    """Get the JPEG XL of a grey image of 8 or 16 bit; at `distance` 0 every bit is kept.

    `note` goes into a box ``xml`` of the file's container.
    """
    lossy: dict[str, Any] = {"distance": distance} if distance else {"lossless": True}
    file = imagecodecs.jpegxl_encode(
        np.ascontiguousarray(image), effort=effort, usecontainer=True, numthreads=1, **lossy
    )
    text = f"<jumpduck>{escape(note)}</jumpduck>".encode()
    return bytes(file) + struct.pack(">I", len(text) + 8) + b"xml " + text


@dataclass(frozen=True, slots=True)
class TiffPage:
    """A plane of a TIFF to be, the text that describes it, and the edge of its pixels in µm."""

    image: Plane
    description: str = ""
    pixel_um: float | None = None


def encode_tiff(pages: Sequence[TiffPage], compression: Compression = "zstd") -> bytes:
    """Get a TIFF of grey pages, lossless: horizontal differences, then zstd or deflate.

    Little-endian, one strip a page; descriptions are UTF-8.
    """
    out = bytearray(b"II*\0\0\0\0\0")
    link = 4
    for page in pages:
        strip_at = len(out)
        strip = _differences(page.image, compression)
        out += strip + b"\0" * (len(strip) % 2)
        struct.pack_into("<I", out, link, len(out))
        link = _directory(out, page, compression, strip_at, len(strip))
    return bytes(out)


def _differences(image: Plane, compression: Compression) -> bytes:
    rows = np.empty(image.shape, image.dtype.newbyteorder("<"))
    rows[:, 0] = image[:, 0]
    np.subtract(image[:, 1:], image[:, :-1], out=rows[:, 1:])
    if compression == "zstd":
        return bytes(imagecodecs.zstd_encode(rows.tobytes(), 1))
    return bytes(imagecodecs.deflate_encode(rows.tobytes(), 1))


def _directory(
    out: bytearray, page: TiffPage, compression: Compression, strip_at: int, strip: int
) -> int:
    """Append a page's tags; get where the place of the next page's tags belongs."""
    height, width = page.image.shape
    text = page.description.encode() + b"\0"
    short, long, rational = "H", "I", "II"
    tags: list[tuple[int, int, int, bytes]] = []  # number, type, count, value

    def tag(number: int, kind: str, *values: int) -> None:
        name = {short: 3, long: 4, rational: 5}[kind]
        tags.append((number, name, 1, struct.pack("<" + kind, *values)))

    tag(256, long, width)
    tag(257, long, height)
    tag(258, short, 8 * page.image.dtype.itemsize)
    tag(259, short, {"zstd": 50000, "deflate": 8}[compression])
    tag(262, short, 1)
    tags.append((270, 2, len(text), text))
    tag(273, long, strip_at)
    tag(277, short, 1)
    tag(278, long, height)
    tag(279, long, strip)
    if page.pixel_um:
        per_cm = round(1e4 / page.pixel_um * 1e4)
        tag(282, rational, per_cm, 10_000)
        tag(283, rational, per_cm, 10_000)
        tag(296, short, 3)  # to the centimetre
    tags.append((305, 2, 9, b"jumpduck\0"))
    tag(317, short, 2)
    tag(339, short, 1)

    at = len(out) + 2 + 12 * len(tags) + 4
    extra = b""
    out += struct.pack("<H", len(tags))
    for number, kind, count, value in tags:
        out += struct.pack("<HHI", number, kind, count)
        if len(value) <= 4:
            out += value.ljust(4, b"\0")
        else:
            out += struct.pack("<I", at + len(extra))
            extra += value + b"\0" * (len(value) % 2)
    link = len(out)
    out += b"\0\0\0\0" + extra
    return link


def _deflate(raw: NDArray[np.uint8], deep: int) -> bytes:
    """The compressed rows of a PNG, by what makes a few rows in the middle the smallest."""
    middle = max(0, len(raw) // 2 - SAMPLE // 2)
    sample = raw[middle : middle + SAMPLE]
    least = GAIN * len(_huffman(_filtered(sample, deep, AVERAGE)))
    searched = {
        kind: len(imagecodecs.deflate_encode(_filtered(sample, deep, kind).tobytes(), 1))
        for kind in (NONE, LEFT)
    }
    best = min(searched, key=searched.__getitem__)
    if searched[best] < least:
        return bytes(imagecodecs.deflate_encode(_filtered(raw, deep, best).tobytes(), 6))
    return _huffman(_filtered(raw, deep, AVERAGE))


def _filtered(raw: NDArray[np.uint8], deep: int, kind: int) -> NDArray[np.uint8]:
    """Rows of PNG bytes, each less what the filter `kind` predicts; `deep` bytes are a pixel."""
    rows = np.empty((raw.shape[0], raw.shape[1] + 1), np.uint8)
    rows[:, 0] = kind
    left = np.zeros_like(raw)
    if kind != NONE:
        left[:, deep:] = raw[:, :-deep]
    if kind == AVERAGE:
        above = np.zeros_like(raw)
        above[1:] = raw[:-1]
        both = left & above
        left ^= above
        left >>= 1
        left += both  # the sum of two bytes, halved, without a ninth bit
    np.subtract(raw, left, out=rows[:, 1:])
    return rows


def _huffman(rows: NDArray[np.uint8]) -> bytes:
    coder: Any = zlib_ng.compressobj(1, zlib_ng.DEFLATED, 15, 9, zlib_ng.Z_HUFFMAN_ONLY)  # pyright: ignore[reportUnknownMemberType]
    return coder.compress(rows.data) + coder.flush()


def _check(data: bytes) -> bytes:
    return struct.pack(">I", imagecodecs.deflate_crc32(data))
