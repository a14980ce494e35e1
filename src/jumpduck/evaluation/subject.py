"""What is evaluated: a table of profiles, and what its columns mean."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
import polars as pl

from jumpduck.errors import ProfileError, QueryError
from jumpduck.evaluation.measured import RESAMPLES
from jumpduck.evaluation.row_order import ordered
from jumpduck.evaluation.similarities import DISTANCES, Floats, Rows, Similarities
from jumpduck.profile_tables.checks import check_finite, describe_row
from jumpduck.profile_tables.columns import ROW_NUMBER
from jumpduck.profile_tables.profiles import Profiles

NULLS = 10_000
"""Random orders that a p-value is made of."""

Statistic = Literal["mean", "median"]
"""How the wells of a treatment become its profile."""


FOLDS = 5
"""How often a classifier or regression is fitted, each time without the groups of one fold."""

TOP_PERCENT = 1.0
"""Of all pairs of profiles, those that count as the most similar ones."""

SIZES = (1e-100, 1e100)
"""Largest values of a profile that can be compared: squares of others are 0 or infinite."""

RESULT_COLUMNS = frozenset(
    {
        "profiles", "metric", "distance", "correct", "chance", "average_precision", "positives",
        "pairs", "mean_average_precision", "n", "p_value", "q_value", "members", "correlation",
        "threshold", "above", "z", "k",
    }
)  # fmt: skip
"""Columns that tables of queries and groups have beside those of the user."""

_Made = TypeVar("_Made")


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Which columns say what a profile is of.

    Parameters
    ----------
    label
        Column of what neighbours are compared by, such as the mechanism of action or the target.
    compound
        Column of the compound, whatever its dose.
    treatments
        Columns that name what was done to a well: compound and dose, or gene.
    batch
        Column of the batch: plate, week or source.
    well
        Column of the position on the plate.
    pos_sameby
        Columns in which two profiles are equal if they are a positive pair of `map`; `label` by
        default.
    pos_diffby
        Columns in which a positive pair of `map` differs; `compound`, if given, by default.
    neg_sameby
        Columns in which a negative pair of `map` is equal; none by default.
    neg_diffby
        Columns in which a negative pair of `map` differs; `pos_sameby` by default.
    target
        Column of numbers that `r2_ols` and `r2_ridge` predict.
    fold_by
        Column of what is in one fold of a classifier or regression; `compound`, or else
        `treatments`, by default.
    """

    label: str | None = None
    compound: str | None = None
    treatments: str | Sequence[str] = ()
    batch: str | None = None
    well: str = "Metadata_Well"
    pos_sameby: Sequence[str] = ()
    pos_diffby: Sequence[str] = ()
    neg_sameby: Sequence[str] = ()
    neg_diffby: Sequence[str] = ()
    target: str | None = None
    fold_by: str | None = None

    def columns(self, key: str) -> tuple[str, ...]:
        """Get the columns that a key names; none where it was not given."""
        value: str | Sequence[str] | None = getattr(self, key)
        return () if value is None else (value,) if isinstance(value, str) else tuple(value)

    def all_columns(self) -> dict[str, str]:
        """Get each column that a key names, with the first key that does."""
        named = ((name, key) for key in Keys.__dataclass_fields__ for name in self.columns(key))
        return dict(reversed([*named]))

    @property
    def unit(self) -> tuple[str, ...]:
        """What bootstrap samples draw: compounds, or else treatments, or else labels."""
        return self.columns("compound") or self.columns("treatments") or self.columns("label")


@dataclass(frozen=True)
class Sample:
    """Profiles that a metric is measured on.

    Attributes
    ----------
    metadata
        What each profile is of. Of a treatment, a column in which its wells may differ (the batch)
        is a list.
    features
        Values by profile and feature.
    excluded
        How many rows were left out before, by reason.
    """

    metadata: pl.DataFrame
    features: Floats
    excluded: Mapping[str, int] = field(default_factory=dict[str, int])

    def __len__(self) -> int:
        return len(self.features)

    def select(self, rows: Rows, excluded: Mapping[str, int]) -> "Sample":
        """Get some of the profiles, and note why others are left out."""
        return Sample(
            self.metadata[rows], self.features[rows], {**self.excluded, **_counted(excluded)}
        )

    def codes(self, columns: Sequence[str]) -> Rows:
        """Get the first profile that is equal in the columns, for each profile."""
        numbers = self.metadata.select(pl.struct(columns).rank("dense")).to_series().to_numpy()
        _, firsts, own = np.unique(numbers, return_index=True, return_inverse=True)
        return firsts[own].astype(np.intp)


