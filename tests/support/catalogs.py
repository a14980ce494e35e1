"""Catalogs made by the duckdb command line, and what is in a catalog, to compare."""

import subprocess
import sys
from pathlib import Path

import duckdb

from tests.support.places import ROOT

DUCKDB = Path(sys.executable).parent / "duckdb"

OF_ONE_BUILD = {
    "main.collections": "options",
    "jump.settings": "revision",
    "jump.load_data_files": "path, form",
    "jump.sites": "site_number",
}
"""Columns that say how a catalog was built, and nothing of what it says: Python makes copies."""


def by_command_line(gallery, metadata, path):
    """Run the driver with the duckdb command line, as sql/README.md says."""
    variables = (
        f"SET VARIABLE jump_gallery = '{gallery}'; SET VARIABLE jump_metadata = '{metadata}'"
    )
    return subprocess.run(
        [DUCKDB, path, "-c", variables, "-c", ".read sql/jump.sql"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def content(path, without=OF_ONE_BUILD):
    """The rows of every table and view, by its name, without some columns."""
    with duckdb.connect(str(path), read_only=True) as con:
        names = con.execute(
            """
            SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE NOT internal
            UNION SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal
            """
        ).fetchall()
        return {
            name: con.execute(
                f"SELECT * EXCLUDE ({without[name]}) FROM {name} ORDER BY ALL"
                if name in without
                else f"FROM {name} ORDER BY ALL"
            ).fetchall()
            for (name,) in names
        }
