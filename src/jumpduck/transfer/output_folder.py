"""The folder that a download fills, its tables, and the runs that fill it."""

import os
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from jumpduck.containers.whole_files import FOLDER
from jumpduck.errors import StoreError
from jumpduck.options import expanded
from jumpduck.recipes.base import Recipe
from jumpduck.storage.atomic_files import (
    PART_SUFFIX,
    free_bytes,
    refuse_links,
    see_all_names,
    sync_folder,
    writable_folder,
)
from jumpduck.storage.heartbeat_lock import POLL_SECONDS, HeartbeatLock
from jumpduck.transfer.active_runs import ActiveRuns
from jumpduck.transfer.asked import AskedTables, Run
from jumpduck.transfer.disk_space import DiskSpace
from jumpduck.transfer.gathered_tables import RESULTS_FILE, GatheredTables
from jumpduck.transfer.manifest_reader import Manifest, PlateKey
from jumpduck.transfer.plate_locks import PlateLocks
from jumpduck.transfer.plate_tables import PlateTables

OutputFolders = str | Path | Sequence[str | Path]
"""An output folder, or several."""

FULL_BYTES = 2**20
"""Free bytes below which a table that cannot be written means a full disk."""


def folders_of(out: OutputFolders) -> list[Path]:
    """Get the folders that are meant, each once."""
    given = [out] if isinstance(out, str | Path) else out
    return list(dict.fromkeys(expanded(name) for name in given))


