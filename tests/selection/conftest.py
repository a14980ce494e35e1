import gzip
from pathlib import Path

import polars as pl
import pytest

import jumpduck
from jumpduck.synthetic.gallery import write_tables

STAINS = ("DNA", "RNA", "ER", "AGP", "Mito")
SITES = range(1, 10)

COMPOUNDS = """\
Metadata_JCP2022,Metadata_InChIKey,Metadata_InChI,Metadata_SMILES
JCP2022_033924,IAZDPXIOMUYVGZ-UHFFFAOYSA-N,,CS(C)=O
JCP2022_037716,,,
JCP2022_050797,LOUPRKONTZGTKE-UHFFFAOYSA-N,,
JCP2022_050798,LOUPRKONTZGTKE-WZBLMQSHSA-N,,
"""
ORFS = """\
Metadata_JCP2022,Metadata_Symbol,Metadata_NCBI_Gene_ID,Metadata_pert_type
JCP2022_915131,LacZ,LacZ,negcon
JCP2022_900101,TP53,7157,trt
"""
KNOCK_OUT, OVEREXPRESSION = "JCP2022_800101", "JCP2022_900101"
DMSO, AMG900, NON_TARGETING, LACZ = (
    "JCP2022_033924", "JCP2022_037716", "JCP2022_800002", "JCP2022_915131",
)  # fmt: skip

PLATES = {
    # 12 wells of controls for one of a gene; DMSO stands beside knock-outs, as it does in source_13
    ("source_13", "B", "C1", "CRISPR"): {
        "A01": KNOCK_OUT, "A02": DMSO, "A03": DMSO, "A04": "JCP2022_UNKNOWN",
        **{f"B{column:02d}": NON_TARGETING for column in range(1, 13)},
    },
    ("source_13", "B", "C2", "CRISPR"): {
        "A01": KNOCK_OUT, **{f"B{column:02d}": NON_TARGETING for column in range(1, 13)},
    },
    # compounds as positive controls beside overexpressions, as in source_4
    ("source_4", "B", "O1", "ORF"): {
        "A01": OVEREXPRESSION, "A02": AMG900, "A03": DMSO, "A04": LACZ, "A05": "JCP2022_999999",
    },
    # brightfield of the first site of each well alone; the two of a pair of mirror images
    ("source_3", "B", "P1", "COMPOUND"): {
        "A01": "JCP2022_050797", "A02": "JCP2022_050798", "A03": DMSO, "A04": AMG900,
        "A05": "JCP2022_UNKNOWN", "A06": "JCP2022_999999",
    },
}  # fmt: skip


@pytest.fixture(scope="session")
def plates(tmp_path_factory) -> Path:
    """A catalog of PLATES, of a site index without images. No test may change it."""
    folder = tmp_path_factory.mktemp("plates")
    write_tables(folder)
    (folder / "orf.csv.gz").write_bytes(gzip.compress(ORFS.encode()))
    (folder / "compound.csv.gz").write_bytes(gzip.compress(COMPOUNDS.encode()))
    keys = ["Metadata_Source", "Metadata_Batch", "Metadata_Plate", "Metadata_PlateType"]
    wells = pl.DataFrame(
        [(*plate, well, what) for plate, wells in PLATES.items() for well, what in wells.items()],
        schema=[*keys, "Metadata_Well", "Metadata_JCP2022"],
        orient="row",
    )
    wells.select(keys).unique().write_csv(folder / "plate.csv.gz", compression="gzip")
    wells.select(keys[0], keys[2], "Metadata_Well", "Metadata_JCP2022").write_csv(
        folder / "well.csv.gz", compression="gzip"
    )
    url = pl.format(
        "s3://cellpainting-gallery/{}_{}_{}_", "Metadata_Plate", "Metadata_Well", "Metadata_Site"
    )
    with_brightfield = (pl.col("Metadata_Source") == "source_3") & (pl.col("Metadata_Site") == "1")
    wells.select(*keys[:3], "Metadata_Well").join(
        pl.DataFrame({"Metadata_Site": [str(site) for site in SITES]}), how="cross"
    ).with_columns(
        *((url + f"{stain}.tif").alias(f"URL_Orig{stain}") for stain in STAINS),
        pl.when(with_brightfield).then(url + "bf.tif").alias("URL_OrigBrightfield"),
    ).write_parquet(folder / "index.parquet")
    path = folder / "catalog.duckdb"
    jumpduck.catalog(
        path, gallery=str(folder), metadata=str(folder), index=str(folder / "index.parquet")
    )
    return path
