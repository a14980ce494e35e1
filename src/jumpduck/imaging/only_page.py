"""The page of a TIFF whose URL names none: there must be one that can be meant."""

import itertools
import struct

from jumpduck.errors import ImageError
from jumpduck.imaging.tiff_header import (
    HEIGHT,
    WHOLE_NUMBERS,
    WIDTH,
    Directory,
    FileBytes,
    PageHeader,
    directories,
    read_header,
)

SUBFILE = 254
"""Tag of what a page is to the others."""

NO_IMAGE = 1 | 4
"""Bits of `SUBFILE`: a smaller copy of another page, or its mask."""


def read_only_page(data: bytes | memoryview) -> PageHeader:
    """Get what the header of a file in memory says about its first page.

    Raises
    ------
    ImageError
        As `read_header` and `refuse_other_pages`.
    """
    header = read_header(data)
    refuse_other_pages(data, header)
    return header


def refuse_other_pages(data: FileBytes, header: PageHeader) -> None:
    """Refuse a file whose second page is an image of the size of its first one.

    It is the next plane of a z-stack, for instance: the first one alone is not what the file has.

    Raises
    ------
    ImageError
        It is, or the file is cut short before its second page.
    """
    try:
        second = next(itertools.islice(directories(data), 1, None), None)
        said = {} if second is None else _numbers(data, second)
    except struct.error as error:
        raise ImageError(f"not a readable TIFF: cut short at {len(data)} bytes") from error
    size = header.width, header.height
    if (said.get(WIDTH), said.get(HEIGHT)) == size and not said.get(SUBFILE, 0) & NO_IMAGE:
        raise ImageError(
            f"more than one page of {size[0]} x {size[1]} pixels; say which with #page=N or "
            "#pages=M-N in its URL"
        )


def _numbers(data: FileBytes, directory: Directory) -> dict[int, int]:
    """Get the tags that are one whole number."""
    found: dict[int, int] = {}
    start = directory.tags.start
    entries = data[start : directory.tags.stop]
    for at in directory.tags:
        name, kind, count, value = struct.unpack_from(directory.tag_format, entries, at - start)
        if count == 1 and kind in WHOLE_NUMBERS:
            number_format = directory.byte_order + WHOLE_NUMBERS[kind]
            if struct.calcsize(number_format) <= len(value):
                (found[name],) = struct.unpack_from(number_format, value)
    return found
