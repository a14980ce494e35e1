"""A lab's own plates: a samplesheet, a pattern of file names, or an index of Harmony."""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import polars as pl

from jumpduck.collections.base import CatalogOptions, TableSource
from jumpduck.collections.file_pattern import FilePattern, file_pattern
from jumpduck.collections.harmony import INDEX_NAMES, rows_of_index
from jumpduck.collections.image_rows import LEAVES, image_table, plate_column, rows_of_list
from jumpduck.collections.list_tables import list_tables, note
from jumpduck.collections.platemaps import KEYS, MEANINGS, NamedTable, describe
from jumpduck.collections.table_folders import is_folder, read_table, read_tables
from jumpduck.collections.text_tables import LINE_PROBLEM, given
from jumpduck.containers.places import WHOLE, join_place
from jumpduck.counts import counted
from jumpduck.database.sql_files import Value
from jumpduck.errors import CatalogError, QueryError
from jumpduck.rows import PLATE_KEY
from jumpduck.storage.file_lists import ListedFile, list_files
from jumpduck.storage.object_reader import ObjectReader, root_of

DEFAULT_SOURCE = "own"
DEFAULT_BATCH = "all"
"""For plates of which nobody says it: they are parts of the path of every file."""


class OwnPlates(TableSource):
    """Where the tables of a lab's own plates come from.

    Parameters
    ----------
    options
        What to read.
    scratch
        Folder for tables; the caller removes it.

    Raises
    ------
    QueryError
        The gallery is missing, `samplesheet` and `pattern` are both given, or the pattern is wrong.
    """

    def __init__(self, options: CatalogOptions, scratch: Path) -> None:
        if options.samplesheet is not None and options.pattern is not None:
            raise QueryError("samplesheet and `pattern` cannot be used together; leave one out")
        if options.gallery is None and options.samplesheet is None:
            raise QueryError(
                "gallery is missing; name the folder or bucket of the plates, such as ./plates or "
                "s3://BUCKET/PLATES"
            )
        self._options = options
        self._scratch = scratch
        self._reader = ObjectReader(options.endpoint)
        self._sheet = None if options.samplesheet is None else root_of(str(options.samplesheet))
        gallery = options.gallery or str(self._sheet).rpartition("/")[0]
        self._gallery = root_of(gallery)
        self._pattern = None if options.pattern is None else file_pattern(options.pattern)

    def variables(self) -> Mapping[str, Value]:
        """List the images, read the platemap, and get the variables that say where they are."""
        self._options.progress("images", 0, 1)
        notes: list[dict[str, object]] = []
        wells: list[NamedTable] = []
        says_plates = False
        if self._sheet is not None:
            sheet = read_table(self._reader, self._sheet, "samplesheet")
            images = rows_of_list(sheet.path, sheet.table, self._url_of)
            says_plates = plate_column(sheet.table) is not None
            if self._options.platemap is None:
                wells = _wells_of(sheet)
        elif self._pattern is not None:
            images = self._images_by_pattern(self._pattern, notes)
        else:
            images = self._images_of_indexes(notes)
        if self._options.platemap is not None:
            wells = self._platemaps(root_of(str(self._options.platemap)), notes)
        plate = self._gallery.rstrip("/").rpartition("/")[2]
        if not says_plates:
            images = images.with_columns(pl.col("Metadata_Plate").fill_null(plate))
        images = images.with_columns(
            pl.col("Metadata_Source").fill_null(DEFAULT_SOURCE),
            pl.col("Metadata_Batch").fill_null(DEFAULT_BATCH),
        )
        tables = list_tables("own", [images], wells, notes, self._scratch)
        self._options.progress("images", 1, 1)
        return {
            **tables,
            "own_gallery": self._gallery,
            "own_endpoint": self._options.endpoint,
            "own_samplesheet": self._sheet,
            "own_pattern": self._options.pattern,
            "own_platemap": None if self._options.platemap is None else str(self._options.platemap),
        }

    def before(self, file: Path, con: duckdb.DuckDBPyConnection) -> None:
        """Refuse a list of which no image can be used: it would replace an earlier catalog."""
        if file.stem != "perturbation_names":
            return
        query = """
            SELECT coalesce(
                (SELECT reason FROM own.problems ORDER BY lines DESC NULLS LAST LIMIT 1),
                'none is listed'
            )
            WHERE NOT EXISTS (FROM own.sites)
        """
        for (reason,) in con.execute(query).fetchall():
            raise CatalogError(f"no image of the plates can be used: {reason}")

    def _url_of(self, path: pl.Expr) -> pl.Expr:
        """Get the URL of a path of a samplesheet: below the gallery, if it is not a whole one."""
        below = path.str.replace(r"^(\./+)+", "")
        whole = path.str.contains(r"^(?i:[a-z][a-z0-9+.-]*://|/|[a-z]:[\\/])")
        return (
            pl.when(path.str.contains(LEAVES))
            .then(None)
            .when(whole)
            .then(path)
            .otherwise(pl.concat_str(pl.lit(f"{self._gallery}/"), below))
        )

    def _images_by_pattern(
        self, pattern: FilePattern, notes: list[dict[str, object]]
    ) -> pl.DataFrame:
        files = self._listed()
        listed = pl.DataFrame(files, schema=["path", "image_bytes"], orient="row")
        rows = pattern.rows(listed["path"]).with_columns(listed["image_bytes"])
        other = rows.filter(~pl.col("fits"))
        rows = rows.filter("fits")
        if rows.is_empty():
            raise CatalogError(
                f"none of {counted(len(files), 'file')} below {self._gallery} fits the pattern "
                f"{self._options.pattern!r}, such as {files[0].path}; the pattern is that of the "
                "whole path from there"
            )
        if other.height:
            notes.append(note(f"files that do not fit the pattern, such as {other['path'][0]}",
                              lines=other.height))  # fmt: skip
        values = {name: rows[name] for name in rows.columns}
        well = values.get("well")
        if well is None:
            well = values["row"] + ":" + values["col"]
        return image_table(
            {
                "Metadata_Source": values.get("source"),
                "Metadata_Batch": values.get("batch"),
                "Metadata_Plate": values.get("plate"),
                "Metadata_Well": well,
                "Metadata_Site": values.get("site", ["1"] * rows.height),
                "Metadata_Channel": values["channel"],
                "plane": values.get("z"),
                "url": self._urls(values["path"]),
                "image_bytes": values["image_bytes"],
            }
        )

    def _images_of_indexes(self, notes: list[dict[str, object]]) -> pl.DataFrame:
        files = self._listed()
        indexes = [one for one in files if one.path.rpartition("/")[2] in INDEX_NAMES]
        if not indexes:
            raise CatalogError(
                f"there is no {' or '.join(INDEX_NAMES)} below {self._gallery}; say where the "
                "images are with `samplesheet` or `pattern`"
            )
        tables: list[pl.DataFrame] = []
        for one in indexes:
            folder = one.path.rpartition("/")[0]
            try:
                data = bytes(self._reader.read(f"{self._gallery}/{one.path}").data)
                rows = rows_of_index(data)
            except CatalogError as error:
                notes.append(note(f"{one.path}: {error}"))
                continue
            paths = f"{folder}/" + rows["url"] if folder else rows["url"]
            urls = self._urls(paths).alias("url")
            tables.append(rows.with_columns(urls, pl.lit(folder).alias("folder")))
        if not tables:
            raise CatalogError(f"no index of Harmony can be read: {notes[0]['reason']}")
        return _of_one_measurement(pl.concat(tables))

    def _listed(self) -> list[ListedFile]:
        files: list[ListedFile] = []
        for one in list_files(self._gallery, self._options.endpoint):
            if _is_unicode(one.path):  # what is not could be no text of a table
                files.append(one)
        if not files:
            raise CatalogError(f"there are no files below {self._gallery}; check `gallery`")
        return files

    def _urls(self, paths: pl.Series) -> pl.Series:
        """Get the URLs of files that were found below the gallery."""
        urls = f"{self._gallery}/" + paths
        if urls.str.contains("#", literal=True).any():
            urls = urls.map_elements(lambda url: join_place(url, WHOLE), pl.String)
        return urls

    def _platemaps(self, root: str, notes: list[dict[str, object]]) -> list[NamedTable]:
        """Get the platemap, or all tables of a folder of platemaps."""
        if is_folder(root):
            tables = read_tables(
                self._reader, root, on_unread=lambda reason: notes.append(note(reason))
            )
        else:
            tables = [read_table(self._reader, root, "platemap")]
        keys = pl.DataFrame(schema=dict.fromkeys(PLATE_KEY, pl.String))
        if not describe(keys, tables).has_maps:
            raise CatalogError(
                f"platemap {root} does not say what is in the wells; it needs the columns `well` "
                f"and one of {', '.join(MEANINGS['perturbation'])}"
            )
        return tables


