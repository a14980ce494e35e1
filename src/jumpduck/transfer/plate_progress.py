"""A plate while it is being filled: what it had before, what it lacks, and what came since."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import polars as pl

from jumpduck.recipes.base import Recipe
from jumpduck.rows import DONE, IMAGE_KEY, SITE_KEY
from jumpduck.schema import OUTCOME, results_types
from jumpduck.storage.atomic_files import remove_parts, sizes_in
from jumpduck.transfer.asked import columns_for
from jumpduck.transfer.comparison import of_the_same
from jumpduck.transfer.manifest_reader import PlateKey, PlateRows
from jumpduck.transfer.output_folder import OutputFolder
from jumpduck.transfer.size_check import mark_other_sizes

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

    @property
    def addresses(self) -> pl.Series:
        """URLs of the files in which its images lie, each once."""
        return self.targets["url"].str.replace("#[^#]*$", "").unique()

    def add(self, rows: Sequence[dict[str, object]]) -> None:
        """Add results."""
        self.last.extend(rows)
        if len(self.last) >= TABLE_ROWS:
            self._make_table()

    def new_rows(self) -> pl.DataFrame:
        """Get the results that came since."""
        self._make_table()
        return self.in_order(pl.concat(self.tables))

    def rows_to_make_again(self, recipe: Recipe, context: object) -> list[list[dict[str, object]]]:
        """Get the rows of each file that is there, but would be another one if it was made now.

        Those were made by a run that knew another part of the plate.
        """
        if recipe.agrees is None or self.present.is_empty():
            return []
        agrees = recipe.agrees(self.present, context)
        again = self.present.filter(~agrees)
        self.present = self.present.filter(agrees)
        rows = self.targets.join(
            again, on=IMAGE_KEY, how="semi", maintain_order="left", nulls_equal=True
        )
        groups = _by_file(rows, per_site=recipe.per_site)
        self.tasks_left += len(groups)
        return groups

    def not_repairable(self, recipe: Recipe, context: object) -> frozenset[object]:
        """Get the paths of files that a repair would not make as they were.

        They were made by a run that knew another part of the plate.
        """
        if recipe.agrees is None or not self.repair:
            return frozenset()
        made_by = {"recipe": recipe.label, "parameters": recipe.parameters_text}
        earlier = self.earlier.filter(**made_by)
        return frozenset(earlier.filter(~recipe.agrees(earlier, context))["path"])

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


def open_plate(
    folder: OutputFolder, rows: PlateRows, recipe: Recipe, only: pl.Series | None
) -> tuple[PlateProgress, list[list[dict[str, object]]]]:
    """Get the state of a plate, and the rows of each file that it lacks.

    Parameters
    ----------
    only
        Paths of the only files to fetch, even if they are there.
    """
    targets = recipe.targets(rows.rows())
    # what the manifest says there is not what the files are made with
    targets = targets.with_columns(pl.lit(None, pl.String).alias(name) for name in recipe.writes)
    earlier = folder.plates.read(rows.key)
    absent = [name for name in recipe.writes if name not in earlier.columns]
    earlier = earlier.with_columns(pl.lit(None, pl.String).alias(name) for name in absent)
    there = _present(folder, rows.key, targets, earlier, recipe)
    if only is not None:
        there = there.filter(~pl.col("path").is_in(only.implode()))
    missing = targets.join(there, on=IMAGE_KEY, how="anti", nulls_equal=True)
    if only is not None:
        missing = missing.filter(pl.col("path").is_in(only.implode()))
    groups = _by_file(missing, per_site=recipe.per_site)
    repair = only is not None
    return PlateProgress(rows.key, targets, earlier, there, len(groups), repair), groups


def _present(
    folder: OutputFolder,
    key: PlateKey,
    targets: pl.DataFrame,
    earlier: pl.DataFrame,
    recipe: Recipe,
) -> pl.DataFrame:
    """Get the results of files that this recipe made and that still have their size."""
    places = targets["path"].str.extract("^(.*)/").unique().sort()
    for place in places:
        remove_parts(folder.path / str(place), folder.runs.goes_on)
    sizes = {
        f"{place}/{name}": size
        for place in places
        for name, size in sizes_in(folder.path / place).items()
    }
    if recipe.gathering is not None:  # after the disk, because another run may take them in now
        sizes = {**sizes, **recipe.gathering.sizes(folder.path, key)}
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
    measured = whole.select(*IMAGE_KEY, *OUTCOME, *recipe.writes)
    return (
        targets.drop(recipe.writes)
        .join(measured, on=IMAGE_KEY, how="inner", maintain_order="left", nulls_equal=True)
        .select(*targets.columns, *OUTCOME)
    )


def close_plate(folder: OutputFolder, plate: PlateProgress, recipe: Recipe) -> pl.DataFrame:
    """Check the sizes of a plate's images, write its table, and get its results.

    Files of a wrong size are removed; the recipe gathers the others, if it does so. ``status`` is
    present for files of earlier runs.

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
            (folder.path / path).unlink()
    whole, others = both.head(whole.height).select(whole.columns), both.tail(others.height)
    changed = others.filter(pl.col("path").is_in(wrong))
    if changed.height:
        folder.plates.update(plate.key, changed.select(plate.earlier.columns), in_place=True)
    if not _same_rows(plate.earlier, plate.to_keep(whole)):
        keep(folder, plate, whole)
    if recipe.gathering is not None:
        made_by = {"recipe": recipe.label, "parameters": recipe.parameters_text}
        recipe.gathering.gather(
            folder.path, plate.key, folder.plates.read(plate.key).filter(**made_by)
        )
    earlier = whole["path"].is_in(plate.present["path"].implode())
    again = pl.when(earlier & (whole["status"] == "fetched"))
    return whole.with_columns(
        status=again.then(pl.lit("present")).otherwise("status"),
        attempts=again.then(pl.lit(0, pl.Int32)).otherwise("attempts"),
        seconds=again.then(pl.lit(0.0)).otherwise("seconds"),
    )


def keep(folder: OutputFolder, plate: PlateProgress, rows: pl.DataFrame) -> None:
    """Write the results of a plate into its table."""
    folder.plates.update(plate.key, plate.to_keep(rows), in_place=plate.repair)


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
