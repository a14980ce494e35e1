"""The load_data file of each plate, fetched, so that SQL reads thousands of local files at once."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import duckdb
import polars as pl

from jumpduck.collections.text_tables import (
    LINE_PROBLEM,
    MAX_TEXT_BYTES,
    UnreadableError,
    line_values,
    split_line,
    text_lines,
    unreadable,
    value_at,
)
from jumpduck.daemon_pool import DaemonPool, in_threads
from jumpduck.database.sql_files import as_pattern
from jumpduck.errors import CatalogError
from jumpduck.storage.object_reader import ObjectReader, scheme_of
from jumpduck.storage.open_files import allowed_connections

FILE_NAMES = tuple(
    f"{stem}.{form}"
    for stem in ("load_data_with_illum", "load_data")
    for form in ("csv", "csv.gz", "parquet")
)
"""What a plate's load_data may be called, best first."""

FETCH_THREADS = 64

MAX_LINES = 100_000
"""Lines of a file at most; a full plate has 13,824 sites."""

MEMORY_LIMIT = "1GB"
"""For Parquet files while they are read."""


class WantedColumns(NamedTuple):
    """The columns of load_data that are kept, and those of which a header names one."""

    pattern: re.Pattern[str]
    marks: tuple[str, ...]


OF_JUMP = WantedColumns(
    re.compile(r"(URL|PathName|FileName)_(Orig|Illum)|Metadata_(Well|Site)$"), ("Metadata_Well",)
)

_UNREADABLE = (OSError, UnicodeError, pl.exceptions.PolarsError, duckdb.Error)


class WantedPlate(NamedTuple):
    """A plate whose load_data to look for."""

    source: str
    batch: str | None
    """None where no table says it."""
    plate: str
    batches: tuple[str, ...]
    """The batches to look for it in."""


@dataclass(frozen=True)
class Found:
    """The load_data files to read, and the plates that have none that can be read, with why."""

    files: list[str]
    unread: list[dict[str, str | None]]


def fetch_load_data(
    plates: Sequence[WantedPlate],
    project_root: str,
    folder: Path,
    stores: ObjectReader,
    progress: Callable[[int, int], None],
    *,
    wanted_columns: WantedColumns = OF_JUMP,
) -> Found:
    """Get local files with the load_data of `plates`, best form first.

    Files are read many at a time, because their number is what takes long and not their size, and
    come into `folder` as Parquet, in the layout of the bucket: a file that cannot be read is found
    here, and does not stop the SQL that reads all of them at once. What a line says is left to the
    SQL.

    Raises
    ------
    CatalogError
        A name in `plates` could leave the folder.
    StoreError
        The gallery cannot be reached.
    """
    local = scheme_of(project_root) == "file"
    for wanted in plates:
        row = (wanted.source, wanted.batch, wanted.plate)
        for part in (wanted.source, wanted.plate, *wanted.batches):
            if part in (None, "", ".", "..") or any(mark in part for mark in '/\\*?["\0'):
                raise CatalogError(
                    f"plate {row} of the metadata has a name that cannot be the name of a folder"
                )
    found = Found([], [])

    def read(source: str, batch: str, plate: str) -> None:
        """Add a plate to what was found; FileNotFoundError if it has no load_data."""
        place = f"{source}/workspace/load_data_csv/{batch}/{plate}"
        reason = ""
        for name in FILE_NAMES:
            target = folder / place / f"{name.partition('.')[0]}.parquet"
            try:
                if local:
                    data = (Path(project_root) / place / name).read_bytes()
                else:
                    data = bytes(stores.read(f"{project_root}/{place}/{name}").data)
                cores.submit(_convert, name, data, target, con.cursor(), wanted_columns).result()
            except FileNotFoundError:
                continue
            except (OSError, UnreadableError) as odd:
                reason = f"{name}: {odd}"
                continue
            found.files.append(str(target))
            return
        if not reason:
            raise FileNotFoundError(place)
        found.unread.append({"source": source, "batch": batch, "plate": plate, "reason": reason})

    def fetch(wanted: WantedPlate) -> None:
        source, batch, plate, batches = wanted
        absent = 0
        for one in batches:
            try:
                read(source, one, plate)
            except FileNotFoundError:
                absent += 1
        if absent == len(batches):
            reason = f"no load_data in {source}/workspace/load_data_csv/{batch or '*'}/{plate}"
            found.unread.append(
                {"source": source, "batch": batch, "plate": plate, "reason": reason}
            )

    limits: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "threads": 1,
    }
    cores = DaemonPool(os.cpu_count() or 1, "converting")
    with duckdb.connect(config=limits) as con:
        try:
            for done, total in in_threads(fetch, plates, allowed_connections(FETCH_THREADS)):
                progress(done, total)
        finally:
            cores.shutdown(cancel_futures=True)
    found.files.sort()
    found.unread.sort(key=lambda one: (one["source"] or "", one["batch"] or "", one["plate"] or ""))
    return found


