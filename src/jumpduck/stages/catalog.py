"""The tables of a collection -> catalog.duckdb, a cache that can be rebuilt at any time."""

import json
import tempfile
from dataclasses import fields
from pathlib import Path

import polars as pl

from jumpduck.collections.base import CatalogOptions, check_collection
from jumpduck.collections.registry import table_source
from jumpduck.database.connection import (
    check_database_path,
    frame,
    held_collection,
    interrupting,
    new_database,
    open_catalog,
)
from jumpduck.database.sql_files import driver_files, find_driver, run_sql_files
from jumpduck.errors import StoreError
from jumpduck.options import expanded, takes
from jumpduck.storage.atomic_files import atomic_path, writable_folder
from jumpduck.storage.object_reader import root_of
from jumpduck.storage.replaced_files import is_duckdb, refuse_other_file
from jumpduck.words import default_of

RELATIONS = """
    SELECT schema_name AS schema, table_name AS relation, estimated_size AS "rows", comment
    FROM duckdb_tables()
    WHERE schema_name = $name
    UNION ALL
    SELECT schema_name, view_name, NULL, comment FROM duckdb_views() WHERE schema_name = $name
    UNION ALL
    SELECT DISTINCT schema_name, function_name || '(…)', NULL, comment
    FROM duckdb_functions()
    WHERE schema_name IN ($name, 'main') AND function_type = 'table_macro' AND NOT internal
    ORDER BY relation
"""

FILES = ("gallery", "metadata", "index", "aliases", "samplesheet", "platemap")
"""Options that name a file or folder, or a URL."""


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
        The gallery or the metadata cannot be reached, `path` cannot be written, or is a file of
        another kind.
    """
    path = expanded(options.path)
    refuse_other_file(path, "a catalog", is_duckdb)
    driver = find_driver(options.collection)
    last = driver_files(driver)[-1]
    with tempfile.TemporaryDirectory(prefix="jumpduck-", ignore_cleanup_errors=True) as temporary:
        scratch = Path(temporary)
        source = table_source(driver, options, scratch)
        try:
            writable_folder(path.parent)
        except StoreError as error:
            raise StoreError(f"cannot write {path}: {error}") from error
        check_database_path(path)
        variables = {**source.variables(), "catalog_options": json.dumps(_given(options))}
        kept = source.kept_tables()
        with (
            atomic_path(path) as part,
            new_database(part, scratch, kept.database if kept else None) as con,
            interrupting(con),
        ):

            def before(file: Path) -> None:
                source.before(file, con)
                if file == last:
                    options.progress("catalog", 0, 1)

            made_by = kept.made_by if kept else ()
            run_sql_files(con, driver, variables, before=before, skip=made_by)
            relations = frame(con, RELATIONS, {"name": driver.stem})
            check_collection(con, driver.stem, relations)
    options.progress("catalog", 1, 1)
    return relations.drop("schema")


def _given(options: CatalogOptions) -> dict[str, object]:
    """Get what differs from the defaults, as far as it says what is read.

    Files and folders have their absolute paths, so that the command of a card, which is made of
    it, reads the same from any folder.
    """
    given: dict[str, object] = {}
    for one in fields(options):
        value = getattr(options, one.name)
        if one.name in ("path", "progress") or value == default_of(one):
            continue
        is_file = one.name in FILES or (one.name == "collection" and value.endswith(".sql"))
        given[one.name] = root_of(str(value)) if is_file else value
    return given


def imaged(path: str | Path) -> pl.DataFrame:
    """Get what a catalog has images of: Metadata_Source, plates, sites."""
    with open_catalog(path) as con:
        relation = held_collection(con).relation("sites")
        return frame(
            con,
            f"""
            SELECT
                Metadata_Source, count(DISTINCT plate_number) AS plates, count(*) AS sites
            FROM {relation}
            GROUP BY ALL
            ORDER BY ALL
            """,  # noqa: S608
        )


def problems(path: str | Path) -> pl.DataFrame:
    """Get what was asked for and could not be read: Metadata_Source, reason, plates, lines."""
    with open_catalog(path) as con:
        relation = held_collection(con).relation("problems")
        return frame(
            con,
            f"""
            SELECT
                Metadata_Source, regexp_extract(reason, '^(.*?)(: | in |$)', 1) AS reason,
                count(DISTINCT (Metadata_Batch, Metadata_Plate)) AS plates,
                sum(lines)::BIGINT AS lines
            FROM {relation}
            GROUP BY ALL
            ORDER BY ALL
            """,  # noqa: S608
        )
