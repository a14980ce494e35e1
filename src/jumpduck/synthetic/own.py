"""Two plates of a lab: files named by plate, well, site and channel; samplesheet and platemap."""

import csv
import io
from pathlib import Path
from zlib import crc32

import tifffile

from jumpduck.synthetic.cells import Phenotype, draw_site
from jumpduck.synthetic.galleries import SmallGallery

EDGE = 96
CHANNELS = ("DNA", "ER", "Mito", "Brightfield")
PATTERN = "{plate}/{well}_s{site}_w{channel}.tif"
SITES = (1, 2)
WELLS = {
    "A1": ("DMSO", "", Phenotype()),
    "A2": ("nocodazole", "poscon", Phenotype(cells=0.4, nucleus=1.5)),
    "B1": ("compound-7", "trt", Phenotype(cells=0.7, mito=2.2)),
    "B2": ("", "", Phenotype(cells=0)),
}
"""Perturbation, role and phenotype by well, with the wells as many labs write them."""

MISSING = ("plate-7", "A2", 2, "ER")
CORRUPT = ("plate-8", "B1", 1, "Mito")


def write(folder: Path) -> SmallGallery:
    """Write the gallery, a samplesheet in the long form of nf-core, and a platemap."""
    root, metadata = folder / "gallery", folder / "metadata"
    metadata.mkdir(parents=True, exist_ok=True)
    sheet = [("channel", "path", "source", "batch", "plate", "well", "site")]
    sizes: list[int] = []
    for plate in ("plate-7", "plate-8"):
        (root / plate).mkdir(parents=True, exist_ok=True)
        for well, (_, _, phenotype) in WELLS.items():
            for site in SITES:
                seed = crc32(f"{plate}/{well}/{site}".encode())
                planes = draw_site(EDGE, phenotype, seed)
                for channel in CHANNELS:
                    path = PATTERN.format(plate=plate, well=well, site=site, channel=channel)
                    sheet.append((channel, path, "lab", "week1", plate, well, str(site)))
                    if (plate, well, site, channel) == MISSING:
                        continue
                    buffer = io.BytesIO()
                    tifffile.imwrite(buffer, planes[channel], metadata=None)
                    data = buffer.getvalue()
                    if (plate, well, site, channel) == CORRUPT:
                        data = data[: len(data) // 2]
                    (root / path).write_bytes(data)
                    sizes.append(len(data))
    wells = [(well, name, role) for well, (name, role, _) in WELLS.items()]
    _write_csv(metadata / "samplesheet.csv", sheet)
    _write_csv(metadata / "platemap.csv", [("well", "perturbation", "pert_type"), *wells])
    return SmallGallery(
        options={
            "gallery": str(root),
            "samplesheet": str(metadata / "samplesheet.csv"),
            "platemap": str(metadata / "platemap.csv"),
        },
        perturbation="compound-7",
        files=len(sizes),
        bytes=sum(sizes),
        images=len(sheet) - 1,
        faults={_path(*MISSING): "missing", _path(*CORRUPT): "corrupt"},
    )


def _path(plate: str, well: str, site: int, channel: str) -> str:
    well = f"{well[0]}{int(well[1:]):02d}"
    return f"lab/week1/{plate}/lab__week1__{plate}__{well}__{site}__{channel}"


def _write_csv(file: Path, rows: list[tuple[str, ...]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as text:
        csv.writer(text, lineterminator="\n").writerows(rows)
