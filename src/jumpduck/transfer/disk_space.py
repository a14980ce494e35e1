"""Whether the disk has space for the files that are still to come."""

from pathlib import Path

import polars as pl

from jumpduck.errors import StoreError
from jumpduck.schema import PLATE_KEY
from jumpduck.storage.atomic_files import free_bytes
from jumpduck.transfer.manifest_reader import Manifest

MIN_ROWS_TO_ESTIMATE = 32
"""Rows whose files must be known before the size of the others is estimated from them."""

ROWS_BETWEEN_CHECKS = 256


class DiskSpace:
    """The disk of a folder, held against the size that the files to come will have.

    Attributes
    ----------
    rows_left
        Rows whose files are to come. Their size is the mean of those before.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows_left = 0
        self._rows = 0
        self._bytes = 0
        self._next_check = MIN_ROWS_TO_ESTIMATE

    def learn_from_results(self, table: Path, manifest: Manifest, recipe: str) -> None:
        """Estimate sizes from the results of earlier runs, and check the space for the rest."""
        if not table.is_file():
            return
        asked = manifest.files_by_plate().lazy()
        try:
            self._rows, self._bytes = (
                pl.scan_parquet(table, glob=False)
                .filter(pl.col("status") == "fetched", pl.col("recipe") == recipe)
                .join(asked, on=PLATE_KEY, how="semi")
                .select(pl.len(), pl.col("size").sum())
                .collect()
                .row(0)
            )
        except pl.exceptions.PolarsError:
            return  # the run writes this table anew, because it is made from those of the plates
        self.check(max(0, manifest.files - self._rows))

    def add(self, rows: int, size: int) -> None:
        """Count a file that was kept for so many rows; check the disk from time to time."""
        self._rows += rows
        self._bytes += size
        if self._rows >= self._next_check:
            self._next_check = self._rows + ROWS_BETWEEN_CHECKS
            self.check()

    def add_unwritten(self, rows: int, size: int) -> None:
        """Count a file that the disk had no space for, if no other is known."""
        if size and not self._rows:
            self._rows, self._bytes = rows, size

    def check(self, rows_left: int | None = None) -> None:
        """Check that the files to come have space.

        Raises
        ------
        StoreError
            They have not; the message names the space needed.
        """
        if self._rows >= MIN_ROWS_TO_ESTIMATE and self._needed(rows_left) > free_bytes(self.folder):
            raise self.full(rows_left)

    def full(self, rows_left: int | None = None) -> StoreError:
        """Get the error that names the space needed."""
        rows = self.rows_left if rows_left is None else rows_left
        size = f"about {_text(self._needed(rows_left))}" if self._rows else "more"
        return StoreError(
            f"no space on the disk of {self.folder}: {_text(free_bytes(self.folder))} are free and "
            f"the {rows:,} files left need {size}; free some space (or take fewer files with "
            "`limit`) and run the same command again: it goes on from here"
        )

    def _needed(self, rows_left: int | None) -> int:
        rows = self.rows_left if rows_left is None else rows_left
        return rows * self._bytes // max(1, self._rows)


def _text(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
