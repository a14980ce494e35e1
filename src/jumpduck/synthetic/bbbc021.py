"""A small gallery in the layout of BBBC021: a zip a plate, and three CSV tables."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo
from zlib import crc32

import numpy as np
import tifffile
from numpy.typing import NDArray

from jumpduck.synthetic.cells import Phenotype, draw_site
from jumpduck.synthetic.galleries import SmallGallery

HEIGHT, WIDTH = 96, 120
"""Pixels of an image: the proportions of the published ones, 1024 x 1280."""

SITES = range(1, 5)

CHANNELS = {"DAPI": (1, "DNA"), "Tubulin": (2, "ER"), "Actin": (4, "AGP")}
"""The number that the names of files have for a channel, and the stain that is drawn for it."""

UNTREATED = Phenotype(cells=5)
POISONED = Phenotype(cells=2.5, nucleus=1.5, er=1.8)
FEWER_CELLS = Phenotype(cells=3, nucleus=0.8)
"""So many cells that each of these small fields has one."""


@dataclass(frozen=True)
class SmallPlate:
    """A plate of the gallery."""

    name: str
    prefix: str
    """What the names of its files begin with."""
    wells: Mapping[str, tuple[str, str, Phenotype]]
    """Compound, concentration as the table writes it, and phenotype."""


PLATES = (
    # names of files without a prefix; a compound at a dose with a mechanism, and at one without
    SmallPlate(
        "Week4_27481", "",
        {
            "B02": ("DMSO", "0", UNTREATED), "E02": ("taxol", "0.3", POISONED),
            "D03": ("vincristine", "1", POISONED), "D10": ("vincristine", "3e-4", UNTREATED),
            "E05": ("3,3'-diaminobenzidine", "10", FEWER_CELLS),
        },
    ),
    # another prefix; compounds with a comma in their names and without a name
    SmallPlate(
        "Week8_38341", "Week8_4sites_",
        {
            "C02": ("DMSO", "0", UNTREATED), "B11": ("taxol", "0.3", POISONED),
            "D05": ("ICI-182,780", "0.01", UNTREATED), "G03": ("UNKNOWN", "10", FEWER_CELLS),
            "F06": ("cytochalasin B", "30", FEWER_CELLS),
        },
    ),
)  # fmt: skip

MECHANISMS = (
    ("DMSO", "0.000000", "DMSO"),
    ("taxol", "0.300000", "Microtubule stabilizers"),
    ("vincristine", "1.000000", "Microtubule destabilizers"),
    ("cytochalasin B", "30.000000", "Actin disruptors"),
)

SMILES = (
    ("DMSO", "CS(C)=O"),
    ("3,3'-diaminobenzidine", "Nc1ccc(cc1N)c2ccc(N)c(N)c2"),
    ("UNKNOWN", ""),
)

MISSING = ("Week8_38341", "D05", 3, "Tubulin")
CORRUPT = ("Week4_27481", "D03", 2, "Actin")
"""Plate, well, site and channel of the two planned faults."""


def write(folder: Path) -> SmallGallery:
    """Write the gallery and its tables into a folder, and get what was written."""
    gallery, metadata = folder / "gallery", folder / "metadata"
    gallery.mkdir(parents=True, exist_ok=True)
    metadata.mkdir(exist_ok=True)
    lines = [line for plate in PLATES for line in _write_plate(gallery, plate)]
    what = [f"Image_{kind}_{one}" for one in CHANNELS for kind in ("FileName", "PathName")]
    keys = ("Image_Metadata_Plate_DAPI", "Image_Metadata_Well_DAPI", "Replicate")
    treated = ("Image_Metadata_Compound", "Image_Metadata_Concentration")
    header = ("TableNumber", "ImageNumber", *what, *keys, *treated)
    _write_table(metadata / "BBBC021_v1_image.csv", [header, *lines])
    mechanisms = [("compound", "concentration", "moa"), *MECHANISMS]
    _write_table(metadata / "BBBC021_v1_moa.csv", mechanisms)
    _write_table(metadata / "BBBC021_v1_compound.csv", [("compound", "smiles"), *SMILES])
    files = [file for file in folder.rglob("*") if file.is_file()]
    return SmallGallery(
        options={"gallery": str(gallery), "metadata": str(metadata)},
        perturbation="taxol",
        files=len(files),
        bytes=sum(file.stat().st_size for file in files),
        images=len(lines) * len(CHANNELS),
        faults={_path(*MISSING): "missing", _path(*CORRUPT): "corrupt"},
    )


def file_name(plate: SmallPlate, well: str, site: int, channel: str) -> str:
    """Get the name of an image: nothing parts the number of its channel from the GUID."""
    number, _ = CHANNELS[channel]
    guid = str(uuid5(NAMESPACE_OID, f"{plate.name}/{well}/{site}/{number}")).upper()
    return f"{plate.prefix}{well}_s{site}_w{number}{guid}.tif"


def _write_plate(gallery: Path, plate: SmallPlate) -> Iterable[Sequence[object]]:
    """Write the zip of a plate, and get its lines of the image table."""
    week = plate.name.partition("_")[0]
    with ZipFile(gallery / f"BBBC021_v1_images_{plate.name}.zip", "w") as file:
        file.writestr(ZipInfo(f"{plate.name}/"), b"")
        for well, (compound, concentration, phenotype) in plate.wells.items():
            for site in SITES:
                seed = crc32(f"{plate.name}/{well}/{site}".encode())
                planes = draw_site(WIDTH, phenotype, seed)
                images: list[str] = []
                for channel, (_, stain) in CHANNELS.items():
                    name = file_name(plate, well, site, channel)
                    images += [name, f"{week}/{plate.name}"]
                    key = (plate.name, well, site, channel)
                    if key == MISSING:
                        continue
                    data = _tiff(planes[stain][:HEIGHT])
                    data = data[: len(data) // 2] if key == CORRUPT else data
                    file.writestr(ZipInfo(f"{plate.name}/{name}"), data, ZIP_DEFLATED)
                number = sum(map(ord, well)) + site
                yield (4, number, *images, plate.name, well, 1, compound, concentration)


def _tiff(plane: NDArray[np.uint16]) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, plane, metadata=None)
    return buffer.getvalue()


def _path(plate: str, well: str, site: int, channel: str) -> str:
    week = plate.partition("_")[0]
    return f"bbbc021/{week}/{plate}/bbbc021__{week}__{plate}__{well}__{site}__{channel}"


def _write_table(file: Path, rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    file.write_bytes(text.getvalue().encode())
