"""Where the tables of a plate are, and what they say of themselves."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from jumpduck.rows import PlateKey

CELLS, IMAGES = "cells", ".jumpduck/images"
"""Folders of the tables of the plates."""

IMAGES_FILE = "images.parquet"
"""The table of the images of all plates."""

TAKEN, MADE_OF = "jumpduck.profile.sites", "jumpduck.profile.made_of"
"""Facts of a table: the files that it has taken in, and a digest of all that it was made of."""


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


def notes_of(file: Path) -> tuple[str | None, dict[str, Taken]]:
    """Get the digest of what a table was made of, and what it has taken in; nothing if damaged."""
    import polars as pl

    try:
        facts = pl.read_parquet_metadata(file)
        found = json.loads(facts[TAKEN])
        return facts[MADE_OF], {path: Taken(*one) for path, one in found.items()}
    except (OSError, KeyError, ValueError, TypeError, pl.exceptions.PolarsError):
        return None, {}
