"""A small gallery in the layout of JUMP-lite: an array a site, without loss and as JPEG XL."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import imagecodecs
import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.synthetic.cells import Phenotype, draw_site
from jumpduck.synthetic.galleries import SmallGallery

EDGE = 96
"""Height and width of an image in pixels."""

CHANNELS = ("AGP", "DNA", "ER", "Mito", "RNA")
"""In the order of the planes of an array."""

ROOT = "cpg0016-jump/source_all"
IMAGES = f"{ROOT}/images/2026_jump_lite_v1.0/images_compressed"
METADATA = f"{ROOT}/workspace/publication_data/2026_jump_lite/metadata/v1.0"

DISTANCES = {"jpegxl_lossy_hq": 1.0, "jpegxl_lossy_mq": 3.0, "jpegxl_lossy_d20": 20.0}
"""For each lossy packing how far JPEG XL may go from the pixels."""


class Well(NamedTuple):
    """A well as the release describes it."""

    source: str
    batch: str
    plate: str
    well: str
    first_site: int
    jcp2022: str
    symbol: str | None
    role: str
    modality: str
    phenotype: Phenotype


ORF = ("source_4", "2021_04_26_Batch1", "BR00117035")
CRISPR = ("source_13", "20220914_Run1", "CP-CC9-R1-01")

WELLS = (
    Well(*ORF, "A01", 1, "JCP2022_915131", "LacZ", "negcon", "orf", Phenotype()),
    Well(*ORF, "B07", 1, "JCP2022_900012", "AKT1", "trt", "orf", Phenotype(er=0.6)),
    Well(*CRISPR, "A02", 0, "JCP2022_800002", "non-targeting", "negcon", "crispr", Phenotype()),
    Well(*CRISPR, "L07", 0, "JCP2022_805264", "PLK1", "poscon", "crispr", Phenotype(cells=0.4)),
)
"""Sites of source_13 are numbered from 0."""

SITES = 3
"""Sites of a well."""


def write(folder: Path) -> SmallGallery:
    """Write a small gallery below ``gallery``, whose tables lie in it."""
    gallery = folder / "gallery"
    images, metadata = gallery / IMAGES, gallery / METADATA
    metadata.mkdir(parents=True, exist_ok=True)
    sites: list[dict[str, str | int]] = []
    stores = {name: images / f"{name}.zarr" for name in ("zstd", *DISTANCES)}
    for name, store in stores.items():
        store.mkdir(parents=True, exist_ok=True)
        group = (
            {"zarr_format": 2} if name in DISTANCES else {"zarr_format": 3, "node_type": "group"}
        )
        file = ".zgroup" if name in DISTANCES else "zarr.json"
        (store / file).write_text(json.dumps(group))
    for well, site, planes in _planes():
        key = "__".join((*well[:4], str(site)))
        urls = f"s3://cellpainting-gallery/cpg0016-jump/{well.source}/images/{key}"
        sites.append({
            "Metadata_Site_Key": key, "Metadata_Source": well.source, "Metadata_Batch": well.batch,
            "Metadata_Plate": well.plate, "Metadata_Well": well.well, "Metadata_Site": site,
            **{f"URL_Orig{channel}": f"{urls}_{channel}.tiff" for channel in CHANNELS},
        })  # fmt: skip
        for name, store in stores.items():
            if name in DISTANCES:
                _write_version_2(store / key, planes, DISTANCES[name])
            else:
                _write_version_3(store / key, planes)
    pl.DataFrame(sites).write_parquet(metadata / "jump_lite_site_index.parquet")
    _perturbations().write_parquet(metadata / "jump_lite_perturbation_metadata.parquet")
    files = [file for file in gallery.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    absent, cut = (str(one["Metadata_Site_Key"]) for one in sites[:2])
    (stores["zstd"] / absent / "zarr.json").unlink()
    chunk = stores["zstd"] / cut / "c/0/0/0"
    chunk.write_bytes(chunk.read_bytes()[:1000])
    place = "/".join(ORF)
    faults = {absent: "missing", cut: "corrupt"}
    return SmallGallery(
        options={"gallery": str(gallery)},
        perturbation="AKT1",
        files=len(files) - 1,
        bytes=size,
        images=len(sites) * len(CHANNELS),
        faults={
            f"{place}/{key}__{channel}": status
            for key, status in faults.items()
            for channel in CHANNELS
        },
    )


def _planes() -> Iterator[tuple[Well, int, NDArray[np.uint16]]]:
    for place, well in enumerate(WELLS):
        for number in range(SITES):
            drawn = draw_site(EDGE, well.phenotype, seed=SITES * place + number)
            yield well, well.first_site + number, np.stack([drawn[name] for name in CHANNELS])


def _perturbations() -> pl.DataFrame:
    return pl.DataFrame([
        {
            "Metadata_Well_Key": "__".join(well[:4]), "Metadata_Source": well.source,
            "Metadata_Batch": well.batch, "Metadata_Plate": well.plate,
            "Metadata_Well": well.well, "Metadata_JCP2022": well.jcp2022,
            "Metadata_broad_sample": None, "Metadata_Symbol": well.symbol,
            "Metadata_pert_type": well.role, "Metadata_Perturbation_Type": well.modality,
            "Metadata_Group": well.symbol,
        }
        for well in WELLS
    ], schema_overrides={"Metadata_broad_sample": pl.String})  # fmt: skip


def _write_version_3(array: Path, planes: NDArray[np.uint16]) -> None:
    (array / "c/0/0").mkdir(parents=True, exist_ok=True)
    blosc = {"typesize": 2, "cname": "zstd", "clevel": 9, "shuffle": "bitshuffle", "blocksize": 0}
    described = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": planes.shape,
        "data_type": "uint16",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": planes.shape}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0,
        "codecs": [
            {"name": "bytes", "configuration": {"endian": "little"}},
            {"name": "blosc", "configuration": blosc},
        ],
        "attributes": {},
    }
    (array / "zarr.json").write_text(json.dumps(described))
    packed = imagecodecs.blosc_encode(
        planes.tobytes(), compressor="zstd", level=9, shuffle="bitshuffle", typesize=2, numthreads=1
    )
    (array / "c/0/0/0").write_bytes(packed)


def _write_version_2(array: Path, planes: NDArray[np.uint16], distance: float) -> None:
    array.mkdir(exist_ok=True)
    described = {
        "zarr_format": 2,
        "shape": planes.shape,
        "chunks": planes.shape,
        "dtype": "<u2",
        "compressor": {"id": "imagecodecs_jpegxl", "distance": distance, "lossless": False},
        "filters": None,
        "fill_value": 0,
        "order": "C",
    }
    (array / ".zarray").write_text(json.dumps(described))
    (array / "0.0.0").write_bytes(imagecodecs.jpegxl_encode(planes, distance=distance))
