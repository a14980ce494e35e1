"""Profiles far from all others, by their nearest neighbours in the full space."""

import numpy as np
import polars as pl

from jumpduck.errors import ProfileError
from jumpduck.evaluation.exclusions import Exclusions
from jumpduck.evaluation.measured import Measured, interval
from jumpduck.evaluation.neighbours import nearest
from jumpduck.evaluation.similarities import Floats
from jumpduck.evaluation.subject import RESULT_COLUMNS, Subject

NEIGHBOURS = 7
"""Of which the mean distance is taken, as in pytorch-hcs, which takes it in two dimensions."""

MAD_TO_DEVIATION = 1.4826
"""Standard deviation of a normal sample by its median absolute deviation."""

THRESHOLD = 5.0
"""Robust z from which on a profile is an outlier."""


def outliers(subject: Subject) -> Measured:
    """Get the share of wells that are far from their 7 nearest neighbours: a robust z of 5 or more.

    The mean distance in the full space, by (x - median) / (1.4826 MAD) over all wells. Its table
    has a row for each well. There is no value to expect of chance.
    """
    sample = subject.wells()
    if len(sample) <= NEIGHBOURS:
        raise ProfileError(
            f"outliers are told by {NEIGHBOURS} neighbours, and there are {len(sample)} profiles"
        )
    found = nearest(subject.similarities(sample), Exclusions(), NEIGHBOURS, workers=subject.workers)
    distance = found.distances.mean(axis=1)
    z = robust_z(distance)
    far = (z >= THRESHOLD).astype(np.float64)
    low, high = interval(far, subject.units(sample), subject.seed, subject.resamples)
    return Measured(
        "outliers",
        float(far.mean()),
        len(far),
        None,
        low,
        high,
        sample.excluded,
        queries=sample.metadata.select(pl.exclude(RESULT_COLUMNS)).with_columns(
            pl.Series("distance", distance), pl.Series("z", z)
        ),
    )


def robust_z(values: Floats) -> Floats:
    """Get (x - median) / (1.4826 MAD) of each value.

    Where the MAD is 0, a value that differs from the median has an infinite z.
    """
    distance = values - np.median(values)
    deviation = MAD_TO_DEVIATION * np.median(np.abs(distance))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(distance == 0, 0.0, distance / deviation)
