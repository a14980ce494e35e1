"""Why a request failed, from obstore's errors."""

import errno
import os
import re
from dataclasses import dataclass

from jumpduck.errors import ImageError
from jumpduck.storage.proxies import CLOSED_PORT
from jumpduck.storage.retry_after import REFUSALS

NO_CONNECTION = "no connection"
UNREADABLE = "the answer is not one of HTTP"
"""Asked for again, because a rest of an earlier answer can be before it; but it is an answer."""

_REASONS = (
    (f"{CLOSED_PORT},", "the server redirects to another host; refused", False),
    ("Content-Length Header missing", "the server does not say how long the file is", False),
    ("source: Header {", "the answer has a header that cannot be read", False),
    ("source: NoContentRange", "the answer does not say which part of the file it is", False),
    ("source: ParseContentRange {", "the answer has a Content-Range that cannot be read", False),
    ("source: UnexpectedRange {", "the answer is another part of the file", False),
    ("kind: Redirect", "the server redirects without end", False),
    ("inner: BareRedirect", "the server redirects to nowhere", False),
    (" Parse(", UNREADABLE, True),
    ("kind: Timeout", "no answer in time", True),
    ("TimedOut", "no answer in time", True),
    ("kind: Connect", NO_CONNECTION, True),
)
"""A part of obstore's text, what it means, and whether to try again; the first match counts."""

_STATUS = re.compile(r"non-2xx status code: (\d+) ([^:\n]*)")
PAST_END = 416
_RETRIED = (408, *REFUSALS)


class PastEndError(ImageError):
    """A file ends before the part that was asked for."""

    def __init__(self, url: str, attempts: int = 1) -> None:
        super().__init__(f"{url}: the file ends before the part asked for", attempts)


@dataclass(frozen=True, slots=True)
class FailedRequest:
    """Why a request failed, in a few words, and what to do about it."""

    reason: str
    try_again: bool
    slow_down: bool = False
    is_past_end: bool = False
    """The file has none of the bytes asked for."""


def explain(error: Exception) -> FailedRequest:
    """Get why a request failed from its error.

    obstore has one exception for most reasons; its debug text tells them apart.

    Raises
    ------
    OSError
        The process has too many open files, which is nothing about this one.
    """
    text = str(error)
    if f"(os error {errno.EMFILE})" in text:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE)) from error
    if status := _STATUS.search(text):
        code = int(status[1])
        again = code >= 500 or code in _RETRIED
        reason = f"{code} {status[2]}"
        return FailedRequest(reason, again, code in REFUSALS, is_past_end=code == PAST_END)
    if isinstance(error, ValueError | EOFError):
        return FailedRequest(text, isinstance(error, EOFError))
    known = (FailedRequest(reason, again) for mark, reason, again in _REASONS if mark in text)
    return next(known, FailedRequest("the answer broke off", try_again=True))
