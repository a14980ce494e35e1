"""What an output folder has of the images that it was asked for, and what it lacks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from jumpduck.rows import SITE_KEY
from jumpduck.schema import RESULTS
from jumpduck.transfer.asked import Asked, Run
from jumpduck.transfer.manifest_reader import PlateKey
from jumpduck.transfer.plate_tables import read_table


class Compared(NamedTuple):
    """The results of plates against what was asked for.

    Attributes
    ----------
    asked
        What was asked for that has images of the plate.
    had
        For each of what was asked, the results of its images.
    left
        For each, rows of images that have no result.
    others
        Results of files that were not asked for here, as those of a folder that was copied.
    """

    asked: Sequence[Asked]
    had: Sequence[pl.DataFrame]
    left: Sequence[pl.DataFrame]
    others: pl.DataFrame

    def rows(self, *, others: bool) -> pl.DataFrame:
        """Get a row for each image, with status ``left`` where it has no result."""
        why = {"status": pl.lit("left"), "error": pl.lit("not fetched yet")}
        left = (rows.with_columns(**why) for rows in self.left)
        rest = self.others if others else self.others.clear()
        return pl.concat([*self.had, *left, rest], how="diagonal_relaxed")


def compare(asked: Sequence[Asked], keys: Sequence[PlateKey], results: pl.DataFrame) -> Compared:
    """Compare the results of plates with what was asked for, the last run first.

    What a run was asked for takes the place of what runs before it had under the same path: a file
    is what the last of them makes.
    """
    of_plates = [one for one in asked if any(key in one.plates for key in keys)]
    had, left, others = list[pl.DataFrame](), list[pl.DataFrame](), results
    seen = pl.DataFrame(schema={"path": pl.String})
    for one in of_plates:
        rows = one.rows(keys)
        others = others.join(rows, on="path", how="anti", maintain_order="left")
        rows = rows.join(seen, on="path", how="anti", maintain_order="left")
        seen = pl.concat([seen, rows.select("path")])
        on = [name for name in rows.columns if name not in SITE_KEY]
        here = of_the_same(results, rows, on)
        had.append(here)
        left.append(rows.join(here, on=on, how="anti", maintain_order="left", nulls_equal=True))
    return Compared(of_plates, had, left, others)


def of_the_same(results: pl.DataFrame, rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Get the results that agree with one of `rows` in these columns, as the types of `rows`."""
    there = (pl.col(name) if name in results.columns else pl.lit(None) for name in columns)
    typed = results.with_columns(
        value.cast(rows.schema[name], strict=False).alias(name)
        for name, value in zip(columns, there, strict=True)
    )
    return typed.join(rows, on=columns, how="semi", maintain_order="left", nulls_equal=True)


def count_left(runs: Sequence[Run], tables: Mapping[PlateKey, Path]) -> Counter[str]:
    """Get the number of images of each run, by its ID, that the tables of the plates lack."""
    left: Counter[str] = Counter()
    for key in dict.fromkeys(key for run in runs for key in run.plates):
        of_plate = [run for run in runs if key in run.plates]
        if key not in tables and len(of_plate) == 1:
            left[of_plate[0].id] += of_plate[0].plates[key][1]
            continue
        results = read_table(tables[key]) if key in tables else pl.DataFrame(schema=RESULTS)
        compared = compare(of_plate, [key], results)
        for run, rows in zip(of_plate, compared.left, strict=True):
            left[run.id] += rows.height
    return left
