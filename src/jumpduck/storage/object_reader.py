"""Whole files by their URL: s3://, http(s):// or a local path."""

import hashlib
import itertools
import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import HTTPStore, S3Store

from jumpduck.errors import ImageError, QueryError, StoreError
from jumpduck.storage.failed_requests import NO_CONNECTION, FailedRequest, explain
from jumpduck.storage.local_files import read_local
from jumpduck.storage.outage import Outage
from jumpduck.storage.proxies import only_way_to
from jumpduck.storage.rate_limit import RateLimit, retry_seconds
from jumpduck.storage.retry_after import ask_retry_after

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

REGION = "us-east-1"

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 30.0
TOTAL_SECONDS = 300.0
FIRST_RETRY_SECONDS = 0.3
"""Time before the second request for a file."""

MAX_FILE_BYTES = 256 * 2**20
"""A larger file is refused; the largest published planes have 10 MB."""

MAX_URL_BYTES = 16 * 2**10
"""A longer URL is refused: written with %XX it could pass what obstore takes, which ends badly."""

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HOST = re.compile(r"([^@/?#\s]+@)?([A-Za-z0-9_-][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")

_PART = r"([A-Za-z0-9_.~+&=:;,@!$()*'-]|%20)+"
_SENT_AS_IT_IS = re.compile(f"{_PART}(/{_PART})*")
"""Paths of which obstore makes the same text again; others need a store of their own."""
_IN_URL = "%/?:@!$&'()*+,;=~"
"""Characters of a URL's path and query that are sent as they are."""

_logger = logging.getLogger(__name__)

# obstore does not retry, because attempts are counted and reported here.
_NO_RETRIES: "RetryConfig" = {"max_retries": 0, "retry_timeout": timedelta(minutes=3)}

_MD5 = re.compile(r'"?([0-9a-f]{32})"?')


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """The bytes of a file, its ETag if the server sends one, and the number of requests."""

    data: bytes | memoryview
    """The buffer that received the bytes, without a copy."""
    etag: str | None
    attempts: int


