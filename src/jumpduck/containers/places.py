"""Where an image is inside of a file: the fragment of its URL.

A URL may end with ``#key=value&key=value``, the values percent-encoded. The text after the last
``#`` is a fragment only if each of its parts begins with a known key and ``=``; else the ``#``
belongs to the name of the file. A name that itself ends like a fragment has one more ``#`` at its
end, because an empty fragment means the whole file.
"""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote, unquote

KEYS = (
    "version", "checksum", "member", "dataset", "array", "index", "page", "pages", "range",
)  # fmt: skip
"""What a fragment may say, in this order."""

Place = Mapping[str, str]
"""What a fragment says, by its keys."""

WHOLE: Place = MappingProxyType({})


def split_place(url: str) -> tuple[str, Place]:
    """Get a URL without its fragment, and what the fragment says; nothing for a whole file."""
    address, mark, text = url.rpartition("#")
    if not mark:
        return url, WHOLE
    if not text:
        return address, WHOLE
    pairs = [part.partition("=") for part in text.split("&")]
    if not all(equals and key in KEYS for key, equals, _ in pairs):
        return url, WHOLE
    return address, {key: unquote(value) for key, _, value in pairs}


def join_place(address: str, place: Place) -> str:
    """Get the URL of a place inside of a file: what `split_place` takes apart."""
    if not place:
        return f"{address}#" if split_place(address) != (address, WHOLE) else address
    return f"{address}#" + "&".join(
        f"{key}={quote(place[key], '/:,+=')}" for key in KEYS if key in place
    )
