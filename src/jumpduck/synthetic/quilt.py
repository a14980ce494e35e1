"""A small package of Quilt: cells, in the layout of hipsc_single_cell_image_dataset."""

import base64
import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from jumpduck.synthetic.cells import Phenotype, draw_site
from jumpduck.synthetic.galleries import SmallGallery

BUCKET = "allencell"
USER, NAME = "aics", "hipsc_single_cell_image_dataset"

EDGE = 96
"""Height and width of an image in pixels."""

Z_LEVELS = (0.6, 1.0, 0.7)
"""Brightness of each plane of a cell."""

RAW = {"dna": "DNA", "membrane": "AGP", "structure": "Mito"}
"""For each channel of crop_raw the stain that is drawn."""

SEGMENTED = ("DNA", "AGP", "AGP", "Mito", "Mito")
"""For each channel of crop_seg the stain that is segmented."""

STRUCTURES = {
    "TOMM20": Phenotype(), "NPM1": Phenotype(nucleus=1.4), "LMNB1": Phenotype(mito=0.6),
}  # fmt: skip

PLATES = ("3500001459", "3500002920")
WELLS_A_PLATE = 2
CELLS_A_WELL = 3

CHANGED = 4
"""Number of the cell whose raw image is not the one that was published."""

MISSING = 7
"""Number of the cell whose raw image is not there."""

SECONDS = 1_795_195_246
"""Time of the revision, which is the name of its pointer."""


def write(folder: Path) -> SmallGallery:
    """Write a small package below ``gallery``, which stands for its bucket."""
    gallery = folder / "gallery"
    entries: list[dict[str, object]] = []
    rows: list[dict[str, object]] = []
    faults: dict[str, str] = {}
    cells = len(PLATES) * WELLS_A_PLATE * CELLS_A_WELL
    for number in range(cells):
        well = number // CELLS_A_WELL
        plate = PLATES[well // WELLS_A_PLATE]
        cell, well_id = 230_741 + number, 93_000 + well
        structure = list(STRUCTURES)[number % len(STRUCTURES)]
        raw, segmented = _draw_cell(STRUCTURES[structure], cell)
        row: dict[str, object] = {
            "CellId": cell,
            "FOVId": 5000 + number // 2,
            "PlateId": plate,
            "WellId": well_id,
            "structure_name": structure,
            "cell_stage": "M0" if number % 4 else "M4M5",
            "split": ("train", "train", "val", "test")[number % 4],
        }
        for column, image in (("crop_raw", raw), ("crop_seg", segmented)):
            data = _ome_tiff(image)
            key = f"{column}/{hashlib.sha256(data).hexdigest()[:16]}_{cell}.ome.tif"
            row[column] = key
            meta = {"user_meta": {"CellId": cell, "structure_name": structure}}
            entries.append(_entry(key, data, meta, chunked=number % 2 == 1))
            if column == "crop_raw" and number == CHANGED:
                data = data[:-1] + bytes([data[-1] ^ 255])
            if column == "crop_raw" and number == MISSING:
                continue
            _write(gallery / USER / NAME / key, data)
        rows.append(row)
        status = {CHANGED: "corrupt", MISSING: "missing"}.get(number)
        if status is not None:
            start = f"{USER}/{NAME}/{plate}/{USER}__{NAME}__{plate}__{well_id}__{cell}__"
            faults |= {f"{start}{channel}": status for channel in RAW}
    table = io.StringIO(newline="")
    lines = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    lines.writeheader()
    lines.writerows(rows)
    data = table.getvalue().encode()
    entries.append(_entry("metadata.csv", data, {"user_meta": {"rows": cells}}, chunked=False))
    _write(gallery / USER / NAME / "metadata.csv", data)
    header = {"version": "v0", "user_meta": {"licence": "CC0 1.0"}, "message": "drawn by jumpduck"}
    write_revision(gallery, header, entries)
    written = [file for file in gallery.rglob("*") if file.is_file()]
    return SmallGallery(
        options={"gallery": str(gallery), "package": "hipsc"},
        perturbation="TOMM20",
        files=len(written),
        bytes=sum(file.stat().st_size for file in written),
        images=cells * len(RAW),
        faults=faults,
    )


def write_revision(
    gallery: Path, header: Mapping[str, object], entries: Sequence[Mapping[str, Any]]
) -> str:
    """Write a manifest and the pointers to it, and get its top hash.

    Quilt goes through a package as through folders: the parts of a path are compared.
    """
    ordered = sorted(entries, key=lambda entry: entry["logical_key"].split("/"))
    digest = hashlib.sha256(_hashed(header))
    for entry in ordered:
        hashed = ("hash", "logical_key", "meta", "size")
        digest.update(_hashed({name: entry[name] for name in hashed}))
    top_hash = digest.hexdigest()
    lines = [json.dumps(one) + "\n" for one in (header, *ordered)]
    _write(gallery / ".quilt" / "packages" / top_hash, "".join(lines).encode())
    for pointer in ("latest", str(SECONDS)):
        _write(gallery / ".quilt" / "named_packages" / USER / NAME / pointer, top_hash.encode())
    return top_hash


def _hashed(part: Mapping[str, object]) -> bytes:
    return json.dumps(part, sort_keys=True, separators=(",", ":")).encode()


def _entry(key: str, data: bytes, meta: object, *, chunked: bool) -> dict[str, object]:
    if chunked:  # of a file with one chunk
        digest = hashlib.sha256(hashlib.sha256(data).digest()).digest()
        value = {"type": "sha2-256-chunked", "value": base64.b64encode(digest).decode()}
    else:
        value = {"type": "SHA256", "value": hashlib.sha256(data).hexdigest()}
    return {
        "logical_key": key,
        "physical_keys": [f"s3://{BUCKET}/{USER}/{NAME}/{key}"],
        "size": len(data),
        "hash": value,
        "meta": meta,
    }


def _draw_cell(phenotype: Phenotype, seed: int) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Draw the raw and the segmented image of a cell, each as z, channel, y, x."""
    stains = draw_site(EDGE, phenotype, seed)
    raw = [[stains[stain] * level for stain in RAW.values()] for level in Z_LEVELS]
    masks = [255 * (stains[stain] > 1000) for stain in SEGMENTED]
    return np.array(raw).astype(np.uint16), np.array([masks] * len(Z_LEVELS), np.uint16)


def _ome_tiff(image: NDArray[np.uint16]) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(
        file, image, ome=True, metadata={"axes": "ZCYX"}, photometric="minisblack",
        compression="zlib",
    )  # fmt: skip
    return file.getvalue()


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
