"""A small gallery in the layout of JUMP's bucket, with the irregularities of the real one."""

import csv
import gzip
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import tifffile

from jumpduck.synthetic.cells import STAINS, Phenotype, draw_site
from jumpduck.synthetic.galleries import SmallGallery
from jumpduck.synthetic.profiles import write_profiles

PROJECT = "cpg0016-jump"
GALLERY = "s3://cellpainting-gallery"

UNTREATED = Phenotype()
POISONED = Phenotype(cells=0.4, nucleus=1.5, mito=0.6)
WITHOUT_CELLS = Phenotype(cells=0)
FEWER_CELLS = Phenotype(cells=0.7, mito=2.2)
MORE_CELLS = Phenotype(cells=1.4, nucleus=0.75, er=1.6)


@dataclass(frozen=True)
class DemoPlate:
    """A plate of the gallery: its names, the form of its files, and its wells."""

    source: str
    batch: str
    name: str
    plate_type: str
    folder: str
    """Folder of its images below ``images/BATCH/images/``."""
    file_pattern: str
    sites: range
    large: bool
    """Its images have the larger of the two edges."""
    lzw: bool
    wells: dict[str, tuple[str, Phenotype]]
    """Perturbation and phenotype by well."""
    brightfield: bool = False
    load_data_file: str = "load_data.csv"


PLATES = (
    # a plate whose name is all digits; uncompressed .tif as from a Yokogawa microscope
    DemoPlate(
        "source_2", "20260101_Batch_1", "1000000001", "COMPOUND",
        "1000000001", "1000000001_{well}_T0001F{site:03d}L01A01Z01C{channel:02d}.tif",
        range(1, 7), large=False, lzw=False,
        wells={
            "A01": ("JCP2022_033924", UNTREATED), "A02": ("JCP2022_037716", POISONED),
            "B01": ("JCP2022_000101", FEWER_CELLS), "B02": ("JCP2022_000102", MORE_CELLS),
            "B03": ("JCP2022_999999", WITHOUT_CELLS),
        },
    ),
    # keys with a space, .tiff with LZW, brightfield, other image size; as from an Opera Phenix
    DemoPlate(
        "source_3", "Demo_Phenix1", "JD5876c3", "TARGET2",
        "JD5876c3__2026-01-02T20_47_20-Measurement 1/Images",
        "r{row:02d}c{column:02d}f{site:02d}p01-ch{channel}sk1fk1fl1.tiff",
        range(1, 8), large=True, lzw=True, brightfield=True, load_data_file="load_data.csv.gz",
        wells={
            "A01": ("JCP2022_033924", UNTREATED), "A02": ("JCP2022_046054", POISONED),
            "B01": ("JCP2022_000102", MORE_CELLS),
        },
    ),
    # sites from 0; knock-outs
    DemoPlate(
        "source_13", "20260103_Run1", "JD-CC9-R1-05", "CRISPR",
        "JD-CC9-R1-05", "JD-CC9-R1-05_{well}_T0001F{site:03d}L01A01Z01C{channel:02d}.tif",
        range(6), large=False, lzw=False,
        wells={
            "A01": ("JCP2022_800002", UNTREATED), "A02": ("JCP2022_805264", POISONED),
            "B01": ("JCP2022_800101", FEWER_CELLS), "B02": ("JCP2022_800102", MORE_CELLS),
        },
    ),
)  # fmt: skip

MISSING = ("source_2", "B01", 3, "ER")
CORRUPT = ("source_13", "B02", 4, "Mito")
"""Source, well, site and channel of the two planned faults, in wells whose sites are all kept."""

