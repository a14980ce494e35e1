"""Which labels are taken for which, and the Matthews correlation of that table."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from jumpduck.evaluation.group_sums import group_sums, interval_of_sums
from jumpduck.evaluation.knn_accuracy import nsc
from jumpduck.evaluation.measured import Measured, interval_of_pairs
from jumpduck.evaluation.similarities import Floats, Rows
from jumpduck.evaluation.subject import Subject


def nsc_mcc(subject: Subject) -> Measured:
    """Get the Matthews correlation of labels with those of the nearest neighbours of `nsc`.

    Its table has the number of treatments by label and predicted label. Chance is that of
    neighbours drawn at random, whose labels are as frequent as those of the queries.
    """
    of = nsc(subject)
    (label,) = subject.keys.columns("label")
    pairs = of.queries.select(label, f"neighbour_{label}").cast(pl.String)
    names, codes = np.unique(pairs.to_numpy(), return_inverse=True)
    labels, predicted = codes.reshape(-1, 2).T
    units = of.queries.select(pl.struct(subject.keys.columns("compound")).rank("dense"))
    # below 0, because doses of the query's compound, which have its label, are not its neighbours
    squares = float((np.bincount(labels).astype(np.float64) ** 2).sum())
    n, right = len(labels), float(of.queries["chance"].sum())
    found = correlated(
        "nsc_mcc",
        subject,
        labels=labels,
        predicted=predicted,
        names=[str(name) for name in names],
        units=units.to_series().to_numpy(),
        excluded=of.excluded,
    )
    chance = (right * n - squares) / (n**2 - squares) if n**2 > squares else 0.0
    assert found.value is not None
    low, high = interval_of_pairs(found.value, (found.low, found.high), -1.0)
    return replace(found, chance=chance, low=low, high=high)


def correlated(
    metric: str,
    subject: Subject,
    *,
    labels: Rows,
    predicted: Rows,
    names: Sequence[str],
    units: Rows,
    excluded: Mapping[str, int],
) -> Measured:
    """Get the Matthews correlation of labels with predicted ones, and the table of confusion.

    Parameters
    ----------
    labels, predicted
        Numbers of names.
    units
        What bootstrap samples draw.
    excluded
        Profiles that were left out, by reason.
    """
    sums = group_sums(
        matthews_parts(labels, predicted, len(names)), np.unique(units, return_inverse=True)[1]
    )
    low, high = interval_of_sums(sums, matthews, subject.seed, subject.resamples)
    counts = confusion(labels, predicted, len(names))
    rows, columns = np.nonzero(counts)
    return Measured(
        metric,
        float(matthews(sums.sum(axis=0))),
        len(labels),
        0.0,
        low,
        high,
        excluded,
        groups=pl.DataFrame(
            {
                "label": [names[row] for row in rows.tolist()],
                "predicted": [names[column] for column in columns.tolist()],
                "n": counts[rows, columns],
            }
        ),
    )


def confusion(labels: Rows, predicted: Rows, classes: int) -> Rows:
    """Get the number of profiles of each label (rows) and predicted label (columns)."""
    counts = np.bincount(labels * classes + predicted, minlength=classes**2)
    return counts.reshape(classes, classes)


def matthews_parts(labels: Rows, predicted: Rows, classes: int) -> Floats:
    """Get what `matthews` needs of each profile: right, label and prediction, as 0 and 1."""
    ones = np.eye(classes)
    return np.column_stack([labels == predicted, ones[labels], ones[predicted]])


def matthews(sums: Floats) -> Floats:
    """Get the Matthews correlation for several classes (Gorodkin 2004, R_K).

    (c s - Σ p t) / sqrt((s² - Σ p²) (s² - Σ t²)), with c the profiles that are right, s all, t and
    p those of each label and of each prediction; 0 where all profiles have one label or one
    prediction. Its expectation by chance is 0.
    """
    right, rest = sums[..., 0], sums[..., 1:]
    classes = rest.shape[-1] // 2
    labels, predicted = rest[..., :classes], rest[..., classes:]
    n = labels.sum(axis=-1)
    both = right * n - (labels * predicted).sum(axis=-1)
    squared = (n**2 - (labels**2).sum(axis=-1)) * (n**2 - (predicted**2).sum(axis=-1))
    return np.divide(both, np.sqrt(squared), out=np.zeros_like(both), where=squared > 0)
