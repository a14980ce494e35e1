"""Where the bytes of images come from: the folder that a download filled, or their URLs."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jumpduck.containers.image_reader import ImageReader
from jumpduck.containers.places import split_place
from jumpduck.cores import usable_cores
from jumpduck.daemon_pool import DaemonPool
from jumpduck.errors import ImageError, StoreError
from jumpduck.samples.disk_cache import DiskCache
from jumpduck.storage.object_reader import ObjectReader, scheme_of

CONNECTIONS = 32
"""Images that a process fetches at the same time."""

WAITING = 2
"""Threads beside one for each core, where files are local."""

SITES_AHEAD = 8
"""Sites that are fetched at the same time."""

Data = bytes | memoryview

UNREADABLE = (ImageError, StoreError, FileNotFoundError, PermissionError)
"""What is raised for an image that cannot be had, or is not one."""

_fetched_in: set[int] = set()
"""Process IDs of those that fetched something, of which this one may be a copy."""


class Files(Protocol):
    """Gets the bytes of images; another process can have a copy of it."""

    @property
    def threads(self) -> int:
        """Number of sites that are read at the same time."""
        ...

    def read(self, places: Sequence[str], sizes: Sequence[int | None]) -> "Sequence[Future[Data]]":
        """Get images by their paths or URLs; one of another size than is known is an error.

        The results raise what `UNREADABLE` has.
        """
        ...

    def forget(self, place: str) -> None:
        """Read an image anew the next time, because it is broken."""
        ...

    def versions(self, places: Sequence[str]) -> Iterator[object]:
        """Get what tells each image from another one that has the same place."""
        ...


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """The files of a folder that a download filled."""

    folder: Path

    @property
    def threads(self) -> int:
        """More than cores, because one may wait for a site that another reads, or for the disk."""
        return usable_cores() + WAITING

    def read(self, places: Sequence[str], sizes: Sequence[int | None]) -> Sequence[Future[Data]]:
        """Get files by their paths in the folder."""
        return [_done(self._read, place, size) for place, size in zip(places, sizes, strict=True)]

    def forget(self, place: str) -> None:
        """Do nothing."""

    def versions(self, places: Sequence[str]) -> Iterator[object]:  # noqa: ARG002 - none is needed
        """Get nothing, because the results have a checksum of each file."""
        return iter(())

    def _read(self, place: str, size: int | None) -> bytes:
        try:
            data = (self.folder / place).read_bytes()
        except FileNotFoundError:
            raise FileNotFoundError(f"{self.folder / place} is not there") from None
        except OSError as error:
            raise StoreError(f"cannot read {place}: {error.strerror or error}") from error
        if size is not None and len(data) != size:
            raise StoreError(f"{self.folder / place} has {len(data)} bytes and had {size}")
        return data


class UrlFiles:
    """Images by their URLs, those of servers through a cache on the disk.

    Parameters
    ----------
    endpoint
        S3 server other than AWS.
    cache
        Keeps what was fetched.
    """

    def __init__(self, endpoint: str | None, cache: DiskCache) -> None:
        self._endpoint = endpoint
        self._cache = cache
        self._opened: tuple[int, ImageReader, DaemonPool] | None = None

    def __reduce__(self) -> "tuple[type[UrlFiles], tuple[str | None, DiskCache]]":
        return UrlFiles, (self._endpoint, self._cache)

    @property
    def threads(self) -> int:
        """More than cores, because they wait for the network."""
        return usable_cores() + SITES_AHEAD

    def read(self, places: Sequence[str], sizes: Sequence[int | None]) -> Sequence[Future[Data]]:  # noqa: ARG002 - no size is known
        """Get images by their URLs; all of them are fetched at the same time."""
        is_remote = any(scheme_of(place) != "file" for place in places)
        reader, pool = self._open(is_remote=is_remote)
        return [pool.submit(self._read, reader, place) for place in places]

    def forget(self, place: str) -> None:
        """Fetch an image anew the next time."""
        self._cache.forget(self._key(place))

    def versions(self, places: Sequence[str]) -> Iterator[object]:
        """Get the server of all, and the size and time of each local file.

        What changes on a server below one URL is not seen before it is fetched.
        """
        yield self._endpoint
        for place in places:
            if scheme_of(place) == "file":
                with suppress(OSError):  # whatever it is, it is said when the image is read
                    about = Path(split_place(place)[0]).stat()
                    yield place, about.st_size, about.st_mtime_ns

    def _read(self, reader: ImageReader, url: str) -> Data:
        is_remote = scheme_of(url) != "file"
        if is_remote and (kept := self._cache.get(self._key(url))) is not None:
            return kept
        found = reader.read_if(url, lambda _: True)
        assert found is not None
        if is_remote:
            self._cache.put(self._key(url), found.data)
        return found.data

    def _key(self, url: str) -> str:
        """Get the name of a file in the cache; two servers may have buckets of one name."""
        return url if self._endpoint is None else f"{self._endpoint} {url}"

    def _open(self, *, is_remote: bool) -> tuple[ImageReader, DaemonPool]:
        process = os.getpid()
        if is_remote and _fetched_in - {process}:
            # threads that fetch are not in the copy of a process, which would wait for ever
            raise StoreError(
                "this process is a fork of one that fetched images, and cannot fetch any itself; "
                "start workers with spawn, as multiprocessing_context='spawn' of a DataLoader does"
            )
        if is_remote:
            _fetched_in.add(process)
        if self._opened is None or self._opened[0] != process:
            reader = ImageReader(ObjectReader(self._endpoint))
            self._opened = process, reader, DaemonPool(CONNECTIONS, "fetching")
        return self._opened[1:]


def _done(read: Callable[[str, int | None], Data], place: str, size: int | None) -> Future[Data]:
    """Get a result that is there already."""
    future: Future[Data] = Future()
    try:
        future.set_result(read(place, size))
    except UNREADABLE as error:
        future.set_exception(error)
    return future
