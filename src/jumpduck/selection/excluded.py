"""A table of sites and wells that a manifest leaves out."""

import hashlib
import io
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from jumpduck.database.connection import HeldCollection, frame, interrupting
from jumpduck.errors import ManifestError
from jumpduck.options import expanded
from jumpduck.rows import WELL_KEY
from jumpduck.schema import CANNOT_READ, is_any_csv
from jumpduck.selection.sql_text import literal

Exclude = str | Path | pl.DataFrame
"""A Parquet or CSV file, or a frame."""

EXCLUDED = "memory.main.excluded_sites"
"""Table beside the catalog: the number of each site that is left out, and of the row that says so;
the numbers of sites mean nothing outside this catalog."""

SITE = "Metadata_Site"

ODD = "odd"

CHUNK_ROWS = 200_000
"""Rows that are looked at together: this bounds memory."""

SHOWN_ROWS = 3
"""Rows that fit no site and are named."""


@dataclass(frozen=True)
class ExcludedRows:
    """The keys of a table of sites and wells, in a Parquet file.

    Attributes
    ----------
    file
        With the columns of `WELL_KEY` and Metadata_Site, which is NULL where a row names a well.
    name
        Name of the file that they come from; None of a frame.
    rows
        How many there are.
    sha256
        Of the rows as lines of CSV, in their order.
    """

    file: Path
    name: str | None
    rows: int
    sha256: str

    @property
    def note(self) -> dict[str, Any]:
        """What a manifest says of them."""
        return {"name": self.name, "rows": self.rows, "sha256": self.sha256}


def check_excluded(exclude: Exclude | None) -> None:
    """Raise ManifestError if a table cannot be read, or lacks a column that it needs."""
    if exclude is not None:
        _keys_of(exclude)


@contextmanager
def excluded_rows(exclude: Exclude | None) -> Generator[ExcludedRows | None]:
    """Get the keys of a table, in a file that is removed when the block ends.

    Raises
    ------
    ManifestError
        It is neither Parquet nor CSV, it lacks a column or a value, or a site is not a number.
    """
    if exclude is None:
        yield None
        return
    keys = _checked(_keys_of(exclude))
    with tempfile.TemporaryDirectory(prefix="jumpduck-") as scratch:
        file = Path(scratch) / "excluded.parquet"
        try:
            keys.sink_parquet(file)
            rows, digest = _check_rows(pl.scan_parquet(file, glob=False), _called(exclude))
        except (OSError, *CANNOT_READ) as error:
            raise _unreadable(exclude, error) from error
        name = None if isinstance(exclude, pl.DataFrame) else Path(exclude).name
        yield ExcludedRows(file, name, rows, digest)


def write_excluded(
    con: duckdb.DuckDBPyConnection, held: HeldCollection, rows: ExcludedRows
) -> list[str]:
    """Make the table of the sites that are left out, and get what to say of rows that fit none.

    Parameters
    ----------
    con
        A catalog that `open_catalog` opened with leave to read the file.
    """
    relation = f"read_parquet({literal(str(rows.file))}, file_row_number := TRUE)"
    with interrupting(con):
        con.execute(f"CREATE TABLE {EXCLUDED} AS {find_excluded(held, relation)}")
    lost = f"FROM {relation} WHERE file_row_number NOT IN (SELECT row_number FROM {EXCLUDED})"  # noqa: S608
    ((count,),) = con.execute(f"SELECT count(*) {lost}").fetchall()
    if not count:
        return []
    first = frame(con, f"{lost} ORDER BY file_row_number LIMIT {SHOWN_ROWS}")
    places = first.select(pl.concat_str(*WELL_KEY, SITE, separator="/", ignore_nulls=True))
    more = f" and {count - SHOWN_ROWS:,} more" if count > SHOWN_ROWS else ""
    named = ", ".join(places.to_series())
    return [
        f"{count:,} of {rows.rows:,} rows of `exclude` fit no site of this catalog: {named}{more}"
    ]


