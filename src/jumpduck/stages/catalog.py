"""Published metadata and load_data -> catalog.duckdb, a cache that can be rebuilt any time."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import polars as pl

from jumpduck import published
from jumpduck.driver import frame, run_driver, set_variable
from jumpduck.errors import CatalogError, StoreError
from jumpduck.files import replacing, writable_folder
from jumpduck.load_data import local_load_data
from jumpduck.names import check_names
from jumpduck.stores import GALLERY, Stores, root_of, scheme_of

COLLECTION = "jump"
PROJECT = "cpg0016-jump"

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
    metadata: str = published.ROOT,
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
    metadata
        Folder of the published metadata tables: ``s3://``, ``http(s)://`` or a folder.
    endpoint
        S3 server other than AWS.
    sources, plates, plate_types
        Whose load_data to read; all by default. The metadata is always read whole.
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
    stores = Stores(endpoint)
    try:
        writable_folder(path.parent)
    except StoreError as error:
        raise StoreError(f"cannot write {path}: {error.__cause__}") from error

    with tempfile.TemporaryDirectory(prefix="jumpduck-") as temporary:
        scratch = Path(temporary)
        progress("metadata", 0, 1)
        folder = published.metadata_folder(metadata, scratch, stores)
        progress("metadata", 1, 1)
        with replacing(path) as part, duckdb.connect(str(part)) as con:

            def before(file: Path) -> None:
                if file.name != "load_data_files.sql":
                    return
                chosen = _choose(con, sources, plates, plate_types)
                files = local_load_data(
                    chosen,
                    f"{gallery}/{PROJECT}",
                    scratch,
                    stores,
                    lambda done, total: progress("load_data", done, total),
                )
                if not files:
                    raise CatalogError(
                        f"none of {chosen.height:,} plates has load_data under "
                        f"{gallery}/{PROJECT}; check --gallery and --endpoint"
                    )
                set_variable(con, "jump_load_data", files)
                progress("catalog", 0, 1)

            variables = {
                "jump_gallery": gallery,
                "jump_endpoint": endpoint,
                "jump_project": PROJECT,
                "jump_metadata": metadata,
                "jump_metadata_copy": str(folder),
            }
            run_driver(con, COLLECTION, variables, before=before)
            relations = frame(con, RELATIONS)
    progress("catalog", 1, 1)
    return relations


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
