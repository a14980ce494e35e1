"""Whether the disk has space for the files that are still to come."""

import errno
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl

from jumpduck.errors import JumpduckError, StoreError
from jumpduck.recipes.base import Recipe
from jumpduck.recipes.registry import build
from jumpduck.rows import IMAGE_KEY, PLATE_KEY
from jumpduck.storage.atomic_files import free_bytes, has_entries, sizes_in
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.workload import COSTS

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
"""What a system answers whose disk, or the user's part of it, is full."""

MIN_ROWS_TO_ESTIMATE = 32
"""Rows whose files must be known before the size of the others is estimated from them."""

ROWS_BETWEEN_CHECKS = 256

SURE_SHARE = 0.8
"""Share of the estimated bytes of published files that they surely have: the estimate is the mean
of a source."""

MAX_COUNTS = 16
"""Times in a run that the bytes of all files that are there are counted."""


class DiskSpace:
    """The disk of a folder, held against the size that the files to come will have.

    Attributes
    ----------
    rows_left
        Rows whose files are to come. Their size is the mean of those before.
    rows_ahead
        The same before a run begins, as far as `learn` knows.
    sure_share
        Share of `bytes_ahead` that is surely needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows_left = 0
        self._rows = 0
        self._bytes = 0
        self._next_check = MIN_ROWS_TO_ESTIMATE
        self._next_count = 0
        self.rows_ahead = 0
        self._rows_after = 0
        self.sure_share = 1.0
        self._expected: float | None = None
        self._run: tuple[Manifest, Recipe] | None = None

    def begin(
        self, manifest: Manifest, recipe: Recipe, only: pl.Series | None, rows_after: int = 0
    ) -> None:
        """Say what a run fetches: all files of a manifest, or only some; and what comes after it.

        The files of `rows_after` further rows go to other folders on the same disk.
        """
        self._run = manifest, recipe
        self.rows_left = (manifest.files if only is None else len(only)) + rows_after
        self._rows_after = rows_after

    def learn(self, results: Path) -> None:
        """Learn sizes from the results of earlier runs, or else from what the recipe keeps."""
        if self._run is None:
            return
        manifest, recipe = self._run
        if results.is_file():
            # the rows of a file stand together
            first = (pl.col("path") != pl.col("path").shift()).fill_null(value=True)
            asked = manifest.files_by_plate().lazy()
            # if it cannot be read, the run writes it anew from the tables of the plates
            with suppress(pl.exceptions.PolarsError):
                self._rows, self._bytes = (
                    pl.scan_parquet(results, glob=False)
                    .filter(pl.col("status") == "fetched", pl.col("recipe") == recipe.label)
                    .with_columns(first=first if recipe.per_site else pl.lit(value=True))
                    .join(asked, on=PLATE_KEY, how="semi")
                    .select(pl.len(), pl.col("size").filter("first").sum())
                    .collect()
                    .row(0)
                )
        self.rows_ahead = max(0, manifest.files - self._rows)
        if not self._rows:
            size, self.sure_share = _kept_bytes(manifest, recipe)
            self._expected = None if size is None else size / manifest.files

    @property
    def device(self) -> int:
        """Number that tells the disk from others."""
        return _place(self.folder).stat().st_dev

    @property
    def is_known(self) -> bool:
        """Whether enough files are there to estimate the others from them."""
        return self._rows >= MIN_ROWS_TO_ESTIMATE

    @property
    def known(self) -> tuple[int, int]:
        """Rows and bytes of the files that are there; zeros where they are too few."""
        return (self._rows, self._bytes) if self.is_known else (0, 0)

    def expect(self, mean_bytes: float) -> None:
        """Take the mean size of a row's file from elsewhere, where this folder has no files."""
        if not self._rows:
            self._expected, self.sure_share = mean_bytes, 1.0

    def bytes_of(self, rows: int) -> int | None:
        """Get about how many bytes the files of some rows have; None if nothing tells."""
        return self._upper_bound(rows) if self._rows or self._expected is not None else None

    def bytes_ahead(self, *, exactly: bool = False) -> int | None:
        """Get the bytes of the files to come before a run begins; None if nothing tells.

        Parameters
        ----------
        exactly
            Without those of the files that are replaced, which takes long.
        """
        if not self._rows and self._expected is None:
            return None
        return self._needed(self.rows_ahead) if exactly else self._upper_bound(self.rows_ahead)

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
        is_told = self._rows or self._expected is not None
        return no_space([self.folder], rows, self._needed(rows_left) if is_told else None)

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
        in_all = int((manifest.files + self._rows_after) * self._mean)
        return min(self._upper_bound(rows_left), max(0, in_all - self._bytes_there(*self._run)))

    def _bytes_there(self, manifest: Manifest, recipe: Recipe) -> int:
        """Get the bytes of the files that are there under the names of those of the run."""
        filled = [folder for folder in manifest.folders if has_entries(self.folder / folder)]
        plates = {tuple(folder.split("/")[:3]) for folder in filled}
        found = 0
        for plate in manifest.plates():
            if not filled or (manifest.has_standard_paths and plate.key not in plates):
                continue  # because to read the rows of all plates takes a minute for all of JUMP
            paths = set(recipe.targets(plate.rows(IMAGE_KEY))["path"])
            for folder in {path.rpartition("/")[0] for path in paths}:
                sizes = sizes_in(self.folder / folder)
                found += sum(size for name, size in sizes.items() if f"{folder}/{name}" in paths)
            if recipe.gathering is not None:
                taken = recipe.gathering.sizes(self.folder, plate.key)
                found += sum(size for path, size in taken.items() if path in paths)
        return found

    def _upper_bound(self, rows_left: int | None) -> int:
        """Get the bytes of the files to come."""
        rows = self.rows_left if rows_left is None else rows_left
        return int(rows * self._mean)

    @property
    def _mean(self) -> float:
        """Mean bytes of a file for each row."""
        return self._bytes / self._rows if self._rows else self._expected or 0.0


def no_space(folders: Sequence[Path], rows: int, needed: int | None) -> StoreError:
    """Get the error that names the space needed on the disk of some folders."""
    names = " and ".join(map(str, folders))
    size = "more" if needed is None else f"about {size_text(needed)}"
    return StoreError(
        f"no space on the disk of {names}: {size_text(free_ahead(folders[0]))} are free and "
        f"the {rows:,} files left need {size}; free some space (or take fewer files with "
        "`limit`) and run the same command again: it goes on from here"
    )


def free_ahead(folder: Path) -> int:
    """Get the bytes that are free on the disk of a folder that need not be there yet."""
    return free_bytes(_place(folder))


def _place(folder: Path) -> Path:
    """Get the folder, or the one in which it would be made."""
    return next(one for one in (folder, *folder.absolute().parents) if one.is_dir())


def _kept_bytes(manifest: Manifest, recipe: Recipe) -> tuple[int | None, float]:
    """Get about how many bytes a recipe keeps of a manifest, and the share that is sure.

    Nothing tells it of a recipe of others, or with other options than the defaults.
    """
    cost = COSTS.get(recipe.name)
    if cost is None or build(recipe.name).parameters_text != recipe.parameters_text:
        return None, 0.0
    if cost.kept_bytes is None:
        return manifest.estimated_bytes(), SURE_SHARE
    return manifest.files * cost.kept_bytes, 0.0  # as images of 1080 x 1080 pixels have


def size_text(count: float) -> str:
    """Get a number of bytes for a message."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