TABLES = {
    "compound.csv.gz": """\
Metadata_JCP2022,Metadata_InChIKey,Metadata_InChI,Metadata_SMILES
JCP2022_033924,IAZDPXIOMUYVGZ-UHFFFAOYSA-N,"InChI=1S/C2H6OS/c1-4(2)3/h1-2H3",CS(C)=O
JCP2022_037716,,,
JCP2022_046054,,,
JCP2022_000101,RYYVLZVUVIJVGH-UHFFFAOYSA-N,,Cn1c(=O)c2c(ncn2C)n(C)c1=O
JCP2022_000102,BSYNRYMUTXBXSQ-UHFFFAOYSA-N,,CC(=O)Oc1ccccc1C(=O)O
""",
    "orf.csv.gz": """\
Metadata_JCP2022,Metadata_Symbol,Metadata_NCBI_Gene_ID,Metadata_pert_type
JCP2022_915131,LacZ,LacZ,negcon
""",
    "crispr.csv.gz": """\
Metadata_JCP2022,Metadata_NCBI_Gene_ID,Metadata_Symbol
JCP2022_800002,,non-targeting
JCP2022_805264,5347,PLK1
JCP2022_800101,7157,TP53
JCP2022_800102,672,BRCA1
""",
    "perturbation_control.csv": """\
Metadata_JCP2022,Metadata_pert_type,Metadata_Name,Metadata_modality
JCP2022_999999,empty,Empty,any
JCP2022_033924,negcon,DMSO,compound
JCP2022_037716,poscon,AMG900,compound
JCP2022_046054,poscon,FK-866,compound
JCP2022_800002,negcon,non-targeting,crispr
JCP2022_805264,poscon,PLK1,crispr
JCP2022_915131,negcon,LacZ,orf
""",
    "compound_source.csv.gz": """\
Metadata_Compound_Source,Metadata_JCP2022
source_2,JCP2022_000101
source_3,JCP2022_000102
""",
    "microscope_config.csv": """\
Metadata_Source,Metadata_Microscope_Name,Metadata_Widefield_vs_Confocal,\
Metadata_Excitation_Type,Metadata_Objective_NA,Metadata_Sites_Per_Well,\
Metadata_Filter_Configuration,Metadata_Pixel_Size_Microns
source_2,CV8000,Confocal,Laser,1.0,6,A,0.65
source_3,Opera Phenix,Widefield,Laser,1.0,9,B,0.597976
source_13,CV7000,Confocal,Laser,0.75,9,A,0.65
""",
    "cellprofiler_version.csv": """\
Metadata_Source,Metadata_CellProfiler_Version
source_2,4.0.7
source_3,4.2.1
source_13,4.1.3
""",
}

_BANDS = [
    f"Metadata_{kind}_{end}_{stain}"
    for kind in ("Excitation", "Emission")
    for end in ("Low", "High")
    for stain in ("DNA", "ER", "RNA", "AGP", "Mito")
]


@dataclass(frozen=True)
class Gallery:
    """What was written."""

    gallery: Path
    """Folder in place of the bucket."""
    metadata: Path
    files: int
    bytes: int
    missing: str
    """Path, in the results, of the image that was not written."""
    corrupt: str
    """Path, in the results, of the image that was written in half."""


def write(folder: Path) -> SmallGallery:
    """Write the demo gallery and its metadata into a folder."""
    made = write_gallery(folder)
    return SmallGallery(
        options={"gallery": str(made.gallery), "metadata": str(made.metadata)},
        perturbation="BRCA1",
        files=made.files,
        bytes=made.bytes,
        images=made.files + 1,
        faults={
            made.missing.removesuffix(".png"): "missing",
            made.corrupt.removesuffix(".png"): "corrupt",
        },
    )


def write_gallery(folder: Path, *, edges: tuple[int, int] = (512, 800)) -> Gallery:
    """Write the demo gallery and its metadata into a folder, and get what was written.

    Parameters
    ----------
    edges
        Height and width of the small and of the large images, in pixels.
    """
    root, metadata = folder / "gallery", folder / "metadata"
    write_tables(metadata)
    plates = [("Metadata_Source", "Metadata_Batch", "Metadata_Plate", "Metadata_PlateType")]
    wells = [("Metadata_Source", "Metadata_Plate", "Metadata_Well", "Metadata_JCP2022")]
    for plate in PLATES:
        plates.append((plate.source, plate.batch, plate.name, plate.plate_type))
        for well, (perturbation, _) in plate.wells.items():
            wells.append((plate.source, plate.name, well, perturbation))
    _write_text(metadata / "plate.csv.gz", _csv(plates))
    _write_text(metadata / "well.csv.gz", _csv(wells))
    sizes = [size for plate in PLATES for size in _write_plate(root, plate, edges)]
    write_profiles(root, metadata, PLATES)
    missing, corrupt = (_path(*fault) for fault in (MISSING, CORRUPT))
    return Gallery(root, metadata, len(sizes), sum(sizes), missing, corrupt)


