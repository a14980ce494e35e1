"""Values that a chain cannot take, said before anything is computed from them."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from jumpduck.errors import ProfileError, QueryError
from jumpduck.normalization.affine import Values
from jumpduck.normalization.steps import Step
from jumpduck.profile_tables.checks import describe_row
from jumpduck.profile_tables.profiles import Profiles


def takes_missing(steps: Sequence[Step]) -> bool:
    """Get whether a chain begins with the step that drops features with missing values."""
    return bool(steps) and steps[0].name == "drop_na_columns"


def check_complete(
    step: Step, names: Sequence[str], values: Values, metadata: pl.DataFrame
) -> None:
    """Check that no value is missing where a step takes none.

    Raises
    ------
    ProfileError
        One is.
    """
    if not step.kind.complete or not np.isnan(values).any():
        return
    row, column = (int(one[0]) for one in np.nonzero(np.isnan(values)))
    raise ProfileError(
        f"{step.name} takes no missing values, and feature {names[column]!r} is missing in "
        f"{describe_row(metadata, row)}; begin with drop_na_columns:cutoff=0"
    )


def check_kept(steps: Sequence[Step]) -> None:
    """Raise QueryError for a step that changes the rows it is given, and maps no others."""
    for step in steps:
        if step.kind.align:
            raise QueryError(
                f"save_fit does not go with {step.name}, which changes the rows that it is given "
                "and maps no others; leave one of the two out"
            )


def cells_column(steps: Sequence[Step]) -> str | None:
    """Get the column with the number of cells that a chain needs."""
    return next((str(one.options["count"]) for one in steps if one.kind.counted), None)


def cells_of(read: Profiles, column: str | None) -> Values | None:
    """Get the number of cells of each row.

    Raises
    ------
    ProfileError
        The column is not there, or has no number in a row.
    """
    if column is None:
        return None
    if column in read.names:
        cells = read.features[:, read.names.index(column)]
    elif column in read.metadata.columns:
        cells = read.metadata[column].cast(pl.Float64, strict=False).to_numpy()
    else:
        raise ProfileError(
            f"regress_cell_count: the table has no column {column!r}; name the column of the "
            "number of cells, as in regress_cell_count:count=Metadata_Count_Cells"
        )
    known = np.isfinite(cells)
    if not known.all():
        row = int(np.flatnonzero(~known)[0])
        raise ProfileError(f"{describe_row(read.metadata, row)} has no number of cells in {column}")
    return cells
