"""Members of zip files, by ranges: the directory once, then each member with one request."""

import io
import os
import struct
import threading
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import cast

import imagecodecs

from jumpduck.errors import ImageError
from jumpduck.storage.object_reader import MAX_FILE_BYTES, ChangedError, ObjectReader
from jumpduck.storage.repeated_requests import FetchedFile, FetchedRange, FileState

TAIL_BYTES = 22 + 2**16 + 20 + 56
"""The end of a zip, its longest comment, and the end of a zip64."""

MAX_DIRECTORY_BYTES = 16 * 2**20
"""Of the directory of a zip; one of 720 images has 80 kB."""

LARGE_DIRECTORY_BYTES = 256 * 2**10
"""One larger directory at a time is fetched and parsed, because that takes much memory."""

MAX_MEMBERS = 131_072
"""Of one zip; parsing them takes 80 MB of memory."""

MAX_KEPT_MEMBERS = MAX_MEMBERS
"""Of all zips whose directories are kept; those used last are. A plate has a few thousand."""

HEADER_BYTES = 30
MORE_EXTRA_BYTES = 64
"""Read beyond what the directory says of a member's header, which may have longer fields."""

MAX_DEFLATE_RATIO = 1032
"""Deflate cannot make a file smaller than this."""

_large_directory = threading.RLock()

_METHODS = {1: "shrink", 6: "implode", 9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstd",
            95: "xz", 98: "ppmd"}  # fmt: skip
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x2041
"""Flags of members whose bytes, or whose header, are encrypted."""


@dataclass(frozen=True, slots=True)
class Member:
    """What the directory of a zip says of a member."""

    offset: int
    name: bytes
    extra_bytes: int
    flags: int
    method: int
    packed_bytes: int
    size: int
    crc: int


@dataclass(frozen=True, slots=True)
class Directory:
    """The members of a zip by name, and where its directory begins."""

    members: Mapping[str, Member]
    twice: frozenset[str]
    """Names that several members have."""
    start: int
    state: FileState


