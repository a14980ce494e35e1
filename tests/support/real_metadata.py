"""The metadata folder as published, made of the real tables at hand."""

import shutil
from pathlib import Path

import polars as pl

from tests.support.places import DATA


def write_real_metadata(folder: Path) -> None:
    """Write the tables; of the compounds' columns only identifiers and SMILES are at hand."""
    for file in (DATA / "jump_metadata").glob("*.csv*"):
        shutil.copy(file, folder / file.name.replace("_v0.2.0", ""))
    for file in (DATA / "platemaps").glob("JUMP-*_compound_*.tsv"):
        shutil.copy(file, folder)
    empty = pl.lit(None, pl.String)
    compounds = pl.read_csv(folder / "smiles_only.csv.gz").select(
        "Metadata_JCP2022",
        empty.alias("Metadata_InChIKey"),
        empty.alias("Metadata_InChI"),
        "Metadata_SMILES",
    )
    compounds.write_csv(folder / "compound.csv.gz", compression="gzip")
