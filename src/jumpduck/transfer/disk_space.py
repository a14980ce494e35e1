"""Whether the disk has space for the files that are still to come."""

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from jumpduck.errors import JumpduckError, StoreError
from jumpduck.recipes.base import Recipe
from jumpduck.schema import IMAGE_KEY, PLATE_KEY
from jumpduck.storage.atomic_files import free_bytes, sizes_in
from jumpduck.transfer.manifest_reader import Manifest

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
"""What a system answers whose disk, or the user's part of it, is full."""

MIN_ROWS_TO_ESTIMATE = 32
"""Rows whose files must be known before the size of the others is estimated from them."""

ROWS_BETWEEN_CHECKS = 256

MAX_COUNTS = 16
"""Times in a run that the bytes of all files that are there are counted."""


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
        self._next_count = 0
        self._run: tuple[Manifest, Recipe] | None = None

    def begin(self, manifest: Manifest, recipe: Recipe, only: pl.Series | None) -> None:
        """Say what a run fetches: all files of a manifest, or only some."""
        self._run = manifest, recipe
        self.rows_left = manifest.files if only is None else len(only)

    def learn_from_results(self, table: Path) -> None:
        """Estimate sizes from the results of earlier runs, and check the space for the rest."""
        if self._run is None or self._run[1].per_site or not table.is_file():
            return
        manifest, recipe = self._run
        asked = manifest.files_by_plate().lazy()
        try:
            self._rows, self._bytes = (
                pl.scan_parquet(table, glob=False)
                .filter(pl.col("status") == "fetched", pl.col("recipe") == recipe.label)
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
        """Check that the files to come have space, with that of the files that they replace.

        Raises
        ------
        StoreError
            They have not; the message names the space needed.
        """
        free = free_bytes(self.folder)
        if self._rows < MIN_ROWS_TO_ESTIMATE or self._upper_bound(rows_left) <= free:
            return
        if self._rows < self._next_count:
            return  # because counting the files takes long, it is not done each time
        if self._needed(rows_left) > free:
            raise self.full(rows_left)
        self._next_count = self._rows + self.rows_left // MAX_COUNTS

    def full(self, rows_left: int | None = None) -> StoreError:
        """Get the error that names the space needed."""
        rows = self.rows_left if rows_left is None else rows_left
        size = f"about {_text(self._needed(rows_left))}" if self._rows else "more"
        return StoreError(
            f"no space on the disk of {self.folder}: {_text(free_bytes(self.folder))} are free and "
            f"the {rows:,} files left need {size}; free some space (or take fewer files with "
            "`limit`) and run the same command again: it goes on from here"
        )

    @contextmanager
    def naming_space(self) -> Generator[None]:
        """Name the space needed, whatever file in the block had none.

        Raises
        ------
        StoreError
            There was no space for it.
        """
        try:
            yield
        except (OSError, JumpduckError) as error:
            if isinstance(error, OSError) and error.errno in NO_SPACE:
                raise self.full() from error
            if any(f"(os error {number})" in str(error) for number in NO_SPACE):  # Polars says so
                raise self.full() from error
            raise

    def _needed(self, rows_left: int | None) -> int:
        """Get the bytes that the disk needs beyond those of files that are replaced."""
        if self._run is None:
            return self._upper_bound(rows_left)
        manifest, _ = self._run
        in_all = manifest.files * self._bytes // max(1, self._rows)
        return min(self._upper_bound(rows_left), max(0, in_all - self._bytes_there(*self._run)))

    def _bytes_there(self, manifest: Manifest, recipe: Recipe) -> int:
        """Get the bytes of the files that are there under the names of those of the run."""
        found = 0
        for plate in manifest.plates():
            paths = set(recipe.targets(plate.rows(IMAGE_KEY))["path"])
            for folder in {path.rpartition("/")[0] for path in paths}:
                sizes = sizes_in(self.folder / folder)
                found += sum(size for name, size in sizes.items() if f"{folder}/{name}" in paths)
        return found

    def _upper_bound(self, rows_left: int | None) -> int:
        """Get the bytes of the files to come."""
        rows = self.rows_left if rows_left is None else rows_left
        return rows * self._bytes // max(1, self._rows)


def _text(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
