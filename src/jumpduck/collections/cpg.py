"""Any project of the Cell Painting Gallery: the load_data of its plates, and its platemaps."""

import csv
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import polars as pl

from jumpduck.collections.base import CatalogOptions, TableSource, gallery_root
from jumpduck.collections.image_rows import rows_of_load_data
from jumpduck.collections.list_tables import list_tables, note
from jumpduck.collections.load_data import WantedColumns, WantedPlate, fetch_load_data
from jumpduck.collections.platemaps import NamedTable
from jumpduck.collections.table_folders import read_tables
from jumpduck.counts import counted
from jumpduck.database.sql_files import Value, sql_root
from jumpduck.errors import CatalogError, QueryError
from jumpduck.rows import PLATE_KEY
from jumpduck.selection.suggestions import known_names
from jumpduck.storage.file_lists import list_files, list_folders
from jumpduck.storage.object_reader import ObjectReader, root_of, scheme_of

GALLERY = "s3://cellpainting-gallery"

COLUMNS = WantedColumns(
    re.compile(r"(URL|PathName|FileName)_.|Metadata_(Well|Site|CPD_WELL_POSITION)$"),
    ("Metadata_Well", "Metadata_CPD_WELL_POSITION"),
)
"""Of any stain; cpg0030 says the well in the second of the two."""

_NUMBER = re.compile(r"cpg[0-9]{4}")
_LOAD_DATA = re.compile(r"([^/]+)/([^/]+)/load_data(_with_illum)?\.(csv|csv\.gz|parquet)")
_ODD_NAME = re.compile(r'[\\*?\["\x00-\x1f]')
"""What a pattern of files would take for more than the name."""


