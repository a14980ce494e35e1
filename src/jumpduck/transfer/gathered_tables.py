"""``results.parquet`` and ``sites.parquet``: the tables of all plates in one, derived from them.

Each is replaced as a whole: a reader sees the old table or the new one.
"""

import time
from pathlib import Path

import polars as pl

from jumpduck.schema import RESULTS, SITE_KEY
from jumpduck.transfer.plate_tables import PlateTables, writing_table

RESULTS_FILE = "results.parquet"
SITES_FILE = "sites.parquet"

MAX_TIME_SHARE = 0.1
"""Share of a run's time that gathering may take while the run goes on."""

QUICK_BYTES = 10_000_000
"""Bytes of tables that are gathered within half a second."""

BYTES_PER_FILE = 10_000
"""Bytes that take as long as opening one more table."""


class GatheredTables:
    """The two tables of an output folder.

    Parameters
    ----------
    folder
        The output folder.
    plates
        The tables that they are made from.
    """

    def __init__(self, folder: Path, plates: PlateTables) -> None:
        self.results = folder / RESULTS_FILE
        self.sites = folder / SITES_FILE
        self._plates = plates
        self._written_at = float("-inf")
        self._took_seconds = 0.0

    def write(self) -> None:
        """Write both tables if the table of a plate is newer than they are.

        Raises
        ------
        StoreError
            They cannot be written.
        """
        started = time.monotonic()
        tables = self._plates.files()
        if self._up_to_date(tables):
            return
        sites = [table.with_suffix(".sites") for table in tables]
        none = pl.DataFrame(schema=RESULTS)
        both = ((sites, self.sites, none.select(SITE_KEY)), (tables, self.results, none))
        for files, target, empty in both:
            with writing_table(target) as part:
                if files:
                    _scan(files).sink_parquet(part, compression_level=1)
                else:
                    empty.write_parquet(part)
        self._written_at = time.monotonic()
        self._took_seconds = self._written_at - started

    def write_if_cheap(self) -> None:
        """Write both tables if that takes no more than its share of the run's time."""
        if time.monotonic() - self._written_at >= self._took_seconds / MAX_TIME_SHARE:
            self.write()

    def write_if_quick(self) -> None:
        """Write both tables if that takes less than about half a second."""
        tables = self._plates.files()
        if sum(table.stat().st_size + BYTES_PER_FILE for table in tables) <= QUICK_BYTES:
            self.write()

    def _up_to_date(self, tables: list[Path]) -> bool:
        if not (self.results.is_file() and self.sites.is_file()):
            return False
        written = self.results.stat().st_mtime_ns
        return all(table.stat().st_mtime_ns < written for table in tables)


def _scan(files: list[Path]) -> pl.LazyFrame:
    """Get the rows of all files; a column that some lack is null in their rows."""
    frames = [pl.scan_parquet(file, glob=False) for file in files]
    schemas = [frame.collect_schema() for frame in frames]
    if all(schema == schemas[0] for schema in schemas):
        return pl.scan_parquet(files, glob=False)
    return pl.concat(frames, how="diagonal_relaxed")
