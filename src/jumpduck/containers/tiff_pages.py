"""A page of a TIFF, or the maximum of several, as a file of its own.

A page of grey levels is copied as it is written, its strips or tiles still compressed, because the
recipe decodes it anyway. Only for a maximum or a range of numbers is a page decoded here.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jumpduck.containers.places import Place
from jumpduck.containers.plane_file import (
    MAX_PROJECTED_PLANES,
    GreyRange,
    grey_plane,
    single_page,
    span_of,
    tiff_of,
)
from jumpduck.containers.ranged_file import RangedFile, merged
from jumpduck.containers.recent_files import RecentFiles
from jumpduck.errors import ImageError, QueryError
from jumpduck.imaging.only_page import refuse_other_pages
from jumpduck.imaging.tiff_header import (
    FileBytes,
    NoPageError,
    PageHeader,
    read_header,
    read_page_headers,
)
from jumpduck.imaging.tiff_reader import Numbers, decode_numbers
from jumpduck.storage.object_reader import MAX_FILE_BYTES, ObjectReader
from jumpduck.storage.repeated_requests import FetchedFile

SMALL_BYTES = 2**20
"""A file up to this is read as a whole, because a request takes as long as some megabytes."""

RECENT_BYTES = 16 * 2**20
"""Of small files that are kept for their other pages."""

MAX_PARTS = 64
"""Requests for one page: a page in more places is read with the whole file."""

_EVERY = re.compile(r"([0-9]{1,10})-(?:/([1-9][0-9]{0,4}))?")
"""``2-/3``: page 2 and each third one after it, up to the last."""

OnSize = Callable[[int], bool]
GetPieces = Callable[[PageHeader], Sequence[bytes | memoryview]]


@dataclass(frozen=True, slots=True)
class PageChoice:
    """Which pages of a TIFF become the image, and how."""

    pages: range
    grey_range: GreyRange | None
    to_the_last: bool = False
    """The file may have fewer pages than `pages` are."""
    is_named: bool = True
    """The place says which pages; else the file must have one alone."""

    @classmethod
    def of(cls, place: Place) -> "PageChoice":
        """Get what a place says.

        Raises
        ------
        QueryError
            It says something wrong.
        """
        if "page" in place and "pages" in place:
            raise QueryError("page and pages are given; give one of them")
        if every := _EVERY.fullmatch(place.get("pages", "")):
            first, step = int(every[1]), int(every[2] or 1)
            pages = range(first, first + MAX_PROJECTED_PLANES * step, step)
            return cls(pages, GreyRange.of(place), to_the_last=True)
        key = "pages" if "pages" in place else "page"
        first, last = span_of(place.get(key, "0"), key, many=key == "pages")
        return cls(range(first, last + 1), GreyRange.of(place), is_named=key in place)

    @property
    def is_copied(self) -> bool:
        """The page is copied as it is written."""
        return self.grey_range is None and len(self.pages) == 1


class TiffPages:
    """Reads pages of TIFFs by URL.

    Parameters
    ----------
    reader
        Reads files and parts of files.
    """

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader
        self._recent = RecentFiles(RECENT_BYTES)

    def read_if(
        self, url: str, place: Place, on_size: OnSize, *, version: str | None = None
    ) -> FetchedFile | None:
        """Get the image of a place, or None if `on_size` refuses it.

        Raises
        ------
        FileNotFoundError
            There is no such file, or it has no such page.
        QueryError
            The place says something wrong.
        ImageError
            The file or the page cannot be read.
        PermissionError, StoreError, OSError
            As `ObjectReader.read_if`.
        """
        choice = PageChoice.of(place)
        small = f"{url}#{version or ''}", str(choice)
        if self._recent.has(*small):
            return self._read_small(url, place, small, on_size, version)
        file = RangedFile(self._reader, url, version)
        if file.size <= SMALL_BYTES:
            return self._read_small(url, place, small, on_size, version)

        def pieces(header: PageHeader) -> Sequence[bytes | memoryview]:
            return _fetch_pieces(file, header)

        try:
            image = _image(file, choice, pieces, on_size, 0)
        except _ScatteredError:
            return self._read_whole(url, place, on_size, version)
        return (
            None
            if image is None
            else FetchedFile(image, file.state and file.state.etag, file.attempts)
        )

    def _read_small(
        self, url: str, place: Place, key: tuple[str, str], on_size: OnSize, version: str | None
    ) -> FetchedFile | None:
        # before another one fetches the file, because who waits for memory must not keep others
        if not on_size(2 * SMALL_BYTES):
            return None

        def fetch() -> FetchedFile:
            file = self._reader.read_if(url, lambda size: size <= SMALL_BYTES, version=version)
            if file is None:
                raise ImageError(f"{url}: the file became larger while it was read")
            return file

        file = self._recent.get(*key, fetch)
        image = page_of(file.data, place, on_size)
        return None if image is None else FetchedFile(image, file.etag, file.attempts)

    def _read_whole(
        self, url: str, place: Place, on_size: OnSize, version: str | None
    ) -> FetchedFile | None:
        file = self._reader.read_if(url, on_size, version=version)
        image = file and page_of(file.data, place, on_size)
        return FetchedFile(image, file.etag, file.attempts) if file and image else None


def page_of(data: bytes | memoryview, place: Place, on_size: OnSize) -> bytes | memoryview | None:
    """Get the image of a place in a TIFF that is in memory, or None if `on_size` refuses it.

    Parameters
    ----------
    on_size
        Called with the bytes of the file and of what is made of it.

    Raises
    ------
    FileNotFoundError
        The file has no such page.
    QueryError
        The place says something wrong.
    ImageError
        The file or the page cannot be read.
    """
    if not any(data[:64]):
        read_header(data)  # says why an empty or zero-filled file is none
    choice = PageChoice.of(place)

    def pieces(header: PageHeader) -> Sequence[bytes | memoryview]:
        return [memoryview(data)[start : start + count] for start, count in header.pieces]

    return _image(data, choice, pieces, on_size, len(data))


def _image(
    data: FileBytes, choice: PageChoice, pieces: GetPieces, on_size: OnSize, held: int
) -> memoryview | None:
    plane: Numbers | None = None
    any_numbers = choice.grey_range is not None
    try:
        for header in read_page_headers(data, choice.pages, any_numbers=any_numbers):
            if not choice.is_named:
                refuse_other_pages(data, header)
            page_bytes = 2 * sum(count for _, count in header.pieces)
            if choice.is_copied:
                return _copy(header, pieces) if on_size(held + page_bytes) else None
            # the page, the maximum, and the grey levels twice
            pixels = header.height * header.width
            if not on_size(held + page_bytes + 2 * header.plane_bytes + 4 * pixels):
                return None
            page = _copy(header, pieces)
            numbers = decode_numbers(page, read_header(page, any_numbers=any_numbers))
            if plane is None:
                plane = numbers
                continue
            if (plane.shape, plane.dtype) != (numbers.shape, numbers.dtype):
                raise ImageError(
                    f"page {header.page} is {numbers.dtype} of shape {numbers.shape}, the pages "
                    f"before it {plane.dtype} of shape {plane.shape}"
                )
            # NaN is not a number, therefore it is not the largest one
            plane = np.fmax(plane, numbers)
        if choice.to_the_last:
            raise ImageError(f"more than {MAX_PROJECTED_PLANES} pages are one image; name the last")
    except NoPageError as error:
        if not choice.to_the_last or plane is None:
            raise FileNotFoundError(str(error)) from None
    assert plane is not None
    return tiff_of(grey_plane(plane, choice.grey_range))


def _copy(header: PageHeader, pieces: GetPieces) -> memoryview:
    return single_page(header.byte_order, list(header.tags.items()), pieces(header))


class _ScatteredError(Exception):
    """The strips or tiles of a page are in too many places of the file."""


def _fetch_pieces(file: RangedFile, header: PageHeader) -> Sequence[memoryview]:
    """Get the strips or tiles of a page in few requests: those that are near each other in one."""
    runs = merged(header.pieces, MAX_FILE_BYTES)
    wanted = sum(count for _, count in header.pieces)
    if len(runs) > MAX_PARTS or sum(stop - start for start, stop in runs) > 2 * wanted:
        raise _ScatteredError
    firsts = [start for start, _ in runs]
    parts = [
        memoryview(file.fetch(start, stop - start) if stop > start else b"") for start, stop in runs
    ]
    found: list[memoryview] = []
    for start, count in header.pieces:
        run = bisect_right(firsts, start) - 1
        found.append(parts[run][start - firsts[run] :][:count])
    return found
