"""sites.parquet -> a contact sheet: one row a well, one column a channel."""

from pathlib import Path

import imagecodecs
import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import ManifestError
from jumpduck.figures.letters import write_text
from jumpduck.schema import CHANNELS, PLATE_KEY
from jumpduck.storage.atomic_files import atomic_write

TILE = 150
MARGIN = 330
HEAD = 34
GAP = 4


def contact_sheet(out: str | Path = "images", path: str | Path | None = None) -> Path:
    """Draw one field of each well, its channels side by side, and get the path of the PNG.

    Controls are labelled with role and name. A field whose channels are all there is preferred;
    a channel that is not there is a crossed tile.

    Parameters
    ----------
    out
        Folder that `jumpduck.download` filled.
    path
        PNG to write; ``contact_sheet.png`` in `out` by default.

    Raises
    ------
    ManifestError
        `out` has no sites.parquet.
    """
    folder = Path(out)
    table = folder / "sites.parquet"
    if not table.is_file():
        raise ManifestError(f"no {table}; fill the folder with `jumpduck download`")
    paths = [f"path_{channel}" for channel in CHANNELS]
    wells = (
        pl.read_parquet(table)
        .with_columns(absent=pl.sum_horizontal(pl.col(paths).is_null()))
        .sort("absent", "Metadata_Site")
        .group_by(*PLATE_KEY, "Metadata_Well")
        .first()
        .sort(*PLATE_KEY, "Metadata_Well")
    )
    step = TILE + GAP
    sheet = np.zeros((HEAD + step * wells.height, MARGIN + step * len(CHANNELS)), np.uint8)
    for column, channel in enumerate(CHANNELS):
        write_text(sheet, channel, 10, MARGIN + step * column)
    for number, well in enumerate(wells.iter_rows(named=True)):
        top = HEAD + step * number
        for line, text in enumerate(_labels(well)):
            write_text(sheet, text, top + 6 + 20 * line, 6)
        for column, name in enumerate(paths):
            tile = _tile(folder / well[name] if well[name] else None)
            left = MARGIN + step * column
            sheet[top : top + TILE, left : left + TILE] = tile
    target = Path(path) if path is not None else folder / "contact_sheet.png"
    atomic_write(target, bytes(imagecodecs.png_encode(sheet)))
    return target


def _labels(well: dict[str, object]) -> list[str]:
    role = str(well["Metadata_pert_type"])
    name = str(well["Metadata_Name"] or well["Metadata_JCP2022"] or "")
    return [
        f"{well['Metadata_Source']}",
        f"{well['Metadata_Plate']}",
        f"{well['Metadata_Well']} site {well['Metadata_Site']}",
        f"{role}: {name}",
    ]


def _tile(file: Path | None) -> NDArray[np.uint8]:
    """A square thumbnail by plain averaging, or a cross."""
    if file is None:
        return np.maximum(np.eye(TILE, dtype=np.uint8), np.eye(TILE, dtype=np.uint8)[::-1]) * 90
    image = imagecodecs.png_decode(file.read_bytes())
    factor = max(1, min(image.shape) // TILE)
    edge = [side // factor for side in image.shape]
    blocks = image[: edge[0] * factor, : edge[1] * factor].reshape(edge[0], factor, edge[1], factor)
    small = blocks.mean(axis=(1, 3))
    rows, columns = (np.arange(TILE) * side // TILE for side in edge)
    return small[np.ix_(rows, columns)].astype(np.uint8)