@dataclass(frozen=True)
class Subject:
    """A table of profiles in an order of its own, what its columns mean, and how to measure.

    `Subject.of` puts rows into the order of a hash (`row_order`), so that no order of the table
    changes a figure; equally near neighbours are decided by that hash.
    """

    profiles: Profiles
    keys: Keys
    distance: str = "cosine"
    average: Statistic = "mean"
    seed: int = 0
    resamples: int = RESAMPLES
    nulls: int = NULLS
    workers: int = 1
    folds: int = FOLDS
    pairs: pl.DataFrame | None = None
    top_percent: float = TOP_PERCENT
    kept: dict[str, Any] = field(default_factory=dict[str, Any], repr=False, compare=False)

    @classmethod
    def of(
        cls,
        profiles: Profiles,
        keys: Keys,
        *,
        distance: str = "cosine",
        average: Statistic = "mean",
        standardize: bool = False,
        seed: int = 0,
        resamples: int = RESAMPLES,
        nulls: int = NULLS,
        workers: int = 1,
        folds: int = FOLDS,
        pairs: pl.DataFrame | None = None,
        top_percent: float = TOP_PERCENT,
    ) -> "Subject":
        """Get profiles that can be evaluated.

        Raises
        ------
        QueryError
            A key names a column that the table lacks; a word or number is not allowed.
        ProfileError
            A feature is not finite, or two rows are the same.
        """
        if distance not in DISTANCES:
            raise QueryError(f"distance {distance!r} is not one of {', '.join(DISTANCES)}")
        if average not in ("mean", "median"):
            raise QueryError(f"average {average!r} is neither mean nor median")
        for name, number in (("resamples", resamples), ("nulls", nulls)):
            if number < 1:
                raise QueryError(f"{name} {number} is less than 1; give at least 1")
        if folds < 2:
            raise QueryError(f"folds {folds} is less than 2; give at least 2")
        if not 0 < top_percent < 100:
            raise QueryError(f"top_percent {top_percent:g} is not above 0 and below 100")
        _check_columns(profiles, keys)
        _check_not_empty(profiles)
        check_finite(profiles)
        _check_sizes(profiles)
        profiles = ordered(profiles, keys.all_columns())
        if standardize:
            profiles = profiles.with_features(_standardized(profiles.features), profiles.names)
        return cls(
            profiles,
            keys,
            distance,
            average,
            seed,
            resamples,
            nulls,
            workers,
            folds,
            pairs,
            top_percent,
        )

    def once(self, name: str, make: Callable[[], _Made]) -> _Made:
        """Get what several metrics are made of; it is made the first time."""
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]

    def wells(self, *needed: str) -> Sample:
        """Get the rows of the table that have a value in the columns of each key.

        Raises
        ------
        QueryError
            A key was not given.
        """
        return self._with_values(needed)

    def treatments(self, *needed: str) -> Sample:
        """Get one profile a treatment; the rows of the table where no treatment was given.

        Raises
        ------
        QueryError
            A key was not given.
        ProfileError
            The wells of a treatment differ in its label or compound.
        """
        treatment = self.keys.columns("treatments")
        if not treatment:
            return self._with_values(needed)
        wells = self._with_values(("treatments", *needed))
        codes = wells.codes(treatment)
        firsts = np.unique(codes)
        names = [one for key in needed for one in self.keys.columns(key) if one not in treatment]
        metadata = wells.metadata.with_columns(pl.Series(ROW_NUMBER, codes))
        grouped = metadata.group_by(ROW_NUMBER).agg(
            *(pl.col(name).first() for name in treatment),
            *(pl.col(name).unique().sort() for name in dict.fromkeys(names)),
        )
        grouped = grouped.sort(ROW_NUMBER).drop(ROW_NUMBER)
        for name in dict.fromkeys(names):
            if name != self.keys.batch:
                grouped = _one_value(grouped, name, treatment)
        order = np.argsort(codes, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
        statistic = np.mean if self.average == "mean" else np.median
        features = np.array([statistic(wells.features[rows], axis=0) for rows in parts])
        assert len(features) == len(firsts)
        return Sample(grouped, features.reshape(len(firsts), -1), wells.excluded)

    def similarities(self, sample: Sample) -> Similarities:
        """Get the similarities of a sample."""
        return Similarities.of(sample.features, self.distance)

    def units(self, sample: Sample) -> Rows:
        """Get the number of what bootstrap samples draw, for each profile, in order of its values.

        So the other columns of the table do not change the samples.
        """
        columns = [one for one in self.keys.unit if one in sample.metadata.columns]
        if not columns:
            return np.arange(len(sample))
        ranks = sample.metadata.select(pl.struct(columns).rank("dense")).to_series()
        return ranks.to_numpy().astype(np.intp)

    def _with_values(self, needed: Sequence[str]) -> Sample:
        columns: list[str] = []
        for key in needed:
            if not self.keys.columns(key):
                raise QueryError(f"{key} is needed; give the column that says it")
            columns += self.keys.columns(key)
        metadata, excluded = self.profiles.metadata, dict[str, int]()
        kept = np.ones(metadata.height, np.bool_)
        for name in dict.fromkeys(columns):
            missing = _missing(metadata[name])
            excluded[f"without {name}"] = int((missing & kept).sum())
            kept &= ~missing
        rows = np.flatnonzero(kept)
        if not len(rows):
            names = ", ".join(dict.fromkeys(columns))
            raise ProfileError(f"no row has a value in each of {names}; name other columns")
        return Sample(metadata[rows], self.profiles.features[rows], _counted(excluded))


def _missing(column: pl.Series) -> np.ndarray:
    """Get which values are missing: null, NaN or text without a letter."""
    missing = column.is_null()
    if column.dtype.is_float():
        missing |= column.is_nan().fill_null(value=True)
    elif column.dtype == pl.String:
        missing |= (column.str.strip_chars() == "").fill_null(value=True)
    return missing.to_numpy()


def _counted(excluded: Mapping[str, int]) -> dict[str, int]:
    return {reason: number for reason, number in excluded.items() if number}


def _check_columns(profiles: Profiles, keys: Keys) -> None:
    there = profiles.metadata.schema
    for name, key in keys.all_columns().items():
        if name not in there and not (key == "well" and name == Keys.well):
            what = "is a feature, not metadata" if name in profiles.names else "is not a column"
            raise QueryError(f"{key} {name!r} {what}; there are {', '.join(there) or 'none'}")
        if name in there and there[name].is_nested():
            raise QueryError(
                f"{key} {name!r} has several values a row ({there[name]}); give a column with one"
            )
        if name in RESULT_COLUMNS:
            raise QueryError(
                f"{key} {name!r} has the name of a column of results; give the column another name"
            )


def _check_not_empty(profiles: Profiles) -> None:
    if not profiles.names or not len(profiles):
        raise ProfileError(
            "there are no profiles to evaluate: no row or no feature is left; give another table "
            "or `where`"
        )


def _check_sizes(profiles: Profiles) -> None:
    least, most = SIZES
    sizes = np.abs(profiles.features).max(axis=1, initial=0.0)
    wrong = np.flatnonzero((sizes > most) | ((sizes > 0) & (sizes < least)))
    if len(wrong):
        row = int(wrong[0])
        raise ProfileError(
            f"{len(wrong):,} profiles are too large or too small to be compared: the largest value "
            f"in {describe_row(profiles.metadata, row)} is {sizes[row]:.3g}, and {least:g} to "
            f"{most:g} is allowed; scale the features, or drop those with such values"
        )


def _standardized(features: Floats) -> Floats:
    """Get features with mean 0 and standard deviation 1 over all rows; constant ones are 0."""
    # by its range, because the mean of many equal numbers differs from them by roundings
    constant = np.ptp(features, axis=0) == 0
    deviations = np.where(constant, np.inf, features.std(axis=0))
    return np.where(constant, 0.0, features - features.mean(axis=0)) / deviations


def _one_value(grouped: pl.DataFrame, name: str, treatment: Sequence[str]) -> pl.DataFrame:
    several = grouped.filter(pl.col(name).list.len() > 1)
    if several.height:
        of = ", ".join(str(one) for one in several.select(treatment).row(0))
        values = ", ".join(str(one) for one in several[name][0])
        raise ProfileError(
            f"treatment {of} has several values of {name}: {values}; a treatment has one: correct "
            "the table, or name the columns that tell treatments apart with `treatments`"
        )
    return grouped.with_columns(pl.col(name).list.first())
