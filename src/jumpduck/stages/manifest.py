"""catalog.duckdb -> the manifest: which files to fetch, from where, to where."""

import itertools
import json
import logging
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path

import duckdb
import polars as pl
from polars.io.plugins import register_io_source

from jumpduck.database.connection import USE_CATALOG, frame, memory_errors, open_catalog
from jumpduck.database.where_condition import where_errors
from jumpduck.errors import QueryError, StoreError
from jumpduck.options import expanded, takes
from jumpduck.schema import is_csv
from jumpduck.selection.chosen import CHOSEN, check_groups, plates_to_ask
from jumpduck.selection.criteria import Selection
from jumpduck.selection.excluded import excluded_rows, write_excluded
from jumpduck.selection.left_out import left_out as count_left_out
from jumpduck.selection.left_out import why_empty
from jumpduck.selection.pipeline import Query, make_query
from jumpduck.selection.summary import Counts, Summary, count_rows, summarize
from jumpduck.storage.atomic_files import atomic_path
from jumpduck.storage.replaced_files import refuse_other_file
from jumpduck.transfer.manifest_files import is_manifest, open_files

_log = logging.getLogger(__name__)

CHUNK_SITES = 75_000
"""Sites looked at together: this bounds memory, whatever the size of the catalog."""

CHUNK_URL_BYTES = 60_000_000
"""URLs of these sites at most: with hashes in them they are twice as long as those of JUMP."""

CHUNKS_AHEAD = 2
"""Chunks that are queried at the same time, because one alone does not keep all cores busy."""

MEMORY_LIMIT = "300MB"

LESS_MEMORY = (
    "choose parts of it, such as one `sources` at a time, and give `jumpduck download` several "
    "manifests"
)
"""What to do where that does not suffice."""

ROW_GROUP_ROWS = 1 << 18


@dataclass(frozen=True)
class ManifestOptions(Selection):
    """What to choose, from which catalog.

    Parameters
    ----------
    catalog
        Catalog made by `jumpduck catalog`.
    path
        File to write: Parquet, or CSV if its name ends with .csv.
    """

    catalog: str | Path = "catalog.duckdb"
    path: str | Path | None = None


@takes(ManifestOptions)
def manifest(options: ManifestOptions) -> pl.DataFrame:
    """Choose images, the same ones every time, a few sites from each well.

    Returns
    -------
    pl.DataFrame
        One row per file to fetch: Metadata_Source, _Batch, _Plate, _Well, _Site, _Channel, every
        other Metadata_ column of the collection's sites, channel_kind, url, url_illum, path (where
        the file goes, without suffix) and known_issue.

    Raises
    ------
    QueryError
        A name that the catalog does not know, with the nearest ones, or a selection that is empty.
    ManifestError
        `catalog` is not a catalog.
    StoreError
        `path` cannot be written, or is a file that is not a manifest.
    """
    with tempfile.TemporaryDirectory(prefix="jumpduck-") as scratch:
        target = expanded(options.path or Path(scratch) / "manifest.parquet")
        write_manifest(options.catalog, target, options)
        return open_files(target).rows.collect()


def write_manifest(
    catalog: str | Path,
    path: Path | None,
    selection: Selection,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    say: Callable[[str], None] = _log.warning,
    *,
    left_out: bool = False,
) -> Summary:
    """Write a manifest of any size in little memory, and get what it holds.

    Parameters
    ----------
    path
        File; the selection, its SQL and the settings of the catalog are in the metadata of a
        Parquet file, and not in CSV. It appears only when complete. None only counts.
    progress
        Called with the sites looked at, and all.
    say
        Called with what a user should know of the names asked for.
    left_out
        Count also what the selection leaves out.

    Returns
    -------
    Summary
        What it holds, by source and by role.

    Raises
    ------
    QueryError, ManifestError, StoreError
        As `manifest`.
    """
    if path is not None:
        refuse_other_file(path, "a manifest", is_manifest)
    with (
        memory_errors("the manifest", MEMORY_LIMIT, LESS_MEMORY),
        where_errors(selection.where),
        excluded_rows(selection.exclude) as excluded,
        open_catalog(
            catalog, memory_limit=MEMORY_LIMIT, reads=[excluded.file] if excluded else []
        ) as con,
    ):
        query = make_query(con, selection)
        notes = [*query.notes, *(write_excluded(con, query.held, excluded) if excluded else ())]
        for note in notes:
            say(note)
        check_groups(con, query)
        counts: list[Counts] = []

        def tables() -> Iterator[pl.DataFrame]:
            plates = plates_to_ask(con, query)
            done, total = 0, sum(sites for _, sites in plates)
            for rows, sites in _queried_chunks(con, query, plates):
                done += sites
                progress(done, total)
                if rows.height:
                    counts.append(count_rows(rows))
                    yield rows

        def refuse_empty() -> None:
            if not counts:
                raise QueryError(f"the selection has no image: {why_empty(con, query)}")
            _check_parts(selection, counts)

        if path is None:
            for _ in tables():
                pass
            refuse_empty()
        else:
            settings = frame(con, f"FROM {query.held.relation('settings')}").row(0, named=True)
            asked = {one.name: getattr(selection, one.name) for one in fields(Selection)}
            asked |= {"per_well": dict(query.per_well)}
            asked |= {"exclude": excluded.note} if excluded else {}
            metadata = {
                "query": json.dumps(asked, default=list),
                "sql": query.text(),
                "catalog": json.dumps(
                    {"collection": query.held.name, **settings, "options": _options(con)}
                ),
                "channels": json.dumps(frame(con, query.known_channels).to_dicts()),
            }
            if is_csv(path) and settings["endpoint"]:
                say(
                    "CSV does not keep where the images are; say it to the download: "
                    f"--endpoint {settings['endpoint']}"
                )
            _write(path, tables(), metadata, refuse_empty)
        summary = summarize(con, query.held, counts)
        return replace(summary, left_out=count_left_out(con, query)) if left_out else summary


