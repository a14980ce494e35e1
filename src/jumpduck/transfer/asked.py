"""What an output folder was asked for, by run: the files, the recipe, and how far the run is.

``asked/ID.parquet`` has a row for each image of a manifest, ``asked/ID.json`` the recipe and the
times of the last run. The same rows with the same recipe have the same ID. So a run that goes on
adds nothing to it, and several manifests may fill one folder. ``asked/ID.left`` has the number of
images that such a run had left where the folder was copied from, without its hidden files.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import polars as pl

from jumpduck.errors import ManifestError, StoreError
from jumpduck.recipes.base import FileNames, Recipe
from jumpduck.rows import PLATE_KEY, SITE_KEY, Row
from jumpduck.storage.atomic_files import atomic_path, make_folder
from jumpduck.transfer.manifest_plates import join_ranges
from jumpduck.transfer.manifest_reader import ONLY_IN_FORM, Manifest, PlateKey, folded
from jumpduck.transfer.origins import Origin, Origins, OriginsOfRuns
from jumpduck.transfer.plate_tables import schema_of, writing_table

COLUMNS = (*SITE_KEY, "Metadata_Channel", "url", "path")

ROW_GROUP_ROWS = 65_536


_NOTES = {
    "recipe": str, "parameters": str, "suffix": str, "per_site": bool, "made_by": str,
    "number": int, "started": float, "updated": float, "done": int,
    "columns": list, "plates": list, "standard_paths": bool,
}  # fmt: skip
"""What the notes of a run have, by type."""


class Asked:
    """Images and the recipe that makes files of them.

    Parameters
    ----------
    rows
        Columns of `columns_for` the recipe, with the paths of a manifest; the rows of a plate stand
        together.
    notes
        ``recipe``, ``parameters``, ``suffix`` and ``per_site`` of the recipe, and more.
    """

    def __init__(self, rows: pl.LazyFrame, notes: Row) -> None:
        self._rows = rows
        self.notes = notes

    @cached_property
    def plates(self) -> Mapping[PlateKey, tuple[int, int]]:
        """First row and number of rows of each plate."""
        found = (
            self._rows.select(PLATE_KEY)
            .with_row_index("number")
            .group_by(PLATE_KEY)
            .agg(pl.col("number").min(), rows=pl.len())
            .sort("number")
            .collect(engine="streaming")
        )
        return {(str(s), str(b), str(p)): (first, count) for s, b, p, first, count in found.rows()}

    @cached_property
    def has_standard_paths(self) -> bool:
        """Whether each path begins with the key of its plate."""
        start = pl.concat_str(*(part for name in PLATE_KEY for part in (name, pl.lit("/"))))
        standard = pl.col("path").str.starts_with(start).all()
        return bool(self._rows.select(standard).collect(engine="streaming").item())

    @property
    def columns(self) -> list[str]:
        """Names of the columns: the last ones are those that the recipe reads besides."""
        return self._rows.collect_schema().names()

    @property
    def names(self) -> FileNames:
        """How the recipe names its files."""
        return FileNames(str(self.notes["suffix"]), per_site=bool(self.notes["per_site"]))

    def files(self) -> pl.LazyFrame:
        """Get the keys of the plates and the paths of all files, to be read when needed."""
        return self._rows.select(*PLATE_KEY, "Metadata_Channel", self.names.path())

    def rows(self, keys: Sequence[PlateKey]) -> pl.DataFrame:
        """Get a row for each image of some plates, with the path of its file and its recipe."""
        ranges = join_ranges(self.plates[key] for key in keys if key in self.plates)
        slices = [self._rows.slice(first, count) for first, count in ranges or [(0, 0)]]
        return self.names.targets(pl.concat(slices).collect()).with_columns(
            recipe=pl.lit(str(self.notes["recipe"])),
            parameters=pl.lit(str(self.notes["parameters"])),
        )


class Run(Asked):
    """What a run was asked for, kept on disk.

    Parameters
    ----------
    table
        The Parquet file; the notes are beside it.
    """

    def __init__(self, table: Path) -> None:
        try:
            notes: Row = json.loads(table.with_suffix(".json").read_text(encoding="utf-8"))
            if missing := [name for name, kind in _NOTES.items() if type(notes[name]) is not kind]:
                raise ValueError(f"{missing[0]} is {notes[missing[0]]!r}")
            columns: Sequence[str] = notes["columns"]  # pyright: ignore[reportAssignmentType]
            if missing := {*COLUMNS, *columns} - set(schema_of(table)):
                raise ValueError(f"the table has no column {min(missing)}")
            places: Sequence[tuple[str, str, str, int, int]] = notes["plates"]  # pyright: ignore[reportAssignmentType]
            plates = {(str(s), str(b), str(p)): (int(at), int(n)) for s, b, p, at, n in places}
        except (OSError, ValueError, KeyError, TypeError, RecursionError, StoreError) as error:
            raise StoreError(
                f"what a run was asked for cannot be read: {str(error).splitlines()[0]}; remove "
                f"{table.with_suffix('')}.*, and run the same `jumpduck download` again"
            ) from error
        super().__init__(pl.scan_parquet(table, glob=False).select(columns), notes)
        # of the notes, because a folder may have hundreds of tables
        self.plates = plates
        self.has_standard_paths = bool(notes["standard_paths"])
        self.table = table
        self.id = table.stem

    def write(self, done: int) -> None:
        """Write how many images this run has done at its end."""
        write_notes(self.table, {**self.notes, "done": done, "updated": time.time()})

    @property
    def forgetting(self) -> Path:
        """A file that is there while the results of these images are being removed."""
        return self.table.with_suffix(".forgetting")


class AskedTables:
    """What all runs into an output folder were asked for.

    Parameters
    ----------
    folder
        Where it is kept; it need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.origins = Origins(folder)
        self._known: dict[Path, tuple[tuple[int, int], Run]] = {}

    def begin(
        self,
        manifest: Manifest,
        recipe: Recipe,
        lock: AbstractContextManager[object],
        *,
        made_by: str,
        endpoint: str | None,
        command: str | None = None,
    ) -> Run:
        """Keep what a run is asked for.

        Parameters
        ----------
        lock
            Held while the run gets its number.

        Raises
        ------
        StoreError
            It cannot be written.
        """
        columns = columns_for(recipe, manifest.columns)
        file = manifest.large_file(columns)
        digest = manifest.digest_of(columns)
        text = f"{digest} {recipe.label} {recipe.parameters_text}"
        table = self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.parquet"
        self.folder.mkdir(exist_ok=True)
        if not table.exists():
            with writing_table(table) as part, manifest.reading():
                if file is None:
                    manifest.scan(columns).sink_parquet(part, row_group_size=ROW_GROUP_ROWS)
                else:
                    file.copy(part)  # because to write its rows anew takes minutes
        asked = _asked_by(manifest, recipe, pl.scan_parquet(table, glob=False).select(columns))
        is_new = not table.with_suffix(".json").exists()
        now = time.time()
        notes: Row = {
            **notes_of(recipe), "made_by": made_by, "endpoint": endpoint,
            "command": command, "started": now, "updated": now, "done": 0,
            "columns": columns,
            "plates": [(*key, *place) for key, place in asked.plates.items()],
            "standard_paths": asked.has_standard_paths,
        }  # fmt: skip
        with lock:
            write_notes(table, {**notes, "number": 1 + self._last_number()})
        try:
            # afterwards, so that of two runs that begin at the same time one sees the other
            refuse_shared_paths(asked, [run for run in self.runs() if run.table != table])
        except ManifestError:
            if is_new:
                table.with_suffix(".json").unlink(missing_ok=True)
                table.unlink(missing_ok=True)
            raise
        table.with_suffix(".left").unlink(missing_ok=True)  # its images have names now
        self.origins.keep(
            table.stem,
            [
                Origin.of_manifest(digest, notes, manifest.taken)
                for notes in manifest.origins or [{}]
            ],
        )
        return Run(table)

    def check(self, manifest: Manifest, recipe: Recipe) -> None:
        """Raise ManifestError if `begin` would refuse this manifest."""
        rows = manifest.scan(columns_for(recipe, manifest.columns))
        refuse_shared_paths(_asked_by(manifest, recipe, rows), self.runs())

    def runs(self) -> list[Run]:
        """Get what was asked for, the last run first; nothing where no run has begun.

        Raises
        ------
        StoreError
            A file of it cannot be read.
        """
        found = [self._run(notes) for notes in self.folder.glob("*.json")]
        return sorted(found, key=lambda run: int(str(run.notes["number"])), reverse=True)

    def add(self, run: Run, command: str | None) -> None:
        """Keep what a run into another folder was asked for, unless it is known here.

        Parameters
        ----------
        command
            Command line that goes on with it here.
        """
        table = self.folder / run.table.name
        if not table.with_suffix(".json").exists():
            make_folder(self.folder)
            with atomic_path(table) as part:
                shutil.copyfile(run.table, part)
            number = 1 + self._last_number()
            write_notes(table, {**run.notes, "command": command, "number": number})
        table.with_suffix(".left").unlink(missing_ok=True)

    def _last_number(self) -> int:
        """Get the number of the run that began last."""
        numbers = [0]
        for notes in self.folder.glob("*.json"):
            with suppress(StoreError):  # `runs` says what is wrong
                numbers.append(int(str(self._run(notes).notes["number"])))
        return max(numbers)

    def _run(self, notes: Path) -> Run:
        """Get a run; what was read of it before, unless its notes are others now."""
        # because a folder has as many as there were jobs, and each job asks several times
        with suppress(OSError):
            status = notes.stat()
            state = (status.st_ino, status.st_mtime_ns)
            if notes not in self._known or self._known[notes][0] != state:
                self._known[notes] = state, Run(notes.with_suffix(".parquet"))
            return self._known[notes][1]
        return Run(notes.with_suffix(".parquet"))

    def adopt(self, left: Mapping[str, int], origins: OriginsOfRuns) -> None:
        """Keep how many images of runs are left, as the results of a copied folder say."""
        self.origins.adopt(origins)
        known = {run.id for run in self.runs()}
        for run, count in left.items():
            if run not in known:
                make_folder(self.folder)
                with atomic_path(self.folder / f"{run}.left") as part:
                    part.write_text(str(count), encoding="utf-8")

    def adopted(self) -> dict[str, int]:
        """Get how many images are left of each run that began where the folder was copied from.

        Raises
        ------
        StoreError
            A number cannot be read.
        """
        left: dict[str, int] = {}
        for file in self.folder.glob("*.left"):
            text = file.read_text(encoding="utf-8", errors="replace")
            if not text.isdecimal():
                raise StoreError(f"{file} is not a number; remove it")
            left[file.stem] = int(text)
        return left


