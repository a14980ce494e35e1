"""Fetched files on the disk, the least recently used of which make way for others.

Any number of processes on one machine share a cache. The bytes that are kept are counted in one
file, which is changed under a lock only. The files never take more bytes than the number says.
"""

import hashlib
import logging
import os
import re
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from zlib_ng import zlib_ng

from jumpduck.storage.atomic_files import PART_SUFFIX, make_folder

FREED = 0.1
"""Share of the cache that is freed when it is full, because its files are listed for that."""

CHECKSUM_BYTES = 4
"""Of CRC-32 at the beginning of each file, because a file may be torn after a power failure."""

_OWN = re.compile(rf"[0-9a-f]{{64}}(\.[0-9a-f]{{16}}{re.escape(PART_SUFFIX)})?")
"""Name of a file of the cache, because the folder may have files of the user's, too."""

_log = logging.getLogger(__name__)


class DiskCache:
    """A cache of files by their URL.

    Parameters
    ----------
    folder
        Its folder, which is made.
    max_bytes
        Of all files together; a file that is larger is not kept.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._is_broken = False

    def get(self, url: str) -> bytes | None:
        """Get a file that is kept, or None."""
        path = self._path(url)
        try:
            data = path.read_bytes()
            os.utime(path)  # because the file that was used last goes last
        except OSError:
            return None
        found = data[CHECKSUM_BYTES:]
        return found if data[:CHECKSUM_BYTES] == _checksum(found) else None

    def put(self, url: str, data: bytes | memoryview) -> None:
        """Keep a file; where the disk does not take it, the cache is not used any more."""
        size = len(data) + CHECKSUM_BYTES
        if self._is_broken or size > self._max_bytes:
            return
        path = self._path(url)
        part = path.with_name(f"{path.name}.{secrets.token_hex(8)}{PART_SUFFIX}")
        try:
            make_folder(path.parent)
            with self._locked() as file:
                self._make_space(file, size)
                try:
                    with part.open("wb") as new:
                        new.write(_checksum(data))
                        new.write(data)
                    part.replace(path)
                finally:
                    part.unlink(missing_ok=True)
        except OSError as error:
            self._is_broken = True
            _log.warning(
                "cache %s cannot be written (%s); images are fetched anew each time",
                self._folder, error.strerror or error,
            )  # fmt: skip

    def forget(self, url: str) -> None:
        """Remove a file."""
        with suppress(OSError):
            self._path(url).unlink()

    def _path(self, url: str) -> Path:
        name = hashlib.sha256(url.encode()).hexdigest()
        return self._folder / name[:2] / name

    @contextmanager
    def _locked(self) -> Generator[int]:
        """Keep the other processes and threads out; get the file that has the number of bytes."""
        import fcntl  # Windows does not have it, and downloads nothing

        file = os.open(self._folder / "bytes", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)  # of this descriptor, so that threads wait, too
            yield file
        finally:
            os.close(file)

    def _make_space(self, file: int, size: int) -> None:
        """Count a file that will be there, after others made way for it."""
        text = os.pread(file, 32, 0)
        # a number that cannot be read is one that was never written
        there = int(text) if text.strip().isdigit() else self._max_bytes
        if there + size > self._max_bytes:
            there = self._free(size)
        os.pwrite(file, f"{there + size:>31}\n".encode(), 0)

    def _free(self, size: int) -> int:
        """Remove the files that were not used for longest, and get the bytes of the others."""
        found: list[tuple[float, int, str]] = []
        for folder in self._folder.iterdir():
            with suppress(OSError):  # it is not a folder
                for entry in filter(_is_own, os.scandir(folder)):
                    with suppress(OSError):  # another process removed it
                        about = entry.stat(follow_symlinks=False)
                        found.append((about.st_mtime, about.st_size, entry.path))
        there = sum(one for _, one, _ in found)
        goal = self._max_bytes - max(size, int(FREED * self._max_bytes))
        # a file without its final name is one that a killed process left, because files are written
        # under the lock; it is among the others
        for _, one, path in sorted(found):
            if there <= goal:
                break
            with suppress(OSError):
                Path(path).unlink()
                there -= one
        return there


def _is_own(entry: os.DirEntry[str]) -> bool:
    return _OWN.fullmatch(entry.name) is not None


def _checksum(data: bytes | memoryview) -> bytes:
    crc: int = zlib_ng.crc32(data)  # pyright: ignore[reportUnknownMemberType]
    return crc.to_bytes(CHECKSUM_BYTES, "big")
