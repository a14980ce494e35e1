"""JUMP Cell Painting: the published metadata, and the load_data of each plate or a site index."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import duckdb
import polars as pl

from jumpduck.collections import published_metadata as published
from jumpduck.collections.base import CatalogOptions, KeptTables, TableSource, gallery_root
from jumpduck.collections.gene_info import gene_info_file
from jumpduck.collections.kept_metadata import metadata_tables
from jumpduck.collections.load_data import WantedPlate, fetch_load_data
from jumpduck.counts import counted
from jumpduck.database.connection import frame, held_collection
from jumpduck.database.sql_files import Value, as_pattern, find_driver, set_variable
from jumpduck.errors import CatalogError, QueryError
from jumpduck.rows import PLATE_KEY
from jumpduck.selection.names import check_perturbations, look_up
from jumpduck.selection.pipeline import separate_perturbations
from jumpduck.selection.suggestions import known_names
from jumpduck.storage.object_reader import ObjectReader, root_of

GALLERY = "s3://cellpainting-gallery"
PROJECT = "cpg0016-jump"


class JumpTables(TableSource):
    """Where the tables of JUMP come from.

    Files are fetched beforehand, because DuckDB's own reader waits for one after the other: it is
    ten times as slow for thousands of small files.

    Parameters
    ----------
    options
        What to read.
    scratch
        Folder for copies; the caller removes it.

    Raises
    ------
    QueryError
        The project cannot be the name of a folder, or an index is given together with plates.
    StoreError
        There is no such gallery folder.
    """

    def __init__(self, options: CatalogOptions, scratch: Path) -> None:
        self._options = options
        self._scratch = scratch
        self._gallery = gallery_root(options.gallery or GALLERY)
        self._project = PROJECT if options.project is None else options.project
        self._metadata = root_of(options.metadata or published.ROOT)
        self._reader = ObjectReader(options.endpoint)
        if "/" in self._project or self._project in ("", ".", ".."):
            raise QueryError(
                f"project {self._project!r} is not the name of a folder, like {PROJECT}"
            )
        named = bool(options.sources or options.plates or options.plate_types)
        if options.index is not None and named:
            raise QueryError(
                "index cannot be used with `sources`, `plates`, `plate_types` or `perturbations`, "
                "because an index is read whole; choose with `jumpduck manifest`"
            )
        self._index = options.index
        self._aliases = None if options.aliases is None else gene_info_file(options.aliases)
        bucket = (self._gallery, self._project, options.endpoint) == (GALLERY, PROJECT, None)
        if self._index is None and not named and bucket:
            self._index = published.SITE_INDEX

    def variables(self) -> Mapping[str, Value]:
        """Fetch the metadata, and get the variables that say where everything is."""
        self._options.progress("metadata", 0, 1)
        folder = published.metadata_folder(self._metadata, self._scratch, self._reader)
        unread = published.fetch_annotations(self._metadata, folder, self._reader)
        no_profiles = published.fetch_profile_index(self._metadata, folder, self._reader)
        self._options.progress("metadata", 1, 1)
        self._variables: dict[str, Value] = {
            "jump_gallery": self._gallery,
            "jump_endpoint": self._options.endpoint,
            "jump_project": self._project,
            "jump_metadata": self._metadata,
            "jump_metadata_copy": as_pattern(folder),
            "jump_revision": published.revision(self._metadata, folder),
            "jump_site_index": self._index,
            "jump_annotations_unread": unread or None,
            "jump_profiles_unread": no_profiles,
            "jump_aliases": self._aliases and as_pattern(self._aliases),
        }
        return self._variables

    def kept_tables(self) -> KeptTables | None:
        """Get the tables of these metadata, which are made at their first use."""
        return metadata_tables(
            find_driver(self._options.collection), self._variables, self._scratch
        )

    def before(self, file: Path, con: duckdb.DuckDBPyConnection) -> None:
        """Fetch the site index or the load_data, when the table of plates is there."""
        if file.stem != "load_data_files":
            return
        if self._index is not None:
            step = partial(self._options.progress, "site index")
            index = published.site_index(root_of(self._index), self._scratch, self._reader, step)
            set_variable(con, "jump_index", as_pattern(index))
            return
        root = f"{self._gallery}/{self._project}"
        step = partial(self._options.progress, "load_data")
        named = frame(con, "FROM jump.named_plates")
        keys = named.select(PLATE_KEY).rows()
        batches: dict[str, set[str]] = defaultdict(set)
        for source, batch, _ in keys:
            batches[source] |= {batch} - {None}
        plates = [
            WantedPlate(source, batch, plate, (batch,) if batch else tuple(sorted(batches[source])))
            for source, batch, plate in self._choose(con, named).select(PLATE_KEY).rows()
        ]
        found = fetch_load_data(plates, root, self._scratch, self._reader, step)
        if not found.files:
            reason = found.unread[0]["reason"]
            raise CatalogError(
                f"none of {counted(len(plates), 'plate')} has load_data under {root} ({reason}); "
                "check `gallery` and `endpoint`"
            )
        set_variable(con, "jump_load_data", [as_pattern(file) for file in found.files])
        if found.unread:
            set_variable(con, "jump_load_data_unread", found.unread)

    def _choose(self, con: duckdb.DuckDBPyConnection, known: pl.DataFrame) -> pl.DataFrame:
        asked = {
            "Metadata_Source": ("source", self._options.sources),
            "Metadata_Plate": ("plate", self._options.plates),
            "Metadata_PlateType": ("plate type", self._options.plate_types),
        }
        chosen = known
        for column, (what, names) in asked.items():
            if meant := known_names(what, names, set(known[column].drop_nulls())):
                chosen = chosen.filter(pl.col(column).is_in(meant))
        if self._options.perturbations:
            plates = _plates_of(con, self._options.perturbations)
            chosen = chosen.join(plates, on=plates.columns, how="semi")
        if chosen.is_empty():
            raise CatalogError(
                "no plate is of all the `sources`, `plates`, `plate_types` and `perturbations` "
                "asked for; ask for fewer"
            )
        return chosen


def _plates_of(con: duckdb.DuckDBPyConnection, perturbations: Sequence[str]) -> pl.DataFrame:
    """Get the source and name of each plate that one of the perturbations is on."""
    held = held_collection(con)
    names = separate_perturbations(con, held, perturbations)
    query = "SELECT asked, matched_by, Metadata_JCP2022 FROM jump.find_perturbations($names)"
    found = look_up(con, held, query, names)
    check_perturbations(con, "perturbation", names, set(found["asked"]))
    return frame(
        con,
        """
        SELECT DISTINCT Metadata_Source, Metadata_Plate FROM jump.wells
        WHERE list_contains($found, Metadata_JCP2022)
        """,
        {"found": found["Metadata_JCP2022"].unique().to_list()},
    )
