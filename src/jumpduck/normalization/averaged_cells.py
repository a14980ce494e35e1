"""Tables of cells -> a table of the wells or sites that the cells are of."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from jumpduck.normalization.aggregation import Aggregation
from jumpduck.profile_tables.columns import features_of, metadata_of
from jumpduck.profile_tables.profiles import Profiles
from jumpduck.profile_tables.reading import open_profiles
from jumpduck.profile_tables.writing import write_parts

CHUNK_BYTES = 64 << 20
"""Of features that are averaged at a time."""

PLACES = ("_Location_", "_AreaShape_Center_", "_AreaShape_BoundingBox")
"""In the names of what says where a cell is in its image, and nothing of the cell."""


def average_cells(files: Sequence[Path], by: Sequence[str], average: str, path: Path) -> int:
    """Write the averages of the cells of each well or site, and get their number.

    Of no cell nothing is written.

    Columns that have one value for all cells of each of them stay. ``Metadata_Object_Count`` and
    ``Metadata_Site_Counts`` are the numbers of cells and of sites.

    Parameters
    ----------
    files
        Tables of `jumpduck profile`, one a plate.
    by
        Columns that tell wells or sites apart.
    average
        ``mean`` or ``median``.

    Raises
    ------
    ProfileError
        Plates have other features.
    StoreError
        The table cannot be written.
    """
    # a plate of which no site could be measured has no features either
    files = [
        file
        for file in files
        if pl.scan_parquet(file, glob=False).select(pl.len()).collect().item()
    ]
    if not files:
        return 0
    kept = _common(files, by)
    parts = (part for file in files if (part := _averaged(file, by, kept, average)) is not None)
    return write_parts(parts, path)


def _common(files: Sequence[Path], by: Sequence[str]) -> list[str]:
    """Get the columns that have one value for all cells that are averaged, in each plate."""
    kept: dict[str, None] | None = None
    for file in files:
        schema = dict(pl.read_parquet_schema(file))
        others = [
            name
            for name in metadata_of(schema, features_of(schema))
            if name not in by and name not in _of_cells(schema)
        ]
        grouped = pl.scan_parquet(file, glob=False).group_by(by)
        same = grouped.agg(pl.col(others).n_unique() <= 1).select(pl.col(others).all()).collect()
        here = {name: None for name in others if same[name].item()}
        kept = here if kept is None else {name: None for name in kept if name in here}
    return list(kept or ())


def _averaged(file: Path, by: Sequence[str], kept: Sequence[str], average: str) -> Profiles | None:
    """Get the averages of the cells of a plate, with their number; None where there are none."""
    names = [
        name
        for name in features_of(dict(pl.read_parquet_schema(file)))
        if not any(place in name for place in PLACES)
    ]
    with open_profiles(file, features=names) as table:
        if not len(table):
            return None
        averages = Aggregation(table.metadata.select(*by, *kept), by, average)
        rows = max(1, CHUNK_BYTES // (8 * len(names)))
        for first, last in pairwise((*range(0, len(table), rows), len(table))):
            numbers = np.arange(first, last)
            averages.add(numbers, table.read(numbers))
        made = averages.profiles(names)
        counts = table.metadata.group_by(by).agg(
            Metadata_Object_Count=pl.len().cast(pl.Int64),
            Metadata_Site_Counts=pl.col("Metadata_ImageNumber").n_unique().cast(pl.Int64),
        )
        with_counts = made.metadata.join(counts, on=by, how="left", maintain_order="left")
        return replace(made, metadata=with_counts)


def _of_cells(schema: Mapping[str, pl.DataType]) -> set[str]:
    """Get the columns that tell the cells of a site apart, or mark them."""
    numbers = ("_ObjectNumber", "_Object_Number", "_Parent_Nuclei", "_Parent_Cells")
    return {
        name
        for name, dtype in schema.items()
        if name.startswith("Metadata_") and (name.endswith(numbers) or dtype == pl.Boolean)
    }
