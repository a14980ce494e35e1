"""Tables as CSV: one of all plates, or one for each plate."""

import filecmp
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import polars as pl

from jumpduck.errors import QueryError, StoreError
from jumpduck.exports.forms import Piece, TableForm
from jumpduck.exports.plain_names import check_folder_names, site_key
from jumpduck.rows import PlateKey
from jumpduck.storage.atomic_files import atomic_path, atomic_write, make_folder
from jumpduck.storage.replaced_files import check_place, refuse_other_file
from jumpduck.transfer.kept_sites import LACKING, KeptSites

LACKING_FILE = "lacking.csv"
"""The images that sites lack; the name of a table comes before it."""


def write_table(
    form: TableForm, kept: KeptSites, path: Path, progress: Callable[[int], None]
) -> None:
    """Write one table of all plates; one that is there and has the same rows stays.

    Raises
    ------
    QueryError
        Two plates have different columns.
    StoreError
        There is another file with this name, or it cannot be written.
    """
    check_place(path)
    make_folder(path.absolute().parent)
    columns: list[str] = []
    with atomic_path(path) as part:
        with part.open("wb") as file:
            for plate in kept.plates():
                if plate.images.is_empty():
                    continue
                rows = form.frame(plate)
                if columns and columns != rows.columns:
                    different = sorted(set(columns) ^ set(rows.columns))
                    raise QueryError(
                        f"plate {plate.key[2]} and the plates before it differ in "
                        f"{different[0]}, which one table cannot hold; name channels that all "
                        "have (`channels`), or a folder that gets one table for each plate "
                        "(`out` without .csv)"
                    )
                rows.write_csv(file, include_header=not columns)
                columns = rows.columns
                progress(plate.images.height)
        if path.exists() and not filecmp.cmp(part, path, shallow=False):
            raise StoreError(
                f"out {path} is there and is not the same table; give another name, or remove it"
            )


class TablesOfPlates:
    """A form that is one table, as a folder with a table for each plate."""

    def __init__(self, form: TableForm, kept: KeptSites) -> None:
        self.name = form.name
        self.out = form.out
        self._form = form
        self._kept = kept
        check_folder_names({key: _folder(key) for key in kept.plate_keys}, self.name)

    def pieces(self) -> Iterator[Piece]:
        """Get a piece for each plate: SOURCE/BATCH/PLATE/load_data.csv."""
        for plate in self._kept.plates():
            if plate.images.height:
                yield Piece(f"{_folder(plate.key)}/{self.out}", list(plate.sites()))

    def write(self, piece: Piece, path: Path) -> None:
        """Write the table of a plate."""
        source, batch, plate, *_ = piece.sites[0].key
        self._form.frame(self._kept.plate((source, batch, plate))).write_csv(path)

    def finish(self) -> Mapping[str, bytes]:
        """Get nothing."""
        return {}


def _folder(key: PlateKey) -> str:
    return "/".join(site_key([one]) for one in key)


def write_lacking(lacking: pl.DataFrame, path: Path) -> None:
    """Write the images that sites lack as CSV, if there are any.

    Raises
    ------
    StoreError
        There is another file with this name.
    """
    if lacking.is_empty():
        return
    data = lacking.write_csv().encode()
    refuse_other_file(path, "such a table of images that sites lack", _is_lacking)
    atomic_write(path, data)


def _is_lacking(path: Path) -> bool:
    with path.open("rb") as file:
        return file.readline().strip() == ",".join(LACKING).encode()