def _asked_by(manifest: Manifest, recipe: Recipe, rows: pl.LazyFrame) -> Asked:
    """Get what a manifest asks for, without reading its rows again."""
    asked = Asked(rows, notes_of(recipe))
    plates = list(manifest.plates())
    firsts = accumulate((plate.count for plate in plates), initial=0)
    places = zip(plates, firsts, strict=False)
    asked.plates = {plate.key: (first, plate.count) for plate, first in places}
    asked.has_standard_paths = manifest.has_standard_paths
    return asked


def refuse_shared_paths(asked: Asked, runs: Sequence[Asked]) -> None:
    """Refuse a manifest with a plate or path that macOS takes for one of a run, and is another.

    Where each path begins with the key of its plate, as those of `jumpduck manifest` do, no two
    plates share one.
    """
    if not runs:
        return
    plates = _by_form(asked.plates)
    for form, other in _by_form(key for run in runs for key in run.plates).items():
        if plates.get(form, other) != other:
            raise ManifestError(
                f"plate {plates[form]} and plate {other} of this folder {ONLY_IN_FORM}; rename it, "
                "or use another folder"
            )
    if asked.has_standard_paths and all(run.has_standard_paths for run in runs):
        return
    key = pl.concat_str(PLATE_KEY, separator="/")
    form = pl.col("path").map_batches(folded, pl.String)
    mine = asked.files().select("path", plate=key, form=form)
    for run in runs:
        others = run.files().select(other_path="path", other=key, form=form)
        shared = mine.join(others, on="form").filter(
            (pl.col("plate") != pl.col("other")) | (pl.col("path") != pl.col("other_path"))
        )
        columns = ("path", "plate", "other_path", "other")
        for path, plate, other_path, other in shared.head(1).select(columns).collect().rows():
            why = f"is that of a file of plate {other} in this folder"
            if path != other_path:
                why = f"and path {other_path!r} of this folder {ONLY_IN_FORM}"
            raise ManifestError(
                f"path {path!r} of plate {plate} {why}; rename it, or use another folder"
            )


