"""Several profiles made one: those of a well, a treatment or a perturbation."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import ProfileError, QueryError
from jumpduck.normalization.affine import Values
from jumpduck.normalization.quantiles import quantiles
from jumpduck.profile_tables.columns import ROW_NUMBER
from jumpduck.profile_tables.profiles import Profiles

AVERAGES = ("mean", "median")


class Aggregation:
    """Profiles averaged over rows that have the same values in some columns.

    Missing values (NaN) do not count. A mean needs memory for each group; a median holds the rows
    of a group until all are there.

    Parameters
    ----------
    metadata
        What all rows are of.
    by
        The columns; a row without a value has a group of its own kind.
    average
        One of `AVERAGES`.

    Attributes
    ----------
    metadata
        One row a group, in the order of the columns' values: these columns, then those that have
        one value in each group.

    Raises
    ------
    QueryError
        The average is not one of those allowed.
    ProfileError
        A column is not there.
    """

    def __init__(self, metadata: pl.DataFrame, by: Sequence[str], average: str = "mean") -> None:
        if average not in AVERAGES:
            raise QueryError(f"average {average!r} is not one of {', '.join(AVERAGES)}")
        for name in by:
            if name not in metadata.columns:
                raise ProfileError(
                    f"aggregate {name!r} is not a column; there are {', '.join(metadata.columns)}"
                )
        self._median = average == "median"
        self.metadata = one_a_group(metadata, by)
        keys = self.metadata.select(by).with_row_index(ROW_NUMBER)
        self._groups = metadata.select(by).join(
            keys, on=by, how="left", nulls_equal=True, maintain_order="left"
        )[ROW_NUMBER].to_numpy()  # fmt: skip
        self._left = np.bincount(self._groups, minlength=len(keys))
        self._sums: Values | None = None
        self._counts: Values | None = None
        self._waiting: dict[int, list[Values]] = {}

    def add(self, rows: NDArray[np.intp], profiles: Profiles) -> None:
        """Add profiles, with the numbers of their rows in the metadata of all."""
        x = profiles.features
        height = len(self.metadata)
        if self._sums is None or self._counts is None:
            self._sums = np.zeros((height, x.shape[1]))
            self._counts = np.zeros((height, x.shape[1]))
        groups = self._groups[rows]
        order = np.argsort(groups, kind="stable")
        starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
        present = groups[order][starts]
        if not self._median:
            ordered = x[order]
            there = ~np.isnan(ordered)
            self._sums[present] += np.add.reduceat(np.where(there, ordered, 0), starts)
            self._counts[present] += np.add.reduceat(there, starts, dtype=float)
            return
        for group, part in zip(present.tolist(), np.split(order, starts[1:]), strict=True):
            self._waiting.setdefault(group, []).append(x[part])
            self._left[group] -= len(part)
            if not self._left[group]:
                together = np.concatenate(self._waiting.pop(group))
                self._sums[group] = quantiles(together, (0.5,))[0]
                self._counts[group] = 1

    def profiles(self, names: Sequence[str]) -> Profiles:
        """Get one profile a group."""
        assert self._sums is not None
        assert self._counts is not None
        with np.errstate(invalid="ignore", divide="ignore"):
            return Profiles(self.metadata, self._sums / self._counts, tuple(names))


def one_a_group(metadata: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Get one row for each group: its columns, and others that have one value in each group."""
    others = [name for name in metadata.columns if name not in by]
    grouped: Any = metadata.group_by(by, maintain_order=True)
    different = grouped.agg(pl.col(name).n_unique() for name in others)
    same = [name for name in others if (different[name] == 1).all()]
    return grouped.agg(pl.col(name).first() for name in same).sort(by)