class GalleryProject(TableSource):
    """Where the tables of a project come from.

    Parameters
    ----------
    options
        What to read.
    scratch
        Folder for copies; the caller removes it.

    Raises
    ------
    QueryError
        The project is missing, or cannot be the name of a folder.
    StoreError
        There is no such gallery folder.
    """

    def __init__(self, options: CatalogOptions, scratch: Path) -> None:
        self._options = options
        self._scratch = scratch
        self._gallery = gallery_root(options.gallery or GALLERY)
        self._reader = ObjectReader(options.endpoint)
        if options.project is None:
            raise QueryError(
                "project is missing; name one by its number or folder, such as cpg0000; known are "
                + ", ".join(name.partition("-")[0] for name in _known_projects())
            )
        if "/" in options.project or options.project in ("", ".", ".."):
            raise QueryError(
                f"project {options.project!r} is not the number or the folder of a project, like "
                "cpg0000"
            )

    def variables(self) -> Mapping[str, Value]:
        """Fetch load_data and platemaps, and get the variables that say where they are."""
        project = self._project_folder(str(self._options.project))
        root = f"{self._gallery}/{project}"
        notes: list[dict[str, object]] = []
        plates = self._plates(root, notes)
        step = partial(self._options.progress, "load_data")
        found = fetch_load_data(
            plates, root, self._scratch, self._reader, step, wanted_columns=COLUMNS
        )
        if not found.files:
            raise CatalogError(
                f"none of {counted(len(plates), 'plate')} of {project} has load_data that can be "
                f"read ({found.unread[0]['reason']}); choose others with `plates`"
            )
        for one in found.unread:
            keys = zip(PLATE_KEY, (one["source"], one["batch"], one["plate"]), strict=True)
            notes.append({**note(str(one["reason"])), **dict(keys)})
        tables = self._tables(root, sorted({one.source for one in plates}), notes)
        self._options.progress("platemaps", 1, 1)
        return {
            **list_tables("cpg", self._images(found.files, notes), tables, notes, self._scratch),
            "cpg_gallery": self._gallery,
            "cpg_endpoint": self._options.endpoint,
            "cpg_project": project,
            "cpg_metadata": self._options.metadata,
        }

    def _project_folder(self, project: str) -> str:
        """Get the folder of a project that may be named by its number."""
        if not _NUMBER.fullmatch(project):
            return project
        listed = list_folders(self._gallery, self._options.endpoint)
        of_number = [name for name in listed if name == project or name.startswith(f"{project}-")]
        if len(of_number) == 1:
            return of_number[0]
        if of_number:
            raise QueryError(
                f"project {project!r} is one of {', '.join(of_number)}; name one of them"
            )
        raise QueryError(
            f"there is no project {project!r} in {self._gallery}; there are "
            + (", ".join(name for name in listed if _NUMBER.match(name)) or "none")
        )

    def _plates(self, root: str, notes: list[dict[str, object]]) -> list[WantedPlate]:
        """Get the plates that have a folder of load_data."""
        folders = list_folders(root, self._options.endpoint)
        if not folders:
            raise CatalogError(f"there is nothing in {root}; check `project` and `gallery`")
        sources = known_names("source", self._options.sources, set(folders)) or folders
        plates: set[tuple[str, str, str]] = set()
        for done, source in enumerate(sorted(sources), 1):
            place = f"{root}/{source}/workspace/load_data_csv"
            if scheme_of(place) == "file" and not Path(place).is_dir():
                continue
            for file in list_files(place, self._options.endpoint):
                match = _LOAD_DATA.fullmatch(file.path)
                if match and _ODD_NAME.search(match[1] + match[2]):
                    notes.append(note(f"load_data in a folder whose name is odd: {file.path!r}"))
                elif match:
                    plates.add((source, match[1], match[2]))
            self._options.progress("plates", done, len(sources))
        if not plates:
            raise CatalogError(
                f"there is no load_data in {root}/*/workspace/load_data_csv; jumpduck reads "
                "projects that have it"
            )
        names = {plate for _, _, plate in plates}
        wanted = set(known_names("plate", self._options.plates, names) or names)
        return [
            WantedPlate(source, batch, plate, (batch,))
            for source, batch, plate in sorted(plates)
            if plate in wanted
        ]

    def _tables(
        self, root: str, sources: list[str], notes: list[dict[str, object]]
    ) -> list[NamedTable]:
        """Get the platemaps and what goes with them: those of `metadata`, else of the gallery."""

        def on_unread(reason: str) -> None:
            notes.append(note(f"a table of platemaps was not read: {reason}"))

        if self._options.metadata is not None:
            folder = root_of(self._options.metadata)
            return read_tables(self._reader, folder, on_unread=on_unread)
        tables: list[NamedTable] = []
        for source in sources:
            folder = f"{root}/{source}/workspace/metadata"
            if scheme_of(folder) != "file" or Path(folder).is_dir():
                tables += read_tables(self._reader, folder, source=source, on_unread=on_unread)
        if not tables:
            notes.append(note("no platemaps: what is in the wells is not known"))
        return tables

    def _images(self, files: list[str], notes: list[dict[str, object]]) -> Iterator[pl.DataFrame]:
        """Get the images of one plate after the other, with its key from the folder."""
        for file in files:
            source, _, _, batch, plate = Path(file).relative_to(self._scratch).parts[:5]
            table = pl.read_parquet(file, glob=False)
            keys = dict(zip(PLATE_KEY, (source, batch, plate), strict=True))
            rows = rows_of_load_data(table)
            if rows.is_empty():
                notes.append({**note("no lines under a header that names the wells"), **keys})
            yield rows.with_columns(
                *(pl.lit(value).alias(name) for name, value in keys.items()),
                *_in_parts("url"),
                *_in_parts("illum"),
            )


def _in_parts(name: str) -> list[pl.Expr]:
    """Get the folder and the name of what is not a URL, because the SQL looks at each folder once.

    A name without a folder is of no use.
    """
    whole = pl.col(name).str.contains("://", literal=True)
    folder = pl.when(~whole).then(pl.col(name).str.extract("^(.+)/[^/]+$"))
    file = pl.when(whole).then(name).when(folder.is_not_null()).then(
        pl.col(name).str.extract("([^/]+)$")
    )  # fmt: skip
    return [file.alias(name), folder.alias(f"{name}_folder")]


def _known_projects() -> list[str]:
    with (sql_root() / "cpg/projects.csv").open(encoding="utf-8", newline="") as file:
        return [row["project"] for row in csv.DictReader(file)]
