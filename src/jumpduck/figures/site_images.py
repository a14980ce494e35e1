"""Sites with what the results say of their images, as a montage draws them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from jumpduck.errors import ManifestError
from jumpduck.figures.montage import Row
from jumpduck.figures.tiles import Scale, Tile, TileFile
from jumpduck.recipes.kept_images import kept_edges_um, stretched_levels
from jumpduck.rows import DONE, PLATE_KEY, SITE_KEY

CONCENTRATION = "Metadata_Concentration_Micromolar"

SITE: Mapping[str, pl.DataType] = {
    **dict.fromkeys(SITE_KEY, pl.String()),
    "Metadata_Site": pl.Int32(),
    "name": pl.String(),
    "Metadata_pert_type": pl.String(),
    "Metadata_modality": pl.String(),
    "is_control": pl.Boolean(),
}
TABLE: Mapping[str, pl.DataType] = {
    **SITE,
    "Metadata_Channel": pl.String(),
    "path": pl.String(),
    "status": pl.String(),
    "error": pl.String(),
    "black": pl.Float64(),
    "white": pl.Float64(),
}
"""Columns of `table_of`."""

NOT_THERE = "not downloaded"

IN_STACK = "\nin stack"
"""Column of ours beside those of the results, none of which can have a line end in its name."""


@dataclass(frozen=True)
class SiteImages:
    """A site and its images.

    Attributes
    ----------
    site
        The key of the site, name, role, modality, concentration and ``is_control``.
    results
        Row of the results of each channel; empty if there is none.
    """

    site: Mapping[str, Any]
    results: Mapping[str, Mapping[str, Any]]

    @property
    def kept(self) -> dict[str, TileFile]:
        """The file of each channel, or why there is none."""
        return {channel: _kept(channel, row) for channel, row in self.results.items()}

    def row(self, tiles: Mapping[str, Tile]) -> Row:
        """Get the row of a montage."""
        site = self.site
        dose = site[CONCENTRATION]
        kinds = [site["Metadata_pert_type"], site["Metadata_modality"]]
        if dose is not None:
            kinds.append(f"{dose:.3g} µM")
        role = " · ".join(kind for kind in kinds if kind)
        rows = [row for row in self.results.values() if row]
        issues = dict.fromkeys(row["known_issue"] for row in rows if row.get("known_issue"))
        edges = {name: kept_edges_um(row) for name, row in self.results.items()}
        return Row(
            plate="   /   ".join(site[name] for name in PLATE_KEY),
            name=site["name"],
            remarks=[role, f"{site['Metadata_Well']} · site {site['Metadata_Site']}"],
            warning="; ".join(issues),
            is_control=site["is_control"],
            tiles=tiles,
            edges_um={name: max(one) for name, one in edges.items() if one},
        )


def sites_with_images(
    sites: pl.DataFrame, results: pl.LazyFrame, channels: Sequence[str]
) -> list[SiteImages]:
    """Get sites with their rows of the results, by channel.

    A channel that no site of a plate has is left out of that plate: it may belong to another study.

    Raises
    ------
    ManifestError
        The sites of a plate are files of two recipes, which are not compared.
    """
    rows = (
        results.join(sites.lazy(), on=SITE_KEY, how="semi")
        # counted before the channels are chosen, because a page of a stack is one in any case
        .with_columns((pl.col("Metadata_Channel").n_unique().over("path") > 1).alias(IN_STACK))
        .filter(pl.col("Metadata_Channel").is_in(channels))
        .collect()
    )
    _refuse_mixed(rows)
    by_image = {
        tuple(row[name] for name in (*SITE_KEY, "Metadata_Channel")): row
        for row in rows.iter_rows(named=True)
    }
    there = set(rows.select(*PLATE_KEY, "Metadata_Channel").unique().rows())
    found: list[SiteImages] = []
    for site in sites.iter_rows(named=True):
        plate, key = (tuple(site[name] for name in names) for names in (PLATE_KEY, SITE_KEY))
        own = [name for name in channels if (*plate, name) in there] or channels
        found.append(SiteImages(site, {name: by_image.get((*key, name), {}) for name in own}))
    return found


def table_of(
    sites: Sequence[SiteImages], rows: Sequence[Row], scales: Sequence[Mapping[str, Scale]]
) -> pl.DataFrame:
    """Get one row an image that a montage shows: what it is, and how it is drawn."""
    table: list[dict[str, Any]] = []
    for one, row, scale in zip(sites, rows, scales, strict=True):
        for channel, tile in row.tiles.items():
            found = one.results[channel]
            kind, _, reason = tile.fault.partition(": ")
            black, white = scale.get(channel, (None, None))
            table.append(
                {
                    **{name: one.site[name] for name in SITE},
                    "Metadata_Channel": channel,
                    "path": found.get("path"),
                    "status": kind or found["status"],
                    "error": reason or None,
                    "black": black,
                    "white": white,
                }
            )
    return pl.DataFrame(table, schema=TABLE)


def _kept(channel: str, row: Mapping[str, Any]) -> TileFile:
    if not row:
        return TileFile(channel, fault=NOT_THERE)
    if row["status"] not in DONE:
        return TileFile(channel, fault=f"{row['status']}: {row['error'] or 'no reason was given'}")
    return TileFile(
        channel,
        row["path"],
        levels=stretched_levels(row),
        checksum=row["checksum"],
        in_stack=row[IN_STACK],
    )


def _refuse_mixed(rows: pl.DataFrame) -> None:
    made = rows.filter(pl.col("status").is_in(DONE))
    kinds = made.select(*PLATE_KEY, "recipe", "parameters").unique().sort(pl.all())
    mixed = kinds.filter(pl.len().over(PLATE_KEY) > 1)
    if mixed.height:
        first, second = (
            f"{recipe} with {parameters}" for recipe, parameters in mixed[:2, -2:].rows()
        )
        raise ManifestError(
            f"the images of plate {mixed['Metadata_Plate'][0]} are files of two recipes, {first} "
            f"and {second}, which cannot be compared; show another plate, or download them with "
            "one recipe into a folder of their own"
        )
