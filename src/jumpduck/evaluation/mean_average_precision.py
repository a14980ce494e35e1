"""Mean average precision: how far up profiles of one group rank among others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from jumpduck.errors import ProfileError, QueryError
from jumpduck.evaluation.average_precision import (
    Pairs,
    average_precision,
    expected,
    group_p_values,
    q_values,
)
from jumpduck.evaluation.knn_accuracy import described
from jumpduck.evaluation.measured import Measured, interval, interval_of_pairs
from jumpduck.evaluation.subject import Sample, Subject

NO_POSITIVE = "without a positive pair"
NO_NEGATIVE = "without a negative pair"

SIGNIFICANT_Q = 0.05
"""A group counts as significant below this q-value."""


def map(subject: Subject) -> Measured:  # noqa: A001 (a metric has the name that users type)
    """Get the mean average precision of treatments: how far up those of one label rank.

    Positive pairs have the same label and different compounds, negative pairs different labels;
    ``pos_sameby`` and the like say otherwise.
    """
    keys = subject.keys
    same = keys.columns("pos_sameby") or keys.columns("label")
    if not same:
        raise QueryError("label is needed; give the column that says it, or pos_sameby")
    named = keys.columns("pos_sameby")
    apart = keys.columns("pos_diffby") or (() if named else keys.columns("compound"))
    negative = keys.columns("neg_diffby") or same
    needed = ["pos_sameby", "pos_diffby", "neg_sameby", "neg_diffby"]
    needed = [key for key in needed if keys.columns(key)]
    needed += [key for key in ("label", "compound") if not named and keys.columns(key)]
    sample = subject.treatments(*needed)
    neg_sameby = keys.columns("neg_sameby")
    return _measured("map", subject, sample, _Rule(same, apart, neg_sameby, negative))


def replicate_map(subject: Subject) -> Measured:
    """Get the mean average precision of wells: how far up those of one treatment rank."""
    treatments = subject.keys.columns("treatments")
    sample = subject.wells("treatments")
    return _measured("replicate_map", subject, sample, _Rule(treatments, (), (), treatments))


@dataclass(frozen=True)
class _Rule:
    """In which columns positive and negative pairs are equal, and in which they differ."""

    pos_sameby: Sequence[str]
    pos_diffby: Sequence[str]
    neg_sameby: Sequence[str]
    neg_diffby: Sequence[str]


def _measured(metric: str, subject: Subject, sample: Sample, rule: _Rule) -> Measured:
    precision = average_precision(
        subject.similarities(sample),
        Pairs.of(sample.metadata, rule.pos_sameby, rule.pos_diffby),
        Pairs.of(sample.metadata, rule.neg_sameby, rule.neg_diffby),
        subject.workers,
    )
    rows = np.flatnonzero(np.isfinite(precision.average))
    excluded = dict(sample.excluded)
    alone = int((precision.positives == 0).sum())
    for why, number in (
        (NO_POSITIVE, alone),
        (NO_NEGATIVE, len(sample) - len(rows) - alone),
    ):
        if number:
            excluded[why] = number
    if not len(rows):
        raise ProfileError(
            f"{metric}: no profile has a positive and a negative pair; each "
            f"{', '.join(rule.pos_sameby)} is there once, or there is only one"
        )
    average = precision.average[rows]
    chances = expected(precision.positives[rows], precision.total[rows])
    units = subject.units(sample)[rows]
    value = float(average.mean())
    bounds = interval(average, units, subject.seed, subject.resamples)
    low, high = interval_of_pairs(value, bounds)
    of = sample.codes(rule.pos_sameby)[rows]
    order = np.argsort(of, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(of[order])) + 1)
    p_values = group_p_values(precision, [rows[one] for one in groups], subject.nulls, subject.seed)
    corrected = q_values(p_values)
    said = sample.metadata[rows].select(rule.pos_sameby)
    return Measured(
        metric,
        value,
        len(rows),
        float(chances.mean()),
        low,
        high,
        excluded,
        more={
            "groups": len(groups),
            "significant_groups": int((corrected < SIGNIFICANT_Q).sum()),
        },
        queries=described(subject, sample)[rows].with_columns(
            average_precision=pl.Series(average),
            positives=pl.Series(precision.positives[rows]),
            pairs=pl.Series(precision.total[rows]),
            chance=pl.Series(chances),
        ),
        groups=said[np.array([one[0] for one in groups])]
        .with_columns(
            mean_average_precision=pl.Series([float(average[one].mean()) for one in groups]),
            n=pl.Series([len(one) for one in groups]),
            chance=pl.Series([float(chances[one].mean()) for one in groups]),
            p_value=pl.Series(p_values),
            q_value=pl.Series(corrected),
        )
        .sort(rule.pos_sameby),
    )
