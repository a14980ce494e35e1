"""Requests for files, sent again until there is a good answer."""

import hashlib
import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

import obstore
from obstore.exceptions import NotSupportedError, PermissionDeniedError, UnauthenticatedError

from jumpduck.errors import ImageError, StoreError
from jumpduck.storage.failed_requests import (
    NO_CONNECTION,
    UNREADABLE,
    FailedRequest,
    PastEndError,
    explain,
)
from jumpduck.storage.outage import Outage
from jumpduck.storage.rate_limit import RateLimit, retry_seconds
from jumpduck.storage.retry_after import ask_retry_after
from jumpduck.storage.stores import ServerStores

if TYPE_CHECKING:
    from obstore.store import HTTPStore, S3Store

    Store = S3Store | HTTPStore

FIRST_RETRY_SECONDS = 0.3
"""Time before the second request for a file."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """The bytes of a file, its ETag if the server sends one, and the number of requests."""

    data: bytes | memoryview
    """The buffer that received the bytes, without a copy."""
    etag: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class FetchedRange(FetchedFile):
    """Some of the bytes of a file; the ETag is that of the whole file."""

    size: int
    """Bytes of the whole file."""
    modified: datetime | None = None
    """When the file was changed, as the server says."""

    @property
    def state(self) -> "FileState":
        """What tells whether a later part is of the same file."""
        # the time only without an ETag, because the servers of one address may say others
        return FileState(self.size, self.etag, self.modified if self.etag is None else None)


@dataclass(frozen=True, slots=True)
class FileState:
    """What changes when a file is replaced."""

    size: int
    etag: str | None
    modified: datetime | None
    """When it was changed, for a file without an ETag."""


class NoRangesError(StoreError):
    """A server sends whole files only."""


class DiskWriteError(Exception):
    """The disk did not take a chunk."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


Get = Callable[["Store", str, list[int]], FetchedRange | None]
"""Asks a store for a key, and adds the bytes that are announced to a list."""


class RepeatedRequests:
    """Sends requests; keeps one connection pool for each bucket or server.

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
    stores
        Opens buckets and servers.
    outage
        Whether reading waits for the network.
    rate_limit
        What delays requests.
    stopped
        Set when the run ends.
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
        self.endpoint = endpoint
        self.attempts = attempts
        self.stores = ServerStores(endpoint)
        self._silent: set[str] = set()
        self._first_retry_seconds = first_retry_seconds
        self.rate_limit = rate_limit or RateLimit()
        self.stopped = threading.Event()
        self.outage = Outage(self.stopped)
        self.on_new_server: Callable[[str], object] = lambda _: None

    def stop(self) -> None:
        """Send no further request, because nobody waits for the answers any more."""
        self.stopped.set()

    def repeat(
        self,
        url: str,
        scheme: str,
        get: Get,
        refuse: Callable[[FetchedRange], str | None] = lambda _: None,
        *,
        to_disk: bool = False,
    ) -> FetchedRange | None:
        """Ask until there is a good answer that `refuse` has nothing against.

        Parameters
        ----------
        refuse
            Gets why the bytes are not the right ones; the same bytes are not asked for thrice.
        """
        first, before = 1, b""
        for attempt in itertools.count(1):
            started = time.monotonic()
            is_last = attempt - first + 1 == self.attempts
            answer = self._request(url, scheme, get, attempt, to_disk=to_disk)
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
                reason = refuse(answer)
                if reason is None:
                    return replace(answer, attempts=attempt)
                # the same bytes twice are those of the file, not of the network
                digest = hashlib.sha256(answer.data).digest()
                if is_last or digest == before:
                    raise ImageError(f"{url}: {reason} ({attempt} attempts)", attempt)
                before = digest
            shortest = self._first_retry_seconds
            shortest = FIRST_RETRY_SECONDS if shortest is None else shortest
            if self.stopped.wait(retry_seconds(shortest, attempt - first + 1)):
                raise StoreError(f"{url}: the run has ended", attempt)
        raise AssertionError("unreachable")

    def _request(
        self, url: str, scheme: str, get: Get, attempt: int, *, to_disk: bool
    ) -> FetchedRange | FailedRequest | None:
        """Get the answer of `get`; the reason why to try again; None if it is not wanted."""
        store, key = self.stores.locate(url, scheme, to_disk=to_disk)
        announced: list[int] = []
        good = False
        self.rate_limit.wait()
        try:
            if self.stopped.is_set():
                raise StoreError(f"{url}: the run has ended", attempt)
            answer = get(store, key, announced)
            good = answer is not None
        except FileNotFoundError:
            raise FileNotFoundError(f"no such file: {url}") from None
        except (PermissionDeniedError, UnauthenticatedError):
            raise PermissionError(f"not allowed to read {url}") from None
        except NotSupportedError as error:
            raise NoRangesError(f"{url}: the server sends whole files only", attempt) from error
        except StoreError:
            raise
        except DiskWriteError as error:
            raise error.error from None
        except Exception as error:
            failed = explain(error)
            if failed.slow_down and self.rate_limit.slow_down():
                self._leave_alone(url, scheme)
            if failed.is_past_end:
                raise PastEndError(url, attempt) from error
            if not failed.try_again:
                raise StoreError(f"{url}: {failed.reason}", attempt) from error
            return failed
        finally:
            # of an answer that was cut off all, because obstore does not say how much of it came
            self.rate_limit.brought(sum(announced), good=good)
        server = server_of(url)
        if not self.outage.knows(server):
            self.on_new_server(url)
        self.outage.answered(server, partial(self.answers, store, key))
        return answer

    def answers(self, store: "Store", key: str) -> bool:
        """Tell whether a server says anything but that it cannot answer now."""
        self.rate_limit.wait()
        try:
            obstore.get(store, key)  # its body is not read
        except (FileNotFoundError, PermissionDeniedError, UnauthenticatedError):
            return True
        except Exception as error:  # noqa: BLE001 - explain() tells them apart
            failed = explain(error)
            return not failed.try_again or failed.reason == UNREADABLE
        finally:
            self.rate_limit.brought(0, good=False)
        return True

    def _leave_alone(self, url: str, scheme: str) -> None:
        """Send nothing for as long as the server wants that has just refused a request."""
        host, _, key = url[len(scheme) + 3 :].partition("/")
        if host in self._silent:
            return
        seconds = ask_retry_after(
            f"{self.stores.s3}/{host}/{quote(key)}" if scheme == "s3" else url
        )
        if seconds is None:  # this server never says, so it is not asked a second time
            self._silent.add(host)
        elif seconds:
            _logger.warning("%s asks for %.0f seconds without requests", host, seconds)
            self.rate_limit.pause(seconds)


def server_of(url: str) -> str:
    """Get the scheme and the host of a URL."""
    return "/".join(url.split("/", 3)[:3])
