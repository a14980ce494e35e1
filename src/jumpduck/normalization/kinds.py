"""The steps by name: what each is fitted on, and how."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jumpduck.normalization import filters, scaling
from jumpduck.normalization.affine import Affine, Kept, Values
from jumpduck.normalization.batches import harmonize
from jumpduck.normalization.cell_counts import CountScatter
from jumpduck.normalization.moments import Moments, Scatter
from jumpduck.normalization.whitening import typical_variation, whitening

PLATE, BATCH, WELL = "Metadata_Plate", "Metadata_Batch", "Metadata_Well"

CONTROLS, PERTURBED, ALL, ROLES = "controls", "perturbed", "all", "controls and treated"
"""Rows that a step is fitted on; `ROLES` is controls and treated rows, each by themselves."""

Option = float | str | bool

Key = tuple[str, ...]
"""The values that tell a group of rows from the others, such as a plate; empty for all rows."""


class Gathered:
    """Rows of features that a step needs all at once."""

    def __init__(self, width: int) -> None:
        self.blocks = [np.zeros((0, width))]

    def add(self, x: Values) -> None:
        """Add rows."""
        self.blocks.append(x)


class Extremes:
    """Smallest and largest value of each feature; what is missing (NaN) does not count."""

    def __init__(self, width: int) -> None:
        self.low, self.high = np.full(width, np.inf), np.full(width, -np.inf)

    def add(self, x: Values) -> None:
        """Add rows."""
        if len(x):
            self.low = np.fmin(self.low, np.fmin.reduce(x))
            self.high = np.fmax(self.high, np.fmax.reduce(x))


Options = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """What a step does.

    Parameters
    ----------
    begin
        Gets what takes the rows of one group, for so many features.
    end
        Gets the map of each group from what took their rows.
    on
        Rows that it is fitted on.
    by
        Columns that tell apart groups that are fitted each by itself.
    options
        Options with their defaults.
    drops
        It drops features, and changes no value.
    gathers
        It needs all rows at once, of some features at a time.
    complete
        It takes no missing values.
    counted
        It takes the number of cells of each row, too.
    least
        Rows that a group has at least.
    align
        It has no map: it changes all rows of a table together, whose batches are in the column of
        its option batch.
    """

    begin: Callable[[int], Any]
    end: "_End"
    on: str = ALL
    by: tuple[str, ...] = ()
    options: Mapping[str, Option] = field(default_factory=dict[str, Option])
    drops: bool = False
    gathers: bool = False
    complete: bool = False
    counted: bool = False
    least: int = 2
    align: Callable[[Values, Sequence[str]], Values] | None = None


_End = Callable[[Mapping[Key, Any], Options], Mapping[Key, Affine]]


def _each(solve: Callable[..., Affine]) -> _End:
    """Get what makes the map of each group from what took its rows, with the step's options."""
    return lambda taken, options: {key: solve(one, **options) for key, one in taken.items()}


def _keeps(choose: Callable[..., Kept]) -> _End:
    """Get what makes the map that keeps some features."""

    def end(taken: Mapping[Key, Any], options: Options) -> Mapping[Key, Affine]:
        return {(): Affine(kept=choose(taken[()], **options))}

    return end


def _none(*_: object) -> Mapping[Key, Affine]:
    return {}


def _in_both(taken: Mapping[Key, Any], options: Options) -> Mapping[Key, Affine]:
    treated, controls = taken["treated",], taken[CONTROLS,]
    return {(): Affine(kept=filters.varies_in_both(treated, controls, **options))}


def _frequent(one: Gathered, freq_cut: float, unique_cut: float) -> Kept:
    return filters.not_too_frequent(np.concatenate(one.blocks), freq_cut, unique_cut)


def _extreme(one: Extremes, cutoff: float) -> Kept:
    return filters.without_outliers(one.low, one.high, cutoff)


def _robust(one: Gathered) -> Affine:
    return scaling.robustize(one.blocks)


def _mad(one: Gathered, epsilon: float) -> Affine:
    return scaling.mad_robustize(one.blocks, epsilon)


def _residual(one: CountScatter, **_: object) -> Affine:  # its option was read with the rows
    return one.residuals()


def _tvn(taken: Mapping[Key, Any], options: Options) -> Mapping[Key, Affine]:
    return typical_variation(taken, **options)


KINDS: Mapping[str, Kind] = {
    "drop_na_columns": Kind(
        Moments, _keeps(filters.rarely_missing), options={"cutoff": 0.05}, drops=True, least=1
    ),
    "variance_filter": Kind(
        Moments, _in_both, ROLES, options={"cutoff": filters.SSL_VARIANCE}, drops=True
    ),
    "variance_threshold": Kind(
        Moments, _keeps(filters.above_variance), options={"cutoff": 1e-6}, drops=True
    ),
    "frequency_threshold": Kind(
        Gathered,
        _keeps(_frequent),
        options={"freq_cut": 0.05, "unique_cut": 0.01},
        drops=True,
        gathers=True,
    ),
    "correlation_threshold": Kind(
        Scatter,
        _keeps(filters.not_correlated),
        options={"threshold": 0.9},
        drops=True,
        complete=True,
    ),
    "drop_outliers": Kind(
        Extremes,
        _keeps(_extreme),
        options={"cutoff": 500.0},
        drops=True,
        least=1,
    ),
    "standardize": Kind(Moments, _each(scaling.standardize), CONTROLS, (PLATE,)),
    "robustize": Kind(
        Gathered,
        _each(_robust),
        CONTROLS,
        (PLATE,),
        gathers=True,
    ),
    "mad_robustize": Kind(
        Gathered,
        _each(_mad),
        PERTURBED,
        (PLATE,),
        {"epsilon": scaling.MAD_EPSILON},
        gathers=True,
    ),
    "spherize": Kind(
        Scatter,
        _each(whitening),
        CONTROLS,
        options={"kind": "ZCA-cor", "center": True, "epsilon": 1e-6, "shrinkage": "auto"},
        complete=True,
    ),
    "tvn": Kind(
        Scatter,
        _tvn,
        CONTROLS,
        (BATCH,),
        {"strength": 1.0},
        complete=True,
    ),
    "subtract_well_position": Kind(Moments, _each(scaling.subtract_mean), ALL, (WELL,), least=1),
    "subtract_plate_mean": Kind(Moments, _each(scaling.subtract_mean), ALL, (PLATE,), least=1),
    "regress_cell_count": Kind(
        CountScatter,
        _each(_residual),
        options={"count": "Metadata_Count_Cells"},
        counted=True,
    ),
    "harmony": Kind(
        Gathered, _none, options={"batch": BATCH}, complete=True, least=1, align=harmonize
    ),
}
"""The steps by name."""

_FILTER = "variance_filter"

COMBINATIONS: Mapping[str, Sequence[str]] = {
    "spherize_mad_robustize": (_FILTER, "spherize", _FILTER, "mad_robustize"),
    "mad_robustize_spherize": (_FILTER, "mad_robustize", _FILTER, "spherize"),
    "spherize_standardize": (_FILTER, "spherize", _FILTER, "standardize"),
    "standardize_spherize": (_FILTER, "standardize", _FILTER, "spherize"),
}
"""The combinations of two passes that CellPaintSSL has, by its names. One pass is a variance filter
and one step."""
