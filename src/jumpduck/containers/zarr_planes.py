"""A plane of a Zarr array: its metadata, then only the chunks that the plane needs."""

import math
from collections.abc import Callable
from functools import partial
from urllib.parse import quote

from jumpduck.containers.chunk_grid import Coordinates, Inside
from jumpduck.containers.decoders import EXTRA_BYTES
from jumpduck.containers.places import Place
from jumpduck.containers.plane_file import (
    GreyRange,
    check_type,
    grey_plane,
    index_of,
    tiff_of,
)
from jumpduck.containers.recent_files import RecentFiles
from jumpduck.containers.zarr_metadata import Shards, ZarrArray, parse_metadata
from jumpduck.errors import ImageError, QueryError
from jumpduck.imaging.tiff_reader import Numbers
from jumpduck.storage.object_reader import ObjectReader, scheme_of
from jumpduck.storage.repeated_requests import FetchedFile, NoRangesError

MAX_METADATA_BYTES = 2**20
RECENT_METADATA_BYTES = 8 * 2**20
RECENT_CHUNK_BYTES = 64 * 2**20
"""Of chunks that have several planes, and of the indices of shards."""

DOCUMENTS = {3: "zarr.json", 2: ".zarray"}
"""Where the metadata of an array are, by version."""

NO_CHUNK = 2**64 - 1
"""The offset and the bytes of a chunk that a shard lacks."""

MAX_SHARD_BYTES = 1 << 40

OnSize = Callable[[int], bool]


class ZarrPlanes:
    """Reads planes of Zarr arrays by URL.

    Parameters
    ----------
    reader
        Reads files and parts of files.
    """

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader
        self._metadata = RecentFiles(RECENT_METADATA_BYTES)
        self._chunks = RecentFiles(RECENT_CHUNK_BYTES)
        self._versions = (3, 2)

    def read_if(self, url: str, place: Place, on_size: OnSize) -> FetchedFile | None:
        """Get the plane of a place, or None if `on_size` refuses it.

        Raises
        ------
        FileNotFoundError
            There is no such array, it has no such plane, or none of the plane's chunks.
        QueryError
            The place says something wrong.
        ImageError
            The array cannot be read, or the plane holds something else than grey levels.
        PermissionError, StoreError, OSError
            As `ObjectReader.read_if`.
        """
        grey_range, index = GreyRange.of(place), index_of(place)
        root = _root(url, place.get("array", ""))
        image = repr((index, grey_range))
        array = self._open(root, image)
        check_type(array.dtype, grey_range)
        array.grid.check_index(index)
        chunk_bytes = math.prod(array.grid.chunks) * array.dtype.itemsize
        pixels = math.prod(array.grid.shape[-2:])
        # a chunk as it comes and as numbers, the plane, its grey levels, and these in a file
        if not on_size(2 * chunk_bytes + EXTRA_BYTES + pixels * (array.dtype.itemsize + 4)):
            return None
        files: list[FetchedFile] = []

        def get_planes(where: Coordinates, inside: Inside) -> Numbers | None:
            broken = ImageError("")
            for attempt in (1, 2):  # because bytes can be damaged on the way
                try:
                    file = self._fetch(root, array, where, image)
                    if file is None:
                        return None
                    files.append(file)
                    return array.chain.decode_planes(file.data, array.grid.chunks, inside)
                except FileNotFoundError:
                    return None
                except ImageError as error:
                    error.attempts, broken = attempt, error
            raise broken

        numbers = array.grid.gather(index, get_planes, array.dtype.newbyteorder("="), array.fill)
        made = tiff_of(grey_plane(numbers, grey_range))
        etag = files[0].etag if len(files) == 1 else None
        return FetchedFile(made, etag, max(file.attempts for file in files))

    def _open(self, root: str, image: str) -> ZarrArray:
        """Get what the metadata say; those of the version that was found last are asked first."""
        refused: PermissionError | None = None
        for version in self._versions:
            url = f"{root}/{DOCUMENTS[version]}"
            broken = ImageError("")
            for _ in range(2):  # because bytes can be damaged on the way
                try:
                    file = self._metadata.get(
                        url, image, partial(self._whole, url, MAX_METADATA_BYTES)
                    )
                except FileNotFoundError:
                    break
                except PermissionError as error:
                    # which some servers say of what is not there
                    refused = error
                    break
                try:
                    array = parse_metadata(file.data, version)
                except ImageError as error:
                    broken = error
                    continue
                self._versions = (version, 5 - version)
                return array
            else:
                raise broken
        raise refused or FileNotFoundError(
            f"{root}: no Zarr array, which has a zarr.json or a .zarray"
        )

    def _fetch(
        self, root: str, array: ZarrArray, where: Coordinates, image: str
    ) -> FetchedFile | None:
        """Get the bytes of a chunk; None if its shard lacks it."""
        chunks, shards = array.grid.chunks, array.shards
        at_most = math.prod(chunks) * array.dtype.itemsize + EXTRA_BYTES
        if shards is not None:
            return self._fetch_inside(root, array, shards, where, image)
        url = f"{root}/{array.key(where)}"
        fetch = partial(self._whole, url, at_most)
        # one that has several planes is kept, because the next images are likely to be those
        return self._chunks.get(url, image, fetch) if math.prod(chunks[:-2]) > 1 else fetch()

    def _fetch_inside(
        self, root: str, array: ZarrArray, shards: Shards, where: Coordinates, image: str
    ) -> FetchedFile | None:
        """Get the bytes of a chunk of a shard: its index first, then that part of it."""
        both = [divmod(at, count) for at, count in zip(where, shards.chunks, strict=True)]
        url = f"{root}/{array.key(tuple(shard for shard, _ in both))}"
        image = f"{image} {where}"
        start = -shards.index_bytes if shards.at_end else 0
        listed = self._chunks.get(
            f"{url}#index", image, partial(self._part, url, start, shards.index_bytes, image)
        )
        index = shards.index.decode(listed.data, (*shards.chunks, 2))
        offset, count = index[tuple(inside for _, inside in both)].tolist()
        if offset == count == NO_CHUNK:
            return None
        at_most = math.prod(array.grid.chunks) * array.dtype.itemsize + EXTRA_BYTES
        if not 0 < count <= at_most or offset > MAX_SHARD_BYTES:
            raise ImageError(f"{url} has {count} bytes of a chunk at byte {offset}")
        return self._part(url, offset, count, image)

    def _part(self, url: str, start: int, length: int, image: str) -> FetchedFile:
        try:
            part = self._reader.read_range(url, start, length)
            assert part is not None
        except NoRangesError:
            whole = self._chunks.get(
                url, f"{image} {start}", partial(self._whole, url, RECENT_CHUNK_BYTES)
            )
            first = start if start >= 0 else max(0, len(whole.data) + start)
            part = FetchedFile(whole.data[first : first + length], whole.etag, whole.attempts)
        return part

    def _whole(self, url: str, at_most: int) -> FetchedFile:
        file = self._reader.read_if(url, lambda size: size <= at_most)
        if file is None:
            raise ImageError(f"{url} has more than {at_most} bytes")
        return file


def _root(url: str, path: str) -> str:
    """Get the URL of an array below another one.

    Raises
    ------
    QueryError
        The path leads elsewhere.
    """
    parts = path.strip("/").split("/") if path.strip("/") else []
    if any(part in ("", ".", "..") for part in parts):
        raise QueryError(f"array {path[:100]!r} has a part that is empty, . or ..")
    if scheme_of(url) in ("http", "https"):
        parts = [quote(part) for part in parts]
    return "/".join([url.rstrip("/"), *parts])
