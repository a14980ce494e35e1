"""``results.parquet`` and ``sites.parquet``: the tables of all plates in one, derived from them.

Each is replaced as a whole: a reader sees the old table or the new one. Each says which tables it
was made from, because times of files prove nothing: a clock can be set back.
"""

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from jumpduck.errors import StoreError
from jumpduck.rows import SITE_KEY
from jumpduck.schema import RESULTS, RESULTS_FILE, SITES_FILE
from jumpduck.transfer.asked import AskedTables, Run
from jumpduck.transfer.comparison import count_left
from jumpduck.transfer.origins import Origin, origins_of_json
from jumpduck.transfer.plate_tables import PlateTables, plate_key_of, schema_of, writing_table

MAX_TIME_SHARE = 0.1
"""Share of a run's time that gathering may take while the run goes on."""

QUICK_BYTES = 10_000_000
"""Bytes of tables that are gathered within half a second."""

MAX_WAIT_SECONDS = 0.5
"""Time that an interrupted run waits for its thread which gathers, before it gathers itself."""

MADE_FROM = "jumpduck.made_from"
"""Key of the file's metadata that identifies the tables of the plates."""

ASKED = "jumpduck.asked"
"""Key of the file's metadata that identifies what the runs were asked for."""

LEFT = "jumpduck.left"
"""Key of the file's metadata with the number of images that each run has left, by its ID: all that
a copy without the hidden folder knows of them."""

ORIGINS = "jumpduck.origins"
"""Key of the file's metadata with the list of `Origin` of each run, by its ID."""

BYTES_PER_FILE = 10_000
"""Bytes that take as long as opening one more table."""


KEYS = (MADE_FROM, ASKED, LEFT, ORIGINS)


class GatheredTables:
    """The two tables of an output folder.

    Parameters
    ----------
    folder
        The output folder.
    plates, asked
        The tables that they are made from, and what runs were asked for.
    """

    def __init__(self, folder: Path, plates: PlateTables, asked: AskedTables) -> None:
        self.results = folder / RESULTS_FILE
        self.sites = folder / SITES_FILE
        self._plates = plates
        self._asked = asked
        self._written_at = float("-inf")
        self._took_seconds = 0.0
        self._read_from = ""
        # one thread at a time, because the one that began first has fewer rows, and may end last
        self._writing = threading.Lock()

    @property
    def left(self) -> dict[str, int]:
        """Number of images that each run has left, by its ID, as the results say."""
        try:
            left: dict[str, int] = json.loads(_metadata(self.results).get(LEFT, "{}"))
            return {run: int(count) for run, count in left.items()}
        except (ValueError, TypeError, AttributeError):
            return {}

    @property
    def origins(self) -> dict[str, list[Origin]]:
        """Where the images come from, by the ID of the run, as the results say."""
        try:
            found: dict[str, object] = json.loads(_metadata(self.results).get(ORIGINS, "{}"))
            return {run: origins_of_json(values) for run, values in found.items()}
        except (ValueError, AttributeError, RecursionError):
            return {}

    def write(self) -> None:
        """Write both tables, unless they were made from the tables that the plates have now.

        Raises
        ------
        StoreError
            They cannot be written, or the table of a plate cannot be read.
        """
        with self._writing:
            self._write_until_current()

    def _write_until_current(self) -> None:
        started = time.monotonic()
        while not self.is_current:
            tables = self._plates.files()
            try:
                self._write(tables)
                break
            except StoreError:
                # because another run may replace a table while it is read
                if _identity(self._plates.files()) == self._read_from:
                    raise
        self._written_at = time.monotonic()
        self._took_seconds = self._written_at - started

    @property
    def is_current(self) -> bool:
        """Whether both tables were made from those that the plates have now."""
        made_from = self._made_from(self._plates.files(), self._asked.runs())
        files = (self.results, self.sites)
        return all(made_from.items() <= _metadata(file).items() for file in files)

    def _made_from(self, tables: list[Path], runs: Sequence[Run]) -> dict[str, str]:
        asked = [[run.id for run in runs], self._asked.adopted()]
        return {MADE_FROM: _identity(tables), ASKED: json.dumps(asked, sort_keys=True)}

    def _write(self, tables: list[Path]) -> None:
        runs = self._asked.runs()
        made_from = self._made_from(tables, runs)
        self._read_from = made_from[MADE_FROM]
        left = count_left(runs, {plate_key_of(table): table for table in tables})
        left += Counter(self._asked.adopted())
        origins = {
            run: [one.json for one in of_run] for run, of_run in self._asked.origins.all().items()
        }
        metadata = {**made_from, LEFT: json.dumps(left), ORIGINS: json.dumps(origins)}
        none = pl.DataFrame(schema=RESULTS)
        both = (
            (self._plates.sites_files(), self.sites, none.select(SITE_KEY)),
            (tables, self.results, none),
        )
        for files, target, empty in both:
            rows = _scan(files) if files else empty.lazy()
            with writing_table(target) as part:
                rows.sink_parquet(part, compression_level=1, metadata=metadata)

    @property
    def sites_of_others(self) -> bool:
        """Whether ``sites.parquet`` is there and was not made by a download."""
        return self.sites.is_file() and MADE_FROM not in _metadata(self.sites)

    @property
    def has_other_rows(self) -> bool:
        """Whether the results are there, but were not made from the tables that the plates have."""
        made_from = _identity(self._plates.files())
        return self.results.is_file() and _metadata(self.results).get(MADE_FROM) != made_from

    def write_if_cheap(self) -> None:
        """Write both tables if that takes no more than its share of the run's time."""
        if time.monotonic() - self._written_at >= self._took_seconds / MAX_TIME_SHARE:
            self.write()

    def write_if_quick(self) -> None:
        """Write both tables if that takes less than about half a second, and as much of a wait."""
        tables = self._plates.files()
        if sum(table.stat().st_size + BYTES_PER_FILE for table in tables) > QUICK_BYTES:
            return
        if self._writing.acquire(timeout=MAX_WAIT_SECONDS):
            try:
                self._write_until_current()
            finally:
                self._writing.release()


def _identity(tables: list[Path]) -> str:
    """Get a text that changes when a table is added, removed or replaced.

    The folder's name is not in it, because one may name it in several ways, and move it.
    """
    known = hashlib.sha256()
    for table in tables:
        try:
            stat = table.stat()
        except FileNotFoundError:  # on NFS, for a moment, while it is replaced
            continue
        name = "/".join(plate_key_of(table))
        known.update(f"{name}\0{stat.st_size} {stat.st_mtime_ns} {stat.st_ino}\0".encode())
    return known.hexdigest()


def _metadata(file: Path) -> Mapping[str, str]:
    """Get what a gathered table says of itself; nothing if it cannot be read."""
    try:
        written = pl.read_parquet_metadata(file)
    except (OSError, pl.exceptions.PolarsError):
        return {}
    return {name: text for name, text in written.items() if name in KEYS}


def _scan(files: list[Path]) -> pl.LazyFrame:
    """Get the rows of all files; a column that some lack is null in their rows."""
    schemas = [schema_of(file) for file in files]
    if all(schema == schemas[0] for schema in schemas):
        return pl.scan_parquet(files, glob=False)
    frames = [pl.scan_parquet(file, glob=False) for file in files]
    return pl.concat(frames, how="diagonal_relaxed")