def find_excluded(held: HeldCollection, rows: str) -> str:
    """Get the SQL of the sites that rows name, each with the number of its row."""
    keys, sites = ", ".join(WELL_KEY), held.relation("sites")
    texts = ", ".join(f"{name}::VARCHAR AS {name}" for name in WELL_KEY)
    return f"""
        WITH named AS (
            SELECT {texts}, {SITE}::DOUBLE::INTEGER AS {SITE}, file_row_number FROM {rows}
        )
        SELECT site_number, file_row_number AS row_number FROM {sites}
        JOIN (FROM named WHERE {SITE} IS NOT NULL) AS named_sites USING ({keys}, {SITE})
        UNION ALL
        SELECT site_number, file_row_number FROM {sites}
        JOIN (FROM named WHERE {SITE} IS NULL) AS named_wells USING ({keys})
        """  # noqa: S608


def excluded_text(held: HeldCollection, path: str | Path) -> str:
    """Get the same for a user's file, which DuckDB's own command line can read."""
    reader = "read_csv({}, all_varchar := TRUE)" if is_any_csv(path) else "read_parquet({})"
    columns = _keys_of(path).collect_schema()
    site = "" if SITE in columns else f", NULL AS {SITE}"
    rows = f"(SELECT *{site}, 0 AS file_row_number FROM {reader.format(literal(str(path)))})"  # noqa: S608
    return f"({find_excluded(held, rows)})"


def _keys_of(exclude: Exclude) -> pl.LazyFrame:
    """Get the columns that are needed, as text, and Metadata_Site if there is one."""
    try:
        if isinstance(exclude, pl.DataFrame):
            rows = exclude.lazy()
        else:
            path = expanded(exclude)
            if not path.is_file():
                raise ManifestError(
                    f"exclude {path} is not a file ({path.absolute()}); give a Parquet or CSV file"
                )
            rows = (
                pl.scan_csv(path, infer_schema=False, glob=False)
                if is_any_csv(path)
                else pl.scan_parquet(path, glob=False)
            )
        columns = rows.collect_schema().names()
    except (OSError, *CANNOT_READ) as error:
        raise _unreadable(exclude, error) from error
    if lacking := [name for name in WELL_KEY if name not in columns]:
        raise ManifestError(
            f"exclude {_called(exclude)} has no column {', '.join(lacking)}; it has "
            f"{', '.join(columns)}; give {', '.join(WELL_KEY)}, and {SITE} in rows about a site"
        )
    return rows.select([*WELL_KEY, *([SITE] if SITE in columns else [])])


def _checked(keys: pl.LazyFrame) -> pl.LazyFrame:
    """Get the keys with their types, and in `ODD` what is not the number of a site."""
    given = pl.col(SITE) if SITE in keys.collect_schema() else pl.lit(None)
    text = given.cast(pl.String).str.strip_chars().replace("", None)
    # as a float first, because pandas writes 3.0 where another row has no site
    number = text.cast(pl.Float64, strict=False)
    site = pl.when(number == number.floor()).then(number.cast(pl.Int32, strict=False))
    return keys.select(
        pl.col(WELL_KEY).cast(pl.String),
        site.alias(SITE),
        pl.when(site.is_null()).then(text).alias(ODD),
    )


def _check_rows(keys: pl.LazyFrame, called: str) -> tuple[int, str]:
    """Get the number of rows and their SHA-256.

    Raises
    ------
    ManifestError
        A row lacks a key, or its site is not a number.
    """
    digest, rows = hashlib.sha256(), keys.select(pl.len()).collect().item()
    for first in range(0, rows, CHUNK_ROWS):
        chunk = keys.slice(first, CHUNK_ROWS).collect()
        for name in WELL_KEY:
            if place := chunk[name].is_null().arg_true().to_list()[:1]:
                raise ManifestError(
                    f"row {first + place[0] + 1:,} of exclude {called} has no {name}"
                )
        if place := chunk[ODD].is_not_null().arg_true().to_list()[:1]:
            raise ManifestError(
                f"row {first + place[0] + 1:,} of exclude {called} has {SITE} "
                f"{chunk[ODD][place[0]]!r}, which is not a whole number; leave it empty where a "
                "row is about a well"
            )
        text = io.BytesIO()
        chunk.drop(ODD).write_csv(text, include_header=False)
        digest.update(text.getbuffer())
    return rows, digest.hexdigest()


def _unreadable(exclude: Exclude, error: BaseException) -> ManifestError:
    reason = str(error).partition("\n")[0]
    return ManifestError(
        f"exclude {_called(exclude)} cannot be read: {reason}; give a Parquet or CSV file"
    )


def _called(exclude: Exclude) -> str:
    return "frame" if isinstance(exclude, pl.DataFrame) else str(exclude)