def _convert(
    name: str,
    data: bytes,
    target: Path,
    con: duckdb.DuckDBPyConnection,
    wanted: WantedColumns,
) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".parquet"):
            table = _read_parquet(data, target, con, wanted.pattern)
        else:
            table = _read_csv(name, data, wanted)
        table.write_parquet(target, compression="lz4", statistics=False)
    except _UNREADABLE as error:
        raise unreadable(error) from error


def _read_parquet(
    data: bytes, target: Path, con: duckdb.DuckDBPyConnection, wanted: re.Pattern[str]
) -> pl.DataFrame:
    """Get the columns of a load_data file that say where the images of which site are, as text.

    DuckDB reads it, because the reader of Polars panics on some damaged files.
    """
    file = target.with_suffix(".published")
    file.write_bytes(data)
    con.execute("SET VARIABLE file = $file", {"file": as_pattern(file)})
    query = "SELECT sum(num_rows) FROM parquet_file_metadata(getvariable('file'))"
    lines = con.execute(query).fetchall()[0][0] or 0
    if not 0 <= lines <= MAX_LINES:
        raise UnreadableError(f"{lines:,} lines, at most {MAX_LINES:,} are read")
    table = con.sql("FROM read_parquet(getvariable('file'))")
    names = [f'"{name}"' for name in table.columns if wanted.match(name) and '"' not in name]
    if names:
        # before the frame is made, because a text that a small file has once may be in each line
        lengths = " + ".join(f"coalesce(sum(strlen({name}::VARCHAR)), 0)" for name in names)
        if table.aggregate(lengths).fetchall()[0][0] > MAX_TEXT_BYTES:
            raise UnreadableError(f"more than {MAX_TEXT_BYTES:,} bytes of text")
    columns = [f"nullif({name}::VARCHAR, '') AS {name}" for name in names]
    return pl.DataFrame(table.project(", ".join([*columns, "NULL::VARCHAR AS line_problem"])))


def _read_csv(name: str, data: bytes, wanted: WantedColumns) -> pl.DataFrame:
    """Get the same columns of a CSV file, and why a line cannot be read; as load_data_lines.sql."""
    lines = text_lines(name, data)
    if len(lines) > MAX_LINES:
        raise UnreadableError(f"{len(lines):,} lines, at most {MAX_LINES:,} are read")
    headers = {
        line for line in lines for mark in wanted.marks if mark in line and mark in split_line(line)
    }
    if not headers:
        return pl.DataFrame(schema={LINE_PROBLEM: pl.String})
    columns = split_line(min(headers))
    headers_differ = any(split_line(header) != columns for header in headers)
    values, odd = line_values([line for line in lines if line not in headers], len(columns))
    differ = "headers that differ in one file"
    problem = pl.lit(differ) if headers_differ else odd
    kept = {name: columns.index(name) for name in columns if wanted.pattern.match(name)}
    return values.to_frame().select(
        *(value_at(place, problem).alias(name) for name, place in kept.items()),
        problem.alias(LINE_PROBLEM),
    )
