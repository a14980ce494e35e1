"""One image by its URL, also where it lies inside of a file."""

from collections.abc import Callable

from jumpduck.containers.places import split_place
from jumpduck.containers.tiff_pages import TiffPages
from jumpduck.containers.zarr_planes import ZarrPlanes
from jumpduck.errors import ImageError
from jumpduck.storage.object_reader import ObjectReader
from jumpduck.storage.repeated_requests import FetchedFile


class ImageReader:
    """Reads whole image files, and images that lie inside of other files.

    Parameters
    ----------
    reader
        Reads files by URL.
    """

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader
        self._tiff_pages = TiffPages(reader)
        self._zarr_planes = ZarrPlanes(reader)

    @property
    def attempts(self) -> int:
        """Requests for one file at most."""
        return self._reader.attempts

    def read_if(self, url: str, on_size: Callable[[int], bool]) -> FetchedFile | None:
        """Get an image as a file of its own, or None if `on_size` refuses it.

        Parameters
        ----------
        url
            As `jumpduck.containers.places` says.
        on_size
            Called with the number of bytes before they are in memory, for each attempt. It returns
            whether to read them; it may wait, or raise a `StoreError`, which is passed on.

        Raises
        ------
        FileNotFoundError
            There is no such file, or it has no such image.
        PermissionError
            The server says that the file may not be read.
        StoreError
            There was no good answer in all attempts.
        ImageError
            The file is broken, or what is asked for is not an image that can be read.
        """
        address, place = split_place(url)
        if not place:
            return self._reader.read_if(address, on_size)
        if place.keys() <= {"page", "pages", "range"}:
            return self._tiff_pages.read_if(address, place, on_size)
        if "array" in place and place.keys() <= {"array", "index", "range"}:
            return self._zarr_planes.read_if(address, place, on_size)
        raise ImageError(f"{url}: no way to read {', '.join(place)}")
