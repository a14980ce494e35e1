"""A small gallery in the bucket's real layout, with the field's traps in it on purpose."""

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

from jumpduck.schema import CHANNELS
from jumpduck.synthetic.cells import Look, draw_field

PROJECT = "cpg0016-jump"
GALLERY = "s3://cellpainting-gallery"

NEGCON, POSCON, EMPTY = Look(), Look(cells=0.4, nucleus=1.5, mito=0.6), Look(cells=0)
FEW, MANY = Look(cells=0.7, mito=2.2), Look(cells=1.4, nucleus=0.75, er=1.6)


@dataclass(frozen=True)
class DemoPlate:
    """A plate: where it lies, how its files look, and what is in its wells."""

    source: str
    batch: str
    name: str
    kind: str
    folder: str
    file: str
    sites: range
    large: bool
    lzw: bool
    wells: dict[str, tuple[str, Look]]
    brightfield: bool = False
    form: str = "load_data.csv"


PLATES = (
    # a name that is all digits; raw .tif as from a Yokogawa microscope
    DemoPlate(
        "source_2", "20260101_Batch_1", "1000000001", "COMPOUND",
        "1000000001", "1000000001_{well}_T0001F{site:03d}L01A01Z01C{channel:02d}.tif",
        range(1, 7), large=False, lzw=False,
        wells={
            "A01": ("JCP2022_033924", NEGCON), "A02": ("JCP2022_037716", POSCON),
            "B01": ("JCP2022_000101", FEW), "B02": ("JCP2022_000102", MANY),
            "B03": ("JCP2022_999999", EMPTY),
        },
    ),
    # keys with a space, LZW .tiff, brightfield, another image size; as from an Opera Phenix
    DemoPlate(
        "source_3", "Demo_Phenix1", "JD5876c3", "TARGET2",
        "JD5876c3__2026-01-02T20_47_20-Measurement 1/Images",
        "r{row:02d}c{column:02d}f{site:02d}p01-ch{channel}sk1fk1fl1.tiff",
        range(1, 8), large=True, lzw=True, brightfield=True, form="load_data.csv.gz",
        wells={
            "A01": ("JCP2022_033924", NEGCON), "A02": ("JCP2022_046054", POSCON),
            "B01": ("JCP2022_000102", MANY),
        },
    ),
    # sites that begin at 0; knock-outs
    DemoPlate(
        "source_13", "20260103_Run1", "JD-CC9-R1-05", "CRISPR",
        "JD-CC9-R1-05", "JD-CC9-R1-05_{well}_T0001F{site:03d}L01A01Z01C{channel:02d}.tif",
        range(6), large=False, lzw=False,
        wells={
            "A01": ("JCP2022_800002", NEGCON), "A02": ("JCP2022_805264", POSCON),
            "B01": ("JCP2022_800101", FEW), "B02": ("JCP2022_800102", MANY),
        },
    ),
)  # fmt: skip

MISSING = ("source_2", "B01", 3, "ER")
CORRUPT = ("source_13", "B02", 4, "Mito")
"""The planned faults, in wells whose sites are all kept: source, well, site, channel."""

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


_STAINS = ("DNA", "ER", "RNA", "AGP", "Mito")
_BANDS = [
    f"Metadata_{kind}_{end}_{stain}"
    for kind in ("Excitation", "Emission")
    for end in ("Low", "High")
    for stain in _STAINS
]


@dataclass(frozen=True)
class Gallery:
    """What was written: the two roots, the number of files, and the paths that must fail."""

    gallery: Path
    metadata: Path
    files: int
    bytes: int
    missing: str
    corrupt: str


def write_gallery(folder: Path, *, edges: tuple[int, int] = (512, 800)) -> Gallery:
    """Write the demo gallery and its metadata into a folder.

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
        plates.append((plate.source, plate.batch, plate.name, plate.kind))
        wells += [(plate.source, plate.name, well, pert) for well, (pert, _) in plate.wells.items()]
    _write_text(metadata / "plate.csv.gz", _csv(plates))
    _write_text(metadata / "well.csv.gz", _csv(wells))
    sizes = [size for plate in PLATES for size in _write_plate(root, plate, edges)]
    missing, corrupt = (_path(*fault) for fault in (MISSING, CORRUPT))
    return Gallery(root, metadata, len(sizes), sum(sizes), missing, corrupt)


def write_tables(metadata: Path) -> None:
    """Write the metadata tables that know neither plates nor wells."""
    metadata.mkdir(parents=True, exist_ok=True)
    for name, text in TABLES.items():
        _write_text(metadata / name, text)
    filters = [("Metadata_Filter_Configuration", *_BANDS, "Metadata_FPBase_Config")]
    filters += [(name, *range(400, 400 + 10 * len(_BANDS), 10), "") for name in "AB"]
    _write_text(metadata / "microscope_filter.csv", _csv(filters))


def _write_plate(root: Path, plate: DemoPlate, edges: tuple[int, int]) -> list[int]:
    channels: list[str] = [*CHANNELS, "Brightfield"] if plate.brightfield else list(CHANNELS)
    images = f"{PROJECT}/{plate.source}/images/{plate.batch}/images/{plate.folder}"
    fields = [(well, site) for well in plate.wells for site in plate.sites]
    (root / images).mkdir(parents=True, exist_ok=True)

    def name(well: str, site: int, channel: str) -> str:
        # the number in the file's name is not the channel's place in ours: ask load_data
        number = len(channels) - channels.index(channel)
        row, column = ord(well[0]) - 64, int(well[1:])
        return plate.file.format(well=well, site=site, channel=number, row=row, column=column)

    def write(field: tuple[str, int]) -> list[int]:
        well, site = field
        seed = crc32(f"{plate.name}/{well}/{site}".encode())
        planes = draw_field(edges[plate.large], plate.wells[well][1], seed)
        sizes: list[int] = []
        for channel in channels:
            fault = (plate.source, well, site, channel)
            if fault == MISSING:
                continue
            data = _tiff(planes[channel], lzw=plate.lzw)
            data = data[: len(data) // 2] if fault == CORRUPT else data
            (root / images / name(well, site, channel)).write_bytes(data)
            sizes.append(len(data))
        return sizes

    with ThreadPoolExecutor() as pool:
        sizes = [size for some in pool.map(write, fields) for size in some]

    keys = ["Metadata_Source", "Metadata_Batch", "Metadata_Plate", "Metadata_Well", "Metadata_Site"]
    rows: list[Sequence[object]] = [[*(f"URL_Orig{channel}" for channel in channels), *keys]]
    for well, site in fields:
        urls = [f"{GALLERY}/{images}/{name(well, site, channel)}" for channel in channels]
        rows.append([*urls, plate.source, plate.batch, plate.name, well, site])
    place = f"{PROJECT}/{plate.source}/workspace/load_data_csv/{plate.batch}/{plate.name}"
    (root / place).mkdir(parents=True, exist_ok=True)
    _write_text(root / place / plate.form, _csv(rows))
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
