"""The load_data file of each plate, fetched, so that SQL reads thousands of local files at once."""

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import polars as pl
from zlib_ng import gzip_ng, zlib_ng

from jumpduck.errors import CatalogError
from jumpduck.schema import PLATE_KEY
from jumpduck.storage.object_reader import ObjectReader, in_threads, scheme_of

FILE_NAMES = tuple(
    f"{stem}.{form}"
    for stem in ("load_data_with_illum", "load_data")
    for form in ("csv", "csv.gz", "parquet")
)
"""What a plate's load_data may be called, best first."""

FETCH_THREADS = 64

_COLUMN = re.compile(r"(URL|PathName|FileName)_(Orig|Illum)|Metadata_(Well|Site)$")

_UNREADABLE = (
    OSError, EOFError, UnicodeError, pl.exceptions.PolarsError,
    cast("type[Exception]", zlib_ng.error),
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """The load_data files to read, and the plates that have none that can be read, with why."""

    files: list[str]
    unread: list[dict[str, str]]


def fetch_load_data(
    plates: pl.DataFrame,
    project_root: str,
    folder: Path,
    stores: ObjectReader,
    progress: Callable[[int, int], None],
) -> Found:
    """Get local files with the load_data of `plates`, best form first.

    Files are read many at a time, because their number is what takes long and not their size, and
    come into `folder` as Parquet, in the layout of the bucket: a file that cannot be parsed is
    found here, and does not stop the SQL that reads all of them at once.

    Raises
    ------
    CatalogError
        A name in `plates` could leave the folder.
    StoreError
        The gallery cannot be reached.
    """
    local = scheme_of(project_root) == "file"
    rows = plates.select(PLATE_KEY).rows()
    for row in rows:
        for part in row:
            if part in (None, "", ".", "..") or any(mark in part for mark in '/\\*?["\0'):
                raise CatalogError(
                    f"plate {row} of the metadata has a name that cannot be the name of a folder"
                )
    found = Found([], [])

    def fetch(row: tuple[str, str, str]) -> None:
        source, batch, plate = row
        place = f"{source}/workspace/load_data_csv/{batch}/{plate}"
        reason = f"no load_data in {place}"
        for name in FILE_NAMES:
            try:
                if local:
                    data = (Path(project_root) / place / name).read_bytes()
                else:
                    data = bytes(stores.read(f"{project_root}/{place}/{name}").data)
            except FileNotFoundError:
                continue
            target = folder / place / f"{name.partition('.')[0]}.parquet"
            try:
                cores.submit(_convert, name, data, target).result()
            except _UnreadableError as odd:
                reason = f"{name}: {odd}"
                continue
            found.files.append(str(target))
            return
        found.unread.append({"source": source, "batch": batch, "plate": plate, "reason": reason})

    with ThreadPoolExecutor(os.cpu_count()) as cores:
        for done, total in in_threads(fetch, rows, FETCH_THREADS):
            progress(done, total)
    found.files.sort()
    found.unread.sort(key=lambda plate: (plate["source"], plate["batch"], plate["plate"]))
    return found


class _UnreadableError(Exception):
    """Why a file cannot be used as load_data."""


def _convert(name: str, data: bytes, target: Path) -> None:
    table = _parse(name, data)
    target.parent.mkdir(parents=True, exist_ok=True)
    table.write_parquet(target, compression="lz4", statistics=False)


def _parse(name: str, data: bytes) -> pl.DataFrame:
    """Get the columns of a load_data file that say where the images of which site are, as text."""
    if not data:
        raise _UnreadableError("empty file")
    try:
        if name.endswith(".parquet"):
            table = pl.read_parquet(data)
        else:
            if name.endswith(".gz"):
                data = bytes(gzip_ng.decompress(data))  # pyright: ignore[reportUnknownMemberType]
            table = pl.read_csv(data, infer_schema=False, null_values=[""])
    except _UNREADABLE as error:
        raise _UnreadableError(f"cannot be read: {str(error).strip().splitlines()[0]}") from error
    for needed in ("Metadata_Well", "Metadata_Site"):
        if needed not in table.columns:
            raise _UnreadableError(f"no column {needed}")
    kept = [column for column in table.columns if _COLUMN.match(column)]
    if not any(column.startswith(("URL_Orig", "FileName_Orig")) for column in kept):
        raise _UnreadableError("no column URL_Orig* or FileName_Orig*")
    if table.is_empty():
        raise _UnreadableError("no rows")
    table = table.select(kept)
    if name.endswith(".parquet"):
        table = table.select(pl.all().cast(pl.String).replace("", None))
    return table
