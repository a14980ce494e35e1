"""Room on the disk for what is still to come."""

from pathlib import Path

import polars as pl

from jumpduck.errors import StoreError
from jumpduck.schema import PLATE_KEY
from jumpduck.storage.atomic_files import free_bytes
from jumpduck.transfer.manifest_reader import Plan

SAMPLE = 32
"""Files that tell how large the rest will be."""

OFTEN = 256
"""Files between two looks at the disk."""


class Space:
    """Watches the disk of a folder: `left` rows are to come, about as large as those before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.left = 0
        self._rows = 0
        self._bytes = 0
        self._look_at = SAMPLE

    def look_back(self, plan: Plan, recipe: str) -> None:
        """Learn from earlier results how large the files are, and check the room for the rest."""
        table = self.folder / "results.parquet"
        if table.is_file():
            self._rows, self._bytes = (
                pl.scan_parquet(table)
                .filter(pl.col("status") == "fetched", pl.col("recipe") == recipe)
                .join(plan.table().lazy(), on=PLATE_KEY, how="semi")
                .select(pl.len(), pl.col("size").sum())
                .collect()
                .row(0)
            )
            self.check(max(0, plan.files - self._rows))

    def took(self, rows: int, size: int) -> None:
        """Count a file that was kept for so many rows; look at the disk now and then."""
        self._rows += rows
        self._bytes += size
        if self._rows >= self._look_at:
            self._look_at = self._rows + OFTEN
            self.check()

    def learn(self, rows: int, size: int) -> None:
        """Take a file that found no room as a measure of the rest, for want of others."""
        if size and not self._rows:
            self._rows, self._bytes = rows, size

    def check(self, left: int | None = None) -> None:
        """Look whether the rest has room.

        Raises
        ------
        StoreError
            It has not; the message names the space needed.
        """
        if self._rows >= SAMPLE and self._needed(left) > free_bytes(self.folder):
            raise self.full(left)

    def full(self, left: int | None = None) -> StoreError:
        """Get the error that says how much room is needed."""
        files = self.left if left is None else left
        size = f"about {_size(self._needed(left))}" if self._rows else "more"
        return StoreError(
            f"no space on the disk of {self.folder}: {_size(free_bytes(self.folder))} are free and "
            f"the {files:,} files left need {size}; make room (or take fewer with --limit) and "
            "run the same command again: it goes on from here"
        )

    def _needed(self, left: int | None) -> int:
        return (self.left if left is None else left) * self._bytes // max(1, self._rows)


def _size(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
