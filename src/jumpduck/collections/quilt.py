"""A package of Quilt: its manifest, checked against the top hash, and its table."""

import mmap
from collections.abc import Mapping
from pathlib import Path

import duckdb

from jumpduck.collections.base import CatalogOptions, TableSource, gallery_root
from jumpduck.collections.quilt_hash import check_top_hash
from jumpduck.collections.quilt_packages import find_package
from jumpduck.collections.quilt_registry import Registry
from jumpduck.collections.quilt_table import choose_table, write_rows
from jumpduck.containers.checksums import wrong_checksum
from jumpduck.containers.places import split_place
from jumpduck.database.sql_files import Value, as_pattern, set_variable
from jumpduck.errors import CatalogError

MAX_CHANNELS = 200


class QuiltTables(TableSource):
    """Where the tables of a package come from.

    Parameters
    ----------
    options
        What to read.
    scratch
        Folder for copies; the caller removes it.

    Raises
    ------
    QueryError
        No package was named, or the name cannot be that of one.
    StoreError
        There is no such gallery folder.
    """

    def __init__(self, options: CatalogOptions, scratch: Path) -> None:
        self._options = options
        self._scratch = scratch
        self._package, self._known = find_package(options.package)
        self._gallery = gallery_root(options.gallery or f"s3://{self._package.bucket}")
        self._registry = Registry(self._gallery, self._package, options.endpoint)
        self._manifest = scratch / "manifest.jsonl"
        self._top_hash = ""

    def variables(self) -> Mapping[str, Value]:
        """Fetch the manifest, and get the variables that say what the package is."""
        self._options.progress("manifest", 0, 1)
        self._top_hash = self._registry.top_hash(self._options.top_hash)
        self._registry.save_manifest(self._top_hash, self._manifest)
        self._options.progress("manifest", 1, 1)
        return {
            "quilt_gallery": self._gallery,
            "quilt_endpoint": self._options.endpoint,
            "quilt_bucket": self._package.bucket,
            "quilt_user": self._package.user,
            "quilt_name": self._package.name,
            "quilt_top_hash": self._top_hash,
            "quilt_manifest": as_pattern(self._manifest),
            "quilt_modality": self._known.modality,
        }

    def before(self, file: Path, con: duckdb.DuckDBPyConnection) -> None:
        """Check the manifest before its lines are used, and fetch the table that it names."""
        if file.stem == "entries":
            check_top_hash(con, self._manifest, self._top_hash)
        elif file.stem == "own_rows":
            self._fetch_table(con)
        elif file.stem == "named_images":
            self._check_columns(con)
        elif file.stem == "images":
            images = self._scratch / "images.parquet"
            con.sql("FROM quilt_named_images").write_parquet(str(images), compression="lz4")
            set_variable(con, "quilt_images", as_pattern(images))
        elif file.stem == "layouts":
            self._check_channels(con)
        elif file.stem == "perturbation_names":
            self._check_sites(con)

    def _fetch_table(self, con: duckdb.DuckDBPyConnection) -> None:
        query = "SELECT logical_key, url FROM quilt_entries WHERE NOT is_image AND reason IS NULL"
        tables: dict[str, str] = dict(con.execute(query).fetchall())
        chosen = choose_table(tables, self._known)
        rows = self._scratch / "rows.parquet"
        set_variable(con, "quilt_rows", as_pattern(rows))
        if chosen is None:
            con.sql("FROM quilt_named_rows").write_parquet(str(rows), compression="lz4")
            return
        self._options.progress("table", 0, 1)
        address, place = split_place(tables[chosen])
        table = self._scratch / f"table{Path(chosen).suffix}"
        try:
            self._registry.save(address, table)
        except (FileNotFoundError, PermissionError) as error:
            raise CatalogError(f"the package's table {chosen} cannot be had: {error}") from error
        if (reason := _wrong_bytes(table, place["checksum"])) is not None:
            raise CatalogError(
                f"the package's table {chosen} is not the one that was published: {reason}; "
                "check `gallery`"
            )
        columns = write_rows(table, self._known, rows)
        pages = self._known.pages()
        if {row["image_column"] for row in pages} <= set(columns):
            set_variable(con, "quilt_pages", pages or None)
        self._options.progress("table", 1, 1)

    def _check_columns(self, con: duckdb.DuckDBPyConnection) -> None:
        rows = con.execute("SELECT count(*) FROM quilt.image_columns").fetchall()
        if rows == [(0,)]:
            raise CatalogError(
                f"package {'/'.join(self._package)} has no images that its table names, "
                "or none at all; images are files that end with .tif, .tiff or .png"
            )

    def _check_channels(self, con: duckdb.DuckDBPyConnection) -> None:
        ((channels,),) = con.execute("SELECT count(*) FROM quilt.channels").fetchall()
        if channels > MAX_CHANNELS:
            raise CatalogError(
                f"package {'/'.join(self._package)} says that its images are of {channels:,} "
                f"channels; at most {MAX_CHANNELS} can be told apart"
            )

    def _check_sites(self, con: duckdb.DuckDBPyConnection) -> None:
        query = """
            SELECT reason FROM quilt.problems
            WHERE NOT EXISTS (FROM quilt.sites) ORDER BY lines DESC LIMIT 1
        """
        for (reason,) in con.execute(query).fetchall():
            raise CatalogError(f"no image of the package can be used: {reason}")


def _wrong_bytes(file: Path, checksum: str) -> str | None:
    """Get why a file is not the one that was published, None if it is."""
    if file.stat().st_size == 0:
        return wrong_checksum(checksum, b"")
    with (
        file.open("rb") as data,
        mmap.mmap(data.fileno(), 0, access=mmap.ACCESS_READ) as pages,
        memoryview(pages) as content,
    ):
        return wrong_checksum(checksum, content)
