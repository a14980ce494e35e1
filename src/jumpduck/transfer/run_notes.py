"""What the last run into a folder was asked for, and how far it is: for `jumpduck status`."""

import json
import time
from pathlib import Path

import polars as pl

from jumpduck.errors import StoreError
from jumpduck.schema import Row
from jumpduck.storage.atomic_files import atomic_path
from jumpduck.transfer.plate_tables import read_table

MIN_UPDATE_SECONDS = 2.0


class RunNotes:
    """``asked.parquet``, the number of files by plate, and ``run.json``, times and counts.

    Parameters
    ----------
    folder
        The folder ``.jumpduck`` of an output folder.
    """

    def __init__(self, folder: Path) -> None:
        self._asked = folder / "asked.parquet"
        self._run = folder / "run.json"
        self._notes: Row = {}
        self._updated = 0.0

    def refuse_earlier_version(self) -> None:
        """Refuse a folder whose tables an earlier version of jumpduck wrote.

        Raises
        ------
        StoreError
            It is such a folder.
        """
        if self._run.with_name("plan.parquet").exists():
            raise StoreError(
                f"{self._run.parents[1]} was filled by an earlier version of jumpduck; "
                "download into another folder"
            )

    def begin(self, asked: pl.DataFrame | None, notes: Row) -> None:
        """Write what a run is asked for; None leaves what an earlier run was asked for."""
        if asked is None:
            _, notes = self.read()
        else:
            with atomic_path(self._asked) as part:
                asked.write_parquet(part)
        self._notes = {**notes, "started": time.time()}
        self.write(0)

    def update(self, done: int) -> None:
        """Write how many files this run has done, every two seconds at most."""
        if time.time() - self._updated >= MIN_UPDATE_SECONDS:
            self.write(done)

    def write(self, done: int) -> None:
        """Write how many files this run has done."""
        self._updated = time.time()
        with atomic_path(self._run) as part:
            notes = {**self._notes, "done": done, "updated": self._updated}
            part.write_text(json.dumps(notes), encoding="utf-8")

    def read(self) -> tuple[pl.DataFrame, Row]:
        """Get the files asked for by plate, and the notes of the last run.

        Raises
        ------
        StoreError
            No run has begun in this folder.
        """
        self.refuse_earlier_version()
        try:
            notes = json.loads(self._run.read_text(encoding="utf-8"))
            return read_table(self._asked), notes
        except (OSError, ValueError, pl.exceptions.PolarsError) as error:
            out = self._run.parents[1]
            raise StoreError(
                f"{out} was not filled by jumpduck; fill it with `jumpduck download --out {out}`"
            ) from error
