"""Folders with the tables of a download, and as many of its images as a test needs."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl

from jumpduck.imaging.writers import encode_png
from jumpduck.schema import RESULTS
from jumpduck.transfer.plate_tables import sites_of

CHANNELS = ("DNA", "RNA", "ER", "AGP", "Mito")


def table(*, plates=2, wells=384, sites=2, channels=CHANNELS, seed=0) -> pl.DataFrame:
    """Results of plates with as many rows as columns have of 2 : 3, all images fetched."""
    columns = round((wells * 1.5) ** 0.5)
    number = pl.int_range(plates * wells * sites * len(channels), eager=True)
    channel, rest = number % len(channels), number // len(channels)
    site, rest = rest % sites, rest // sites
    well, plate = rest % wells, rest // wells
    row, column = well // columns, well % columns
    letters = pl.Series([chr(65 + one) if one < 26 else "A" + chr(39 + one) for one in range(32)])
    source = "source_" + (plate % 3 + 1).cast(pl.String)
    plate_name = "P" + plate.cast(pl.String).str.zfill(3)
    well_name = letters.gather(row) + (column + 1).cast(pl.String).str.zfill(2)
    role = pl.select(
        pl.when(column < 2).then(pl.lit("negcon")).when(column < 4).then(pl.lit("poscon"))
        .otherwise(pl.lit("trt"))
    ).to_series()  # fmt: skip
    random = np.random.default_rng(seed)
    levels = 800 + 300 * channel.to_numpy()
    found = pl.DataFrame(
        {
            "Metadata_Source": source,
            "Metadata_Batch": "Batch1",
            "Metadata_Plate": plate_name,
            "Metadata_Well": well_name,
            "Metadata_Site": site + 1,
            "Metadata_Channel": pl.Series(channels).gather(channel),
            "Metadata_pert_type": role,
            "Metadata_Name": "compound " + well.cast(pl.String),
            "known_issue": pl.Series([None], dtype=pl.String).new_from_index(0, number.len()),
            "url": "s3://bucket/" + number.cast(pl.String),
            "path": source + "/Batch1/" + plate_name + "/" + number.cast(pl.String) + ".png",
            "status": "fetched",
            "size": 500_000,
            "mean": levels * random.lognormal(0, 0.05, number.len()),
            "focus": 0.05 * random.lognormal(0, 0.05, number.len()),
            "saturated": 0.0,
            "constant": False,
            "recipe": "png8 2",
            "parameters": '{"crop": 768}',
        }
    )
    missing = [name for name in RESULTS if name not in found.columns]
    return (
        found.with_columns(pl.lit(None).alias(name) for name in missing)
        .with_columns(pl.col(name).cast(dtype) for name, dtype in RESULTS.items())
        .sort("Metadata_Source", "Metadata_Plate", maintain_order=True)
    )


def write(folder: Path, results: pl.DataFrame, *, edge: int = 0) -> Path:
    """Write the two tables, and of images with an edge the files of the rows that have one."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    if edge:
        sizes, checksums = {}, {}
        for path in results.filter(status="fetched")["path"].unique(maintain_order=True):
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            data = encode_png(random.integers(0, 256, (edge, edge), dtype=np.uint8))
            sizes[path], checksums[path] = file.write_bytes(data), sha256(data).hexdigest()
        results = results.with_columns(
            pl.lit(edge, pl.Int32).alias("width"),
            pl.lit(edge, pl.Int32).alias("height"),
            size=pl.col("path").replace_strict(sizes, default=None, return_dtype=RESULTS["size"]),
            checksum=pl.col("path").replace_strict(
                checksums, default=None, return_dtype=RESULTS["checksum"]
            ),
        )
    results.write_parquet(folder / "results.parquet")
    sites_of(results).write_parquet(folder / "sites.parquet")
    return folder
