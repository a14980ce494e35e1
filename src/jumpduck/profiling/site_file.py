"""The file of one profiled site: what was measured of its cells, of its images, and their pixels.

It is a zip without compression, which exists until the table of its plate has taken it in.
"""

import io
import json
import zipfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import StoreError

SUFFIX = ".site.zip"

_NOTES, _CELLS, _PICTURES = "site.json", "cells.npy", "pictures/"

_DATE = (1980, 1, 1, 0, 0, 0)
"""Of each member, because the same site gives the same bytes."""


@dataclass(frozen=True, slots=True)
class Site:
    """What was measured of one site.

    Attributes
    ----------
    columns, values
        Names of the numbers, and the numbers by cell and name.
    flags
        What marks cells, by name: a truth value for each cell.
    image
        Numbers of the whole images, by name.
    parts
        Names of the label images: Nuclei, and Cells and Cytoplasm if there are.
    pictures
        Files to keep beside the table, by folder and the end of their names, such as
        ``labels/__Nuclei.tiff``.
    """

    columns: Sequence[str]
    values: NDArray[np.float32]
    flags: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict[str, NDArray[np.bool_]])
    image: Mapping[str, float] = field(default_factory=dict[str, float])
    parts: Sequence[str] = ()
    pictures: Mapping[str, bytes] = field(default_factory=dict[str, bytes])

    def encode(self) -> bytes:
        """Get the bytes of the file; the same site gives the same bytes."""
        notes = {
            "columns": list(self.columns),
            "rows": len(self.values),
            "flags": {name: marks.astype(int).tolist() for name, marks in self.flags.items()},
            # JSON has no number that is not finite
            "image": {name: repr(float(value)) for name, value in self.image.items()},
            "parts": list(self.parts),
        }
        cells = io.BytesIO()
        np.save(cells, np.ascontiguousarray(self.values, np.float32), allow_pickle=False)
        members = {_NOTES: json.dumps(notes).encode(), _CELLS: cells.getvalue()}
        members |= {f"{_PICTURES}{end}": data for end, data in self.pictures.items()}
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as packed:
            for name, data in members.items():
                packed.writestr(zipfile.ZipInfo(name, _DATE), data)
        return file.getvalue()


@dataclass(frozen=True, slots=True)
class SiteNotes:
    """What a site's file says without its numbers and pictures.

    Attributes
    ----------
    columns, rows
        Names of the numbers, and the number of cells.
    flags, image, parts
        As those of `Site`.
    pictures
        Sizes of the pictures, by the end of their names.
    """

    columns: Sequence[str]
    rows: int
    flags: Mapping[str, Sequence[int]]
    image: Mapping[str, float]
    parts: Sequence[str]
    pictures: Mapping[str, int]


def read_notes(path: Path) -> SiteNotes:
    """Get the notes of a site's file.

    Raises
    ------
    StoreError
        The file is damaged.
    """
    with _opened(path) as packed:
        notes = cast("dict[str, Any]", json.loads(packed.read(_NOTES)))
        return SiteNotes(
            notes["columns"],
            int(notes["rows"]),
            notes["flags"],
            {name: float(text) for name, text in notes["image"].items()},
            notes["parts"],
            {
                one.filename.removeprefix(_PICTURES): one.file_size
                for one in packed.infolist()
                if one.filename.startswith(_PICTURES)
            },
        )


def read_values(path: Path) -> NDArray[np.float32]:
    """Get the numbers of a site's file, by cell and name.

    Raises
    ------
    StoreError
        The file is damaged.
    """
    with _opened(path) as packed:
        return np.load(io.BytesIO(packed.read(_CELLS)), allow_pickle=False)


def read_picture(path: Path, end: str) -> bytes:
    """Get a picture of a site's file, by the end of its name.

    Raises
    ------
    StoreError
        The file is damaged.
    """
    with _opened(path) as packed:
        return packed.read(f"{_PICTURES}{end}")


@contextmanager
def _opened(path: Path) -> Generator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as packed:
            yield packed
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise StoreError(
            f"{path} is not the file of a profiled site: {error}; remove it, and the same command "
            "makes it anew"
        ) from error
