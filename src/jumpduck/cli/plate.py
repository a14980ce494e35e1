"""jumpduck plate"""

from dataclasses import replace
from pathlib import Path

import polars as pl

from jumpduck.cli.flags import CHOOSE, DRAW, OUTPUT, PLACES, Csv, Json, reads
from jumpduck.cli.printer import Printer
from jumpduck.counts import counted
from jumpduck.rows import PLATE_KEY
from jumpduck.stages.plate import PlateMap, PlateOptions
from jumpduck.stages.plate import plate as look

PICTURE = Path("plate.png")

SHOWN_ROWS = 20
"""Different texts that are printed."""


@reads(
    PlateOptions,
    {
        CHOOSE: ("plate", "source", "batch", "channel"),
        DRAW: ("by", "wells"),
        PLACES: ("out", "catalog", "join"),
        OUTPUT: ("path",),
    },
    positional="plate",
    flags={"path": "--picture"},
)
def plate(options: PlateOptions, *, csv: Csv = False, json: Json = False) -> None:
    """Draw a plate in its true shape, coloured by what its wells are or what was measured.

    Writes plate.png in the current folder, or --picture. Wells without a value are hatched; wells
    without an image are empty squares. Of more than seven texts, the most frequent have colours,
    and the others are grey. With --csv and --json, which print the values by well, a picture is
    drawn only if --picture names it.

    For example:

    ```
    jumpduck plate BR00117035
    jumpduck plate BR00117035 --by mean --channel dna --picture dna.svg
    jumpduck plate BR00117035 --by perturbation --catalog catalog.duckdb
    jumpduck plate BR00117035 --by Cells_AreaShape_Area --join profiles.parquet
    ```
    """
    printer = Printer(as_json=json, as_csv=csv)
    path = PICTURE if options.path is None and not (csv or json) else options.path
    found = look(**vars(replace(options, path=path)))
    wells = found.values.wells
    if csv:
        of_plate = zip(PLATE_KEY, found.key, strict=True)
        printer.table(wells.select(*(pl.lit(one).alias(name) for name, one in of_plate), pl.all()))
    else:
        _say(printer, found)
    printer.json(
        {
            "plate": dict(zip(PLATE_KEY, found.key, strict=True)),
            "by": options.by,
            "what": found.said,
            "shape": [found.values.shape.rows, found.values.shape.columns],
            "picture": found.path,
            "wells": wells.to_dicts(),
        }
    )


def _say(printer: Printer, found: PlateMap) -> None:
    """Print how many wells have which value."""
    wells, by = found.values.wells, found.values.by
    value = pl.col("value")
    if found.values.is_number:
        lowest, highest = (
            wells.sort(value, nulls_last=True).drop_nulls("value")[place] for place in (0, -1)
        )
        table = wells.select(
            pl.lit(by).alias("by"),
            wells=value.count(),
            lowest=value.min(),
            lowest_well=pl.lit(lowest["Metadata_Well"].item()),
            median=value.median(),
            highest=value.max(),
            highest_well=pl.lit(highest["Metadata_Well"].item()),
        )
    else:
        table = wells.drop_nulls("value").group_by(value.alias(by)).agg(wells=pl.len())
        table = table.sort("wells", by, descending=[True, False])
    printer.table(table.head(SHOWN_ROWS))
    if table.height > SHOWN_ROWS:
        printer.remark(f"and {table.height - SHOWN_ROWS:,} more, which --csv and --json list")
    if without := wells["value"].null_count():
        printer.line(f"no value: {without:,} of {counted(wells.height, 'well')}")
    if found.values.unplaced:
        names = ", ".join(found.values.unplaced[:3])
        printer.line(
            f"{len(found.values.unplaced):,} names are not those of wells, such as A01, and are "
            f"left out: {names}"
        )
    printer.line(f"{found.said} -> {found.path}")
