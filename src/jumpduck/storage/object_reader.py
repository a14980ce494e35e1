"""One way to read a file wherever it lies: s3://, http(s):// or a local path."""

import hashlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import PermissionDeniedError, UnauthenticatedError
from obstore.store import HTTPStore, S3Store

from jumpduck.errors import ImageError, QueryError, StoreError
from jumpduck.storage.rate_limit import Pacer, backoff

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

GALLERY = "s3://cellpainting-gallery"
REGION = "us-east-1"

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 30.0
TOTAL_SECONDS = 300.0
BACKOFF = 0.3
LARGEST = 256 * 2**20
"""Bytes of a file at most; the largest planes of the gallery have 10 MB."""

_T = TypeVar("_T")

# Retries are counted and reported, so they are ours alone.
_NO_RETRIES: "RetryConfig" = {"max_retries": 0, "retry_timeout": timedelta(minutes=3)}

# obstore follows redirects and cannot be told not to. So all hosts but the one asked for are
# reached through a proxy that nobody can run: the discard port.
_NOWHERE = "127.0.0.1:9"
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")

_REASONS = (
    (f"{_NOWHERE},", "the server sends us to another host; refused", False),
    ("Content-Length Header missing", "the server does not say how long the file is", False),
    ("kind: Timeout", "no answer in time", True),
    ("TimedOut", "no answer in time", True),
    ("kind: Connect", "no connection", True),
)
"""What stands in obstore's text, what it means, and whether it may pass; the first one counts."""

_STATUS = re.compile(r"non-2xx status code: (\d+) ([^:\n]*)")
_SLOW_DOWN = (429, 503)
_MAY_PASS = (408, *_SLOW_DOWN)
_MD5 = re.compile(r'"?([0-9a-f]{32})"?')


@dataclass(frozen=True, slots=True)
class Body:
    """What a file holds, its ETag where the server gives one, and how many requests it took."""

    view: bytes | memoryview
    """The bytes where they came in: no copy."""
    etag: str | None
    attempts: int

    @property
    def data(self) -> bytes:
        """The bytes, as an object of their own."""
        return bytes(self.view)


