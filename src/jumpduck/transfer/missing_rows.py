"""Which rows of a manifest have no file yet in some output folders."""

import json
from collections import Counter
from collections.abc import Collection, Sequence

import polars as pl

from jumpduck.errors import StoreError
from jumpduck.recipes.registry import rebuild
from jumpduck.rows import PlateKey, Row
from jumpduck.schema import DONE, IMAGE_KEY, PLATE_KEY
from jumpduck.storage.atomic_files import sizes_in
from jumpduck.transfer.asked import Asked, columns_for, notes_of
from jumpduck.transfer.comparison import compare
from jumpduck.transfer.output_folder import OutputFolder


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


class MissingRows:
    """What of a manifest the output folders do not have.

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
    not_had
        Number of rows, by status, that a run tried and could not have.
    """

    def __init__(self, folders: Sequence[OutputFolder], there: Collection[str]) -> None:
        self._folders = [(folder, *last_recipe(folder, there)) for folder in folders]
        needed = (name for _, columns, _ in self._folders for name in columns)
        self.columns = list(dict.fromkeys((*PLATE_KEY, *IMAGE_KEY, *needed)))
        # because what such a recipe measures on a part of the plate makes other files
        self._whole = any(_depends_on_plate(notes) for _, _, notes in self._folders)
        self.not_had: Counter[str] = Counter()

    def of_plate(self, key: PlateKey, rows: pl.DataFrame) -> pl.Series:
        """Get whether each row of a plate has no file as it was fetched.

        If one has none and the recipe depends on the whole plate, none has.
        """
        missing = rows.select(IMAGE_KEY).with_row_index("row")
        tried = pl.DataFrame(schema={"row": pl.UInt32, "status": pl.String})
        for folder, columns, notes in self._folders:
            asked = Asked(rows.lazy().select(columns), notes)
            results = compare([asked], key, folder.plates.read(key)).had[0]
            if results.is_empty():
                continue
            targets = asked.names.targets(rows.select(IMAGE_KEY)).with_row_index("row")
            status = pl.col("status")
            found = results.select(*IMAGE_KEY, "size", "status")
            found = targets.join(found, on=IMAGE_KEY, nulls_equal=True)
            here = found.filter(status.is_in(DONE), pl.col("size") == _sizes(folder, found))
            absent = targets.join(here, on="row", how="anti")
            here = here.join(absent, on="path", how="anti")  # a site's file has all its channels
            missing = missing.join(here, on="row", how="anti", maintain_order="left")
            tried = pl.concat([tried, found.filter(~status.is_in(DONE)).select("row", "status")])
        tried = tried.join(missing, on="row", how="semi").unique("row", keep="last")
        self.not_had.update(tried["status"].to_list())
        if self._whole and missing.height:
            return pl.repeat(value=True, n=rows.height, eager=True)
        return pl.int_range(rows.height, dtype=pl.UInt32, eager=True).is_in(
            missing["row"].implode()
        )


def _sizes(folder: OutputFolder, files: pl.DataFrame) -> pl.Series:
    """Get the size of each file on the disk; -1 where there is none."""
    sizes = {
        f"{name}/{file}": size
        for name in files["path"].str.extract("^(.*)/").unique()
        for file, size in sizes_in(folder.path / str(name)).items()
    }
    return pl.Series([sizes.get(path, -1) for path in files["path"]], dtype=pl.Int64)


def _depends_on_plate(notes: Row) -> bool:
    recipe = rebuild(str(notes["made_by"]), json.loads(str(notes["parameters"])))
    return recipe.agrees is not None
