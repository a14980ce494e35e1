"""Which profiles are left out as neighbours of one another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from jumpduck.evaluation.similarities import Rows
from jumpduck.profile_tables.columns import ROW_NUMBER


@dataclass(frozen=True)
class Sharing:
    """Which rows have a value in common.

    Attributes
    ----------
    values
        Numbers of the values that each row has: one, or several where a column has lists.
    members
        Rows that have each value.
    """

    values: Sequence[Rows]
    members: Sequence[Rows]

    @classmethod
    def of(cls, frame: pl.DataFrame, columns: Sequence[str]) -> "Sharing":
        """Get which rows are equal in all columns; lists are equal if they share a member."""
        columns = list(dict.fromkeys(columns))
        rows = frame.select(columns).with_row_index(ROW_NUMBER)
        for name, dtype in rows.schema.items():
            if isinstance(dtype, pl.List):
                rows = rows.explode(name)
        numbers = rows.select(pl.struct(columns).rank("dense") - 1).to_series().to_numpy()
        owners = rows[ROW_NUMBER].to_numpy().astype(np.intp)
        numbers = numbers.astype(np.intp)
        count = int(numbers.max(initial=-1)) + 1
        return cls(_split(numbers, owners, frame.height), _split(owners, numbers, count))

    def rows(self, row: int) -> Rows:
        """Get the rows that have a value in common with `row`, and itself, in order."""
        own: list[int] = self.values[row].tolist()
        if len(own) == 1:
            return self.members[own[0]]
        return _union([self.members[one] for one in own])


@dataclass(frozen=True)
class Exclusions:
    """The rows that are left out as neighbours: the row itself, and those that share something."""

    shared: Sequence[Sharing] = ()

    @classmethod
    def of(cls, frame: pl.DataFrame, exclude: Sequence[Sequence[str]]) -> "Exclusions":
        """Get the exclusions of rows that are equal in all columns of one of several sets."""
        return cls([Sharing.of(frame, columns) for columns in exclude])

    def rows(self, row: int) -> Rows:
        """Get the rows that are not neighbours of `row`, in order."""
        if not self.shared:
            return np.array([row])
        if len(self.shared) == 1:
            return self.shared[0].rows(row)
        return _union([one.rows(row) for one in self.shared])


def _union(parts: Sequence[Rows]) -> Rows:
    return np.unique(np.concatenate(parts)).astype(np.intp)


def _split(values: Rows, groups: Rows, count: int) -> list[Rows]:
    """Get the values of each group, in order."""
    order = np.lexsort((values, groups))
    ends = np.cumsum(np.bincount(groups, minlength=count))[:-1]
    return np.split(values[order], ends)
