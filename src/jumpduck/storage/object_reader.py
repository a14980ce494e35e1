"""Files, and parts of files, by their URL: s3://, http(s):// or a local path."""

import hashlib
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import obstore

from jumpduck.errors import ImageError, QueryError, StoreError
from jumpduck.storage.failed_requests import PastEndError
from jumpduck.storage.local_files import read_local, read_local_range
from jumpduck.storage.repeated_requests import (
    DiskWriteError,
    FetchedFile,
    FetchedRange,
    FileState,
    RepeatedRequests,
    server_of,
)

if TYPE_CHECKING:
    from obstore import GetOptions

    from jumpduck.storage.repeated_requests import Store

MAX_FILE_BYTES = 256 * 2**20
"""A larger file is refused; the largest published planes have 10 MB."""

MAX_SAVED_BYTES = 64 * 2**30
"""A larger file is not written to the disk as a whole; the zip of a plate has 750 MB."""

CHUNK_BYTES = 2**20
"""Bytes of such a file that are in memory."""

_MD5 = re.compile(r'"?([0-9a-f]{32})"?')

Reject = Callable[[bytes | memoryview], str | None]
"""Gets why bytes are not the right ones; None if they are."""


class ChangedError(StoreError):
    """A file is not the one that a part was read of before."""


class ObjectReader(RepeatedRequests):
    """Reads whole files and parts of files; takes what `RepeatedRequests` takes."""

    def learn_server(self, url: str) -> None:
        """Note that the server of a file has answered another process."""
        store, key = self.stores.locate(url, scheme_of(url))
        self.outage.learn(server_of(url), partial(self.answers, store, key))

    def read(self, url: str) -> FetchedFile:
        """Get a whole file: what `read_if` returns for a file of any size."""
        file = self.read_if(url, lambda _: True)
        assert file is not None
        return file

    def read_if(
        self,
        url: str,
        on_size: Callable[[int], bool],
        *,
        version: str | None = None,
        reject: Reject | None = None,
    ) -> FetchedFile | None:
        """Get a whole file, or None if `on_size` refuses it.

        Parameters
        ----------
        url
            ``s3://``, ``http://``, ``https://`` or a local path.
        on_size
            Called with the number of bytes before they are in memory, for each attempt. It returns
            whether to read them; it may wait, or raise a `StoreError`, which is passed on.
        version
            Which version of an S3 object; the newest by default.
        reject
            Gets why the bytes are not the right ones; then they are fetched again, until the same
            bytes come twice.

        Raises
        ------
        FileNotFoundError
            The server says that there is no such file.
        PermissionError
            The server says that the file may not be read.
        StoreError
            There was no good answer in all attempts.
        OSError
            The process has as many files open as the system lets it have.
        ImageError
            The bytes were not those of the ETag, or `reject` refused them, in all attempts.
        """
        url, scheme = _with_scheme(url)
        if scheme == "file":
            local = read_local(Path(url), on_size)
            if local is None:
                return None
            if reject is not None and (reason := reject(local)):
                raise ImageError(f"{url}: {reason}")
            return FetchedFile(local, None, 1)
        before = b""

        def refuse(part: FetchedRange) -> str | None:
            # An ETag that differs twice from the same bytes is something else than their MD5.
            # The digest of the first is kept, because the bytes would take memory.
            nonlocal before
            if not self._matches_etag(url, part.data, part.etag):
                digest = hashlib.sha256(part.data).digest()
                if digest != before:
                    before = digest
                    return "the bytes are not those of the ETag"
            return reject and reject(part.data)

        options: GetOptions = {} if version is None else {"version": version}
        part = self.repeat(url, scheme, partial(_get, options=options, on_size=on_size), refuse)
        return part and FetchedFile(part.data, part.etag, part.attempts)

    def read_range(
        self,
        url: str,
        start: int,
        length: int,
        on_size: Callable[[int], bool] = lambda _: True,
        *,
        version: str | None = None,
        same: FileState | None = None,
        reject: Reject | None = None,
    ) -> FetchedRange | None:
        """Get a part of a file, or None if `on_size` refuses it.

        Parameters
        ----------
        url, on_size, version, reject
            As `read_if` takes them; `on_size` gets the number of bytes of the part.
        start, length
            First byte and number of bytes; fewer come where the file ends before. A negative
            `start` counts from the end of the file, and then the part goes to its end.
        same
            The state that an earlier part was read in.

        Raises
        ------
        NoRangesError
            The server sends whole files only; the body of its answer was not read.
        ChangedError
            The file is not in the state `same`.
        FileNotFoundError, PermissionError, StoreError, OSError
            As `read_if`.
        PastEndError
            The file ends before `start`.
        ImageError
            `reject` refused the bytes in all attempts.
        """
        if not 0 < length <= MAX_FILE_BYTES:
            raise StoreError(f"{url}: a part of {length} bytes; at most {MAX_FILE_BYTES} are read")
        url, scheme = _with_scheme(url)

        def refuse(part: FetchedRange) -> str | None:
            if same is not None and part.state != same:
                raise ChangedError(f"{url}: the file was replaced while it was read")
            return reject and reject(part.data)

        options: GetOptions = {} if version is None else {"version": version}
        options["range"] = {"suffix": -start} if start < 0 else (start, start + length)
        try:
            if scheme != "file":
                get = partial(_get, options=options, on_size=on_size)
                return self.repeat(url, scheme, get, refuse)
            data, size, etag = read_local_range(Path(url), start, length, on_size)
        except PastEndError as error:
            if same is not None and start < same.size:
                raise ChangedError(f"{url}: the file was replaced while it was read") from error
            raise
        if data is None:
            return None
        part = FetchedRange(data, etag, 1, size)
        if reason := refuse(part):
            raise ImageError(f"{url}: {reason}")
        return part

    def save(self, url: str, path: Path) -> None:
        """Write a file to the disk while it comes, however large.

        Raises
        ------
        FileNotFoundError, PermissionError, StoreError
            As `read_if`.
        OSError
            The disk does not take it.
        """
        url, scheme = _with_scheme(url)
        self.repeat(url, scheme, partial(self._save, path=path), to_disk=True)

    def _save(self, store: "Store", key: str, announced: list[int], *, path: Path) -> FetchedRange:
        """Write a file to the disk; each of its chunks counts as a request for the rate limit."""
        announced.append(0)
        answer = obstore.get(store, key)
        size, written = answer.meta["size"], 0
        if size > MAX_SAVED_BYTES:
            raise ValueError(f"the file has {size} bytes, at most {MAX_SAVED_BYTES} are kept")
        chunks = iter(answer.stream(CHUNK_BYTES))
        with _disk(path) as write:
            while chunk := self._next(chunks):
                written += len(chunk)
                write(chunk)
        if written != size:
            raise EOFError(f"{written} bytes came where {size} were announced")
        return FetchedRange(b"", answer.meta["e_tag"], 1, size)

    def _next(self, chunks: Iterator[bytes]) -> bytes:
        """Get the next chunk of an answer, when the rate limit allows it; none at the end."""
        chunk = b""
        self.rate_limit.wait()
        try:
            if self.stopped.is_set():
                raise StoreError("the run has ended")
            chunk = next(chunks, b"")
        finally:
            self.rate_limit.brought(len(chunk), good=False)
        return chunk

    def _matches_etag(self, url: str, data: bytes | memoryview, etag: str | None) -> bool:
        """Compare the bytes with an ETag that may be their MD5, where no TLS protects them."""
        address = self.stores.s3 if url.startswith("s3:") else url
        match = _MD5.fullmatch(etag or "")
        if match is None or not address.startswith("http://"):
            return True
        return hashlib.md5(data, usedforsecurity=False).hexdigest() == match[1]


