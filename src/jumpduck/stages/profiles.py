"""The catalog -> published profiles of wells, with what the catalog says of each."""

import json
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.collections.base import Progress, no_progress
from jumpduck.database.connection import HeldCollection, frame, held_collection, open_catalog
from jumpduck.errors import ProfileError, QueryError
from jumpduck.options import expanded, takes
from jumpduck.profile_tables.columns import ROW_NUMBER
from jumpduck.profile_tables.profiles import PERTURBATION_FACT, Profiles
from jumpduck.profile_tables.published import PublishedFile
from jumpduck.profile_tables.reading import BLOCK_BYTES, ProfileTable
from jumpduck.profile_tables.writing import write_parts
from jumpduck.selection.criteria import Names, as_names
from jumpduck.selection.places import COLUMNS
from jumpduck.selection.suggestions import known_names
from jumpduck.storage.atomic_files import PART_SUFFIX, make_folder
from jumpduck.storage.object_reader import scheme_of
from jumpduck.storage.replaced_files import is_parquet, refuse_other_file

WELL = ("Metadata_Source", "Metadata_Plate", "Metadata_Well")
"""What a row of published profiles and a published well have in common."""

UNKNOWN, DIFFERS = "the catalog knows no such well", "the catalog has another perturbation"
"""Columns that are counted and not written."""

ASKED = ("sources", "plates", "plate_types")
"""Parameters that choose plates."""

FACT = "jumpduck.profiles"
"""Key under which a table says what it was made of."""


@dataclass(frozen=True)
class ProfilesOptions:
    """Which profiles to fetch.

    Parameters
    ----------
    subset
        Name of a published table; without one, what there is is listed.
    sources
        Sources whose plates to fetch; all by default, as for all names.
    plates
        Plates to fetch.
    plate_types
        Plate types to fetch. In JUMP: COMPOUND, ORF, CRISPR, TARGET2 and others.
    features
        Features to fetch, by names or patterns such as ``Cells_*``.
    catalog
        Catalog made by `jumpduck catalog`.
    path
        Parquet file to write.
    dry_run
        Say what would be fetched, and stop.
    progress
        Called with a step, how much of it is done, and how much there is.
    """

    subset: str | None = None
    _: KW_ONLY
    sources: Names = ()
    plates: Names = ()
    plate_types: Names = ()
    features: Names = ()
    catalog: str | Path = "catalog.duckdb"
    path: str | Path = "profiles.parquet"
    dry_run: bool = False
    progress: Progress = field(default=no_progress, repr=False)


@dataclass(frozen=True)
class FetchedProfiles:
    """What was published, and what of it was fetched.

    Attributes
    ----------
    published
        One row a published table: subset, url, etag, recipe, config. With a subset, that one.
    plates
        One row a plate: its key, type and number of wells.
    wells
        Number of rows.
    features
        Their names.
    unknown
        Wells that the catalog does not know.
    differing
        Wells that have another perturbation in the profiles than in the catalog.
    fetched_bytes
        What was fetched, or would be.
    was_there
        Whether an earlier run had written the same; then no feature was fetched.
    """

    published: pl.DataFrame
    plates: pl.DataFrame = field(default_factory=pl.DataFrame)
    wells: int = 0
    features: tuple[str, ...] = ()
    unknown: int = 0
    differing: int = 0
    fetched_bytes: int = 0
    was_there: bool = False


@takes(ProfilesOptions)
def profiles(options: ProfilesOptions) -> FetchedProfiles:
    """Fetch published profiles of wells, and write them with what the catalog says of each well.

    The catalog has the address and the ETag of each table, from the list that was published with
    the metadata. Of a table in a bucket only the row groups and features that were asked for are
    fetched, each part with that ETag. What was fetched is kept beside `path` until all is written:
    after an interruption the same call goes on. The table has the columns of the published one, and
    those of the collection's ``well_annotations`` that it lacks.

    Raises
    ------
    QueryError
        There is no such table, source, plate or plate type; the message has the nearest names.
    ProfileError
        The file is not the published one, or not a table of profiles.
    ManifestError
        `catalog` is not a catalog.
    StoreError
        The server cannot be reached, `path` cannot be written, or the disk has too little space.
    """
    with open_catalog(options.catalog) as con:
        held = held_collection(con)
        published, settings = _published(con, held)
        if options.subset is None:
            if given := [one for one in (*ASKED, "features", "dry_run") if getattr(options, one)]:
                raise QueryError(
                    f"{given[0]} chooses of one table, and none is named; give its name as "
                    f"`subset`; there are {', '.join(published['subset'])}"
                )
            return FetchedProfiles(published)
        (name,) = known_names("subset of profiles", [options.subset], published["subset"].to_list())
        chosen = published.filter(pl.col("subset") == name)
        row = chosen.row(0, named=True)
        target = _checked_target(options)
        url = _inside(row["url"], settings["gallery"])
        fact = {**row, "url": url, "metadata": settings.get("revision")}
        fact |= {one: as_names(getattr(options, one)) for one in (*ASKED, "features")}
        with _copy_path(options, target, row["etag"]) as copy:
            file = PublishedFile(row["url"], row["etag"], copy, settings["endpoint"])
            table = ProfileTable([file.file], as_names(options.features))
            metadata = _annotated(con, held, table.metadata, row["url"])
            rows = _rows_of(metadata, options)
            asked = metadata[rows]
            found = FetchedProfiles(
                chosen,
                _by_plate(asked),
                len(rows),
                table.names,
                int(asked[UNKNOWN].sum()),
                int(asked[DIFFERS].sum()),
                file.received_bytes + file.missing_bytes(table.names, rows.tolist()),
            )
            if options.dry_run:
                return found
            if _facts_of(target).get(FACT) == json.dumps(fact):
                file.forget()
                return replace(found, fetched_bytes=file.received_bytes, was_there=True)
            file.fetch(
                table.names,
                rows.tolist(),
                lambda done, total: options.progress("bytes", done, total),
            )
            parts = _parts(table, metadata.drop(UNKNOWN, DIFFERS), rows, options.progress)
            facts = {FACT: json.dumps(fact), PERTURBATION_FACT: held.perturbation}
            write_parts(parts, target, facts)
            file.forget()
    return found