class ZipMembers:
    """Reads members of zip files, whose directories it keeps.

    Parameters
    ----------
    reader
        Reads parts of files.
    """

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader
        self._directories: OrderedDict[tuple[str, str | None], Future[Directory]] = OrderedDict()
        self._sure: set[tuple[str, str | None]] = set()
        """Zips whose directory was the same twice."""
        self._lock = threading.Lock()

    def read_if(
        self, url: str, name: str, on_size: Callable[[int], bool], version: str | None = None
    ) -> FetchedFile | None:
        """Get a member, or None if `on_size` refuses it.

        Parameters
        ----------
        on_size
            Called with the bytes of the member, and those that it is packed in.

        Raises
        ------
        FileNotFoundError
            The zip, or the member, is not there.
        NoRangesError, PermissionError, StoreError, OSError
            As `ObjectReader.read_range`.
        ImageError
            The zip or the member is broken, encrypted, or packed in a way that is not read.
        """
        directory = self._directory(url, version)
        try:
            return self._read(url, version, directory, name, on_size)
        except (ChangedError, FileNotFoundError, ImageError) as error:
            changed = isinstance(error, ChangedError)
            if (url, version) in self._sure and not changed:
                raise
            # the zip was replaced, or the directory was damaged on the way: it has no checksum
            with self._lock:
                self._directories.pop((url, version), None)
            again = self._directory(url, version)
            if not changed and again == directory:
                self._sure.add((url, version))
                raise
            return self._read(url, version, again, name, on_size)

    def _read(
        self,
        url: str,
        version: str | None,
        directory: Directory,
        name: str,
        on_size: Callable[[int], bool],
    ) -> FetchedFile | None:
        member = _checked(directory, name)
        most = len(member.name) + member.extra_bytes + MORE_EXTRA_BYTES
        end = min(directory.start, member.offset + HEADER_BYTES + most + member.packed_bytes)
        unpacked: bytes | memoryview | None = None
        begin = 0

        def announce(count: int) -> bool:
            return on_size(count + (member.size if member.method == _DEFLATED else 0))

        def take_with_header(data: bytes | memoryview) -> None:
            nonlocal unpacked, begin
            begin = _data_offset(data, member)
            if begin + member.packed_bytes <= len(data):
                unpacked = _unpacked(data[begin : begin + member.packed_bytes], member)

        def take(data: bytes | memoryview) -> None:
            nonlocal unpacked
            unpacked = _unpacked(data, member)

        def fetch(
            start: int, length: int, take: Callable[[bytes | memoryview], None]
        ) -> FetchedRange | None:
            def reject(data: bytes | memoryview) -> str | None:
                try:
                    take(data)
                except ImageError as error:
                    return str(error)
                return None

            return self._reader.read_range(
                url, start, length, announce, version=version, same=directory.state, reject=reject
            )

        part = fetch(member.offset, end - member.offset, take_with_header)
        if part is not None and unpacked is None:
            if member.offset + begin + member.packed_bytes > directory.start:
                raise ImageError("the member goes beyond the end of the zip")
            part = fetch(member.offset + begin, member.packed_bytes, take)
        if part is None or unpacked is None:
            return None
        return FetchedFile(unpacked, part.etag, part.attempts)

    def _directory(self, url: str, version: str | None) -> Directory:
        """Get the directory of a zip, read by the first thread that needs it."""
        with self._lock:
            future = self._directories.get((url, version))
            is_first = future is None
            future = self._directories.setdefault((url, version), Future())
            self._directories.move_to_end((url, version))
        if is_first:
            try:
                future.set_result(self._read_directory(url, version))
                self._forget_some()
            except BaseException as error:
                with self._lock:
                    self._directories.pop((url, version), None)
                future.set_exception(error)
                raise
        return future.result()

    def _forget_some(self) -> None:
        with self._lock:
            done = {key: one for key, one in self._directories.items() if one.done()}
            count = sum(len(one.result().members) for one in done.values())
            for key, one in list(done.items())[:-1]:
                if count > MAX_KEPT_MEMBERS:
                    count -= len(one.result().members)
                    del self._directories[key]

    def _read_directory(self, url: str, version: str | None) -> Directory:
        """Read the directory of a zip, again if it is broken, until the same reason comes twice."""
        before = None
        for _ in range(self._reader.attempts - 1):
            try:
                return self._directory_of(url, version)
            except ImageError as error:
                if str(error) == before:
                    raise
                before = str(error)
        return self._directory_of(url, version)

    def _directory_of(self, url: str, version: str | None) -> Directory:
        with ExitStack() as held:
            return self._parsed(_EndOfFile(self._reader, url, version, held), url)

    def _parsed(self, file: "_EndOfFile", url: str) -> Directory:
        try:
            with zipfile.ZipFile(file) as opened:
                infos = opened.infolist()
                start = opened.start_dir
        except (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError, OverflowError,
                OSError) as error:  # fmt: skip
            if isinstance(error, OSError) and not isinstance(error, io.UnsupportedOperation):
                raise
            raise ImageError(f"{url}: not a zip that can be read: {error}") from error
        members = {
            one.orig_filename: Member(
                one.header_offset,
                one.orig_filename.encode("utf-8" if one.flag_bits & 0x800 else "cp437"),
                len(one.extra),
                one.flag_bits,
                one.compress_type,
                one.compress_size,
                one.file_size,
                one.CRC,
            )
            for one in infos
        }
        counts = Counter(one.orig_filename for one in infos)
        twice = frozenset(name for name, count in counts.items() if count > 1)
        return Directory(members, twice, start, file.state)