def _options(con: duckdb.DuckDBPyConnection) -> object:
    """Get what `jumpduck catalog` was given; None if it did not make the catalog."""
    ((options,),) = con.execute("SELECT options FROM main.collections").fetchall()
    return options and json.loads(options)


def _check_parts(selection: Selection, counts: Sequence[Counts]) -> None:
    """Raise QueryError if a part of the choice would have no site."""
    found = {part for one in counts if selection.split for part in one.by_role["split"]}
    for part in selection.split or {}:
        if part not in found:
            raise QueryError(
                f"no {selection.split_by} of the choice belongs to {part!r} of `split`: there are "
                "too few for these shares; take larger shares, another `seed`, or choose more"
            )


def _most_sites(con: duckdb.DuckDBPyConnection, query: Query) -> int:
    """Get how many sites to ask for together, from the URLs of the first of them."""
    sites = query.held.relation("sites")
    first = f"SELECT images FROM {sites} LIMIT 100"  # noqa: S608
    total = "list_sum(list_transform(images, LAMBDA image: strlen(image.url)))"
    ((url_bytes,),) = con.execute(f"SELECT avg({total}) FROM ({first})").fetchall()  # noqa: S608
    return min(CHUNK_SITES, int(CHUNK_URL_BYTES / max(1, url_bytes or 1)))


def _chunks(plates: Sequence[tuple[int, int]], most: int) -> Iterator[tuple[int, int, int]]:
    """Get the first and last plate to ask for together, and the number of their sites.

    What is chosen on a plate is known or depends on that plate alone, therefore chunks asked one by
    one are the whole.
    """
    first, together = None, 0
    for place, (number, sites) in enumerate(plates, 1):
        first = number if first is None else first
        together += sites
        if place == len(plates) or together + plates[place][1] > most:
            yield first, number, together
            first, together = None, 0


def _queried_chunks(
    con: duckdb.DuckDBPyConnection, query: Query, plates: Sequence[tuple[int, int]]
) -> Iterator[tuple[pl.DataFrame, int]]:
    """Get the manifest's rows chunk by chunk, in order, and the sites looked at for each."""
    ahead: deque[tuple[Future[pl.DataFrame], int]] = deque()
    chunks = _chunks(plates, _most_sites(con, query))
    with ThreadPoolExecutor(CHUNKS_AHEAD) as pool:
        while True:
            for first, to, sites in itertools.islice(chunks, CHUNKS_AHEAD - len(ahead)):
                ahead.append((pool.submit(_rows, con.cursor(), query, first, to), sites))
            if not ahead:
                return
            rows, sites = ahead.popleft()
            yield rows.result(), sites


def _rows(con: duckdb.DuckDBPyConnection, query: Query, first: int, to: int) -> pl.DataFrame:
    with con:
        con.execute(USE_CATALOG)
        for view, relation in (
            ("chunk_sites", query.held.relation("sites")),
            *([("chunk_chosen", CHOSEN)] if query.crosses_plates else []),
        ):
            con.execute(
                f"CREATE TEMP VIEW {view} AS "
                f"FROM {relation} WHERE plate_number BETWEEN {first} AND {to}"
            )
        return frame(
            con, query.text("chunk_sites", "chunk_chosen" if query.crosses_plates else None)
        )


def _write(
    path: Path,
    tables: Iterator[pl.DataFrame],
    notes: Mapping[str, str],
    refuse_empty: Callable[[], None],
) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as part:
            first = next(tables, pl.DataFrame())  # without one, refuse_empty raises below

            def source(*_: object) -> Iterator[pl.DataFrame]:
                """Get all rows, whatever columns or number the sink asks for."""
                yield from itertools.chain([first], tables)

            rows = register_io_source(source, schema=dict(first.schema))
            if is_csv(path):
                rows.sink_csv(part)
            else:
                rows.sink_parquet(
                    part,
                    compression="zstd",
                    row_group_size=ROW_GROUP_ROWS,
                    metadata={f"jumpduck.{key}": value for key, value in notes.items()},
                )
            refuse_empty()
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
