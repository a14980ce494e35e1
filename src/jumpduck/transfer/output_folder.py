"""The folder that a download fills: its lock, its tables, and which files it lacks."""

import os
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from jumpduck.errors import StoreError
from jumpduck.options import expanded
from jumpduck.recipes.base import Recipe
from jumpduck.schema import DONE, IMAGE_KEY, OUTCOME, SITE_KEY, results_types
from jumpduck.storage.atomic_files import (
    PART_SUFFIX,
    PartFiles,
    free_bytes,
    refuse_links,
    sizes_in,
    sync_folder,
    writable_folder,
)
from jumpduck.storage.heartbeat_lock import HeartbeatLock, is_held
from jumpduck.transfer.asked import AskedTables, Run, columns_for
from jumpduck.transfer.comparison import of_the_same
from jumpduck.transfer.disk_space import DiskSpace
from jumpduck.transfer.gathered_tables import RESULTS_FILE, GatheredTables
from jumpduck.transfer.manifest_reader import PlateKey, PlateRows
from jumpduck.transfer.plate_tables import PlateTables
from jumpduck.transfer.size_check import mark_other_sizes

OutputFolders = str | Path | Sequence[str | Path]
"""An output folder, or several."""

FULL_BYTES = 2**20
"""Free bytes below which a table that cannot be written means a full disk."""

TABLE_ROWS = 10_000
"""Results of a plate that become a table."""


