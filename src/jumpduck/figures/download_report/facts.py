"""A folder that a download filled -> all that the report says of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from jumpduck.figures.download_report import tables
from jumpduck.rows import PLATE_KEY, WELL_KEY
from jumpduck.transfer.filled_folder import FilledFolder
from jumpduck.transfer.origins import Channel
from jumpduck.wells.outliers import find_outliers

MAX_ROWS = 2_000
"""Rows of a table of failures or outliers; the files of the folder have all."""

NUMBER = "number"
"""Column with the place of a plate among those of the report, from 0."""


@dataclass(frozen=True)
class Facts:
    """What the report says of a folder.

    Attributes
    ----------
    channels
        Channels, in the order of their collection.
    sources, plates
        What became of the images, by source and by plate; plates have a `NUMBER`.
    quality
        A row a plate and channel: quartiles of each measure, and how much stands out.
    wells
        A row a well; see `jumpduck.figures.download_report.tables.wells`. ``outlier`` says whether
        anything of it stands out.
    outliers, faults
        What stands out, and what has no file: at most `MAX_ROWS` rows.
    outlier_rows
        How many rows of outliers there are.
    reasons
        How many images have no file, by reason.
    issues
        Known issues of the images, by plate.
    """

    channels: Sequence[Channel]
    sources: pl.DataFrame
    plates: pl.DataFrame
    quality: pl.DataFrame
    wells: pl.DataFrame
    outliers: pl.DataFrame
    outlier_rows: int
    faults: pl.DataFrame
    reasons: pl.DataFrame
    issues: pl.DataFrame


def facts_of(folder: FilledFolder) -> Facts:
    """Get all that the report says of a folder, except pictures."""
    found = find_outliers(folder.results)
    notable = found.rows.select(WELL_KEY).unique()
    wells = (
        tables.wells(folder)
        .join(notable.with_columns(outlier=True), on=WELL_KEY, how="left")
        .with_columns(pl.col("outlier").fill_null(value=False))
    )
    of_plates = notable.group_by(PLATE_KEY).agg(outlier_wells=pl.len())
    plates = (
        tables.by_plate(folder)
        .join(of_plates, on=PLATE_KEY, how="left", maintain_order="left")
        .with_columns(pl.col("outlier_wells").fill_null(0))
        .with_row_index(NUMBER)
    )
    counts = found.plates.select(
        *PLATE_KEY, tables.CHANNEL, "outlier_images", "outlier_wells", "constant"
    )
    quality = (
        tables.by_plate_and_channel(folder)
        .with_columns(pl.col(tables.CHANNEL).cast(pl.String))
        .join(counts, on=(*PLATE_KEY, tables.CHANNEL), how="left", maintain_order="left")
    )
    reasons, faults = tables.faults(folder, MAX_ROWS)
    return Facts(
        channels=folder.channels,
        sources=tables.by_source(folder),
        plates=plates,
        quality=quality,
        wells=wells,
        # what is about a well first, then what is farthest from its plate
        outliers=found.rows.sort(
            pl.col("Metadata_Site").is_not_null(),
            pl.col("z").abs(),
            descending=[False, True],
            nulls_last=True,
            maintain_order=True,
        ).head(MAX_ROWS),
        outlier_rows=found.rows.height,
        faults=faults,
        reasons=reasons,
        issues=tables.known_issues(folder),
    )