class ObjectReader:
    """Reads files by URL; keeps one connection pool for each bucket or server.

    Parameters
    ----------
    endpoint
        Address of an S3 server other than AWS, such as ``http://127.0.0.1:9000``. Buckets are
        read anonymously.
    attempts
        Requests for one file at most. Only these are tried again: no answer, an incomplete
        answer, wrong bytes, and the server's statuses 408, 429 and 5xx. Those that fail because
        the network is gone do not count: reading waits until it is back.
    first_retry_seconds
        Time before the second request; it doubles for each further one. `FIRST_RETRY_SECONDS` by
        default.
    rate_limit
        Delays requests; it is told when a server answers 503 or 429.

    Attributes
    ----------
    outage
        Whether reading waits for the network.
    rate_limit
        What delays requests.
    on_new_server
        Called with the URL of the first file that came from a server.

    Raises
    ------
    QueryError
        `endpoint` is not an address.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        attempts: int = 5,
        first_retry_seconds: float | None = None,
        rate_limit: RateLimit | None = None,
    ) -> None:
        if endpoint is not None and not _is_server(endpoint):
            raise QueryError(f"endpoint {endpoint!r} is not an address; write http://HOST:PORT")
        self.endpoint = endpoint
        self.attempts = attempts
        # AWS is named, because obstore would otherwise ask the server of AWS_ENDPOINT_URL
        self._s3 = (endpoint or f"https://s3.{REGION}.amazonaws.com").rstrip("/")
        self._silent: set[str] = set()
        self._first_retry_seconds = first_retry_seconds
        self.rate_limit = rate_limit or RateLimit()
        self._stores: dict[str, S3Store | HTTPStore] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.outage = Outage(self._stopped)
        self.on_new_server: Callable[[str], object] = lambda _: None

    def stop(self) -> None:
        """Send no further request, because nobody waits for the answers any more."""
        self._stopped.set()

    def learn_server(self, url: str) -> None:
        """Note that the server of a file has answered another process."""
        store, key = self._locate(url, scheme_of(url))
        self.outage.learn(_server_of(url), partial(self._answers, store, key))

    def read(self, url: str) -> FetchedFile:
        """Get a whole file: what `read_if` returns for a file of any size."""
        file = self.read_if(url, lambda _: True)
        assert file is not None
        return file

    def read_if(self, url: str, on_size: Callable[[int], bool]) -> FetchedFile | None:
        """Get a whole file, or None if `on_size` refuses it.

        Parameters
        ----------
        url
            ``s3://``, ``http://``, ``https://`` or a local path.
        on_size
            Called with the number of bytes before they are in memory, for each attempt. It returns
            whether to read them; it may wait, or raise a `StoreError`, which is passed on.

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
            The bytes were not those of the ETag in all attempts.
        """
        scheme = scheme_of(url)
        if scheme == "file":
            local = read_local(Path(url), on_size)
            return None if local is None else FetchedFile(local, None, 1)
        url = scheme + url[len(scheme) :]  # because HTTP:// is http://
        before = b""
        first = 1
        for attempt in itertools.count(1):
            started = time.monotonic()
            is_last = attempt - first + 1 == self.attempts
            answer = self._request(url, scheme, on_size, attempt)
            if answer is None:
                return None
            if isinstance(answer, FailedRequest):
                alone = self.outage.has_answered_since(started)
                doubtful = is_last or (answer.reason == NO_CONNECTION and not alone)
                if doubtful and self.outage.waited(started):
                    first = attempt + 1
                    continue
                if is_last:
                    raise StoreError(f"{url}: {answer.reason} ({attempt} attempts)", attempt)
            else:
                # An ETag that differs twice from the same bytes is something else than their MD5.
                # The digest of the first is kept, because the bytes would take memory.
                data, etag = answer
                if self._matches_etag(url, data, etag):
                    return FetchedFile(data, etag, attempt)
                digest = hashlib.sha256(data).digest()
                if digest == before:
                    return FetchedFile(data, etag, attempt)
                if is_last:
                    reason = "the bytes are not those of the ETag"
                    raise ImageError(f"{url}: {reason} ({attempt} attempts)", attempt)
                before = digest
            shortest = self._first_retry_seconds
            shortest = FIRST_RETRY_SECONDS if shortest is None else shortest
            if self._stopped.wait(retry_seconds(shortest, attempt - first + 1)):
                raise StoreError(f"{url}: the run has ended", attempt)
        raise AssertionError("unreachable")

    def _request(
        self, url: str, scheme: str, on_size: Callable[[int], bool], attempt: int
    ) -> tuple[memoryview, str | None] | FailedRequest | None:
        """Get the bytes and the ETag; the reason why to try again; None if `on_size` refuses."""
        store, key = self._locate(url, scheme)
        announced: list[int] = []

        def on_announced(size: int) -> bool:
            wanted = on_size(size)
            announced.append(size if wanted else 0)
            return wanted

        good = False
        self.rate_limit.wait()
        try:
            if self._stopped.is_set():
                raise StoreError(f"{url}: the run has ended", attempt)
            answer = _get(store, key, on_announced)
            good = answer is not None
        except FileNotFoundError:
            raise FileNotFoundError(f"no such file: {url}") from None
        except (PermissionDeniedError, UnauthenticatedError):
            raise PermissionError(f"not allowed to read {url}") from None
        except StoreError:
            raise
        except Exception as error:
            failed = explain(error)
            if failed.slow_down and self.rate_limit.slow_down():
                self._leave_alone(url, scheme)
            if not failed.try_again:
                raise StoreError(f"{url}: {failed.reason}", attempt) from error
            return failed
        finally:
            # of an answer that was cut off all, because obstore does not say how much of it came
            self.rate_limit.brought(sum(announced), good=good)
        server = _server_of(url)
        if not self.outage.knows(server):
            self.on_new_server(url)
        self.outage.answered(server, partial(self._answers, store, key))
        return answer

    def _answers(self, store: S3Store | HTTPStore, key: str) -> bool:
        """Tell whether a server says anything but that it cannot answer now."""
        self.rate_limit.wait()
        try:
            _get(store, key, lambda _: False)
        except (FileNotFoundError, PermissionDeniedError, UnauthenticatedError):
            return True
        except Exception as error:  # noqa: BLE001 - explain() tells them apart
            return not explain(error).try_again
        finally:
            self.rate_limit.brought(0, good=False)
        return True

    def _leave_alone(self, url: str, scheme: str) -> None:
        """Send nothing for as long as the server wants that has just refused a request."""
        host, _, key = url[len(scheme) + 3 :].partition("/")
        if host in self._silent:
            return
        seconds = ask_retry_after(f"{self._s3}/{host}/{quote(key)}" if scheme == "s3" else url)
        if seconds is None:  # this server never says, so it is not asked a second time
            self._silent.add(host)
        elif seconds:
            _logger.warning("%s asks for %.0f seconds without requests", host, seconds)
            self.rate_limit.pause(seconds)

    def _matches_etag(self, url: str, data: memoryview, etag: str | None) -> bool:
        """Compare the bytes with an ETag that may be their MD5, where no TLS protects them."""
        address = self._s3 if url.startswith("s3:") else url
        match = _MD5.fullmatch(etag or "")
        if match is None or not address.startswith("http://"):
            return True
        return hashlib.md5(data, usedforsecurity=False).hexdigest() == match[1]

    def _locate(self, url: str, scheme: str) -> tuple[S3Store | HTTPStore, str]:
        """Get the store of a URL, opened if need be, and the key of the file in it.

        Raises
        ------
        StoreError
            The URL names no bucket or server, or a file that obstore would ask for by another name.
        """
        host, _, key = url[len(scheme) + 3 :].partition("/")
        root = f"{scheme}://{host}"
        good = _BUCKET.fullmatch(host) if scheme == "s3" else _is_server(root)
        form = "s3://BUCKET/KEY" if scheme == "s3" else f"{scheme}://HOST:PORT/PATH"
        wrong = StoreError(
            f"{url[:200]!r} is not an address; write {form}, with at most {MAX_URL_BYTES} bytes, "
            "in ASCII up to the first slash"
        )
        if not good or len(url.encode(errors="replace")) > MAX_URL_BYTES:
            raise wrong
        parts = key.split("/") if scheme == "s3" else unquote(key.partition("?")[0]).split("/")
        if {".", ".."} & set(parts) or (scheme == "s3" and key != key.strip("/")):
            raise StoreError(
                f"{url} cannot be asked for as it is, because of a part that is . or .., or a "
                "slash at the beginning or end of a key; copy the file to another name"
            )
        own = scheme != "s3" and key != "" and not _SENT_AS_IT_IS.fullmatch(key)
        address = f"{root}/{quote(key, _IN_URL, errors='surrogatepass')}" if own else root
        with self._lock:
            store = self._stores.get(address)
            if store is None:
                try:
                    store = self._open(address, scheme, host)
                except (ValueError, BaseError) as error:  # numbers that are not an IP address
                    raise wrong from error
                self._stores |= {} if own else {address: store}
        return store, "" if own else unquote(key) if scheme != "s3" else key

    def _open(self, root: str, scheme: str, host: str) -> S3Store | HTTPStore:
        address = self._s3 if scheme == "s3" else f"{scheme}://{host}"
        client: ClientConfig = {
            "allow_http": address.startswith("http://"),
            "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
            "read_timeout": timedelta(seconds=IDLE_SECONDS),
            "timeout": timedelta(seconds=TOTAL_SECONDS),
            "user_agent": "jumpduck",
            **only_way_to(address),
        }
        if scheme != "s3":
            return HTTPStore(root, client_options=client, retry_config=_NO_RETRIES)
        return S3Store(
            host,
            endpoint=address,
            virtual_hosted_style_request=False,
            region=REGION,
            skip_signature=True,
            client_options=client,
            retry_config=_NO_RETRIES,
        )


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


def _server_of(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


def root_of(text: str) -> str:
    """Get a root as SQL and the manifest use it: no slash at the end, local paths absolute."""
    if scheme_of(text) == "file":
        return str(Path(text).expanduser().resolve())
    return text.rstrip("/")


def _is_server(address: str) -> bool:
    """Tell whether an address is http(s)://HOST or http(s)://HOST:PORT, and can be one."""
    scheme, _, host = address.rstrip("/").partition("://")
    try:
        return scheme in ("http", "https") and bool(
            # the port is read because that checks its range
            _HOST.fullmatch(host) and (urlsplit(address).port or urlsplit(address).hostname)
        )
    except ValueError:
        return False


def _get(
    store: S3Store | HTTPStore, key: str, on_size: Callable[[int], bool]
) -> tuple[memoryview, str | None] | None:
    answer = obstore.get(store, key)
    size = answer.meta["size"]
    if size > MAX_FILE_BYTES:
        raise ValueError(f"the file has {size} bytes, at most {MAX_FILE_BYTES} are read")
    if not on_size(size):
        return None
    data = memoryview(answer.bytes())
    if len(data) != size:
        raise EOFError(f"{len(data)} bytes came where {size} were announced")
    return data, answer.meta["e_tag"]