class _EndOfFile(io.RawIOBase):
    """The end of a zip as a file, so that its directory is read with one or two requests.

    Parameters
    ----------
    held
        What a large directory waits for, kept until it is parsed.
    """

    def __init__(
        self, reader: ObjectReader, url: str, version: str | None, held: ExitStack
    ) -> None:
        super().__init__()
        self._held = held
        tail = reader.read_range(url, -TAIL_BYTES, TAIL_BYTES, version=version)
        assert tail is not None
        self._read_range, self._url, self._version = reader.read_range, url, version
        self.state = tail.state
        self._tail = bytes(tail.data)
        self._at = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at}.get(whence, self.state.size)
        if place < 0:
            raise ValueError("it names a place before its beginning")
        self._at = place
        return place

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self.state.size if size < 0 else min(self.state.size, self._at + size)
        length = end - self._at
        if length <= 0:
            return b""
        inside = self._at - (self.state.size - len(self._tail))
        if inside >= 0:
            data = self._tail[inside : inside + length]
        elif length > MAX_DIRECTORY_BYTES:
            raise ImageError(
                f"{self._url}: its directory has {length} bytes; {MAX_DIRECTORY_BYTES} are read"
            )
        else:
            if length > LARGE_DIRECTORY_BYTES:
                self._held.enter_context(_large_directory)
            part = self._read_range(
                self._url, self._at, length, version=self._version, same=self.state
            )
            assert part is not None
            data = bytes(part.data)
        if data.count(b"PK\1\2") > MAX_MEMBERS:
            raise ImageError(f"{self._url}: it has more than {MAX_MEMBERS} members")
        self._at += len(data)
        return data


def _checked(directory: Directory, name: str) -> Member:
    """Get a member that can be read, as far as the directory tells."""
    member = directory.members.get(name)
    if member is None:
        raise FileNotFoundError("the zip has no such member")
    if name in directory.twice:
        raise ImageError("several members of the zip have this name")
    if member.flags & _ENCRYPTED:
        raise ImageError("the member is encrypted")
    if member.method not in (_STORED, _DEFLATED):
        method = _METHODS.get(member.method, f"method {member.method}")
        raise ImageError(f"the member is packed by {method}; stored and deflate are read")
    if member.size > MAX_FILE_BYTES:
        raise ImageError(f"the member has {member.size} bytes; at most {MAX_FILE_BYTES} are read")
    ratio = 1 if member.method == _STORED else MAX_DEFLATE_RATIO
    if member.size > member.packed_bytes * ratio:
        raise ImageError(
            f"the zip's directory says that {member.packed_bytes} bytes become {member.size}"
        )
    if member.offset < 0 or member.offset + HEADER_BYTES + member.packed_bytes > directory.start:
        raise ImageError("the zip's directory says that the member is outside of the zip")
    return member


def _data_offset(data: bytes | memoryview, member: Member) -> int:
    """Get where the data begin in bytes that begin with the member's header."""
    header = bytes(data[: HEADER_BYTES + len(member.name)])
    name = header[HEADER_BYTES:]
    with suppress(struct.error):
        mark, flags, method, name_bytes, extra_bytes = struct.unpack_from("<4s2xHH16xHH", header)
        if (mark, method, name) == (b"PK\3\4", member.method, member.name) and not (
            flags & _ENCRYPTED or name_bytes != len(name)
        ):
            return HEADER_BYTES + name_bytes + extra_bytes
    raise ImageError("the member's header is not the one that the zip's directory names")


def _unpacked(packed: bytes | memoryview, member: Member) -> bytes | memoryview:
    """Get the bytes of a member, never more than are announced, if they are the right ones."""
    data = packed
    if member.method == _DEFLATED:
        try:
            # which ends where the buffer of the announced size is full
            data = memoryview(
                imagecodecs.deflate_decode(cast("bytes", packed), raw=True, out=member.size)
            )
        except imagecodecs.DeflateError as error:
            raise ImageError(
                f"the member cannot be unpacked, or does not fit into {member.size} bytes"
            ) from error
    if len(data) != member.size:
        raise ImageError(f"the member has {len(data)} bytes, not the announced {member.size}")
    found = imagecodecs.zlibng_crc32(cast("bytes", data))
    if found != member.crc:
        raise ImageError(f"the member's CRC32 is {found:08x}, and the zip says {member.crc:08x}")
    return data
