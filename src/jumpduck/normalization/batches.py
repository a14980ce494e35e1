"""Profiles of several batches aligned, all rows together."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import ProfileError, QueryError, needs_extra
from jumpduck.normalization.affine import Values
from jumpduck.profile_tables.checks import describe_row

LEAST_ROWS = 30
"""Rows that Harmony needs at least, because it makes a cluster for each 30."""

LEAST_OF_BATCH = 2
"""Rows that a batch has at least, because the mean of one row is that row."""

SEED = 0
"""Of the random numbers that clusters begin with."""

_MAX_NAMED = 3
"""Batches that a message lists."""


def harmonize(x: Values, batches: Sequence[str]) -> Values:
    """Get profiles of several batches aligned by Harmony.

    harmonypy computes it, with its defaults, on the rows in the order of `row_order`, because its
    clusters begin with rows at random places.

    Parameters
    ----------
    x
        Profiles, ``(rows, features)``; features with a mean near 0 and like scales.
    batches
        The batch of each row.

    Returns
    -------
    numpy.ndarray
        The profiles, ``(rows, features)``, in the order of `x`.

    Notes
    -----
    Korsunsky et al. (2019), doi:10.1038/s41592-019-0619-0, as harmonypy 2 has it: Patikas et al.
    (2026), doi:10.64898/2026.03.16.711825.
    """
    harmonypy: Any = import_module("harmonypy")  # because it has no types
    order = row_order(x, batches)
    of = {"batch": np.asarray(batches, dtype=str)[order]}
    # features by rows, because a matrix with as many features as rows is read so
    made = harmonypy.run_harmony(x[order].T, of, "batch", verbose=False, random_state=SEED)
    aligned = np.empty_like(x)
    aligned[order] = made.Z_corr
    return aligned


def row_order(x: Values, batches: Sequence[str]) -> NDArray[np.intp]:
    """Get an order of rows that depends on their values and batches, and not on their places.

    It is that of a weighted sum of the features, with weights drawn at random once; rows with the
    same sum stand in the order of their batches.
    """
    sums = x @ np.random.default_rng(SEED).normal(size=(x.shape[1],))
    return np.lexsort((np.unique(batches, return_inverse=True)[1], sums))


def check_batches(metadata: pl.DataFrame, column: str, stay: NDArray[np.bool_]) -> None:
    """Check that rows of a table can be aligned by batch.

    Parameters
    ----------
    metadata
        What each row is of.
    column
        The batch of each row.
    stay
        Which rows.

    Raises
    ------
    QueryError
        harmonypy is not installed, or the column is not there.
    ProfileError
        The rows are too few, or are of one batch; a batch has one row, or a row has no batch.
    """
    if find_spec("harmonypy") is None:
        raise QueryError(needs_extra("harmony", "harmonypy", "batch"))
    if column not in metadata.columns:
        raise QueryError(
            f"batch {column!r} of harmony is not a column; there are {', '.join(metadata.columns)}"
        )
    missing = metadata[column].is_null().to_numpy() & stay
    if missing.any():
        raise ProfileError(
            f"{describe_row(metadata, int(missing.argmax()))} has no {column}, and harmony aligns "
            "by it; give it one, or leave such rows out (`where`)"
        )
    rows = int(stay.sum())
    if rows < LEAST_ROWS:
        raise ProfileError(
            f"harmony needs at least {LEAST_ROWS} rows, and there are {rows}; leave it out, or "
            "give more plates"
        )
    counts = metadata.filter(stay).group_by(pl.col(column).cast(pl.String)).len().sort(column)
    if counts.height == 1:
        raise ProfileError(
            f"harmony aligns batches, and all {rows:,} rows have {column} "
            f"{counts[column][0]}; name another column, as in harmony:batch=Metadata_Plate"
        )
    few: list[str] = counts.filter(pl.col("len") < LEAST_OF_BATCH)[column].to_list()
    if few:
        more = f" and {len(few) - _MAX_NAMED:,} more" if len(few) > _MAX_NAMED else ""
        raise ProfileError(
            f"harmony needs at least {LEAST_OF_BATCH} rows of each batch; one row has each of "
            f"{column} {', '.join(few[:_MAX_NAMED])}{more}; leave such rows out (`where`), or name "
            "another column, as in harmony:batch=Metadata_Source"
        )