@dataclass(slots=True)
class PlateProgress:
    """A plate that is being filled: what was there before, and what came since."""

    key: PlateKey
    targets: pl.DataFrame
    earlier: pl.DataFrame
    """The plate's table before the run."""
    present: pl.DataFrame
    """Rows of files that are there and need not be fetched."""
    tasks_left: int
    repair: bool
    """Rows of the earlier table stay where no new file was made."""
    tables: list[pl.DataFrame] = field(default_factory=list[pl.DataFrame])
    """What came since: as tables, which take a tenth of the memory, but for the last rows."""
    last: list[dict[str, object]] = field(default_factory=list[dict[str, object]])

    @property
    def columns(self) -> dict[str, pl.DataType]:
        """Names and types of the columns of its results."""
        return results_types(dict(self.targets.schema))

    def add(self, rows: Sequence[dict[str, object]]) -> None:
        """Add results."""
        self.last.extend(rows)
        if len(self.last) >= TABLE_ROWS:
            self._make_table()

    def new_rows(self) -> pl.DataFrame:
        """Get the results that came since."""
        self._make_table()
        return self.in_order(pl.concat(self.tables))

    def _make_table(self) -> None:
        self.tables.append(pl.DataFrame(self.last, self.columns, orient="row"))
        self.last = []

    def in_order(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Get results in the order of the manifest."""
        # only the keys are joined, because a manifest may have other columns of any name
        order = self.targets.select(IMAGE_KEY).with_row_index("place")
        found = (
            rows.select(IMAGE_KEY).with_row_index("row").join(order, on=IMAGE_KEY, nulls_equal=True)
        )
        return rows[found.sort("place")["row"]]

    def to_keep(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Get the results that go into the plate's table."""
        return rows.filter(pl.col("status").is_in(DONE)) if self.repair else rows


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
    plates, gathered, asked
        Tables of the plates, tables of all plates, what runs were asked for.
    disk, parts
        Space on the disk, names of files that are being written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = expanded(path)
        self.state = self.path / ".jumpduck"
        self.lock = HeartbeatLock(self.state / "lock", self.path)
        self.plates = PlateTables(self.state / "plates", self.path / RESULTS_FILE)
        self.asked = AskedTables(self.state / "asked")
        self.gathered = GatheredTables(self.path, self.plates, self.asked)
        self.disk = DiskSpace(self.path)
        self.parts = PartFiles()

    @classmethod
    @contextmanager
    def open(cls, path: str | Path, inside: Iterable[str]) -> Generator["OutputFolder"]:
        """Get the folder, made if need be, with other runs kept out of it.

        Parameters
        ----------
        inside
            Folders in it that files will go to.

        Raises
        ------
        StoreError
            It cannot be written, another run fills it, or a folder in it is a link.
        """
        folder = cls(path)
        folder._check_names(inside)
        writable_folder(folder.path)
        writable_folder(folder.state)
        with folder.lock:
            # a run that was killed leaves tables that are not complete
            for left in (
                *folder.path.glob(f"*.parquet.*{PART_SUFFIX}"),
                *folder.state.rglob(f"*{PART_SUFFIX}"),
            ):
                if left.is_file():
                    left.unlink()
            if folder.gathered.has_other_rows:
                folder.asked.adopt(folder.gathered.left)
                folder.plates.adopt()
            folder.plates.close_journals()
            for run in folder.asked.runs():
                if run.forgetting.exists():  # a run was killed in `forget`
                    folder.forget(run)
            yield folder

    @classmethod
    def check(cls, path: str | Path, inside: Iterable[str]) -> "OutputFolder":
        """Get the folder, not made, if `open` would not refuse it as far as reading tells.

        Raises
        ------
        StoreError
            As `open`.
        """
        folder = cls(path)
        folder._check_names(inside)
        place = next(one for one in (folder.path, *folder.path.absolute().parents) if one.exists())
        if not place.is_dir():
            raise StoreError(f"cannot write to {path}: {place} is not a folder; give another one")
        if not os.access(place, os.W_OK | os.X_OK):
            raise StoreError(f"cannot write to {path}: {place} may not be written to")
        if is_held(folder.lock.path):
            raise StoreError(
                f"{path} is being filled by another run; wait until that has ended, or stop it"
            )
        return folder

    def _check_names(self, inside: Iterable[str]) -> None:
        for name in (".jumpduck/plates", *inside):
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
            self.plates.remove(key, run.rows(key)["path"])
        self.gathered.write()
        run.forgetting.unlink()

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

    def open_plate(
        self, plate: PlateRows, recipe: Recipe, only: pl.Series | None
    ) -> tuple[PlateProgress, list[list[dict[str, object]]]]:
        """Get the state of a plate, and the rows of each file that it lacks.

        Parameters
        ----------
        only
            Paths of the only files to fetch, even if they are there.
        """
        targets = recipe.targets(plate.rows())
        earlier = self.plates.read(plate.key)
        there = self._present(targets, earlier, recipe)
        if only is not None:
            there = there.filter(~pl.col("path").is_in(only.implode()))
        missing = targets.join(there, on=IMAGE_KEY, how="anti", nulls_equal=True)
        if only is not None:
            missing = missing.filter(pl.col("path").is_in(only.implode()))
        groups = _by_file(missing, per_site=recipe.per_site)
        repair = only is not None
        return PlateProgress(plate.key, targets, earlier, there, len(groups), repair), groups

    def made_otherwise(
        self, plate: PlateProgress, recipe: Recipe, context: object
    ) -> list[list[dict[str, object]]]:
        """Get the rows of each file that is there, but would be another one if it was made now.

        Those were made by a run that knew another part of the plate.
        """
        if recipe.agrees is None or plate.present.is_empty():
            return []
        agrees = recipe.agrees(plate.present, context)
        again = plate.present.filter(~agrees)
        plate.present = plate.present.filter(agrees)
        rows = plate.targets.join(
            again, on=IMAGE_KEY, how="semi", maintain_order="left", nulls_equal=True
        )
        groups = _by_file(rows, per_site=recipe.per_site)
        plate.tasks_left += len(groups)
        return groups

    def not_repairable(
        self, plate: PlateProgress, recipe: Recipe, context: object
    ) -> frozenset[object]:
        """Get the paths of files that a repair would not make as they were.

        They were made by a run that knew another part of the plate.
        """
        if recipe.agrees is None or not plate.repair:
            return frozenset()
        made_by = {"recipe": recipe.label, "parameters": recipe.parameters_text}
        earlier = plate.earlier.filter(**made_by)
        return frozenset(earlier.filter(~recipe.agrees(earlier, context))["path"])

    def _present(
        self, targets: pl.DataFrame, earlier: pl.DataFrame, recipe: Recipe
    ) -> pl.DataFrame:
        """Get the results of files that this recipe made and that still have their size."""
        folders = targets["path"].str.extract("^(.*)/").unique().sort()
        for folder in folders:
            self.parts.remove_others(self.path / str(folder))
        sizes = {
            f"{folder}/{name}": size
            for folder in folders
            for name, size in sizes_in(self.path / folder).items()
        }
        columns = columns_for(recipe, targets.columns)
        same = [name for name in columns if name not in SITE_KEY]
        earlier = of_the_same(earlier, targets, same)
        on_disk = pl.Series([sizes.get(path, -1) for path in earlier["path"]], dtype=pl.Int64)
        whole = earlier.filter(
            pl.col("status") == "fetched",
            pl.col("recipe") == recipe.label,
            pl.col("parameters") == recipe.parameters_text,
            pl.col("size") == on_disk,
        )
        if recipe.per_site:
            # because a site's file has all of its channels, it is there only if all of them are
            absent = targets.join(whole, on=IMAGE_KEY, how="anti", nulls_equal=True)
            whole = whole.join(absent, on="path", how="anti")
        measured = whole.select(*IMAGE_KEY, *OUTCOME)
        return targets.join(
            measured, on=IMAGE_KEY, how="inner", maintain_order="left", nulls_equal=True
        )

    def close_plate(self, plate: PlateProgress) -> pl.DataFrame:
        """Check the sizes of a plate's images, write its table, and get its results.

        Files of a wrong size are removed. ``status`` is present for files of earlier runs.

        Raises
        ------
        StoreError
            The table cannot be written.
        """
        whole = plate.in_order(pl.concat([plate.present, plate.new_rows()]))
        # with the files of other manifests, because all images of a plate have one size
        others = plate.earlier.join(whole, on="path", how="anti", maintain_order="left")
        both, wrong = mark_other_sizes(pl.concat([whole, others], how="diagonal_relaxed"))
        for path in wrong:
            with suppress(FileNotFoundError):
                (self.path / path).unlink()
        whole, others = both.head(whole.height).select(whole.columns), both.tail(others.height)
        changed = others.filter(pl.col("path").is_in(wrong))
        if changed.height:
            self.plates.update(plate.key, changed.select(plate.earlier.columns), in_place=True)
        if not _same_rows(plate.earlier, plate.to_keep(whole)):
            self.keep(plate, whole)
        earlier = whole["path"].is_in(plate.present["path"].implode())
        again = pl.when(earlier & (whole["status"] == "fetched"))
        return whole.with_columns(
            status=again.then(pl.lit("present")).otherwise("status"),
            attempts=again.then(pl.lit(0, pl.Int32)).otherwise("attempts"),
            seconds=again.then(pl.lit(0.0)).otherwise("seconds"),
        )

    def keep(self, plate: PlateProgress, rows: pl.DataFrame) -> None:
        """Write the results of a plate into its table."""
        kept = plate.to_keep(rows)
        self.plates.update(plate.key, kept, in_place=plate.repair)

    @property
    def is_full(self) -> bool:
        """Whether the disk is so full that a table cannot be written."""
        return free_bytes(self.path) < FULL_BYTES


def _by_file(rows: pl.DataFrame, *, per_site: bool) -> list[list[dict[str, object]]]:
    """Get the rows of each file."""
    if not per_site:
        return [[row] for row in rows.iter_rows(named=True)]
    groups = rows.partition_by("path", maintain_order=True) if rows.height else []
    return [group.rows(named=True) for group in groups]


def _same_rows(earlier: pl.DataFrame, rows: pl.DataFrame) -> bool:
    """Get whether a table has these rows already, in the order that it keeps."""
    if any(name not in earlier.columns for name in rows.columns):
        return False
    known = earlier.join(
        rows.select(IMAGE_KEY), on=IMAGE_KEY, how="semi", maintain_order="left", nulls_equal=True
    )
    return known.select(rows.columns).equals(rows.sort(SITE_KEY, maintain_order=True))
