"""A small gallery in the layout of the Image Data Resource: idr0035, whose images are files."""

import csv
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tifffile

from jumpduck.synthetic.cells import Phenotype, draw_site
from jumpduck.synthetic.galleries import SmallGallery

EDGE = 96
"""Height and width of an image in pixels."""

FIELDS = 4

FOLDER = "idr0035-caie-drugresponse"

CHANNELS = {"DAPI": ("1", "DNA"), "Tubulin": ("2", "ER"), "Actin": ("4", "AGP")}
"""For each channel of idr0035 the digit in its file names, and the stain that is drawn."""

PLATES = {"Week1_22123": "Week1_150607_", "Week8_38221": "Week8_4sites_"}
"""Plates, and how the names of their files begin."""

WELLS = {
    "B2": ("DMSO", "", "", "", "negative control", Phenotype()),
    "B3": (
        "taxol", "0.3 micromolar", r"CC1=C2C(C(=O)C3(C)O/C=C/3)C2C\\C=C1",
        "Microtubule stabilizers", "", Phenotype(cells=0.5, nucleus=1.4),
    ),
    "G10": ("nocodazole", "1 micromolar", "", "Microtubule destabilizers", "", Phenotype(er=0.6)),
    "G11": ("DMSO", "", "", "", "negative control", Phenotype()),
}  # fmt: skip
"""What is in each well, as published: compound, dose, SMILES, mechanism, control type."""

ANNOTATION = (
    "Plate", "Well", "Well Number", "Characteristics [Organism]", "Term Source 1 REF",
    "Term Source 1 Accession", "Characteristics [Cell Line]", "Term Source 2 REF",
    "Term Source 2 Accession", "Replicate", "Batch", "Compound Name", "Dose", "Compound SMILES",
    "Compound MOA (from Ljosa et al, 2013)", "Control Type", "Channels",
)  # fmt: skip

ROWS, COLUMNS = 8, 12


def write(folder: Path) -> SmallGallery:
    """Write a small gallery below ``gallery`` and its tables below ``metadata``."""
    gallery, metadata = folder / "gallery", folder / "metadata"
    tables = metadata / FOLDER
    (tables / "screens").mkdir(parents=True)
    (tables / "screenA").mkdir()
    random = np.random.default_rng(35)
    lines: list[Sequence[str]] = []
    written: list[Path] = []
    for plate, prefix in PLATES.items():
        images = gallery / FOLDER / "images" / plate
        images.mkdir(parents=True)
        named: dict[str, list[str]] = {}
        for well, (compound, dose, smiles, mechanism, control, phenotype) in WELLS.items():
            number = (ord(well[0]) - 65) * COLUMNS + int(well[1:])
            lines.append((
                plate, well, str(number), "Homo sapiens", "NCBITaxon", "NCBITaxon_9606", "MCF-7",
                "EFO", "EFO_0001203", "1", plate.partition("_")[0], compound, dose, smiles,
                mechanism, control, "DAPI:DNA;Phallodin:F-actin;B-tubulin",
            ))  # fmt: skip
            for field in range(1, FIELDS + 1):
                planes = draw_site(EDGE, phenotype, seed=len(written))
                start = f"{prefix}{well[0]}{int(well[1:]):02d}_s{field}_w"
                ends: list[str] = []
                for digit, stain in CHANNELS.values():
                    name = digit + str(uuid.UUID(bytes=random.bytes(16))).upper()
                    written.append(images / f"{start}{name}.tif")
                    tifffile.imwrite(written[-1], planes[stain])
                    ends.append(name)
                path = f"/uod/idr/filesets/{FOLDER}/images/{plate}/{start}<{','.join(ends)}>.tif"
                named.setdefault(well, []).append(path)
        (tables / "screens" / f"{plate}.screen").write_text(_screen(plate, named))
    with (tables / "screenA" / "idr0035-screenA-annotation.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([ANNOTATION, *lines])
    (tables / "screenA" / "idr0035-screenA-plates.tsv").write_text(
        "".join(f"{plate}\t../screens/{plate}.screen\n" for plate in PLATES)
    )
    size = sum(file.stat().st_size for file in written)
    written[0].unlink()  # DAPI of the first field
    cut = written[4]  # Tubulin of the second
    cut.write_bytes(cut.read_bytes()[:500])
    site = "idr0035/screenA/Week1_22123/idr0035__screenA__Week1_22123__B02"
    return SmallGallery(
        options={"studies": ["idr0035"], "gallery": str(gallery), "metadata": str(metadata)},
        perturbation="taxol",
        files=len(written) - 1,
        bytes=size,
        images=len(written),
        faults={f"{site}__1__DAPI": "missing", f"{site}__2__Tubulin": "corrupt"},
    )


def _screen(plate: str, named: dict[str, list[str]]) -> str:
    """Get the file that names the images of a plate: a block for each well, also those without."""
    blocks = [f"[Plate]\nName = {plate}\nRows = {ROWS}\nColumns = {COLUMNS}\nFields = {FIELDS}\n"]
    for number in range(ROWS * COLUMNS):
        row, column = divmod(number, COLUMNS)
        block = f"[Well {number}]\nRow = {row}\nColumn = {column}\n"
        if paths := named.get(f"{chr(65 + row)}{column + 1}"):
            block += f"AxisTypes = C\nChannelNames = {','.join(CHANNELS)}\n"
            block += "".join(f"Field_{place} = {path}\n" for place, path in enumerate(paths))
        blocks.append(block)
    return "\n".join(blocks)
