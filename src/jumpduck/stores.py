"""One way to read a file wherever it lies: s3://, http(s):// or a local path."""

import random
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

from jumpduck.errors import QueryError, StoreError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

GALLERY = "s3://cellpainting-gallery"
REGION = "us-east-1"

_T = TypeVar("_T")

# Retries are counted and reported, so they are ours alone.
_NO_RETRIES: "RetryConfig" = {"max_retries": 0, "retry_timeout": timedelta(minutes=3)}


@dataclass(frozen=True, slots=True)
class Body:
    """What a file holds, its ETag where the server gives one, and how many requests it took."""

    data: bytes
    etag: str | None
    attempts: int


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
    """

    def __init__(
        self, endpoint: str | None = None, *, attempts: int = 5, backoff: float = 0.2
    ) -> None:
        if endpoint is not None and urlsplit(endpoint).scheme not in ("http", "https"):
            raise QueryError(f"--endpoint {endpoint!r} is no address; write http://HOST:PORT")
        self.endpoint = endpoint
        self.attempts = attempts
        self.backoff = backoff
        self._stores: dict[str, S3Store | HTTPStore] = {}
        self._lock = threading.Lock()

    def read(self, url: str) -> Body:
        """Get the whole of a file.

        Raises
        ------
        FileNotFoundError
            The server says that there is no such file.
        PermissionError
            The server says that the file is not for us.
        StoreError
            No good answer after all attempts.
        """
        scheme = scheme_of(url)
        if scheme == "file":
            try:
                return Body(Path(url).read_bytes(), None, 1)
            except FileNotFoundError:
                raise FileNotFoundError(f"no such file: {url}") from None
        store, key = self._locate(url, scheme)
        for attempt in range(1, self.attempts + 1):
            try:
                answer = obstore.get(store, key)
                data = answer.bytes().to_bytes()
                return Body(data, answer.meta["e_tag"], attempt)
            except FileNotFoundError:
                raise FileNotFoundError(f"no such file: {url}") from None
            except (PermissionDeniedError, UnauthenticatedError):
                raise PermissionError(f"not allowed to read {url}") from None
            except Exception as error:
                if attempt == self.attempts:
                    raise StoreError(f"{url}: {_reason(error)} ({attempt} attempts)") from error
            time.sleep(self.backoff * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))
        raise AssertionError("unreachable")

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
            "connect_timeout": timedelta(seconds=10),
            "read_timeout": timedelta(seconds=30),
            "timeout": timedelta(minutes=5),
            "user_agent": "jumpduck",
        }
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
    with ThreadPoolExecutor(threads) as pool:
        pending = {pool.submit(work, item) for item in todo}
        try:
            while pending:
                finished, pending = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
                for future in finished:
                    future.result()
                yield len(todo) - len(pending), len(todo)
        finally:
            for future in pending:
                future.cancel()


def _reason(error: Exception) -> str:
    """The first line of an error that drags a debug dump behind it."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
