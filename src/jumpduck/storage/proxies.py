"""The way to one host and to no other, through obstore's proxy settings.

obstore follows redirects and has no option against it. Therefore each client gets one proxy for
all addresses. Where the host asked for is reached without a proxy, that is a closed port of this
machine, and the host alone is reached without it; so a redirect to another host fails. Where the
user has a proxy for the host, all goes through that proxy, and it decides.
"""

import ipaddress
import os
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from jumpduck.errors import QueryError

if TYPE_CHECKING:
    from obstore.store import ClientConfig

CLOSED_PORT = "127.0.0.1:9"
"""The discard port, where nothing listens."""


def only_way_to(address: str) -> "ClientConfig":
    """Get the client options for the server at an address.

    Redirects to another port of the host, or to a host whose name ends with its name, are followed.

    Raises
    ------
    QueryError
        The proxy that the environment names for it cannot be used.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or _is_excluded(host, parts.port):
        return {"proxy_url": f"http://{CLOSED_PORT}", "proxy_excludes": host}
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    with suppress(ValueError):
        if urlsplit(proxy).scheme in ("http", "https") and urlsplit(proxy).hostname:
            # nothing is excluded, because a redirect to an excluded host would not go through it
            return {"proxy_url": proxy, "proxy_excludes": ""}
    raise QueryError(
        f"{proxy!r}, the proxy of the environment for {parts.scheme}://, cannot be used; "
        f"set {parts.scheme}_proxy to http://HOST:PORT, or no_proxy to {host}"
    )


def _is_excluded(host: str, port: int | None) -> bool:
    """Tell whether the user wants a host to be reached without a proxy."""
    if proxy_bypass(f"{host}:{port}" if port else host):
        return True
    excluded = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    for network in excluded.split(","):  # of which the standard library knows none
        with suppress(ValueError):
            if ipaddress.ip_address(host) in ipaddress.ip_network(network.strip(), strict=False):
                return True
    return False
