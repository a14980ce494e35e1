"""catalog.duckdb -> the manifest: which files to fetch, from where, to where."""

import itertools
import json
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Unpack

import duckdb
import polars as pl
from polars.io.plugins import register_io_source

from jumpduck.database.sql_files import frame, open_catalog
from jumpduck.errors import QueryError, StoreError
from jumpduck.schema import MANIFEST, OPTIONAL, PLATE_KEY, ROLES, SITE_KEY, check
from jumpduck.selection.criteria import Options, Selection, arguments
from jumpduck.storage.atomic_files import atomic_path

CHUNK = 75_000
"""Sites looked at together: what bounds memory, whatever the size of the catalog."""

AHEAD = 2
"""Parts that are made at the same time."""

ROW_GROUP = 1 << 18

RECIPE = "png8"

_COLUMNS: dict[str, pl.DataType] = {
    **{name: dtype for name, dtype in MANIFEST.items() if name not in ("url", "path")},
    "Metadata_JCP2022": pl.String(),
    "Metadata_Name": pl.String(),
    "Metadata_pert_type": pl.String(),
    "Metadata_PlateType": pl.String(),
    "Metadata_Pixel_Size_Microns": pl.Float64(),
    "url": pl.String(),
    "url_illum": pl.String(),
    "path": pl.String(),
    "known_issue": OPTIONAL["known_issue"],
}


