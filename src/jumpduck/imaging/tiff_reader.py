"""From the bytes of a published TIFF to its pixels, or to the reason why it cannot be read."""

import struct
from typing import Any, cast

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ImageError
from jumpduck.imaging.tiff_header import PageHeader, read_header

Plane = NDArray[np.uint8 | np.uint16]
"""Grey levels of one image, of shape (height, width)."""

Numbers = NDArray[Any]
"""Numbers of one image that may be no grey levels, of shape (height, width)."""


def decode(data: bytes | memoryview, *, page: int = 0) -> Plane:
    """Get one plane of a grey TIFF of 8, 12 or 16 bits; 12 bits become 16.

    Parameters
    ----------
    data
        The whole file.
    page
        Number of the page in the file, from 0.

    Raises
    ------
    ImageError
        The bytes are empty, all zero, not a TIFF or cut short, or the page is not one grey plane
        of unsigned integers.
    """
    return decode_rows(data, read_header(data, page))


def decode_rows(data: bytes | memoryview, header: PageHeader, rows: int | None = None) -> Plane:
    """Get the first `rows` rows of a page, or all of them.

    Where the file is in strips, rows below are not decoded. The array can be a read-only view of
    `data`.

    Raises
    ------
    ImageError
        The compressed data cannot be decompressed.
    """
    plane = decode_numbers(data, header, rows)
    if plane.dtype.name not in ("uint8", "uint16"):
        raise ImageError(f"not 8 or 16 bit unsigned: {plane.dtype}")
    return plane


def decode_numbers(
    data: bytes | memoryview, header: PageHeader, rows: int | None = None
) -> Numbers:
    """Get what `decode_rows` does, of a page of any numbers."""
    rows = header.height if rows is None else min(rows, header.height)
    if header.contiguous:
        dtype = np.dtype(f"{header.byte_order}{header.kind}{header.bits // 8}")
        flat = np.frombuffer(data, dtype, rows * header.width, header.offset)
        plane = flat.reshape(rows, header.width)
        return plane.astype(dtype.newbyteorder("="), copy=False)
    decoded = min(-(-rows // header.rows_together) * header.rows_together, header.height)
    streams = header.streams
    for stream in (
        streams if decoded == header.height else streams[: decoded // header.rows_together]
    ):
        _check_stream(data, *stream)
    file = bytearray(data) if decoded < header.height else data
    if isinstance(file, bytearray):
        # libtiff decodes all rows that the header names, therefore a copy names fewer
        for byte, number_format in header.height_fields:
            struct.pack_into(header.byte_order + number_format, file, byte, decoded)
    try:
        plane = imagecodecs.tiff_decode(cast("bytes", file), index=header.page)
    except Exception as error:
        raise ImageError(f"not a readable TIFF: {error or type(error).__name__}") from error
    if plane.ndim != 2 or plane.shape != (decoded, header.width):
        raise ImageError(f"not one grey plane: shape {plane.shape}")
    return plane[:rows]


def _check_stream(data: bytes | memoryview, offset: int, count: int, inflated: int) -> None:
    """Refuse a deflated strip or tile that is not whole.

    libtiff takes a stream of too many bytes for success, and leaves in the plane whatever was in
    that memory before.
    """
    stream = cast("bytes", data[offset : offset + count])
    try:
        found = len(imagecodecs.deflate_decode(stream, out=inflated))
    except Exception as error:
        raise ImageError(f"not a readable TIFF: {error}") from error
    if found != inflated:
        raise ImageError(f"not a readable TIFF: {found} bytes where {inflated} were deflated")
