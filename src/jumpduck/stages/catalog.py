"""The tables of a collection -> catalog.duckdb, a cache that can be rebuilt at any time."""

import tempfile
from pathlib import Path

import duckdb
import polars as pl

from jumpduck.collections.base import CatalogOptions, check_collection
from jumpduck.collections.registry import table_source
from jumpduck.database.connection import frame, held_collection, interrupting, open_catalog
from jumpduck.database.sql_files import driver_files, find_driver, run_sql_files
from jumpduck.errors import StoreError
from jumpduck.options import expanded, takes
from jumpduck.storage.atomic_files import atomic_path, writable_folder

STORAGE: dict[str, str | bool | int | float | list[str]] = {
    "storage_compatibility_version": "v1.2.0"
}
"""The first that has zstd, which makes URLs half as long as the default, in half the time."""

MEMORY_LIMIT = "1500MB"

RELATIONS = """
    SELECT table_name AS relation, estimated_size AS "rows", comment
    FROM duckdb_tables()
    WHERE schema_name = $name
    UNION ALL
    SELECT view_name, NULL, comment FROM duckdb_views() WHERE schema_name = $name
    UNION ALL
    SELECT DISTINCT function_name || '(…)', NULL, comment
    FROM duckdb_functions()
    WHERE schema_name IN ($name, 'main') AND function_type = 'table_macro' AND NOT internal
    ORDER BY relation
"""


@takes(CatalogOptions)
def catalog(options: CatalogOptions) -> pl.DataFrame:
    """Build the catalog and get what is in it: relation, rows (of tables), comment.

    The file gets its name when it is complete; an earlier catalog stays until then.

    Raises
    ------
    QueryError
        A source, plate or plate type that the metadata does not know, or an option that the
        collection does not have.
    CatalogError
        A published file is missing or cannot be read, a table has two rows with the same key, or
        no plate asked for has images.
    StoreError
        The gallery or the metadata cannot be reached, or `path` cannot be written.
    """
    path = expanded(options.path)
    driver = find_driver(options.collection)
    last = driver_files(driver)[-1]
    with tempfile.TemporaryDirectory(prefix="jumpduck-", ignore_cleanup_errors=True) as temporary:
        scratch = Path(temporary)
        source = table_source(driver, options, scratch)
        try:
            writable_folder(path.parent)
        except StoreError as error:
            raise StoreError(f"cannot write {path}: {error}") from error
        variables = source.variables()
        with (
            atomic_path(path) as part,
            duckdb.connect(str(part), config=STORAGE) as con,
            interrupting(con),
        ):
            con.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
            con.execute("SET force_compression = 'zstd'")
            con.execute(
                "SET enable_progress_bar = FALSE"
            )  # because the command line shows progress
            con.execute("SET temp_directory = $folder", {"folder": str(scratch / "spill")})

            def before(file: Path) -> None:
                source.before(file, con)
                if file == last:
                    options.progress("catalog", 0, 1)

            run_sql_files(con, driver, variables, before=before)
            check_collection(con, driver.stem)
            relations = frame(con, RELATIONS, {"name": driver.stem})
    options.progress("catalog", 1, 1)
    return relations


def problems(path: str | Path) -> pl.DataFrame:
    """Get what was asked for and could not be read: Metadata_Source, reason, plates, lines."""
    with open_catalog(path) as con:
        relation = held_collection(con).relation("problems")
        return frame(
            con,
            f"""
            SELECT
                Metadata_Source, regexp_extract(reason, '^(.*?)(:| in |$)', 1) AS reason,
                count(DISTINCT (Metadata_Batch, Metadata_Plate)) AS plates,
                sum(lines)::BIGINT AS lines
            FROM {relation}
            GROUP BY ALL
            ORDER BY ALL
            """,  # noqa: S608
        )
