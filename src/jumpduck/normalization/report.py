"""What became of a table of profiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from jumpduck.normalization.fitting import StepCounts
from jumpduck.normalization.steps import Step


@dataclass(frozen=True)
class Normalized:
    """What became of a table.

    Parameters
    ----------
    path
        The file that was written.
    rows, rows_out
        Rows that were read, and that were written.
    features, features_out
        Names of the features before and after.
    controls, perturbed
        Number of controls, if somebody said which, and of rows with a perturbation.
    steps
        One row a step: what it was fitted on, and what it did.
    dropped
        Features that each filter dropped, by the number and name of its step.
    left_out
        Plates that were left out, with the reason.
    """

    path: Path
    rows: int
    rows_out: int
    features: tuple[str, ...]
    features_out: tuple[str, ...]
    controls: int | None
    perturbed: int
    steps: pl.DataFrame
    dropped: Mapping[str, Sequence[str]]
    left_out: Mapping[str, str]


def steps_frame(
    steps: Sequence[Step], counts: Sequence[StepCounts], names: Sequence[Sequence[str]]
) -> pl.DataFrame:
    """Get one row a step."""
    return pl.DataFrame(
        {
            "step": [one.name for one in steps],
            "on": [one.on for one in steps],
            "by": ["+".join(one.by) for one in steps],
            "groups": [one.groups for one in counts],
            "rows": [one.rows for one in counts],
            "features": [len(one) for one in names[:-1]],
            "features_out": [len(one) for one in names[1:]],
            "without_spread": [one.flat for one in counts],
            "shrinkage": [max(one.shrinkage, default=None) for one in counts],
        },
        schema_overrides={"shrinkage": pl.Float64, "step": pl.String, "on": pl.String},
    )


def dropped_by(steps: Sequence[Step], names: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    """Get the features that each filter dropped, by the number and name of its step."""
    return {
        f"{number + 1} {one.name}": [name for name in names[number] if name not in after]
        for number, one in enumerate(steps)
        if one.kind.drops and len(after := set(names[number + 1])) < len(names[number])
    }
