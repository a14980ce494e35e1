"""The load_data file of each plate, brought near so that SQL reads thousands at once."""

import csv
import gzip
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from jumpduck.errors import CatalogError
from jumpduck.schema import PLATE_KEY
from jumpduck.stores import Stores, in_threads, scheme_of

NAMES = tuple(
    f"{stem}.{form}"
    for stem in ("load_data_with_illum", "load_data")
    for form in ("csv", "csv.gz", "parquet")
)
"""What a plate's load_data may be called, best first."""

THREADS = 64

_UNREADABLE = (
    OSError, EOFError, zlib.error, csv.Error, UnicodeError, pl.exceptions.PolarsError,
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """The load_data files to read, and the plates that have none that can be read, with why."""

    files: list[str]
    unread: list[dict[str, str]]


def local_load_data(
    plates: pl.DataFrame,
    project_root: str,
    folder: Path,
    stores: Stores,
    progress: Callable[[int, int], None],
) -> Found:
    """Get local files with the load_data of `plates`, best form first.

    A local gallery is read where it is. From elsewhere files come into `folder`, in the layout
    of the bucket, many at a time: their number is what takes long, not their size.

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
                    f"plate {row} of the metadata has a name that no folder can have"
                )
    found = Found([], [])

    def fetch(row: tuple[str, str, str]) -> None:
        source, batch, plate = row
        place = f"{source}/workspace/load_data_csv/{batch}/{plate}"
        reason = f"no load_data in {place}"
        for name in NAMES:
            target = Path(project_root if local else folder) / place / name
            if local:
                if not target.is_file():
                    continue
            else:
                try:
                    body = stores.read(f"{project_root}/{place}/{name}")
                except FileNotFoundError:
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(body.data)
            if odd := _what_is_odd(target):
                reason = f"{name}: {odd}"
                continue
            found.files.append(str(target))
            return
        found.unread.append({"source": source, "batch": batch, "plate": plate, "reason": reason})

    for done, total in in_threads(fetch, rows, os.cpu_count() or 1 if local else THREADS):
        progress(done, total)
    found.files.sort()
    found.unread.sort(key=lambda plate: (plate["source"], plate["batch"], plate["plate"]))
    return found


def without_broken(found: Found) -> Found:
    """Get `found` less the files that cannot be read to their end; slow, for when SQL gave up."""
    reasons = {file: _what_is_odd(Path(file), whole=True) for file in found.files}
    broken = [
        dict(zip(("plate", "batch"), Path(file).parts[-2:-4:-1], strict=True))
        | {"source": Path(file).parts[-6], "reason": f"{Path(file).name}: {reason}"}
        for file, reason in reasons.items()
        if reason
    ]
    return Found([file for file, reason in reasons.items() if not reason], found.unread + broken)


def _what_is_odd(file: Path, *, whole: bool = False) -> str | None:
    """Say why a file is no load_data; None if it looks like one, by its first row or as a whole."""
    try:
        if file.suffix == ".parquet":
            columns = list(pl.read_parquet_schema(file))
            table = pl.scan_parquet(file)
            rows = (table if whole else table.head(1)).collect().height
        else:
            with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as text:
                lines = csv.reader(text, strict=True)
                columns = next(lines, list[str]())
                rows = 0
                for row in lines:
                    rows += 1
                    if len(row) != len(columns):
                        return f"{len(row)} values in row {rows}, but {len(columns)} columns"
                    if not whole:
                        break
    except _UNREADABLE as error:
        return f"cannot be read: {str(error).strip().splitlines()[0]}"
    if not columns:
        return "empty file"
    for needed in ("Metadata_Well", "Metadata_Site"):
        if needed not in columns:
            return f"no column {needed}"
    if not any(name.startswith(("URL_Orig", "FileName_Orig")) for name in columns):
        return "no column URL_Orig* or FileName_Orig*"
    return None if rows else "no rows"
