"""A folder of generated fields of five channels, for benchmarks."""

from pathlib import Path

import numpy as np
import polars as pl
import tifffile

import jumpduck

CHANNELS = ("DNA", "RNA", "ER", "AGP", "Mito")
EDGE_PIXELS = 1080


def write_images(folder: Path, fields: int) -> None:
    """Download generated images: half of the fields of a gene, half of its controls."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(0)
    smooth = random.gamma(2.0, 300, (EDGE_PIXELS // 8,) * 2).repeat(8, 0).repeat(8, 1)
    # little noise, so that the files have the size of JUMP's
    noise = (smooth + random.normal(0, 3, smooth.shape)).astype(np.uint16) + 200
    tifffile.imwrite(folder / "image.tif", noise)
    rows = [
        {
            "Metadata_Source": "source_1",
            "Metadata_Batch": "b",
            "Metadata_Plate": "p",
            "Metadata_Well": f"A{1 + field // 6:02d}",
            "Metadata_Site": field % 6 + 1,
            "Metadata_Channel": channel,
            "Metadata_Symbol": "MYT1" if field < fields // 2 else "no-target",
            "Metadata_pert_type": "trt" if field < fields // 2 else "negcon",
            "Metadata_modality": "crispr",
            "Metadata_Pixel_Size_Microns": 0.6,
            "url": str(folder / "image.tif"),
            "path": f"source_1/b/p/{field}__{channel}",
        }
        for field in range(fields)
        for channel in CHANNELS
    ]
    jumpduck.download(pl.DataFrame(rows), folder / "images")
