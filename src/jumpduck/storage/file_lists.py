"""The files and folders below a root: a local folder, or a part of a bucket."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from jumpduck.errors import QueryError, StoreError
from jumpduck.storage.object_reader import scheme_of
from jumpduck.storage.proxies import only_way_to
from jumpduck.storage.stores import REGION

RETRY_SECONDS = 60


class ListedFile(NamedTuple):
    """A file below a root: its path from there, with slashes, and its size."""

    path: str
    bytes: int


def list_files(root: str, endpoint: str | None) -> Iterator[ListedFile]:
    """Get the files below a root, in the order of a bucket or of the names of a folder.

    Symbolic links are followed, each folder is entered once. Names that begin with a dot, and what
    is not a plain file, are left out.

    Raises
    ------
    QueryError
        The root is a web server, which cannot be listed.
    StoreError
        There is no such folder, or the bucket cannot be listed.
    """
    if scheme_of(root) == "file":
        yield from _list_local(Path(root))
        return
    store, prefix = _open(root, endpoint)
    try:
        for page in obstore.list(store, prefix):  # pyright: ignore[reportUnknownMemberType]
            for one in page:
                path = one["path"].removeprefix(prefix)
                if one["size"] and not any(part.startswith(".") for part in path.split("/")):
                    yield ListedFile(path, one["size"])
    except (BaseError, OSError) as error:
        raise _not_listed(root, error) from error


def list_folders(root: str, endpoint: str | None) -> list[str]:
    """Get the names of the folders in a root; none if there is no such root.

    Raises
    ------
    QueryError, StoreError
        As `list_files`, but for a local folder that does not exist.
    """
    if scheme_of(root) == "file":
        folder = Path(root)
        if not folder.is_dir():
            return []
        return sorted(one.name for one in folder.iterdir() if one.is_dir())
    store, prefix = _open(root, endpoint)
    try:
        found = obstore.list_with_delimiter(store, prefix or None)  # pyright: ignore[reportUnknownMemberType]
    except (BaseError, OSError) as error:
        raise _not_listed(root, error) from error
    return sorted(one.removeprefix(prefix).strip("/") for one in found["common_prefixes"])


def _list_local(root: Path) -> Iterator[ListedFile]:
    if not root.is_dir():
        raise StoreError(f"{root} is not a folder; give one that exists")
    entered: set[tuple[int, int]] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in entered:
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for name in sorted(names):
            file = Path(folder, name)
            if not name.startswith(".") and file.is_file():
                yield ListedFile(file.relative_to(root).as_posix(), file.stat().st_size)


def _open(root: str, endpoint: str | None) -> tuple[S3Store, str]:
    """Get the store of a root, and what the keys below it begin with."""
    if scheme_of(root) != "s3":
        raise QueryError(
            f"{root} cannot be listed, because a web server does not say which files it has; "
            "give s3:// or a folder"
        )
    bucket, _, key = root[len("s3://") :].partition("/")
    address = (endpoint or f"https://s3.{REGION}.amazonaws.com").rstrip("/")
    try:
        store = S3Store(
            bucket,
            endpoint=address,
            virtual_hosted_style_request=False,
            region=REGION,
            skip_signature=True,
            client_options={"allow_http": address.startswith("http://"), **only_way_to(address)},
            retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
        )
    except (BaseError, ValueError) as error:
        raise _not_listed(root, error) from error
    key = key.strip("/")
    return store, f"{key}/" if key else ""


def _not_listed(root: str, error: Exception) -> StoreError:
    first = [*str(error).strip().splitlines(), type(error).__name__][0]
    return StoreError(f"{root} cannot be listed: {first}; check `gallery` and `endpoint`")