def write_tables(metadata: Path) -> None:
    """Write the metadata tables that name neither plates nor wells."""
    metadata.mkdir(parents=True, exist_ok=True)
    for name, text in TABLES.items():
        _write_text(metadata / name, text)
    filters = [("Metadata_Filter_Configuration", *_BANDS, "Metadata_FPBase_Config")]
    filters += [(name, *range(400, 400 + 10 * len(_BANDS), 10), "") for name in "AB"]
    _write_text(metadata / "microscope_filter.csv", _csv(filters))


def _write_plate(root: Path, plate: DemoPlate, edges: tuple[int, int]) -> list[int]:
    """Write images and load_data of a plate; the bytes of each image."""
    channels: list[str] = [*STAINS, "Brightfield"] if plate.brightfield else list(STAINS)
    images = f"{PROJECT}/{plate.source}/images/{plate.batch}/images/{plate.folder}"
    sites = [(well, site) for well in plate.wells for site in plate.sites]
    (root / images).mkdir(parents=True, exist_ok=True)

    def file_name(well: str, site: int, channel: str) -> str:
        # The number in a file's name is not the channel's place in any list: only load_data says
        # which channel a file has. Therefore the numbers here run backwards.
        number = len(channels) - channels.index(channel)
        row, column = ord(well[0]) - 64, int(well[1:])
        return plate.file_pattern.format(
            well=well, site=site, channel=number, row=row, column=column
        )

    def write_site(well_and_site: tuple[str, int]) -> list[int]:
        well, site = well_and_site
        seed = crc32(f"{plate.name}/{well}/{site}".encode())
        planes = draw_site(edges[plate.large], plate.wells[well][1], seed)
        sizes: list[int] = []
        for channel in channels:
            key = (plate.source, well, site, channel)
            if key == MISSING:
                continue
            data = _tiff(planes[channel], lzw=plate.lzw)
            data = data[: len(data) // 2] if key == CORRUPT else data
            (root / images / file_name(well, site, channel)).write_bytes(data)
            sizes.append(len(data))
        return sizes

    with ThreadPoolExecutor() as pool:
        sizes = [size for of_site in pool.map(write_site, sites) for size in of_site]

    keys = ["Metadata_Source", "Metadata_Batch", "Metadata_Plate", "Metadata_Well", "Metadata_Site"]
    rows: list[Sequence[object]] = [[*(f"URL_Orig{channel}" for channel in channels), *keys]]
    for well, site in sites:
        urls = [f"{GALLERY}/{images}/{file_name(well, site, channel)}" for channel in channels]
        rows.append([*urls, plate.source, plate.batch, plate.name, well, site])
    place = f"{PROJECT}/{plate.source}/workspace/load_data_csv/{plate.batch}/{plate.name}"
    (root / place).mkdir(parents=True, exist_ok=True)
    _write_text(root / place / plate.load_data_file, _csv(rows))
    return sizes


def _path(source: str, well: str, site: int, channel: str) -> str:
    plate = next(plate for plate in PLATES if plate.source == source)
    key = f"{source}__{plate.batch}__{plate.name}__{well}__{site}"
    return f"{source}/{plate.batch}/{plate.name}/{key}__{channel}.png"


def _tiff(plane: np.ndarray[tuple[int, int], np.dtype[np.uint16]], *, lzw: bool) -> bytes:
    buffer = io.BytesIO()
    compression = "lzw" if lzw else None
    tifffile.imwrite(buffer, plane, compression=compression, rowsperstrip=len(plane), metadata=None)
    return buffer.getvalue()


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _write_text(file: Path, text: str) -> None:
    data = text.encode()
    file.write_bytes(gzip.compress(data, mtime=0) if file.suffix == ".gz" else data)