def manifest(
    catalog: str | Path = "catalog.duckdb",
    *,
    path: str | Path | None = None,
    **options: Unpack[Options],
) -> pl.DataFrame:
    """Choose images, the same ones every time, a few sites from each well.

    Parameters
    ----------
    catalog
        Made by `jumpduck.catalog`.
    path
        Parquet file to write too; see `write_manifest`.
    **options
        What to choose: the fields of `jumpduck.selection.criteria.Selection`.

    Returns
    -------
    pl.DataFrame
        One row per file to fetch, with the columns of `jumpduck.schema.MANIFEST`.

    Raises
    ------
    QueryError
        A name that the catalog does not know, with the nearest ones, or a selection that is empty.
    ManifestError
        `catalog` is no catalog.
    StoreError
        `path` cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="jumpduck-") as scratch:
        target = Path(path) if path is not None else Path(scratch) / "manifest.parquet"
        write_manifest(catalog, target, Selection(**options))
        return pl.read_parquet(target)


def write_manifest(
    catalog: str | Path,
    path: Path | None,
    selection: Selection,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> pl.DataFrame:
    """Write a manifest of any size in little memory, and get what it holds by source.

    Parameters
    ----------
    path
        Parquet file; the query, the seed and the catalog it came from are in its own metadata.
        It appears only when complete. None only counts.
    progress
        Called with the sites looked at, and all.

    Returns
    -------
    pl.DataFrame
        Metadata_Source, plates, wells, sites, files, flagged (files with a known issue),
        estimated_gb to fetch, estimated_gb_kept on disk as 8-bit PNG. Gigabytes are files times
        the mean sizes of jump.source_sizes and jump.recipe_sizes.

    Raises
    ------
    QueryError, ManifestError, StoreError
        As `manifest`.
    """
    with open_catalog(catalog) as con:
        con.execute("SET memory_limit = '300MB'")
        values = arguments(con, selection)
        settings = frame(con, "FROM jump.settings").row(0, named=True)
        counts: list[pl.DataFrame] = []

        def tables() -> Iterator[pl.DataFrame]:
            done = 0
            for table, count, sites, total in _parts(con, values):
                done += sites
                progress(done, total)
                if table.height:
                    counts.append(count)
                    yield table

        def wanted() -> None:
            if not counts:
                roles = ",".join(f"{role}={values[role]}" for role in ROLES)
                raise QueryError(
                    "the selection holds no image; "
                    f"the roles in these wells may all have 0 sites (--per-well {roles})"
                )

        if path is None:
            for _ in tables():
                pass
            wanted()
        else:
            notes = {"query": json.dumps(values), "catalog": json.dumps(settings)}
            _write(path, tables, notes, wanted)
        return _priced(con, pl.concat(counts))


def known_bad(catalog: str | Path, selection: Selection) -> int:
    """Get the number of sites that stay out because jump.known_issues says so."""
    with open_catalog(catalog) as con:
        values = arguments(con, selection)
        names = [
            name
            for name in values
            if name in _SELECT_ARGUMENTS and name != "keep_known_bad" and values[name] is not None
        ]
        call = ", ".join(f"{name} := ${name}" for name in names)
        query = f"""
            SELECT
                (SELECT count(*) FROM jump.select_sites({call}, keep_known_bad := TRUE))
                - (SELECT count(*) FROM jump.select_sites({call}))
        """  # noqa: S608
        return int(con.execute(query, {name: values[name] for name in names}).fetchall()[0][0])


_SELECT_ARGUMENTS = (
    "sources", "batches", "plates", "plate_types", "wells", "perturbations", "roles",
    "predicate", "with_controls", "channels", "keep_known_bad",
)  # fmt: skip


def _chunks(
    con: duckdb.DuckDBPyConnection, values: Mapping[str, object]
) -> Iterator[tuple[dict[str, object], int, int]]:
    """Get plates to ask for together, the sites looked at with them, and the sites in all.

    What is chosen in a well depends on that well alone, so parts asked one by one are the whole;
    only a budget must see all of it at once.
    """
    plates = con.execute(
        """
        SELECT plate_number, count(*) FROM jump.load_rows
        SEMI JOIN (
            SELECT plate_number FROM jump.load_data_files
            WHERE
                ($sources IS NULL OR list_contains($sources::VARCHAR[], Metadata_Source))
                AND ($batches IS NULL OR list_contains($batches::VARCHAR[], Metadata_Batch))
                AND ($plates IS NULL OR list_contains($plates::VARCHAR[], Metadata_Plate))
        ) USING (plate_number)
        GROUP BY ALL
        ORDER BY ALL
        """,
        {name: values[name] for name in ("sources", "batches", "plates")},
    ).fetchall()
    total = sum(count for _, count in plates)
    if values["max_sites"] is not None or values["max_gb"] is not None:
        yield {}, total, total
        return
    first = sites = 0
    for place, (number, count) in enumerate(plates, 1):
        first = first or number
        sites += count
        if place == len(plates) or sites + plates[place][1] > CHUNK:
            yield {"first_plate": first, "last_plate": number}, sites, total
            first = sites = 0


def _parts(
    con: duckdb.DuckDBPyConnection, values: Mapping[str, object]
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame, int, int]]:
    """Get the manifest's rows part by part, what they hold by source, and sites done and in all.

    Parts are too small to keep the cores busy alone, so the next ones are made meanwhile.
    """
    ahead: deque[tuple[Future[tuple[pl.DataFrame, pl.DataFrame]], int, int]] = deque()
    chunks = _chunks(con, values)
    with ThreadPoolExecutor(AHEAD) as pool:
        while True:
            for part, sites, total in itertools.islice(chunks, AHEAD - len(ahead)):
                work = pool.submit(_query, con.cursor(), {**values, **part})
                ahead.append((work, sites, total))
            if not ahead:
                return
            work, sites, total = ahead.popleft()
            yield *work.result(), sites, total


def _query(
    con: duckdb.DuckDBPyConnection, values: Mapping[str, object]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    # by way of a table: streaming a query of joins straight into a frame takes three times as long
    call = ", ".join(f"{name} := ${name}" for name in values)
    with con:
        con.execute(f"CREATE TEMP TABLE part AS FROM jump.site_files({call})", dict(values))
        sites = frame(con, "FROM part").sort(SITE_KEY)
    lists = [name for name, dtype in sites.schema.items() if dtype == pl.List]
    rows = sites.explode(lists).filter(pl.col("url").is_not_null())
    return check(rows, MANIFEST, "jump.manifest").select(*_COLUMNS), _count(sites)


def _count(sites: pl.DataFrame) -> pl.DataFrame:
    here = pl.col("url").list.eval(pl.element().is_not_null())
    known = pl.col("known_issue").list.eval(pl.element().is_not_null())
    return (
        sites.select(*SITE_KEY, files=here.list.sum(), flagged=known.list.sum())
        .filter(pl.col("files") > 0)
        .group_by("Metadata_Source")
        .agg(
            plates=pl.struct(PLATE_KEY).n_unique(),
            wells=pl.struct(*PLATE_KEY, "Metadata_Well").n_unique(),
            sites=pl.len(),
            files=pl.col("files").sum(),
            flagged=pl.col("flagged").sum(),
        )
    )


def _priced(con: duckdb.DuckDBPyConnection, counts: pl.DataFrame) -> pl.DataFrame:
    sizes = frame(con, "SELECT Metadata_Source, mean_bytes FROM jump.source_sizes")
    overall, kept = con.execute(
        """
        SELECT
            (SELECT sum(bytes) / sum(tiffs) FROM jump.source_sizes),
            (SELECT mean_bytes FROM jump.recipe_sizes WHERE recipe = $recipe)
        """,
        {"recipe": RECIPE},
    ).fetchall()[0]
    return (
        counts.group_by("Metadata_Source")
        .sum()
        .join(sizes, on="Metadata_Source", how="left")
        .with_columns(
            estimated_gb=pl.col("files") * pl.col("mean_bytes").fill_null(overall) / 1e9,
            estimated_gb_kept=pl.col("files") * kept / 1e9,
        )
        .drop("mean_bytes")
        .sort("Metadata_Source")
    )


def _write(
    path: Path,
    tables: Callable[[], Iterator[pl.DataFrame]],
    notes: Mapping[str, str],
    wanted: Callable[[], None],
) -> None:
    def source(*_: object) -> Iterator[pl.DataFrame]:
        """All of it, whatever the sink says that it could do with."""
        yield from tables()

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as part:
            register_io_source(source, schema=_COLUMNS).sink_parquet(
                part,
                compression="zstd",
                row_group_size=ROW_GROUP,
                metadata={f"jumpduck.{key}": value for key, value in notes.items()},
            )
            wanted()
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
