"""Which client reads a URL, opened once for each bucket or server."""

import re
import threading
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from obstore.exceptions import BaseError
from obstore.store import HTTPStore, S3Store

from jumpduck.errors import QueryError, StoreError
from jumpduck.storage.proxies import only_way_to

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

REGION = "us-east-1"

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 30.0
TOTAL_SECONDS = 300.0
TOTAL_HOURS = 24.0
"""The same for a file that is written to the disk while it comes."""

MAX_URL_BYTES = 16 * 2**10
"""A longer URL is refused: written with %XX it could pass what obstore takes, which ends badly."""

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HOST = re.compile(r"([^@/?#\s]+@)?([A-Za-z0-9_-][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")

_PART = r"([A-Za-z0-9_.~+&=:;,@!$()*'-]|%20)+"
_SENT_AS_IT_IS = re.compile(f"{_PART}(/{_PART})*")
"""Paths of which obstore makes the same text again; others need a store of their own."""
_IN_URL = "%/?:@!$&'()*+,;=~"
"""Characters of a URL's path and query that are sent as they are."""

# obstore does not retry, because attempts are counted and reported by who asks.
_NO_RETRIES: "RetryConfig" = {"max_retries": 0, "retry_timeout": timedelta(minutes=3)}


class ServerStores:
    """Opens obstore's clients; keeps one connection pool for each bucket or server.

    Parameters
    ----------
    endpoint
        Address of an S3 server other than AWS. Buckets are read anonymously.

    Attributes
    ----------
    s3
        Address of the S3 server.

    Raises
    ------
    QueryError
        `endpoint` is not an address.
    """

    def __init__(self, endpoint: str | None) -> None:
        if endpoint is not None and not _is_server(endpoint):
            raise QueryError(f"endpoint {endpoint!r} is not an address; write http://HOST:PORT")
        # AWS is named, because obstore would otherwise ask the server of AWS_ENDPOINT_URL
        self.s3 = (endpoint or f"https://s3.{REGION}.amazonaws.com").rstrip("/")
        self._stores: dict[tuple[str, bool], S3Store | HTTPStore] = {}
        self._lock = threading.Lock()

    def locate(
        self, url: str, scheme: str, *, to_disk: bool = False
    ) -> tuple[S3Store | HTTPStore, str]:
        """Get the store of a URL, opened if need be, and the key of the file in it.

        Parameters
        ----------
        to_disk
            Get a store whose answers may take hours.

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
            store = self._stores.get((address, to_disk))
            if store is None:
                try:
                    store = self._open(address, scheme, host, to_disk=to_disk)
                except (ValueError, BaseError) as error:  # numbers that are not an IP address
                    raise wrong from error
                self._stores |= {} if own else {(address, to_disk): store}
        return store, "" if own else unquote(key) if scheme != "s3" else key

    def _open(self, root: str, scheme: str, host: str, *, to_disk: bool) -> S3Store | HTTPStore:
        address = self.s3 if scheme == "s3" else f"{scheme}://{host}"
        client: ClientConfig = {
            "allow_http": address.startswith("http://"),
            "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
            "read_timeout": timedelta(seconds=IDLE_SECONDS),
            "timeout": timedelta(hours=TOTAL_HOURS)
            if to_disk
            else timedelta(seconds=TOTAL_SECONDS),
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
