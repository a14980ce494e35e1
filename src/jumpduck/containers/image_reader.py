"""One image by its URL, also where it lies inside of a file."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from jumpduck.containers.checksums import wrong_checksum
from jumpduck.containers.hdf5_planes import Hdf5Planes
from jumpduck.containers.places import Place, split_place
from jumpduck.containers.tiff_pages import TiffPages, page_of
from jumpduck.containers.whole_files import WholeFiles
from jumpduck.containers.zarr_planes import ZarrPlanes
from jumpduck.containers.zip_members import ZipMembers
from jumpduck.errors import ImageError, QueryError, StoreError
from jumpduck.storage.object_reader import ObjectReader
from jumpduck.storage.repeated_requests import FetchedFile, NoRangesError

OnSize = Callable[[int], bool]

_PAGE_KEYS = {"page", "pages", "range"}


class ImageReader:
    """Reads whole image files, and images that lie inside of other files.

    Parameters
    ----------
    reader
        Reads files by URL.
    whole_files
        Where files are kept that a server sends only as a whole; by default they are not read.
    """

    def __init__(self, reader: ObjectReader, whole_files: WholeFiles | None = None) -> None:
        self._reader = reader
        self._whole_files = whole_files
        self._sent_whole: set[str] = set()
        self._zips = ZipMembers(reader)
        self._hdf5_planes = Hdf5Planes(reader)
        self._tiff_pages = TiffPages(reader)
        self._zarr_planes = ZarrPlanes(reader)

    @property
    def attempts(self) -> int:
        """Requests for one file at most."""
        return self._reader.attempts

    def read_if(self, url: str, on_size: OnSize) -> FetchedFile | None:
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
        try:
            return self._read(address, place, on_size)
        except (FileNotFoundError, PermissionError, QueryError) as error:
            raise type(error)(_named(error, url, address)) from error
        except (StoreError, ImageError) as error:
            named = StoreError if isinstance(error, StoreError) else ImageError
            raise named(_named(error, url, address), error.attempts) from error

    def _read(self, address: str, place: Place, on_size: OnSize) -> FetchedFile | None:
        if not place.keys() - {"version", "checksum"}:
            return self._read_whole(address, place, on_size)
        if "checksum" in place:
            return _page(self._read_whole(address, place, on_size), place, on_size)
        if "array" in place:  # which is many files
            return self._zarr_planes.read_if(address, place, on_size)
        if address not in self._sent_whole:
            try:
                return self._read_inside(address, place, on_size)
            except NoRangesError:
                if self._whole_files is None:
                    raise
                self._sent_whole.add(address)
        assert self._whole_files is not None
        # without its version, because S3 sends parts
        file = self._read_inside(str(self._whole_files.get(address)), place, on_size)
        # without an ETag, because that of the copy on the disk is another one in each run
        return file and replace(file, etag=None)

    def _read_whole(self, address: str, place: Place, on_size: OnSize) -> FetchedFile | None:
        checksum = place.get("checksum")
        reject = None if checksum is None else partial(wrong_checksum, checksum)
        return self._reader.read_if(address, on_size, version=place.get("version"), reject=reject)

    def _read_inside(self, address: str, place: Place, on_size: OnSize) -> FetchedFile | None:
        version = place.get("version")
        if "member" in place:
            file = self._zips.read_if(address, place["member"], on_size, version)
            return _page(file, place, on_size)
        if "dataset" in place:
            return self._hdf5_planes.read_if(address, place, on_size, version=version)
        if place.keys() & _PAGE_KEYS:
            return self._tiff_pages.read_if(address, place, on_size, version=version)
        raise ImageError(f"no way to read {', '.join(place)}")


def _page(file: FetchedFile | None, place: Place, on_size: OnSize) -> FetchedFile | None:
    """Get the page of a TIFF that a place names; the file itself if it names none."""
    if file is None or not place.keys() & _PAGE_KEYS:
        return file
    image = page_of(file.data, place, on_size)
    return None if image is None else replace(file, data=image)


def _named(error: Exception, url: str, address: str) -> str:
    """Get the text of an error with the whole URL, because a file has many images."""
    text = str(error)
    return text.replace(address, url, 1) if address in text else f"{url}: {text}"