def _by_form(plates: Iterable[PlateKey]) -> dict[str, str]:
    """Get plates by the form in which macOS compares their names."""
    names = pl.Series(["/".join(key) for key in plates], dtype=pl.String)
    return dict(zip(folded(names), names, strict=True))


def columns_for(recipe: Recipe, there: Collection[str]) -> list[str]:
    """Get the columns of a manifest that tell an image from another that a recipe would make.

    Parameters
    ----------
    there
        Columns that the manifest has.
    """
    reads = (name for name in recipe.reads if name in there)
    return list(dict.fromkeys((*COLUMNS, *recipe.columns, *reads)))


def commands_of(runs: Iterable[Run]) -> list[str]:
    """Get the command lines that go on with runs, each once, the last run first."""
    commands = (run.notes.get("command") for run in runs)
    return list(dict.fromkeys(str(command) for command in commands if command))


def notes_of(recipe: Recipe) -> Row:
    """Get what the notes keep of a recipe."""
    return {
        "recipe": recipe.label,
        "parameters": recipe.parameters_text,
        "suffix": recipe.suffix,
        "per_site": recipe.per_site,
    }


def write_notes(table: Path, notes: Row) -> None:
    """Write the notes that belong to a table."""
    with atomic_path(table.with_suffix(".json")) as part:
        part.write_text(json.dumps(notes), encoding="utf-8")