def scheme_of(url: str) -> str:
    """Get how a URL is read: s3, http, https or file; text without a scheme is a local path.

    Raises
    ------
    QueryError
        The URL has another scheme.
    """
    scheme, separator, _ = url.partition("://")
    if not separator:
        return "file"
    scheme = scheme.lower()
    if scheme not in ("s3", "http", "https"):
        raise QueryError(f"cannot read {url}; use s3://, http(s):// or a local path")
    return scheme


def root_of(text: str) -> str:
    """Get a root as SQL and the manifest use it: no slash at the end, local paths absolute."""
    if scheme_of(text) == "file":
        return str(Path(text).expanduser().resolve())
    return text.rstrip("/")


def _get(
    store: "Store",
    key: str,
    announced: list[int],
    *,
    options: "GetOptions",
    on_size: Callable[[int], bool],
) -> FetchedRange | None:
    """Get a file or a part of it, whose number of bytes is added to `announced`."""
    answer = obstore.get(store, key, options=options)
    start, end = answer.range
    size = end - start
    if size > MAX_FILE_BYTES:
        raise ValueError(f"the file has {size} bytes, at most {MAX_FILE_BYTES} are read")
    if not on_size(size):
        return None
    announced.append(size)
    data = memoryview(answer.bytes())
    if len(data) != size:
        raise EOFError(f"{len(data)} bytes came where {size} were announced")
    meta = answer.meta
    return FetchedRange(data, meta["e_tag"], 1, meta["size"], meta["last_modified"])


@contextmanager
def _disk(path: Path) -> Generator[Callable[[bytes], object]]:
    """Open a file to write; what the disk answers is told from what the server does."""
    try:
        file = path.open("wb")
    except OSError as error:
        raise DiskWriteError(error) from None

    def write(data: bytes) -> None:
        try:
            file.write(data)
        except OSError as error:
            raise DiskWriteError(error) from None

    with file:
        yield write


def _with_scheme(url: str) -> tuple[str, str]:
    """Get a URL and how it is read; HTTP:// is http://."""
    scheme = scheme_of(url)
    return (url, scheme) if scheme == "file" else (scheme + url[len(scheme) :], scheme)
