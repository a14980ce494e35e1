"""catalog.duckdb -> the manifest: which files to fetch, from where, to where."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import polars as pl

from jumpduck.driver import frame, open_catalog
from jumpduck.errors import QueryError, StoreError
from jumpduck.files import replacing
from jumpduck.names import check_names
from jumpduck.schema import BRIGHTFIELD, CHANNELS, MANIFEST, PLATE_KEY, ROLES, check

QUERY = """
FROM jump.manifest(
    sources := $sources,
    batches := $batches,
    plates := $plates,
    plate_types := $plate_types,
    wells := $wells,
    perturbations := $perturbations,
    channels := $channels,
    trt := $trt,
    poscon := $poscon,
    negcon := $negcon,
    empty := $empty,
    unknown := $unknown,
    seed := $seed
)
"""

# what a user may name -> what it is called, and where the names are that this catalog can serve
_KNOWN = {
    "sources": ("source", "SELECT DISTINCT Metadata_Source AS name FROM jump.load_data_files"),
    "batches": ("batch", "SELECT DISTINCT Metadata_Batch AS name FROM jump.load_data_files"),
    "plates": ("plate", "SELECT Metadata_Plate AS name FROM jump.load_data_files"),
    "plate_types": ("plate type", "SELECT DISTINCT Metadata_PlateType AS name FROM jump.plates"),
    "wells": ("well", "SELECT DISTINCT Metadata_Well AS name FROM jump.load_data"),
    "perturbations": (
        "perturbation",
        "SELECT DISTINCT unnest([Metadata_JCP2022, Metadata_Name]) AS name FROM jump.sites",
    ),
}


def manifest(
    catalog: str | Path = "catalog.duckdb",
    *,
    sources: Sequence[str] = (),
    batches: Sequence[str] = (),
    plates: Sequence[str] = (),
    plate_types: Sequence[str] = (),
    wells: Sequence[str] = (),
    perturbations: Sequence[str] = (),
    channels: Sequence[str] = CHANNELS,
    per_well: Mapping[str, int] | None = None,
    seed: int = 0,
    path: str | Path | None = None,
) -> pl.DataFrame:
    """Choose images, the same ones every time, a few sites from each well.

    Parameters
    ----------
    catalog
        Made by `jumpduck.catalog`.
    sources, batches, plates, plate_types, wells
        Names to keep; all by default.
    perturbations
        JCP2022 identifiers, gene symbols or names of controls to keep; all by default.
    channels
        Stains and brightfield planes to keep.
    per_well
        Sites to keep in a well by its role: trt, poscon, negcon, empty, unknown. A role that is
        not named keeps its default; see `jumpduck.schema.ROLES`.
    seed
        Another seed, another choice. Nothing else changes it: not the number of threads, not the
        other plates in the catalog.
    path
        Parquet file to write, with the query, seed and catalog in its own metadata. It appears
        only when complete.

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
    counts = {**ROLES, **(per_well or {})}
    check_names("role", list(counts), ROLES)
    if any(count < 0 for count in counts.values()):
        raise QueryError("--per-well takes numbers of sites, 0 or more")
    check_names("channel", channels, {*CHANNELS, *BRIGHTFIELD})
    asked: dict[str, list[str] | None] = {
        "sources": list(sources) or None,
        "batches": list(batches) or None,
        "plates": list(plates) or None,
        "plate_types": list(plate_types) or None,
        "wells": list(wells) or None,
        "perturbations": list(perturbations) or None,
    }
    query = {**asked, "channels": list(channels), **counts, "seed": seed}
    with open_catalog(catalog) as con:
        _check_selection(con, asked)
        rows = check(frame(con, QUERY, query), MANIFEST, "jump.manifest")
        settings = frame(con, "FROM jump.settings").row(0, named=True)
    if rows.is_empty():
        raise QueryError(
            "the selection holds no image; the roles in these wells may all have 0 sites "
            f"(--per-well {','.join(f'{role}={n}' for role, n in counts.items())})"
        )
    if path is not None:
        _write(rows, Path(path), {"query": query, "catalog": settings})
    return rows


def estimate(catalog: str | Path, rows: pl.DataFrame) -> pl.DataFrame:
    """Get the size of a manifest by source: plates, wells, sites, files, gigabytes to fetch.

    Gigabytes are an estimate: files times the published mean size of a TIFF of that source, or
    of all sources where there is none (`jump.source_sizes`).
    """
    with open_catalog(catalog) as con:
        sizes = frame(con, "SELECT Metadata_Source, mean_bytes FROM jump.source_sizes")
        overall = con.execute("SELECT sum(bytes) / sum(tiffs) FROM jump.source_sizes").fetchall()
    well = [*PLATE_KEY, "Metadata_Well"]
    return (
        rows.group_by("Metadata_Source")
        .agg(
            plates=pl.struct(PLATE_KEY).n_unique(),
            wells=pl.struct(well).n_unique(),
            sites=pl.struct([*well, "Metadata_Site"]).n_unique(),
            files=pl.len(),
        )
        .join(sizes, on="Metadata_Source", how="left")
        .with_columns(estimated_gb=pl.col("files") * pl.col("mean_bytes").fill_null(overall[0][0]))
        .with_columns(pl.col("estimated_gb") / 1e9)
        .drop("mean_bytes")
        .sort("Metadata_Source")
    )


def _check_selection(
    con: duckdb.DuckDBPyConnection, asked: Mapping[str, Sequence[str] | None]
) -> None:
    for argument, (what, query) in _KNOWN.items():
        if names := asked[argument]:
            known = set(frame(con, query)["name"].drop_nulls())
            if argument == "plates":
                _check_read(con, set(names) - known)
            check_names(what, names, known)


def _check_read(con: duckdb.DuckDBPyConnection, plates: set[str]) -> None:
    published = set(frame(con, "SELECT Metadata_Plate FROM jump.plates")["Metadata_Plate"])
    if unread := sorted(plates & published):
        raise QueryError(
            f"plate {unread[0]!r} is published, but this catalog has no load_data of it; "
            "build the catalog for it: `jumpduck catalog --plate`"
        )


def _write(rows: pl.DataFrame, path: Path, metadata: Mapping[str, object]) -> None:
    notes = {f"jumpduck.{key}": json.dumps(value) for key, value in metadata.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            rows.write_parquet(part, compression="zstd", metadata=notes)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
