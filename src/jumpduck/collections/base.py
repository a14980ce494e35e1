"""What a collection does before its sql files run."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from pathlib import Path
from typing import NamedTuple

import duckdb
import polars as pl

from jumpduck.database.sql_files import Value
from jumpduck.errors import CatalogError, QueryError, StoreError
from jumpduck.storage.object_reader import root_of, scheme_of

Progress = Callable[[str, int, int], None]


def no_progress(_step: str, _done: int, _total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class CatalogOptions:
    """What to build a catalog from.

    Parameters
    ----------
    path
        File of the catalog.
    collection
        Name of a collection, or path of a driver: ``folder/NAME.sql``.
    gallery
        Root that stands for the collection's bucket: ``s3://``, ``http(s)://`` or a folder. The
        bucket itself by default.
    project
        Folder of the collection inside the gallery.
    metadata
        Folder of the published metadata tables: ``s3://``, ``http(s)://`` or a folder.
    index
        Site index to read instead of load_data: one Parquet file with a row for each site. For
        all of JUMP from its own bucket it is the published one by default.
    aliases
        File of NCBI's ``gene_info``, as downloaded, plain or .gz: other names of genes, and the
        chromosome arms that they lie on.
    endpoint
        S3 server other than AWS.
    sources
        Sources whose images to look for; all by default, as for all names. The metadata is always
        read whole. A plate that cannot be read is a row of the collection's problems, with the
        reason.
    plates
        Plates whose images to look for.
    plate_types
        Plate types whose images to look for.
    perturbations
        Perturbations on whose plates to look for images, by any name that the collection knows.
    studies
        Studies to read, by their accessions.
    package
        Package to read: ``BUCKET/USER/NAME``, or the name of one that the collection knows.
    top_hash
        Revision of the package; the latest by default.
    samplesheet
        CSV file with a row for each image or site.
    pattern
        How the files are named, with placeholders: ``{plate}/{well}_s{site}_w{channel}.tif``.
    platemap
        CSV file that says what is in each well.
    progress
        Called with a step, how much of it is done, and how much there is.
    """

    path: str | Path = "catalog.duckdb"
    _: KW_ONLY
    collection: str = "jump"
    gallery: str | None = None
    project: str | None = None
    metadata: str | None = None
    index: str | None = None
    aliases: str | Path | None = None
    endpoint: str | None = None
    sources: Sequence[str] = ()
    plates: Sequence[str] = ()
    plate_types: Sequence[str] = ()
    perturbations: Sequence[str] = ()
    studies: Sequence[str] = ()
    package: str | None = None
    top_hash: str | None = None
    samplesheet: str | Path | None = None
    pattern: str | None = None
    platemap: str | Path | None = None
    progress: Progress = field(default=no_progress, repr=False)


OPTIONS = tuple(
    one.name for one in fields(CatalogOptions) if one.name not in ("path", "collection", "progress")
)
"""Options that a collection may take, or not."""


def check_options(name: str, options: CatalogOptions, taken: Collection[str]) -> None:
    """Raise QueryError for an option that is set, and that the collection does not take."""
    for option in OPTIONS:
        if option not in taken and getattr(options, option) not in (None, ()):
            names = ", ".join(f"`{name}`" for name in taken)
            which = f"takes {names}" if taken else "takes none"
            raise QueryError(
                f"{option} cannot be used for collection {name!r}, which {which}; leave it out"
            )


class KeptTables(NamedTuple):
    """A database that has some of the tables of a collection.

    Attributes
    ----------
    database
        To be moved to where the catalog is made.
    made_by
        The SQL files that made the tables: they need not run.
    """

    database: Path
    made_by: frozenset[Path]


class TableSource:
    """Where the tables of one collection come from; its defaults are those of one without any."""

    def variables(self) -> Mapping[str, Value]:
        """Get the SQL variables to set before the first file runs; fetches what they name."""
        return {}

    def kept_tables(self) -> KeptTables | None:
        """Get a database that has some of the tables already; None where there is none."""
        return None

    def before(self, file: Path, con: duckdb.DuckDBPyConnection) -> None:
        """Prepare what `file` reads; by default nothing."""


class SqlAlone(TableSource):
    """A collection whose sql files read all that they need.

    An option that is text becomes the variable NAME_OPTION, where NAME is the name of the
    collection.
    """

    def __init__(self, name: str, options: CatalogOptions) -> None:
        values = {option: getattr(options, option) for option in OPTIONS}
        self._variables = {
            f"{name}_{option}": None if value is None else str(value)
            for option, value in values.items()
            if value is None or isinstance(value, str | Path)
        }

    def variables(self) -> Mapping[str, Value]:
        """Get the options that are set."""
        return self._variables


def gallery_root(gallery: str) -> str:
    """Get a gallery as SQL and the manifest use it.

    Raises
    ------
    StoreError
        There is no such folder.
    """
    root = root_of(gallery)
    if scheme_of(root) == "file" and not Path(root).is_dir():
        raise StoreError(f"gallery {root} is not a folder; give one that exists")
    return root


REQUIRED: Mapping[str, Sequence[str]] = {
    "settings": ("endpoint",),
    "channels": ("Metadata_Channel", "kind", "position", "colour", "emission_nm", "marks"),
    "plates": ("Metadata_Source", "Metadata_Batch", "Metadata_Plate", "Metadata_PlateType"),
    "sites": (
        "Metadata_Source", "Metadata_Batch", "Metadata_Plate", "Metadata_Well", "Metadata_Site",
        "Metadata_PlateType", "Metadata_pert_type", "Metadata_modality", "site_key", "site_number",
        "plate_number", "image_channels", "images", "image_bytes", "plate_issue", "plate_dropped",
        "issues",
    ),
    "perturbation_names": ("name", "Metadata_modality"),
    "problems": ("Metadata_Source", "Metadata_Batch", "Metadata_Plate", "reason", "lines"),
    "recipe_sizes": ("recipe", "mean_bytes"),
}  # fmt: skip
"""The relations that a collection must make, and the columns that jumpduck reads."""

REQUIRED_MACROS = ("find", "find_wells", "find_perturbations")


def check_collection(con: duckdb.DuckDBPyConnection, name: str, relations: pl.DataFrame) -> None:
    """Check that the sql files made all that a collection must make.

    Parameters
    ----------
    relations
        What they made: schema and relation, because DuckDB takes long to list its functions.

    Raises
    ------
    CatalogError
        A relation, column or macro is missing; the message names it.
    """
    query = "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = $name"
    made = set(con.execute(query, {"name": name}).fetchall())
    own = set(relations.filter(schema=name)["relation"])
    held = {name for (name,) in con.execute("SELECT collection FROM main.collections").fetchall()}
    macros = [f"{macro}(…)" for macro in REQUIRED_MACROS]
    missing = [f"{name}.{macro}" for macro in macros if macro not in own]
    for relation, columns in REQUIRED.items():
        absent = [column for column in columns if (relation, column) not in made]
        if absent:
            missing.append(f"{name}.{relation} ({', '.join(absent)})")
    if held != {name}:
        missing.append(f"a row {name!r} in main.collections")
    if missing:
        raise CatalogError(
            f"the sql files of collection {name!r} do not make {'; '.join(missing)}; "
            "see sql/README.md for what a collection provides"
        )
