"""A published Parquet file of profiles, known by its ETag."""

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from jumpduck.errors import ProfileError, StoreError
from jumpduck.profile_tables.remote_parquet import RemoteParquet
from jumpduck.profile_tables.table_files import RemoteFile, TableFile
from jumpduck.storage.atomic_files import free_bytes
from jumpduck.storage.object_reader import ObjectReader, scheme_of

_MD5 = re.compile(r"[0-9a-f]{32}")
"""What S3 says of a file that was sent as a whole; one sent in parts has a number behind it."""


class PublishedFile:
    """A file of profiles that must have a certain ETag.

    Parameters
    ----------
    url
        ``s3://``, ``http(s)://`` or a local path.
    etag
        Its ETag; of a local file, which has none, it is compared with the MD5 of the bytes.
    copy
        Path of the copy of what is fetched. One that an earlier run left is gone on with.
    endpoint
        S3 server other than AWS.

    Attributes
    ----------
    file
        The file, to be read.
    size
        Its bytes.

    Raises
    ------
    ProfileError
        There is no such file, or it is another one.
    StoreError
        The server cannot be reached.
    """

    def __init__(self, url: str, etag: str | None, copy: Path, endpoint: str | None) -> None:
        self._remote: RemoteParquet | None = None
        if scheme_of(url) == "file":
            path = Path(url)
            if not path.is_file():
                raise ProfileError(f"there is no file {url}; check the `gallery` of the catalog")
            self.size = path.stat().st_size
            _check_md5(path, url, etag)
            rows = pl.scan_parquet(path, glob=False)
            self.file = TableFile(url, rows, pl.read_parquet_metadata(path))
        else:
            self._remote = RemoteParquet(ObjectReader(endpoint), url, copy, etag)
            self.size = self._remote.size
            self.file = RemoteFile(url, self._remote)
        self._url, self._etag = url, etag

    @property
    def received_bytes(self) -> int:
        """Bytes that came from the server."""
        return 0 if self._remote is None else self._remote.received_bytes

    def missing_bytes(self, columns: Sequence[str], rows: Sequence[int]) -> int:
        """Get how many bytes are still to be fetched for columns of some rows."""
        if self._remote is None:
            return 0
        return self._remote.missing_bytes(columns, self._remote.groups_of(rows))

    def fetch(
        self, columns: Sequence[str], rows: Sequence[int], progress: Callable[[int, int], object]
    ) -> None:
        """Fetch columns of some rows; where that is the whole file, its MD5 is checked.

        Raises
        ------
        StoreError
            The disk has too little space, or the server cannot be reached.
        ProfileError
            The bytes are not those of the ETag.
        """
        if self._remote is None:
            return
        groups = self._remote.groups_of(rows)
        needed = self._remote.missing_bytes(columns, groups)
        free = free_bytes(self._remote.copy.parent)
        if needed > free:
            raise StoreError(
                f"{needed / 1e9:.1f} GB are to be fetched, and {self._remote.copy.parent} has "
                f"{free / 1e9:.1f} GB free; name fewer `plates`, or another `path`"
            )
        self._remote.fetch(columns, groups, progress)
        if self._remote.is_whole:
            _check_md5(self._remote.copy, self._url, self._etag)

    def forget(self) -> None:
        """Remove the copy of what was fetched."""
        if self._remote is not None:
            self._remote.remove()


def _check_md5(path: Path, url: str, etag: str | None) -> None:
    if etag is None or not _MD5.fullmatch(etag):
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != etag:
        raise ProfileError(
            f"{url} is not the published file: the MD5 of its bytes is {found}, expected {etag}; "
            "fetch it again"
        )
