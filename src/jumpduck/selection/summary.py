"""What the rows of a manifest hold, counted chunk by chunk."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from jumpduck.database.connection import HeldCollection, frame
from jumpduck.rows import MODALITY, PLATE_KEY, ROLE, SITE_KEY, WELL_KEY
from jumpduck.selection.left_out import LeftOut

RECIPE = "png8"


@dataclass(frozen=True)
class Summary:
    """What a manifest holds.

    Parameters
    ----------
    by_source
        Metadata_Source, plates, wells, sites, files, flagged (files with a known issue), negcons
        (sites of negative controls), brightfield (sites with a brightfield image), illum (files
        with an illumination function), estimated_gb to fetch, estimated_gb_kept on disk as 8-bit
        PNG. Gigabytes are files times the image_bytes of the collection's sites and the mean_bytes
        of its recipe_sizes.
    by_role
        Metadata_pert_type, Metadata_modality, split if there are parts, wells and sites.
    left_out
        What the selection leaves out, if it was counted.
    """

    by_source: pl.DataFrame
    by_role: pl.DataFrame
    left_out: LeftOut | None = None


@dataclass(frozen=True)
class Counts:
    """What some rows hold, by source and by role; chunks of whole plates can be added up."""

    by_source: pl.DataFrame
    by_role: pl.DataFrame


def count_rows(rows: pl.DataFrame) -> Counts:
    """Count what sorted rows hold: the number of changes of a key is that of its values."""
    kinds = [name for name in (ROLE, MODALITY, "split") if name in rows.columns]
    sites = rows.filter(_changed(SITE_KEY)).select(*SITE_KEY, *kinds)
    brightfield = rows.filter(pl.col("channel_kind") == "brightfield").select(SITE_KEY)
    by_source = (
        sites.group_by("Metadata_Source")
        .agg(
            plates=_changed(PLATE_KEY).sum(),
            wells=_changed(WELL_KEY).sum(),
            sites=pl.len(),
            negcons=(pl.col(ROLE) == "negcon").sum(),
        )
        .join(
            rows.group_by("Metadata_Source").agg(
                files=pl.len(),
                flagged=pl.col("known_issue").count(),
                illum=pl.col("url_illum").count(),
            ),
            on="Metadata_Source",
        )
        .join(
            brightfield.filter(_changed(SITE_KEY))
            .group_by("Metadata_Source")
            .agg(brightfield=pl.len()),
            on="Metadata_Source",
            how="left",
        )
    )
    by_role = sites.group_by(kinds).agg(wells=_changed(WELL_KEY).sum(), sites=pl.len())
    return Counts(by_source, by_role)


def summarize(
    con: duckdb.DuckDBPyConnection, held: HeldCollection, counts: Sequence[Counts]
) -> Summary:
    """Add the counts of all chunks up, with estimates of gigabytes."""
    sizes = frame(
        con,
        f"""
        SELECT Metadata_Source, avg(image_bytes) AS image_bytes
        FROM {held.relation("sites")} GROUP BY ALL
        """,  # noqa: S608
    )
    kept = con.execute(
        f"SELECT any_value(mean_bytes) FROM {held.relation('recipe_sizes')} "  # noqa: S608
        f"WHERE recipe = '{RECIPE}'"
    ).fetchall()[0][0]
    by_source = (
        pl.concat(one.by_source for one in counts)
        .group_by("Metadata_Source")
        .sum()
        .join(sizes, on="Metadata_Source", how="left")
        .select(
            "Metadata_Source",
            *("plates", "wells", "sites", "files", "flagged", "negcons", "brightfield", "illum"),
            estimated_gb=pl.col("files") * pl.col("image_bytes") / 1e9,
            estimated_gb_kept=pl.col("files") * pl.lit(kept, pl.Float64) / 1e9,
        )
        .sort("Metadata_Source")
    )
    by_role = pl.concat(one.by_role for one in counts)
    kinds = [name for name in by_role.columns if name not in ("wells", "sites")]
    by_role = by_role.group_by(kinds).sum().sort(kinds)
    return Summary(by_source, by_role)


def _changed(key: Sequence[str]) -> pl.Expr:
    """Get whether a row differs from the one before it in a column of a key."""
    return pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in key)
