"""A small gallery in the layouts of the Image Data Resource.

Files of idr0035, a movie of idr0013, and an OME-Zarr plate of idr0016.
"""

import csv
import json
import uuid
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile

from jumpduck.synthetic.cells import Phenotype, draw_site
from jumpduck.synthetic.galleries import SmallGallery
from jumpduck.synthetic.hdf5_movie import write_movie

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

MOVIES = "idr0013-neumann-mitocheck"
MOVIE_PLATE = "LT0001_02--ex2005_11_16--sp2005_02_17--tt17--c3"
FRAMES = 93

ARRAY_ID = "171961d7-6cca-4201-87e4-449ff3880d48"
ARRAY_CHANNELS = ("ER", "RNA", "DNA", "Mito", "AGP")
"""What is drawn for ERSyto, ERSytoBleed, Hoechst, Mito and Ph_golgi."""
ARRAY_STAINS = ("ER", "DNA", "Mito", "AGP")
"""All but ERSytoBleed, which is not a stain of its own."""
ARRAY_FIELDS = 6


def write(folder: Path) -> SmallGallery:
    """Write a small gallery below ``gallery`` and its tables below ``metadata``."""
    gallery, metadata = folder / "gallery", folder / "metadata"
    _write_movie(gallery, metadata / MOVIES)
    _write_arrays(gallery, metadata)
    images = _write_files(gallery, metadata / FOLDER)
    files = [file for file in gallery.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    of_b03 = [image for image in images if "_B03_" in image.name]  # all are in the demo's manifest
    of_b03[0].unlink()  # DAPI of the first field
    cut = of_b03[4]  # Tubulin of the second
    cut.write_bytes(cut.read_bytes()[:500])
    # without the extra hdf5 no frame can be read, therefore its catalog leaves the movie out
    movies = {"idr0013-screenA": FRAMES} if find_spec("pyfive") else {}
    site = "idr0035/screenA/Week1_22123/idr0035__screenA__Week1_22123__B03"
    return SmallGallery(
        options={
            "studies": [*movies, "S-BIAD851", "idr0035"],
            "gallery": str(gallery),
            "metadata": str(metadata),
        },
        perturbation="taxol",
        files=len(files) - 1,
        bytes=size,
        images=len(images) + sum(movies.values()) + ARRAY_FIELDS * len(ARRAY_STAINS),
        faults={f"{site}__1__DAPI": "missing", f"{site}__2__Tubulin": "corrupt"},
    )


def _write_tables(folder: Path, screen: str, plates: str, lines: Sequence[Sequence[str]]) -> None:
    """Write the list of plates of a screen, and its annotation."""
    folder = folder / screen.partition("-")[2]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{screen}-plates.tsv").write_text(plates)
    with (folder / f"{screen}-annotation.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


def _write_files(gallery: Path, tables: Path) -> list[Path]:
    """Write idr0035, and get its images."""
    (tables / "screens").mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(35)
    lines: list[Sequence[str]] = [ANNOTATION]
    written: list[Path] = []
    for plate, prefix in PLATES.items():
        images = gallery / FOLDER / "images" / plate
        images.mkdir(parents=True, exist_ok=True)
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
    plates = "".join(f"{plate}\t../screens/{plate}.screen\n" for plate in PLATES)
    _write_tables(tables, "idr0035-screenA", plates, lines)
    return written


def _write_movie(gallery: Path, tables: Path) -> None:
    """Write one movie of idr0013, of which each frame is the one before, moved by a pixel."""
    first = draw_site(EDGE, Phenotype(cells=2), seed=13)["DNA"]
    grey = np.clip(first // 40, 0, 255).astype(np.uint8)
    frames = np.stack([np.roll(grey, frame, axis=1) for frame in range(FRAMES)])
    folder = gallery / MOVIES / "20150916-mitocheck-analysis/mitocheck" / MOVIE_PLATE / "hdf5"
    folder.mkdir(parents=True, exist_ok=True)
    groups = ("sample", "0", "plate", MOVIE_PLATE, "experiment", "00004", "position", "1", "image")
    write_movie(folder / "00004_01.ch5", groups, "channel", frames)
    lines = [
        ("Plate", "Well Number", "Well", "Plate Issues", "Control Type", "Original Gene Target"),
        ("LT0001_02", "4", "A4", "", "positive control", "ENSG00000149503"),
        ("LT0002_50", "4", "A4", "plate missing", "positive control", "ENSG00000149503"),
    ]
    plates = f"LT0001_02\t../screens/{MOVIE_PLATE}.screen\n"
    _write_tables(tables, "idr0013-screenA", plates, lines)


def _write_arrays(gallery: Path, metadata: Path) -> None:
    """Write one well of idr0016 in its OME-Zarr form: version 2, numbers of high byte first."""
    store = gallery / "S-BIAD851" / ARRAY_ID / f"{ARRAY_ID}.zarr"
    described = {
        "zarr_format": 2,
        "shape": [1, len(ARRAY_CHANNELS), 1, EDGE, EDGE],
        "chunks": [1, 1, 1, EDGE, EDGE],
        "dtype": ">u2",
        "compressor": {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0},
        "filters": None,
        "fill_value": 0,
        "order": "C",
        "dimension_separator": "/",
    }
    for field in range(ARRAY_FIELDS):
        planes = draw_site(EDGE, Phenotype(), seed=1600 + field)
        array = store / "A" / "1" / str(field) / "0"
        for channel, stain in enumerate(ARRAY_CHANNELS):
            chunk = array / "0" / str(channel) / "0" / "0"
            chunk.mkdir(parents=True, exist_ok=True)
            numbers = planes[stain].astype(">u2").tobytes()
            packed = imagecodecs.blosc_encode(
                numbers, compressor="lz4", level=5, shuffle="shuffle", typesize=2, numthreads=1
            )
            (chunk / "0").write_bytes(packed)
        (array / ".zarray").write_text(json.dumps(described))
    lines = [("Plate", "Well", "Compound Name"), ("24277", "A1", "staurosporine")]
    tables = metadata / "idr0016-wawer-bioactivecompoundprofiling"
    _write_tables(tables, "idr0016-screenA", "24277\t../screens/24277.screen\n", lines)
    listed = f"idr0016/24277.ome.zarr,S-BIAD851/{ARRAY_ID},21385\n"
    (metadata / "idr0016.csv").write_text(listed)


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
