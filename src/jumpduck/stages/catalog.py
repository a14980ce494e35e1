"""Published metadata and load_data -> catalog.duckdb, a cache that can be rebuilt any time."""

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import duckdb
import polars as pl

from jumpduck.collections import published_metadata as published
from jumpduck.collections.load_data import Found, local_load_data
from jumpduck.database.sql_files import frame, open_catalog, run_driver, set_variable
from jumpduck.errors import CatalogError, QueryError, StoreError
from jumpduck.selection.suggestions import check_names
from jumpduck.storage.atomic_files import atomic_path, writable_folder
from jumpduck.storage.object_reader import GALLERY, ObjectReader, root_of, scheme_of

COLLECTION = "jump"
PROJECT = "cpg0016-jump"

STORAGE: dict[str, str | bool | int | float | list[str]] = {
    "storage_compatibility_version": "v1.2.0"
}
"""The first that has zstd, which makes URLs half as long as the default, in half the time."""

RELATIONS = """
    SELECT table_name AS relation, estimated_size AS "rows", comment
    FROM duckdb_tables()
    WHERE schema_name = 'jump'
    UNION ALL
    SELECT view_name, NULL, comment FROM duckdb_views() WHERE schema_name = 'jump'
    UNION ALL
    SELECT DISTINCT function_name || '(…)', NULL, comment
    FROM duckdb_functions()
    WHERE schema_name = 'jump' AND function_type = 'table_macro'
    ORDER BY relation
"""


def catalog(
    path: str | Path = "catalog.duckdb",
    *,
    gallery: str = GALLERY,
    project: str = PROJECT,
    metadata: str = published.ROOT,
    index: str | None = None,
    endpoint: str | None = None,
    sources: Sequence[str] = (),
    plates: Sequence[str] = (),
    plate_types: Sequence[str] = (),
    progress: Callable[[str, int, int], None] = lambda _step, _done, _total: None,
) -> pl.DataFrame:
    """Build the catalog and get what is in it: relation, rows (of tables), comment.

    The file appears under its name only when complete; an earlier one stays until then.

    Parameters
    ----------
    path
        Where the catalog goes.
    gallery
        Root that stands for ``s3://cellpainting-gallery``: ``s3://``, ``http(s)://`` or a folder.
    project
        Folder of the collection inside the gallery.
    metadata
        Folder of the published metadata tables: ``s3://``, ``http(s)://`` or a folder.
    index
        Site index to read instead of load_data: one Parquet file with a row for each site. For
        all of JUMP from its own bucket it is the published one by default.
    endpoint
        S3 server other than AWS.
    sources, plates, plate_types
        Whose load_data to read; all by default. The metadata is always read whole. A plate whose
        load_data is missing or odd is a row of jump.load_data_files with the reason.
    progress
        Called with a step, how much of it is done, and how much there is.

    Raises
    ------
    QueryError
        A source, plate or plate type that the metadata does not know.
    CatalogError
        A published file is missing or cannot be read, or no plate asked for has load_data.
    StoreError
        The gallery or the metadata cannot be reached, or `path` cannot be written.
    """
    path = Path(path)
    gallery, metadata = root_of(gallery), root_of(metadata)
    if scheme_of(gallery) == "file" and not Path(gallery).is_dir():
        raise StoreError(f"no gallery folder {gallery}; check --gallery")
    if "/" in project or project in ("", ".", ".."):
        raise QueryError(f"--project {project!r} is no name of a folder, like {PROJECT}")
    named = bool(sources or plates or plate_types)
    if index is not None and named:
        raise QueryError("--index reads all plates; choose among them with `jumpduck manifest`")
    if index is None and not named and (gallery, project, endpoint) == (GALLERY, PROJECT, None):
        index = published.SITE_INDEX
    stores = ObjectReader(endpoint)
    try:
        writable_folder(path.parent)
    except StoreError as error:
        raise StoreError(f"cannot write {path}: {error.__cause__}") from error

    with tempfile.TemporaryDirectory(prefix="jumpduck-", ignore_cleanup_errors=True) as temporary:
        scratch = Path(temporary)
        progress("metadata", 0, 1)
        folder = published.metadata_folder(metadata, scratch, stores)
        progress("metadata", 1, 1)
        with atomic_path(path) as part, duckdb.connect(str(part), config=STORAGE) as con:
            con.execute("SET memory_limit = '1500MB'")
            con.execute("SET force_compression = 'zstd'")
            con.execute("SET enable_progress_bar = FALSE")  # progress is ours to show
            con.execute("SET temp_directory = $folder", {"folder": str(scratch / "spill")})

            def before(file: Path) -> None:
                if file.stem != "load_data_files":
                    return
                if index is not None:
                    where = published.site_index(
                        root_of(index), scratch, stores, partial(progress, "site index")
                    )
                    set_variable(con, "jump_index", str(where))
                else:
                    chosen = _choose(con, sources, plates, plate_types)
                    root = f"{gallery}/{project}"
                    step = partial(progress, "load_data")
                    found = local_load_data(chosen, root, scratch, stores, step)
                    _set_load_data(con, found, root)
                progress("catalog", 0, 1)

            variables = {
                "jump_gallery": gallery,
                "jump_endpoint": endpoint,
                "jump_project": project,
                "jump_metadata": metadata,
                "jump_metadata_copy": str(folder),
                "jump_revision": published.revision(metadata, folder),
                "jump_site_index": index,
            }
            run_driver(con, COLLECTION, variables, before=before)
            relations = frame(con, RELATIONS)
    progress("catalog", 1, 1)
    return relations


def _set_load_data(con: duckdb.DuckDBPyConnection, found: Found, root: str) -> None:
    if not found.files:
        plates, reason = len(found.unread), found.unread[0]["reason"]
        raise CatalogError(
            f"none of {plates:,} plates has load_data under {root} ({reason}); "
            "check --gallery and --endpoint"
        )
    set_variable(con, "jump_load_data", found.files)
    if found.unread:
        set_variable(con, "jump_load_data_unread", found.unread)


def problems(path: str | Path) -> pl.DataFrame:
    """Get what was asked for and could not be read: Metadata_Source, reason, plates, lines."""
    with open_catalog(path) as con:
        return frame(
            con,
            """
            SELECT Metadata_Source, split_part(reason, ' in ', 1) AS reason, count(*) AS plates,
                   NULL::BIGINT AS lines
            FROM jump.load_data_files WHERE reason IS NOT NULL GROUP BY ALL
            UNION ALL
            SELECT Metadata_Source, split_part(reason, ':', 1) AS reason,
                   count(DISTINCT Metadata_Plate) AS plates, count(*) AS lines
            FROM jump.load_rows WHERE reason IS NOT NULL GROUP BY ALL
            ORDER BY ALL
            """,
        )


def _choose(
    con: duckdb.DuckDBPyConnection,
    sources: Sequence[str],
    plates: Sequence[str],
    plate_types: Sequence[str],
) -> pl.DataFrame:
    known = frame(con, "FROM jump.plates")
    asked = {
        "Metadata_Source": ("source", sources),
        "Metadata_Plate": ("plate", plates),
        "Metadata_PlateType": ("plate type", plate_types),
    }
    chosen = known
    for column, (what, names) in asked.items():
        check_names(what, names, set(known[column].drop_nulls()))
        if names:
            chosen = chosen.filter(pl.col(column).is_in(list(names)))
    if chosen.is_empty():
        raise CatalogError("no plate fits all of what was asked for; ask for less at once")
    return chosen