class Stores:
    """Reads URLs; keeps one connection pool for each bucket or server.

    Parameters
    ----------
    endpoint
        Address of an S3 server other than AWS, such as ``http://127.0.0.1:9000``. Buckets are
        read anonymously.
    attempts
        Requests for one file before giving up. Only what can pass is tried again: no answer, a
        broken answer, a server's 5xx.
    backoff
        Seconds before the second request, doubled for each further one, with jitter.
    pacer
        Spaces the requests; it slows down where a server says 503 or 429.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        attempts: int = 5,
        backoff: float | None = None,
        pacer: Pacer | None = None,
    ) -> None:
        if endpoint is not None and urlsplit(endpoint).scheme not in ("http", "https"):
            raise QueryError(f"--endpoint {endpoint!r} is no address; write http://HOST:PORT")
        self.endpoint = endpoint
        self.attempts = attempts
        self.backoff = BACKOFF if backoff is None else backoff
        self.pacer = pacer or Pacer()
        self._stores: dict[str, S3Store | HTTPStore] = {}
        self._lock = threading.Lock()

    def read(self, url: str, announced: Callable[[int], None] = lambda _: None) -> Body:
        """Get the whole of a file.

        Before it is in memory, `announced` is called with its size; it may wait, or raise a
        `StoreError`, which is passed on.

        Raises
        ------
        FileNotFoundError
            The server says that there is no such file.
        PermissionError
            The server says that the file is not for us.
        StoreError
            No good answer after all attempts.
        ImageError
            Other bytes than those of the ETag after all attempts.
        """
        scheme = scheme_of(url)
        if scheme == "file":
            return Body(_read_local(Path(url), announced), None, 1)
        store, key = self._locate(url, scheme)
        doubted = memoryview(b"")
        for attempt in range(1, self.attempts + 1):
            self.pacer.wait()
            try:
                data, etag = _get(store, key, announced)
            except FileNotFoundError:
                raise FileNotFoundError(f"no such file: {url}") from None
            except (PermissionDeniedError, UnauthenticatedError):
                raise PermissionError(f"not allowed to read {url}") from None
            except StoreError:
                raise
            except Exception as error:
                reason, may_pass, slow = _judge(error)
                if slow:
                    self.pacer.slow_down()
                if not may_pass:
                    raise StoreError(f"{url}: {reason}", attempt) from error
            else:
                self.pacer.received(len(data))
                # TLS vouches for what came; without it the ETag does, where it is the MD5.
                # One that twice differs from the same bytes is something else.
                if data == doubted or self._as_sent(url, data, etag):
                    return Body(data, etag, attempt)
                doubted, reason = data, "the bytes are not those of the ETag"
                if attempt == self.attempts:
                    raise ImageError(f"{url}: {reason} ({attempt} attempts)", attempt)
            if attempt == self.attempts:
                raise StoreError(f"{url}: {reason} ({attempt} attempts)", attempt)
            time.sleep(backoff(self.backoff, attempt))
        raise AssertionError("unreachable")

    def _as_sent(self, url: str, data: memoryview, etag: str | None) -> bool:
        address = self.endpoint if self.endpoint and url.startswith("s3:") else url
        match = _MD5.fullmatch(etag or "")
        if match is None or not address.startswith("http://"):
            return True
        return hashlib.md5(data, usedforsecurity=False).hexdigest() == match[1]

    def _locate(self, url: str, scheme: str) -> tuple[S3Store | HTTPStore, str]:
        parts = urlsplit(url)
        root = f"{scheme}://{parts.netloc}"
        key = url[len(root) + 1 :]
        with self._lock:
            store = self._stores.get(root)
            if store is None:
                store = self._stores[root] = self._open(root, scheme, parts.netloc)
        return store, unquote(key) if scheme != "s3" else key

    def _open(self, root: str, scheme: str, host: str) -> S3Store | HTTPStore:
        address = self.endpoint if scheme == "s3" and self.endpoint else root
        client: ClientConfig = {
            "allow_http": address.startswith("http://"),
            "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
            "read_timeout": timedelta(seconds=IDLE_SECONDS),
            "timeout": timedelta(seconds=TOTAL_SECONDS),
            "user_agent": "jumpduck",
        }
        # where a proxy is set up, it decides which hosts can be reached
        if not any(os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXIES):
            own = "amazonaws.com" if address.startswith("s3:") else urlsplit(address).hostname
            client |= {"proxy_url": f"http://{_NOWHERE}", "proxy_excludes": own or ""}
        if scheme != "s3":
            return HTTPStore(root, client_options=client, retry_config=_NO_RETRIES)
        if self.endpoint:
            return S3Store(
                host,
                endpoint=self.endpoint,
                virtual_hosted_style_request=False,
                region=REGION,
                skip_signature=True,
                client_options=client,
                retry_config=_NO_RETRIES,
            )
        return S3Store(
            host,
            region=REGION,
            skip_signature=True,
            client_options=client,
            retry_config=_NO_RETRIES,
        )


def scheme_of(url: str) -> str:
    """Get how a URL is read: s3, http, https or file; a path without scheme is a file.

    Raises
    ------
    QueryError
        The URL has another scheme.
    """
    scheme, mark, _ = url.partition("://")
    if not mark:
        return "file"
    if scheme not in ("s3", "http", "https"):
        raise QueryError(f"cannot read {url}: only s3://, http(s):// and local paths")
    return scheme


def root_of(text: str) -> str:
    """Get a root as it is used in SQL and in the manifest: no end slash, local paths absolute."""
    if scheme_of(text) == "file":
        return str(Path(text).expanduser().resolve())
    return text.rstrip("/")


def in_threads(
    work: Callable[[_T], object], items: Iterable[_T], threads: int
) -> Iterator[tuple[int, int]]:
    """Get (done, all) after each item worked on; the first error stops what has not begun."""
    todo = list(items)
    failed = threading.Event()

    def one(item: _T) -> None:
        if not failed.is_set():
            try:
                work(item)
            except BaseException:
                failed.set()
                raise

    pool = ThreadPoolExecutor(threads)
    try:
        pending = {pool.submit(one, item) for item in todo}
        while pending:
            finished, pending = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
            for future in finished:
                future.result()
            yield len(todo) - len(pending), len(todo)
    finally:
        # not waited for: after an interruption some may hang
        pool.shutdown(wait=False, cancel_futures=True)


def _get(
    store: S3Store | HTTPStore, key: str, announced: Callable[[int], None]
) -> tuple[memoryview, str | None]:
    answer = obstore.get(store, key)
    size = answer.meta["size"]
    if size > LARGEST:
        raise ValueError(f"{size} bytes are more than any image has")
    announced(size)
    data = memoryview(answer.bytes())
    if len(data) != size:
        raise EOFError(f"{len(data)} bytes came where {size} were announced")
    return data, answer.meta["e_tag"]


def _read_local(path: Path, announced: Callable[[int], None]) -> bytes:
    if not path.exists():
        raise FileNotFoundError(f"no such file: {path}")
    if not path.is_file():
        raise StoreError(f"{path} is no plain file")
    announced(path.stat().st_size)
    return path.read_bytes()


def _judge(error: Exception) -> tuple[str, bool, bool]:
    """Get the reason in a few words, whether it may pass, and whether to slow down.

    obstore has one exception for most of it, and the words are in its debug text.
    """
    text = str(error)
    if status := _STATUS.search(text):
        code = int(status[1])
        return f"{code} {status[2]}", code >= 500 or code in _MAY_PASS, code in _SLOW_DOWN
    if isinstance(error, ValueError | EOFError):
        return text, isinstance(error, EOFError), False
    found = ((reason, may_pass) for mark, reason, may_pass in _REASONS if mark in text)
    reason, may_pass = next(found, ("the answer broke off", True))
    return reason, may_pass, False
