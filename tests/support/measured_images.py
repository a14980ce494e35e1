"""Rows of results with the measures that a test gives them."""

import numpy as np
import polars as pl

from jumpduck.rows import SITE_KEY
from jumpduck.schema import RESULTS

PLATE = {"Metadata_Source": "S1", "Metadata_Batch": "B1", "Metadata_Plate": "P1"}


def images(*, wells, sites=1, mean=1000.0, focus=0.1, saturated=0.0, **columns):
    """One channel of a plate of 24 columns: the sites of each well beside one another."""
    count = wells * sites
    well = [f"{chr(65 + one // 24)}{one % 24 + 1:02d}" for one in range(wells)]
    given = {
        **PLATE,
        "Metadata_Well": np.repeat(well, sites),
        "Metadata_Site": np.tile(np.arange(sites), wells),
        "Metadata_Channel": "DNA",
        "url": "u",
        "path": [f"image-{one}" for one in range(count)],
        "status": "fetched",
        "mean": mean,
        "focus": focus,
        "saturated": saturated,
        "constant": [False] * count,
        **columns,
    }
    rows = pl.DataFrame(
        {
            name: [value] * count if value is None or isinstance(value, str | float) else value
            for name, value in given.items()
        }
    )
    kept = [pl.col(name).cast(of) for name, of in RESULTS.items() if name in given]
    others = [name for name in given if name not in RESULTS]
    return rows.select(*kept, *others)


def folder_of(rows, folder):
    """A folder with these results, as if copied without hidden files."""
    folder.mkdir(parents=True)
    lacking = [pl.lit(None, of).alias(name) for name, of in RESULTS.items() if name not in rows]
    path = pl.format("{}/{}/{}/{}__{}__{}.png", *SITE_KEY, "Metadata_Channel")
    rows.with_columns(lacking, path=path).write_parquet(folder / "results.parquet")
    rows.select(SITE_KEY).unique(maintain_order=True).write_parquet(folder / "sites.parquet")
    return folder
