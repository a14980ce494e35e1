"""Plates of the JUMP pilots (cpg0000) in the layout of the gallery, with their platemaps."""

import csv
import gzip
import io
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import tifffile

from jumpduck.synthetic.cells import STAINS, Phenotype, draw_site
from jumpduck.synthetic.galleries import SmallGallery

PROJECT = "cpg0000-jump-pilot"
SOURCE = "source_4"
EDGE = 96
SITES = (1, 2)


@dataclass(frozen=True)
class PilotPlate:
    """A plate in one of the batches that it was imaged in."""

    batch: str
    name: str
    platemap: str
    with_urls: bool
    """Whether its load_data has URLs, or folders and names where the bucket was mounted."""


PLATES = (
    PilotPlate("2020_11_04_CPJUMP1", "BR00116991", "JUMP-Target-1_compound_platemap", True),
    PilotPlate("2020_11_04_CPJUMP1", "BR00117006", "JUMP-Target-1_orf_platemap", False),
    # the same plate, imaged again
    PilotPlate("2020_12_08_CPJUMP1_Bleaching", "BR00116991", "JUMP-Target-1_compound_platemap",
               False),
)  # fmt: skip

PLATEMAPS = {
    "JUMP-Target-1_compound_platemap": """\
well_position\tbroad_sample\tsolvent
A01\t\tDMSO
A02\tBRD-K00000001-001-01-1\tDMSO
B01\tBRD-K00000002-001-01-1\tDMSO
""",
    "JUMP-Target-1_orf_platemap": """\
well_position\tbroad_sample
A01\tccsbBroad304_00900
A02\tccsbBroad304_99991
B01\t
""",
}
TABLES = {
    "JUMP-Target-1_compound_metadata.tsv": """\
broad_sample\tInChIKey\tpert_iname\tpert_type\tcontrol_type\tsmiles
BRD-K00000001-001-01-1\tRYYVLZVUVIJVGH-UHFFFAOYSA-N\tcaffeine\ttrt\tNA\tCn1c(=O)c2c(ncn2C)n(C)c1=O
BRD-K00000002-001-01-1\t\tAMG900\tcontrol\tposcon_diverse\t
""",
    "JUMP-Target-1_orf_metadata.tsv": """\
broad_sample\tgene\tpert_type\tcontrol_type
ccsbBroad304_00900\tCDK9\ttrt\t
ccsbBroad304_99991\tLUCIFERASE\tcontrol\tnegcon
""",
}
PHENOTYPES = {
    "A01": Phenotype(),
    "A02": Phenotype(cells=0.7, mito=2.2),
    "B01": Phenotype(cells=0.4, nucleus=1.5),
}

MISSING = ("BR00116991", "A02", 2, "ER")
CORRUPT = ("BR00117006", "A01", 1, "Mito")
"""In the first batch."""


def write(folder: Path) -> SmallGallery:
    """Write the gallery: images, load_data, platemaps and the tables that describe samples."""
    root = folder / "gallery"
    sizes = [size for plate in PLATES for size in _write_plate(root, plate)]
    metadata = root / PROJECT / SOURCE / "workspace/metadata"
    for batch in sorted({plate.batch for plate in PLATES}):
        place = metadata / "platemaps" / batch
        (place / "platemap").mkdir(parents=True, exist_ok=True)
        of_batch = [plate for plate in PLATES if plate.batch == batch]
        lines = [f"{plate.name},{plate.platemap}\n" for plate in of_batch]
        text = "".join(["Assay_Plate_Barcode,Plate_Map_Name\n", *lines])
        (place / "barcode_platemap.csv").write_text(text, encoding="utf-8")
        for name in {plate.platemap for plate in of_batch}:
            (place / f"platemap/{name}.txt").write_text(PLATEMAPS[name], encoding="utf-8")
    (metadata / "external_metadata").mkdir(exist_ok=True)
    for name, text in TABLES.items():
        (metadata / "external_metadata" / name).write_text(text, encoding="utf-8")
    return SmallGallery(
        options={"gallery": str(root), "project": "cpg0000"},
        perturbation="caffeine",
        files=len(sizes),
        bytes=sum(sizes),
        images=len(PLATES) * len(PHENOTYPES) * len(SITES) * len(STAINS),
        faults={_path(*MISSING): "missing", _path(*CORRUPT): "corrupt"},
    )


def _write_plate(root: Path, plate: PilotPlate) -> list[int]:
    """Write images and load_data of a plate; the bytes of each image."""
    folder = (
        f"{PROJECT}/{SOURCE}/images/{plate.batch}/images/"
        f"{plate.name}__2020-11-05T19_51_35-Measurement 1/Images"
    )
    (root / folder).mkdir(parents=True, exist_ok=True)
    columns = ["URL"] if plate.with_urls else ["PathName", "FileName"]
    header = [f"{column}_Orig{stain}" for stain in STAINS for column in columns]
    rows: list[list[str]] = [[*header, "Metadata_Plate", "Metadata_Well", "Metadata_Site"]]
    sizes: list[int] = []
    for well, phenotype in PHENOTYPES.items():
        for site in SITES:
            planes = draw_site(EDGE, phenotype, crc32(f"{plate}/{well}/{site}".encode()))
            row: list[str] = []
            for number, stain in enumerate(STAINS, 1):
                letter, column = ord(well[0]) - 64, int(well[1:])
                name = f"r{letter:02d}c{column:02d}f{site:02d}p01-ch{number}sk1fk1fl1.tiff"
                if plate.with_urls:
                    row.append(f"s3://cellpainting-gallery/{folder}/{name}")
                else:
                    row += [f"/home/ubuntu/bucket/{folder}/", name]
                image = (plate.name, well, site, stain)
                if plate.batch == PLATES[0].batch and image == MISSING:
                    continue
                buffer = io.BytesIO()
                tifffile.imwrite(buffer, planes[stain], metadata=None)
                data = buffer.getvalue()
                if plate.batch == PLATES[0].batch and image == CORRUPT:
                    data = data[: len(data) // 2]
                (root / folder / name).write_bytes(data)
                sizes.append(len(data))
            rows.append([*row, plate.name, well, str(site)])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    place = root / f"{PROJECT}/{SOURCE}/workspace/load_data_csv/{plate.batch}/{plate.name}"
    place.mkdir(parents=True, exist_ok=True)
    if plate.with_urls:
        (place / "load_data.csv").write_text(text.getvalue(), encoding="utf-8")
    else:
        data = gzip.compress(text.getvalue().encode(), mtime=0)
        (place / "load_data.csv.gz").write_bytes(data)
    return sizes


def _path(plate: str, well: str, site: int, stain: str) -> str:
    batch = PLATES[0].batch
    return f"{SOURCE}/{batch}/{plate}/{SOURCE}__{batch}__{plate}__{well}__{site}__{stain}"
