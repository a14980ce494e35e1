"""From numbers to a grey plane, and from a plane to a file that recipes read."""

import math
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jumpduck.containers.places import Place
from jumpduck.errors import ImageError, QueryError
from jumpduck.imaging.tiff_header import MAX_PLANE_PIXELS
from jumpduck.imaging.tiff_reader import Numbers, Plane

MAX_PROJECTED_PLANES = 4096
"""Planes of one maximum projection; a z-stack of a microscope has at most some hundred."""

MAX_AXES = 16
"""Axes of an array; HDF5 allows 32, and images have at most 6."""

ROWS_AT_ONCE = 64
"""Rows that are mapped to grey levels together, because that takes float64 of each pixel."""

MIN_RANGE, MAX_RANGE = 1e-30, 1e30
"""How far apart the ends of a range of numbers are."""

_NUMBER = re.compile(r"([0-9]{1,10})(?:-([0-9]{1,10}))?")

Span = tuple[int, int]
"""The first and the last of some planes that follow each other."""


@dataclass(frozen=True, slots=True)
class GreyRange:
    """Numbers from `low` to `high` become the grey levels from 0 to 65535."""

    low: float
    high: float

    @classmethod
    def of(cls, place: Place) -> "GreyRange | None":
        """Get the range that a place names; None if it names none.

        Raises
        ------
        QueryError
            They are not two numbers, the lower one first.
        """
        text = place.get("range")
        if text is None:
            return None
        try:
            low, high = map(float, text.split(","))
        except ValueError:
            low = high = math.nan
        if not low < high or not MIN_RANGE <= high - low <= MAX_RANGE:
            raise QueryError(
                f"range {text[:50]!r} is not LOW,HIGH: two numbers, the lower first, from "
                f"{MIN_RANGE} to {MAX_RANGE} apart"
            )
        return cls(low, high)


def grey_plane(numbers: Numbers, grey_range: GreyRange | None) -> Plane:
    """Get the grey levels of a plane: itself if it has some and no range is given.

    What is not a number becomes 0, because programs write NaN where there was no image.

    Raises
    ------
    ImageError
        Its numbers are not grey levels, or all are NaN.
    """
    check_type(numbers.dtype, grey_range)
    if grey_range is None:
        return numbers
    plane = np.empty(numbers.shape, np.uint16)
    scale, found = 65535 / (grey_range.high - grey_range.low), False
    for top in range(0, len(numbers), ROWS_AT_ONCE):
        rows = numbers[top : top + ROWS_AT_ONCE].astype(np.float64)
        absent = np.isnan(rows)
        found = found or not absent.all()
        # infinities are clipped as other numbers beyond the range are
        rows = (np.clip(rows, grey_range.low, grey_range.high) - grey_range.low) * scale
        rows[absent] = 0
        plane[top : top + ROWS_AT_ONCE] = np.rint(rows)
    if not found:
        raise ImageError("none of its pixels is a number")
    return plane


def check_type(dtype: np.dtype, grey_range: GreyRange | None) -> None:
    """Refuse numbers that are not grey levels.

    Raises
    ------
    ImageError
        They need a range, or are of a type that is not read.
    """
    named = dtype.newbyteorder("=").name
    if named in ("uint8", "uint16"):
        return
    if named not in ("uint32", "int8", "int16", "int32", "float32", "float64"):
        raise ImageError(f"not 8 or 16 bit unsigned: {str(dtype)[:50]}")
    if grey_range is None:
        raise ImageError(f"not 8 or 16 bit unsigned: {named}; give range=LOW,HIGH in its URL")


def check_plane(height: int, width: int) -> None:
    """Refuse a plane that is empty or too large.

    Raises
    ------
    ImageError
        It is.
    """
    if height < 1 or width < 1:
        raise ImageError(f"not one grey plane: {width} x {height} pixels")
    if height * width > MAX_PLANE_PIXELS:
        raise ImageError(f"a plane of {width} x {height} pixels, more than {MAX_PLANE_PIXELS}")


def span_of(text: str, key: str, *, many: bool) -> Span:
    """Get the planes that ``3`` or, with `many`, ``3-7`` names.

    Raises
    ------
    QueryError
        It is something else.
    """
    match = _NUMBER.fullmatch(text)
    if match is not None and (many or match[2] is None):
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        if first <= last < first + MAX_PROJECTED_PLANES:
            return first, last
    allowed = f"3, or 3-7 for at most {MAX_PROJECTED_PLANES} planes" if many else "3"
    raise QueryError(f"{key} {text[:50]!r} is not a number from 0, as {allowed}")


def index_of(place: Place) -> Sequence[Span]:
    """Get the planes that a place names, by axis.

    Raises
    ------
    QueryError
        They are not numbers, or are too many.
    """
    text = place.get("index", "")
    parts = text.split(",") if text else []
    if len(parts) > MAX_AXES - 2:
        raise QueryError(f"index {text[:50]!r} has {len(parts)} numbers; give at most 14")
    index = [span_of(part, "index", many=True) for part in parts]
    planes = math.prod(last - first + 1 for first, last in index)
    if planes > MAX_PROJECTED_PLANES:
        raise QueryError(f"index {text[:50]!r} is {planes} planes; {MAX_PROJECTED_PLANES} at most")
    return index


def tiff_of(plane: Plane) -> memoryview:
    """Get the TIFF of a plane: a header, then its bytes as they are."""
    height, width = plane.shape
    little = np.ascontiguousarray(plane, plane.dtype.newbyteorder("<"))
    tags = [
        (256, width),
        (257, height),
        (258, 8 * little.itemsize),
        (259, 1),  # not compressed
        (262, 1),  # 0 is black
        (277, 1),
        (278, height),
        (279, little.nbytes),
    ]
    return single_page("<", tags, [little.data.cast("B")])


def single_page(
    byte_order: str, tags: Sequence[tuple[int, int]], pieces: Sequence[bytes | memoryview]
) -> memoryview:
    """Get a TIFF of one page from its tags and its strips or tiles, which it lists itself."""
    tiled = any(tag == 322 for tag, _ in tags)
    offsets_tag, counts_tag = (324, 325) if tiled else (273, 279)
    kept = {tag: [min(value, 2**32 - 1)] for tag, value in tags}
    counts = [len(piece) for piece in pieces]
    kept |= {offsets_tag: [0] * len(pieces), counts_tag: counts}
    directory_bytes = 2 + 12 * len(kept) + 4
    lists_at = 8 + directory_bytes
    pixels_at = lists_at + (8 * len(pieces) if len(pieces) > 1 else 0)
    offsets = [pixels_at]
    for count in counts[:-1]:
        offsets.append(offsets[-1] + count)
    kept[offsets_tag] = offsets
    mark = b"II" if byte_order == "<" else b"MM"
    head = mark + struct.pack(f"{byte_order}HIH", 42, 8, len(kept))
    lists = b""
    for tag, values in sorted(kept.items()):
        value = values[0]
        if len(values) > 1:
            value = lists_at + len(lists)
            lists += struct.pack(f"{byte_order}{len(values)}I", *values)
        head += struct.pack(f"{byte_order}HHII", tag, 4, len(values), value)
    return memoryview(b"".join([head, bytes(4), lists, *pieces]))
