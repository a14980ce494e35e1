"""A catalog of a site index that names images which nobody made: it suffices to choose."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

import jumpduck
from jumpduck.synthetic.gallery import write_tables

STAINS = ("DNA", "RNA", "ER", "AGP", "Mito")
KEYS = ["Metadata_Source", "Metadata_Batch", "Metadata_Plate", "Metadata_PlateType"]

Plates = Mapping[tuple[str, str, str, str], Mapping[str, str]]
"""By source, batch, plate and plate type: what is in each well."""


def catalog_of_plates(
    folder: Path,
    plates: Plates,
    *,
    compounds: str,
    orfs: str,
    sites: Sequence[int],
    reverse: bool = False,
) -> Path:
    """Make a catalog of plates; source_3 has brightfield of the first site of each well."""
    write_tables(folder)
    (folder / "orf.csv.gz").write_bytes(gzip.compress(orfs.encode()))
    (folder / "compound.csv.gz").write_bytes(gzip.compress(compounds.encode()))
    wells = pl.DataFrame(
        [(*plate, well, what) for plate, wells in plates.items() for well, what in wells.items()],
        schema=[*KEYS, "Metadata_Well", "Metadata_JCP2022"],
        orient="row",
    )
    wells = wells.reverse() if reverse else wells
    wells.select(KEYS).unique().write_csv(folder / "plate.csv.gz", compression="gzip")
    wells.select(KEYS[0], KEYS[2], "Metadata_Well", "Metadata_JCP2022").write_csv(
        folder / "well.csv.gz", compression="gzip"
    )
    url = pl.format(
        "s3://cellpainting-gallery/{}_{}_{}_", "Metadata_Plate", "Metadata_Well", "Metadata_Site"
    )
    with_brightfield = (pl.col("Metadata_Source") == "source_3") & (pl.col("Metadata_Site") == "1")
    wells.select(*KEYS[:3], "Metadata_Well").join(
        pl.DataFrame({"Metadata_Site": [str(site) for site in sites]}), how="cross"
    ).with_columns(
        *((url + f"{stain}.tif").alias(f"URL_Orig{stain}") for stain in STAINS),
        pl.when(with_brightfield).then(url + "bf.tif").alias("URL_OrigBrightfield"),
    ).write_parquet(folder / "index.parquet")
    path = folder / "catalog.duckdb"
    jumpduck.catalog(
        path, gallery=str(folder.parent), metadata=str(folder), index=str(folder / "index.parquet")
    )
    return path
