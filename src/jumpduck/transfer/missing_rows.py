"""Which rows of a manifest have a file in some output folders, and which have none."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

import numpy as np
import polars as pl

from jumpduck.errors import StoreError
from jumpduck.recipes.registry import rebuild
from jumpduck.rows import DONE, IMAGE_KEY, PLATE_KEY, SITE_KEY, PlateKey, Row
from jumpduck.storage.atomic_files import sizes_in
from jumpduck.transfer.asked import Asked, columns_for, notes_of
from jumpduck.transfer.comparison import of_the_same
from jumpduck.transfer.output_folder import OutputFolder
from jumpduck.transfer.taken_files import TakenFiles


def last_recipe(folder: OutputFolder, there: Collection[str]) -> tuple[list[str], Row]:
    """Get which columns of a manifest tell the files of a folder's last run, and its notes.

    Parameters
    ----------
    there
        Columns that the manifest has.

    Raises
    ------
    StoreError
        The folder has no results.
    """
    for run in folder.asked.runs():
        return [name for name in run.columns if name in there], run.notes
    for key in folder.plates.plate_keys():
        for row in folder.plates.read(key).head(1).iter_rows(named=True):
            made_by = str(row["recipe"]).split()[0]
            recipe = rebuild(made_by, json.loads(str(row["parameters"])))
            return columns_for(recipe, there), {**notes_of(recipe), "made_by": made_by}
    raise StoreError(
        f"{folder.path} has no results to compare with; fill it with `jumpduck download`"
    )


class FoundRows:
    """What of a manifest the output folders have, made by the recipe of their last runs.

    Parameters
    ----------
    folders
        Output folders; a file may be in any of them.
    there
        Columns that the manifest has.

    Attributes
    ----------
    columns
        Columns of the manifest that are compared.
    """

    def __init__(self, folders: Sequence[OutputFolder], there: Collection[str]) -> None:
        self._folders = [(folder, *last_recipe(folder, there)) for folder in folders]
        needed = (name for _, columns, _ in self._folders for name in columns)
        self.columns = list(dict.fromkeys((*PLATE_KEY, *IMAGE_KEY, *needed)))

    def statuses(self, rows: pl.DataFrame) -> pl.Series:
        """Get the status of each row, as the results say; left where none has a result."""
        status = pl.col("status")
        found = pl.concat(found for _, found in self.found(rows))
        best = found.sort(status.is_in(DONE), descending=True, maintain_order=True).unique("row")
        every = rows.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"))
        both = every.join(best, on="row", how="left", maintain_order="left")
        return both["status"].fill_null("left")

    def found(self, rows: pl.DataFrame) -> Iterator[tuple[OutputFolder, pl.DataFrame]]:
        """Get for each folder the rows that it has a result of.

        Columns are row, path, size, status, and channels: the number of rows of that file.
        """
        keys = rows.select(PLATE_KEY).unique(maintain_order=True).rows()
        for folder, columns, notes in self._folders:
            asked = Asked(rows.lazy().select(columns), notes)
            made_by = (pl.lit(str(notes[name])).alias(name) for name in ("recipe", "parameters"))
            targets = asked.names.targets(rows.select(columns)).with_columns(*made_by)
            results = pl.concat([folder.plates.read(key) for key in keys], how="diagonal_relaxed")
            on = [name for name in targets.columns if name not in SITE_KEY]
            here = of_the_same(results, targets, on).select(*IMAGE_KEY, "size", "status")
            numbered = targets.select(*IMAGE_KEY, channels=pl.len().over("path"))
            found = numbered.with_row_index("row").join(here, on=IMAGE_KEY, nulls_equal=True)
            yield folder, found.select("row", "path", "size", "status", "channels")


class MissingRows(FoundRows):
    """What of a manifest the output folders do not have as it was fetched.

    Attributes
    ----------
    not_had
        Number of rows, by status, that a run tried and could not have.
    """

    def __init__(self, folders: Sequence[OutputFolder], there: Collection[str]) -> None:
        super().__init__(folders, there)
        # because what such a recipe measures on a part of the plate makes other files
        self._whole = any(_depends_on_plate(notes) for _, _, notes in self._folders)
        self.not_had: Counter[str] = Counter()
        self._taken = {folder.path: TakenFiles(folder) for folder in folders}

    def of_plate(self, rows: pl.DataFrame) -> pl.Series:
        """Get whether each row of a plate has no file as it was fetched.

        If one has none and the recipe depends on the whole plate, none has.
        """
        is_left = np.ones(rows.height, dtype=np.bool_)
        tried = dict[int, str]()
        key = rows.select(PLATE_KEY).row(0)
        for folder, found in self.found(rows):
            done = pl.col("status").is_in(DONE)
            here = found.filter(done, pl.col("size") == self._sizes(folder, found, key))
            whole = here.filter(pl.len().over("path") == pl.col("channels"))
            is_left[whole["row"].to_numpy()] = False
            tried |= dict(found.filter(~done).select("row", "status").rows())
        self.not_had.update(status for row, status in tried.items() if is_left[row])
        return pl.Series(is_left | (self._whole and bool(is_left.any())))

    def _sizes(self, folder: OutputFolder, files: pl.DataFrame, key: PlateKey) -> pl.Series:
        """Get the size of each file of a plate that is there or taken in; -1 where none is."""
        sizes = {
            f"{name}/{file}": size
            for name in files["path"].str.extract("^(.*)/").unique()
            for file, size in sizes_in(folder.path / str(name)).items()
        }
        sizes |= self._taken[folder.path].sizes(key)
        return pl.Series([sizes.get(path, -1) for path in files["path"]], dtype=pl.Int64)


def _depends_on_plate(notes: Row) -> bool:
    recipe = rebuild(str(notes["made_by"]), json.loads(str(notes["parameters"])))
    return recipe.agrees is not None
