"""Where the tables of a plate are, and what they say of themselves."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from jumpduck.errors import ManifestError
from jumpduck.rows import PlateKey

CELLS, IMAGES = "cells", ".jumpduck/images"
"""Folders of the tables of the plates."""

IMAGES_FILE = "images.parquet"
"""The table of the images of all plates."""

TAKEN, MADE_OF = "jumpduck.profile.sites", "jumpduck.profile.made_of"
"""Facts of a table: the files that it has taken in, and a digest of all that it was made of."""

MADE_BY = "jumpduck.profile.made_by"
"""Fact of a table of cells: the recipe and its parameters."""

OF_IMAGES = ("FileName_", "Image_FileName_", "URL_")
"""Begin columns that lists of images have, and that the tables make anew; left out of manifests."""


_OWN = re.compile(
    "ImageQuality_|Count_|Nuclei_|Cells_|Cytoplasm_|Embedding_"
    "|Metadata_(ImageNumber|ObjectNumber|Object_Count|Site_Counts|Too_Small|Too_Large)$"
    "|Metadata_((Cell_)?Touches_Border|(Nuclei|Cells|Cytoplasm)_(Number_Object_Number|Parent_.*))$"
)
"""Names of columns that the tables of cells, images and profiles add, beside those of images."""


def refuse_own_columns(columns: Iterable[str]) -> None:
    """Check that no column of a manifest has a name that the tables add; ManifestError if one."""
    for name in columns:
        if _OWN.match(name):
            raise ManifestError(
                f"the manifest has a column {name!r}, which is a name that the tables of cells, "
                "images and profiles add; rename it"
            )


class Taken(NamedTuple):
    """What a table has of the file of a site: its size and checksum, its rows, its pictures."""

    size: int
    checksum: str
    rows: int
    pictures: Mapping[str, int]


def cells_file(folder: Path, plate: PlateKey) -> Path:
    """Get the table of the cells of a plate."""
    source, batch, name = plate
    return folder / CELLS / source / batch / f"{name}.parquet"


def images_file(folder: Path, plate: PlateKey) -> Path:
    """Get the table of the images of a plate."""
    source, batch, name = plate
    return folder / IMAGES / source / batch / f"{name}.parquet"


def notes_of(folder: Path, plate: PlateKey) -> tuple[str | None, dict[str, Taken]]:
    """Get the digest of what the tables of a plate were made of, and what they have taken in.

    Nothing if one of the two is damaged or not there, because a site has its numbers in both.
    """
    import polars as pl

    try:
        pl.read_parquet_metadata(images_file(folder, plate))
        facts = pl.read_parquet_metadata(cells_file(folder, plate))
        found = json.loads(facts[TAKEN])
        return facts[MADE_OF], {path: Taken(*one) for path, one in found.items()}
    except (OSError, KeyError, ValueError, TypeError, pl.exceptions.PolarsError):
        return None, {}


def made_by(file: Path) -> str | None:
    """Get the recipe and the parameters of a table of cells, None if it does not say."""
    import polars as pl

    return pl.read_parquet_metadata(file).get(MADE_BY)


def tables_in(folder: Path) -> list[tuple[Path, int, int]]:
    """Get the tables of the plates in a folder, and what changes when one is replaced."""
    found = sorted(folder.glob("*/*/*.parquet"))
    stats = ((file, file.stat()) for file in found)
    return [(file, stat.st_ino, stat.st_mtime_ns) for file, stat in stats]
