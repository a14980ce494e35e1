"""Profiles in memory: what each row is of, and its features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import ProfileError

Features = NDArray[np.float64]
"""Values by row and feature, in C order; NaN where a value is missing."""


PERTURBATION_FACT = "jumpduck.perturbation"
"""Fact that names the column which says what a well was treated with."""


@dataclass(frozen=True)
class Profiles:
    """One profile a row: what it is of, and its features.

    Parameters
    ----------
    metadata
        The columns that are not features, in the order of the table. Those that name a source,
        batch, plate or well are text; numbers, such as concentrations, are numbers where the file
        has them.
    features
        Values by row and feature; NaN where a value is missing.
    names
        Name of each feature.
    facts
        What the file says of itself, such as the steps that it was made with.

    Raises
    ------
    ProfileError
        The numbers of rows or of features differ, or a name is there twice.
    """

    metadata: pl.DataFrame
    features: Features
    names: tuple[str, ...]
    facts: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        if self.features.ndim != 2 or self.features.shape[1] != len(self.names):
            raise ProfileError(
                f"features has the shape {self.features.shape}, and there are {len(self.names)} "
                "names; give a row for each profile and a column for each name"
            )
        if self.metadata.width and self.metadata.height != len(self.features):
            raise ProfileError(
                f"metadata has {self.metadata.height} rows, features {len(self.features)}; give a "
                "row of both for each profile"
            )
        check_names_differ([*self.metadata.columns, *self.names], "the table")

    def __len__(self) -> int:
        return len(self.features)

    def select(self, rows: NDArray[Any] | Sequence[int]) -> "Profiles":
        """Get some of the rows, by their numbers or by a truth value for each row."""
        chosen = np.asarray(rows, None if len(rows) else np.intp)
        if chosen.dtype == np.bool_:
            chosen = np.flatnonzero(chosen)
        metadata = self.metadata[chosen] if self.metadata.width else self.metadata
        return replace(self, metadata=metadata, features=self.features[chosen])

    def with_features(self, values: Features, names: Sequence[str]) -> "Profiles":
        """Get the same rows with other features."""
        values = np.ascontiguousarray(values, np.float64)
        return replace(self, features=values, names=tuple(names))

    def frame(self) -> pl.DataFrame:
        """Get the table: the metadata, then a column for each feature."""
        columns = [pl.Series(name, self.features[:, at]) for at, name in enumerate(self.names)]
        return pl.DataFrame([*self.metadata.get_columns(), *columns])


def check_names_differ(names: Sequence[str], where: str) -> None:
    """Raise ProfileError for a name that is there twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ProfileError(
                f"{where} has several columns {name!r}; give each column a name of its own"
            )
        seen.add(name)