class OutputFolder:
    """An output folder and its parts; `open` it before it is written to.

    Attributes
    ----------
    path, state
        The folder, and ``.jumpduck`` in it.
    lock
        Held for moments: while a run begins or ends.
    runs, locks
        The runs that fill it, and the plates that this one has open.
    plates, gathered, asked
        Tables of the plates, tables of all plates, what runs were asked for.
    disk
        Space on the disk.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = expanded(path)
        self.state = self.path / ".jumpduck"
        self.lock = HeartbeatLock(self.state / "lock", self.path)
        self.runs = ActiveRuns(self.state / "runs", self.path)
        self.plates = PlateTables(self.state / "plates", self.path / RESULTS_FILE)
        self.locks = PlateLocks(self.state / "plates", self.path)
        self.asked = AskedTables(self.state / "asked")
        self.gathered = GatheredTables(self.path, self.plates, self.asked)
        self.disk = DiskSpace(self.path)

    @classmethod
    @contextmanager
    def open(
        cls,
        path: str | Path,
        manifest: Manifest,
        recipe: Recipe,
        only: pl.Series | None = None,
        rows_after: int = 0,
    ) -> Generator["OutputFolder"]:
        """Get the folder, made if need be, which other runs with the same recipe may fill, too.

        Parameters
        ----------
        only
            Paths of the only files to fetch.
        rows_after
            As `DiskSpace.begin` takes it.

        Raises
        ------
        StoreError
            It cannot be written, has no space left, a run with another recipe fills it, or a folder
            in it is a link.
        """
        folder = cls(path)
        folder._check_names(manifest.folders)
        folder.disk.begin(manifest, recipe, only, rows_after)
        with folder.disk.naming_space():
            writable_folder(folder.path)
            writable_folder(folder.state)
            while not folder._begin(recipe):
                folder.runs.wait_for_signs()
            try:
                yield folder
            finally:
                folder.locks.release_all()
                folder.runs.end()

    @contextmanager
    def alone(self) -> Generator[None]:
        """Keep all runs out of the folder, made if need be, in the block.

        Raises
        ------
        StoreError
            It cannot be written, or a run fills it.
        """
        self._check_names(())
        writable_folder(self.path)
        writable_folder(self.state)
        with self.lock:
            while others := self.runs.others():
                if any(others.values()):
                    self.refuse_if_filled()
                time.sleep(POLL_SECONDS)  # whether they live, another look will tell
            self._tidy()
            yield

    def refuse_if_filled(self) -> None:
        """Raise StoreError if a run fills the folder, from a look that does not wait."""
        if self.runs.notes()[0]:
            raise StoreError(
                f"{self.path} is being filled by another run; wait until that has ended, or stop it"
            )

    def _begin(self, recipe: Recipe) -> bool:
        """Make this run known; False if it is not known whether one of another recipe still runs.

        If no other run goes on, what those that were killed left is put in order first.
        """
        with self.lock:
            # first, so that of two runs that begin on two machines one sees the other
            self.runs.begin(recipe)
            try:
                others = self.runs.others()
                one_recipe = self._is_of_one_recipe(recipe, others)
                if one_recipe and not others:
                    self._tidy()
            except BaseException:
                self.runs.end()
                raise
            if not one_recipe:
                self.runs.end()
        return one_recipe

    def _is_of_one_recipe(self, recipe: Recipe, runs: Mapping[str, bool | None]) -> bool:
        """Get whether other runs have this recipe; False if one that has not may be dead.

        Raises
        ------
        StoreError
            One has not, and lives.
        """
        other = self.runs.of_another_recipe(recipe, runs)
        if other is None:
            return True
        holder, notes, lives = other
        if lives:
            raise StoreError(
                f"{self.path} is being filled by {holder} with recipe {notes['recipe']} and "
                f"parameters {notes['parameters']}; runs at the same time need the same recipe and "
                "options: wait until that run has ended, or use another folder"
            )
        return False

    def _tidy(self) -> None:
        """Put in order what runs left that were killed, while no run goes on."""
        # they leave tables that are not complete
        for left in (
            *self.path.glob(f"*.parquet.*{PART_SUFFIX}"),
            *self.state.rglob(f"*{PART_SUFFIX}"),
        ):
            if left.is_file():
                left.unlink()
        self.runs.remove_notes()
        self.plates.see_all()
        if self.gathered.has_other_rows:
            self.asked.adopt(self.gathered.left, self.gathered.origins)
            self.plates.adopt()
        self.plates.close_journals()
        for run in self.asked.runs():
            if run.forgetting.exists():  # a run was killed in `forget`
                self.forget(run)

    def check_held(self) -> None:
        """Check that no other run has taken over what this one holds.

        Raises
        ------
        StoreError
            One has, because this run showed no sign.
        """
        self.runs.check()
        self.locks.check()

    def is_lost(self, key: PlateKey) -> bool:
        """Get whether another run has taken over a plate that this one holds."""
        return self.runs.is_lost() or self.locks.is_lost(key)

    def gather_if_last(self) -> bool:
        """Write the gathered tables if no other run goes on, and end this run; get whether.

        Raises
        ------
        StoreError
            They cannot be written.
        """
        while True:
            with self.lock:
                others = self.runs.others()
                if not others:
                    self._see_all()
                    self.plates.close_journals()
                if any(others.values()) or (not others and self.gathered.is_current):
                    self.runs.end()
                    return not others
            if others:
                self.runs.wait_for_signs()
            else:
                self.gathered.write()

    def gather(self) -> None:
        """Write the gathered tables from the tables of all plates, also while runs go on.

        Raises
        ------
        StoreError
            They cannot be written.
        """
        if self.plates.is_copy:
            return  # they are all that there is
        self._see_all()
        with self.lock:
            if not self.runs.others():
                self.plates.close_journals()
        self.gathered.write()

    def _see_all(self) -> None:
        self.plates.see_all()
        see_all_names(self.asked.folder)

    def gather_if(self, gather: Callable[[], None]) -> None:
        """Write the gathered tables in one of their ways if no other run goes on."""
        if not self.runs.others():
            gather()

    @classmethod
    def check(cls, path: str | Path, manifest: Manifest, recipe: Recipe) -> "OutputFolder":
        """Get the folder, not made, if `open` would not refuse it as far as reading tells.

        Raises
        ------
        StoreError
            As `open`.
        """
        folder = cls(path)
        folder._check_names(manifest.folders)
        place = next(one for one in (folder.path, *folder.path.absolute().parents) if one.exists())
        if not place.is_dir():
            raise StoreError(f"cannot write to {path}: {place} is not a folder; give another one")
        if not os.access(place, os.W_OK | os.X_OK):
            raise StoreError(f"cannot write to {path}: {place} may not be written to")
        folder._is_of_one_recipe(recipe, folder.runs.look())
        return folder

    def _check_names(self, inside: Iterable[str]) -> None:
        for name in (".jumpduck/plates", FOLDER, *inside):
            refuse_links(self.path, name)
        if not self.state.exists() and self.gathered.sites_of_others:
            raise StoreError(
                f"{self.gathered.sites} is there, no download made it, and this one would replace "
                "it; give another output folder, or another name to that file"
            )

    def forget(self, run: Run) -> None:
        """Remove the rows of all files that a run is asked for, so that all are fetched again.

        All rows are removed before the first file is fetched. So a later run need not know that
        this one was to begin anew, and `jumpduck status` is right from the start.
        """
        run.forgetting.touch()
        sync_folder(self.asked.folder)
        for key in run.plates:
            while not self.locks.acquire(key):
                time.sleep(POLL_SECONDS)
            self.plates.remove(key, run.rows([key])["path"])
            self.locks.release(key)
        self.gather_if(self.gathered.write)
        run.forgetting.unlink(missing_ok=True)

    @classmethod
    def read(cls, path: str | Path) -> "OutputFolder":
        """Get a folder that was filled before, to read from.

        Raises
        ------
        StoreError
            Nothing was downloaded into it.
        """
        folder = cls(path)
        if not folder.path.is_dir():
            what = "is not a folder" if folder.path.exists() else "is not there"
            raise StoreError(
                f"out {path} {what} ({folder.path.absolute()}); give the folder that "
                "`jumpduck download` filled"
            )
        known = folder.asked.runs() or folder.plates.plate_keys() or folder.left_without_names
        if not known:
            raise StoreError(
                f"{path} was not filled by jumpduck; fill it with `jumpduck download --out {path}`"
            )
        return folder

    @property
    def left_without_names(self) -> int:
        """Number of images that are left and of which a copied folder knows nothing else."""
        known = self.gathered.left if self.plates.is_copy else self.asked.adopted()
        return sum(known.values())

    @property
    def is_full(self) -> bool:
        """Whether the disk is so full that a table cannot be written."""
        return free_bytes(self.path) < FULL_BYTES