def _published(
    con: duckdb.DuckDBPyConnection, held: HeldCollection
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Get the published tables, and where the catalog was read from."""
    query = "SELECT 1 FROM duckdb_tables() WHERE schema_name = $name AND table_name = 'profiles'"
    if not con.execute(query, {"name": held.name}).fetchall():
        raise QueryError(
            f"the catalog is of collection {held.name!r}, which has no list of published profiles; "
            "make one of jump"
        )
    published = frame(con, f"FROM {held.relation('profiles')} ORDER BY subset")
    settings = frame(con, f"FROM {held.relation('settings')}").row(0, named=True)
    if published.is_empty():
        reason = settings.get("profiles_unread") or "its metadata have no profile_index.json"
        raise QueryError(
            f"the catalog has no list of published profiles: {reason}; build it again with "
            "`jumpduck catalog`"
        )
    return published, settings


def _inside(url: str, gallery: str) -> str:
    """Get a URL; a path as it is within the gallery, because the table says it to others.

    Raises
    ------
    ProfileError
        A path leads out of the gallery, which a list could name.
    """
    if scheme_of(url) != "file":
        return url
    file, folder = Path(url).resolve(), Path(gallery).resolve()
    if not file.is_relative_to(folder):
        raise ProfileError(f"{url} is outside of the gallery {gallery}; correct profile_index.json")
    return file.relative_to(folder).as_posix()


def _checked_target(options: ProfilesOptions) -> Path:
    target = expanded(options.path)
    if target.suffix.lower() != ".parquet":
        raise QueryError(
            f"path {str(options.path)!r} does not end with .parquet; give a name that does"
        )
    if not options.dry_run:
        refuse_other_file(target, "a table of profiles", lambda file: FACT in _facts_of(file))
        make_folder(target.parent)
    return target


def _facts_of(file: Path) -> dict[str, str]:
    """Get what a table says of itself; nothing where there is none."""
    if not file.is_file() or not is_parquet(file):
        return {}
    try:
        return pl.read_parquet_metadata(file)
    except pl.exceptions.PolarsError:
        return {}


@contextmanager
def _copy_path(options: ProfilesOptions, target: Path, etag: str | None) -> Generator[Path]:
    """Get where the copy of what is fetched is: beside the target, or in a folder for a dry run."""
    if options.dry_run:
        with tempfile.TemporaryDirectory(prefix="jumpduck-") as folder:
            yield Path(folder) / "copy"
    else:
        yield target.with_name(f".{target.name}-{(etag or 'any')[:12]}{PART_SUFFIX}")


def _annotated(
    con: duckdb.DuckDBPyConnection, held: HeldCollection, metadata: pl.DataFrame, url: str
) -> pl.DataFrame:
    """Get the metadata with what the catalog says of each well, and with `UNKNOWN` and `DIFFERS`.

    A column that the profiles have stays as it is.
    """
    if lacking := [name for name in WELL if name not in metadata.columns]:
        raise ProfileError(
            f"{url} has no column {', '.join(lacking)}; therefore its wells are not known"
        )
    known = frame(con, f"FROM {held.relation('well_annotations')}")
    # under names of their own, because those that the profiles have are left out
    known = known.with_columns(
        pl.lit(value=True).alias(UNKNOWN), pl.col(held.perturbation).alias(DIFFERS)
    )
    others = [name for name in known.columns if name not in metadata.columns or name in WELL]
    both = metadata.join(known.select(others), on=WELL, how="left", maintain_order="left")
    return both.with_columns(
        pl.col(UNKNOWN).is_null(),
        pl.col(DIFFERS).ne(pl.col(held.perturbation)).fill_null(value=False),
    )


def _rows_of(metadata: pl.DataFrame, options: ProfilesOptions) -> NDArray[np.intp]:
    """Get the numbers of the rows that were asked for."""
    chosen = metadata.with_row_index(ROW_NUMBER)
    for name in ASKED:
        what, column = COLUMNS[name]
        meant = known_names(what, getattr(options, name), set(metadata[column].drop_nulls()))
        if meant:
            chosen = chosen.filter(pl.col(column).is_in(meant))
    if chosen.is_empty():
        raise QueryError(
            "no well is of all the `sources`, `plates` and `plate_types` asked for; ask for less"
        )
    return chosen[ROW_NUMBER].to_numpy().astype(np.intp)


def _by_plate(metadata: pl.DataFrame) -> pl.DataFrame:
    keys = ["Metadata_Source", "Metadata_Batch", "Metadata_Plate", "Metadata_PlateType"]
    return metadata.group_by(keys, maintain_order=True).agg(pl.len().alias("wells"))


def _parts(
    table: ProfileTable,
    metadata: pl.DataFrame,
    rows: NDArray[np.intp],
    progress: Progress,
) -> Generator[Profiles]:
    """Get the profiles with their metadata, a block of rows at a time."""
    block = max(1, BLOCK_BYTES // (8 * len(table.names)))
    for start in range(0, len(rows), block):
        some = rows[start : start + block]
        yield replace(table.read(some), metadata=metadata[some])
        progress("wells", start + len(some), len(rows))
