"""Which paths and URLs a manifest may have."""

import re

import polars as pl

from jumpduck.containers.places import DOUBTFUL_FRAGMENT, PLAIN_FRAGMENT, check_place
from jumpduck.errors import ManifestError, QueryError
from jumpduck.storage.object_reader import scheme_of

PLAIN_PATH = r"^([^./\\\x00\n][^/\\\x00\n]*/)+[^./\\\x00\n][^/\\\x00\n]*$"
PLAIN_FOLDER = re.compile(r"[^./\\\x00\n][^/\\\x00\n]*(/[^./\\\x00\n][^/\\\x00\n]*)*")
UNSAFE_IN_PATH = r"//|/\.|/$|[\\\x00\n]"
UNSAFE_LETTER = r"[/\\\x00\n]"

MAX_NAME_BYTES = 255 - len(".12345678.12345678")
"""Bytes of one name that file systems take, less what a recipe's suffix adds to it."""


def check_rows(rows: pl.DataFrame) -> None:
    """Raise ManifestError if a URL of these rows cannot be used, or it or a path is missing."""
    for name in ("path", "url"):
        if name in rows.columns and rows[name].null_count():
            raise ManifestError(f"the manifest has rows without {name}; fill them in")
    if "url" in rows.columns:
        _check_urls(rows["url"])


def folders_of(paths: pl.Series) -> set[str]:
    """Get the folders of a plate's files.

    Raises
    ------
    ManifestError
        A path could leave the output folder, or has a name that is too long.
    """
    folder = str(paths[0]).rpartition("/")[0]
    # as a rule a plate has one folder, so that the names alone remain to be checked
    if PLAIN_FOLDER.fullmatch(folder) and paths.str.starts_with(f"{folder}/").all():
        names = paths.str.slice(len(folder) + 1)
        if (
            len(folder.encode()) <= MAX_NAME_BYTES
            and names.str.len_bytes().is_between(1, MAX_NAME_BYTES).all()
            and not names.str.starts_with(".").any()
            and not names.str.contains(UNSAFE_LETTER).any()
        ):
            return {folder}
    _check_paths(paths)
    return set(paths.str.replace("/[^/]*$", "").unique())


def _check_paths(path: pl.Series) -> None:
    # these checks take a fraction of the time of matching `PLAIN_PATH` row by row
    plain = path.str.contains("/", literal=True).all()
    first = path.str.starts_with(".") | path.str.starts_with("/")
    if not plain or first.any() or path.str.contains(UNSAFE_IN_PATH).any():
        bad = path.filter(~path.str.contains(PLAIN_PATH))
        raise ManifestError(
            f"path {bad[0]!r} of the manifest could leave the output folder; a path is "
            "FOLDER/…/NAME, and no part of it is empty, begins with a dot or has a backslash"
        )
    long = path.filter(path.str.len_bytes() > MAX_NAME_BYTES)
    for name in long:
        if max(len(part.encode()) for part in name.split("/")) > MAX_NAME_BYTES:
            raise ManifestError(
                f"path {name!r} of the manifest has a name of more than {MAX_NAME_BYTES} bytes, "
                "which is too long for a file; shorten it"
            )


def _check_urls(url: pl.Series) -> None:
    odd = url.filter(url.str.contains(r"[\x00#]"))
    if len(odd):
        null = odd.filter(odd.str.contains("\0", literal=True))
        if len(null):
            raise ManifestError(f"url {null[0]!r} of the manifest has a null character; remove it")
        _check_fragments(odd)
    others = url.filter(~url.str.starts_with("s3://"))
    others = others.filter(others.str.contains("://", literal=True))
    for bad in others.filter(~others.str.contains("^https?://")):
        scheme_of(bad)


def _check_fragments(url: pl.Series) -> None:
    # the patterns take a fraction of the time of a look at each row
    good = url.str.contains(PLAIN_FRAGMENT) & ~url.str.contains(DOUBTFUL_FRAGMENT)
    with_version = url.str.contains("#version=", literal=True) & ~url.str.starts_with("s3://")
    for one in url.filter(~good | with_version):
        try:
            check_place(one)
        except QueryError as error:
            raise ManifestError(f"url {one[:200]!r} of the manifest: {error}") from None
