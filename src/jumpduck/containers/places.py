"""Where an image is inside of a file: the fragment of its URL.

A URL may end with ``#key=value&key=value``, the values percent-encoded. The text after the last
``#`` is a fragment only if each of its parts begins with a known key and ``=``; else the ``#``
belongs to the name of the file. A name that itself ends like a fragment has one more ``#`` at its
end, because an empty fragment means the whole file.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote, unquote

from jumpduck.errors import QueryError

KEYS = (
    "version", "checksum", "member", "dataset", "array", "index", "page", "pages", "range",
)  # fmt: skip
"""What a fragment may say, in this order."""

Place = Mapping[str, str]
"""What a fragment says, by its keys."""

WHOLE: Place = MappingProxyType({})

_SPAN = "[0-9]{1,10}(?:-[0-9]{1,10})?"
_PAGE = "[0-9]{1,5}"
"""Of a TIFF no more than 100,000 pages are followed."""
_PAGES = f"{_PAGE}-(?:{_PAGE}|(?:/[1-9][0-9]{{0,4}})?)"
_INDEX = f"{_SPAN}(?:,{_SPAN}){{0,13}}"
_NUMBER = r"[+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?"
_RANGE = f"{_NUMBER},{_NUMBER}"
_VERSION = "[A-Za-z0-9._~+/=-]{1,1024}"
_CHECKSUM = (
    "(?:SHA256:[0-9A-Fa-f]{64}|sha2-256-chunked:[A-Za-z0-9+/]{43}=|CRC64NVME:[A-Za-z0-9+/]{11}=)"
)
_NAME = r"[^\x00-\x1f\x7f\\]{1,4096}"

_VALUES: Mapping[str, tuple[str, str]] = {
    "version": (_VERSION, "the version of an S3 object"),
    "checksum": (_CHECKSUM, "SHA256:HEX, sha2-256-chunked:BASE64 or CRC64NVME:BASE64"),
    "member": (_NAME, "the name of a file in a zip, not absolute and without .. and backslash"),
    "dataset": (_NAME, "the path of a dataset in an HDF5 file, without .. and backslash"),
    "array": (f"(?:{_NAME})?", "the path of a Zarr array, not absolute, without .. and backslash"),
    "index": (_INDEX, "at most 14 numbers from 0, as 0,3, or 0,3-7 for the maximum of planes"),
    "page": (_PAGE, "a number from 0 to 99999"),
    "pages": (
        _PAGES,
        "two numbers from 0 to 99999, as 3-7, or 2-/3 for page 2 and each third one after it",
    ),
    "range": (_RANGE, "two numbers, as 0,1"),
}
"""What the value of a key is, as a pattern and in words."""

_WITH_FILE = frozenset({"version", "checksum", "page", "pages", "range"})
_WITH_MEMBER = frozenset({"version", "page", "pages", "range"})
_WITH_PLANE = frozenset({"version", "index", "range"})

_TOGETHER: Mapping[str, frozenset[str]] = {
    "checksum": _WITH_FILE,
    "member": _WITH_MEMBER,
    "dataset": _WITH_PLANE,
    "array": _WITH_PLANE - {"version"},
    "page": (_WITH_FILE | {"member"}) - {"pages"},
    "pages": (_WITH_FILE | {"member"}) - {"page"},
}
"""What may be said beside a key: a checksum is that of a whole file, and an array is many files."""

_PLAIN_NAME = "[A-Za-z0-9_.~:,+=/%()@ -]{1,1024}"
_PLAIN_PAGE = f"(?:page={_PAGE}|pages={_PAGE}-(?:/[1-9][0-9]{{0,4}})?)"
_PLAIN_INDEX = "[0-9]{1,10}(?:,[0-9]{1,10}){0,13}"
"""Without spans, because an expression cannot tell which of two numbers is the larger one."""

PLAIN_FRAGMENT = (
    f"#(?:version={_VERSION})?(?:&?checksum={_CHECKSUM})?(?:&?{_PLAIN_PAGE})?$"
    f"|#(?:version={_VERSION}&)?member={_PLAIN_NAME}(?:&{_PLAIN_PAGE})?$"
    f"|#(?:(?:version={_VERSION}&)?dataset={_PLAIN_NAME}|array=(?:{_PLAIN_NAME})?)"
    f"(?:&index={_PLAIN_INDEX})?$"
)
"""Most fragments, for a quick look at many URLs."""

DOUBTFUL_FRAGMENT = (
    "(?i)#[^#]*(?:%[01][0-9a-f]|%7f|%5c|%2e|%2f|[/=][.]{1,2}(?:[/&]|$)|(?:member|array)=/|//"
    "|/(?:&|$)|#)"
)
"""What one that looks like them may have that is not allowed; `check_place` knows."""


def split_place(url: str) -> tuple[str, Place]:
    """Get a URL without its fragment, and what the fragment says; nothing for a whole file."""
    address, mark, text = url.rpartition("#")
    if not mark:
        return url, WHOLE
    if not text:
        return address, WHOLE
    pairs = _pairs(text)
    return (address, dict(pairs)) if pairs else (url, WHOLE)


def join_place(address: str, place: Place) -> str:
    """Get the URL of a place inside of a file: what `split_place` takes apart."""
    if not place:
        return f"{address}#" if split_place(address) != (address, WHOLE) else address
    return f"{address}#" + "&".join(
        f"{key}={quote(place[key], '/:,+=')}" for key in KEYS if key in place
    )


def check_place(url: str) -> None:
    """Check what the fragment of a URL says, if it has one.

    Raises
    ------
    QueryError
        It says something that no file has, or things that do not go together.
    """
    address, _, text = url.rpartition("#")
    pairs = _pairs(text)
    said = [key for key, _ in pairs]
    for key, value in pairs:
        pattern, what = _VALUES[key]
        if not re.fullmatch(pattern, value) or _leads_elsewhere(key, value):
            raise QueryError(_wrong(f"{key} {value[:100]!r} is not {what}"))
        spans = re.findall("([0-9]+)-([0-9]+)", value) if key in ("pages", "index") else []
        if any(int(last) < int(first) for first, last in spans):
            raise QueryError(_wrong(f"{key} {value[:100]!r} ends before it begins"))
        if said.count(key) > 1:
            raise QueryError(_wrong(f"{key} is given more than once"))
        if others := set(said) - {key} - _TOGETHER.get(key, set(KEYS)):
            raise QueryError(_wrong(f"{key} does not go with {' and '.join(sorted(others))}"))
    if "index" in said and not {"dataset", "array"} & set(said):
        raise QueryError(_wrong("index needs a dataset or an array"))
    if "version" in said and not address.lower().startswith("s3://"):
        raise QueryError(_wrong("version is for s3:// only"))


def _pairs(text: str) -> list[tuple[str, str]]:
    """Get keys and values of a fragment; none if the text is not one."""
    parts = [part.partition("=") for part in text.split("&")]
    if not all(equals and key in KEYS for key, equals, _ in parts):
        return []
    return [(key, unquote(value)) for key, _, value in parts]


def _leads_elsewhere(key: str, name: str) -> bool:
    """Tell whether the name of a member, dataset or array is not one of what the file holds."""
    if key not in ("member", "dataset", "array") or not name:
        return False
    parts = (name.removeprefix("/") if key == "dataset" else name).split("/")
    return bool({"", ".", ".."} & set(parts))


def _wrong(reason: str) -> str:
    return f"{reason}; if the # belongs to the name of the file, write one more # at its end"
