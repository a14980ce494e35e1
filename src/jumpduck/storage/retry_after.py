"""How long a server that refuses wants to be left alone.

obstore keeps the headers of a refusal to itself. Therefore the header is asked for by a request of
our own, without a body, and only once for many refusals.
"""

import time
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

MAX_RETRY_AFTER_SECONDS = 300.0
"""A server that asks for more gets this much, because it may be wrong."""

TIMEOUT_SECONDS = 10.0

REFUSALS = (429, 503)


class _NoRedirects(HTTPRedirectHandler):
    """Goes to no other host."""

    redirect_request: Any = staticmethod(lambda *_: None)


def ask_retry_after(url: str) -> float | None:
    """Ask a server that has just refused a request how long it wants to be left alone.

    Returns
    -------
    float | None
        Seconds; 0 if it refuses no longer or gives no answer; None if it refuses without saying.
    """
    try:
        with build_opener(_NoRedirects).open(Request(url, method="HEAD"), timeout=TIMEOUT_SECONDS):  # noqa: S310
            return 0.0
    except HTTPError as error:
        return seconds_of(error.headers.get("Retry-After")) if error.code in REFUSALS else 0.0
    except (OSError, HTTPException, ValueError):
        return 0.0


def seconds_of(header: str | None) -> float | None:
    """Get the seconds that a header ``Retry-After`` names, as a number or a date; None if none."""
    text = (header or "").strip()
    try:
        seconds = float(text) if text.isdecimal() else _seconds_until(text)
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), MAX_RETRY_AFTER_SECONDS)


def _seconds_until(date: str) -> float:
    return parsedate_to_datetime(date).timestamp() - time.time()