def _wells_of(sheet: NamedTable) -> list[NamedTable]:
    """Get what a samplesheet says of its wells, which are in it once for each image."""
    plain = {name.lower().removeprefix("metadata_"): name for name in sheet.table.columns}
    said = {name for names in MEANINGS.values() for name in names} | {"target"}
    keys = {name for names in KEYS.values() for name in names} - {"map_name"}
    if not set(MEANINGS["perturbation"]) & set(plain):
        return []
    kept = [column for name, column in plain.items() if name in said | keys]
    lines = sheet.table
    if plate := plate_column(lines):  # what a line without its plate says is not that of all plates
        lines = lines.filter(given(plate).is_not_null())
    return [NamedTable(sheet.path, lines.select(*kept, LINE_PROBLEM).unique())]


def _of_one_measurement(rows: pl.DataFrame) -> pl.DataFrame:
    """Give a reason to images of a well that several folders have: a site would mix them."""
    folders = pl.col("folder").filter(pl.col("reason").is_null()).n_unique()
    several = folders.over("Metadata_Plate", "Metadata_Well") > 1
    odd = pl.col("reason").is_null() & several
    reason = pl.when(odd).then(pl.lit("a well that two measurements of the plate have"))
    return rows.with_columns(reason.otherwise("reason").alias("reason")).drop("folder")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
