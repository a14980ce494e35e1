"""The tables of the published metadata, made once and kept in the user's cache.

Reading them takes most of the time that a catalog of a few plates takes.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import duckdb

from jumpduck.collections.base import KeptTables
from jumpduck.collections.published_metadata import BLOBS
from jumpduck.database.connection import check_database_path, interrupting, new_database
from jumpduck.database.sql_files import Value, driver_files, run_sql_files
from jumpduck.errors import StoreError
from jumpduck.storage.atomic_files import atomic_path, writable_folder
from jumpduck.storage.cache_folder import cache_folder


def metadata_tables(
    driver: Path, variables: Mapping[str, Value], scratch: Path
) -> KeptTables | None:
    """Get a copy of a database that has the tables of these metadata, or None without a cache.

    It is told from others by what makes it: the revision of the metadata, the text of the SQL
    files, and the version of DuckDB. Only the last one is kept.

    Parameters
    ----------
    scratch
        Folder for the copy.
    """
    files = driver_files(driver)
    readers = [file for file in files if _reads_metadata(file)]
    digest = hashlib.sha256(f"{duckdb.__version__} {variables['jump_revision']}".encode())
    for file in readers:
        digest.update(file.read_bytes())
    kept = cache_folder() / "tables" / f"{digest.hexdigest()[:16]}.duckdb"
    if not _can_be_read(kept):
        try:
            check_database_path(kept)
            writable_folder(kept.parent)
            _make(kept, driver, variables, frozenset(files) - frozenset(readers))
        except (StoreError, OSError):
            return None
        for other in kept.parent.glob("*.duckdb"):
            if other != kept:
                with suppress(OSError):
                    other.unlink()
    copied = scratch / kept.name
    try:
        shutil.copyfile(kept, copied)
    except OSError:  # another process has kept other metadata since
        return None
    return KeptTables(copied, frozenset(readers))


def _reads_metadata(file: Path) -> bool:
    """Get whether a SQL file reads a file that the revision of the metadata tells from others."""
    text = file.read_text(encoding="utf-8")
    return any(f"getvariable('jump_metadata_copy') || '/{name}'" in text for name in BLOBS)


def _can_be_read(kept: Path) -> bool:
    try:
        duckdb.connect(str(kept), read_only=True).close()
    except duckdb.Error:
        return False
    return True


def _make(kept: Path, driver: Path, variables: Mapping[str, Value], skip: frozenset[Path]) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="jumpduck-", ignore_cleanup_errors=True) as scratch,
        atomic_path(kept) as part,
        new_database(part, Path(scratch)) as con,
        interrupting(con),
    ):
        con.execute(f"CREATE SCHEMA {driver.stem}")
        run_sql_files(con, driver, variables, skip=skip)
