"""Precision and recall among the first k neighbours, and at R."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from jumpduck.errors import ProfileError
from jumpduck.evaluation.exclusions import Exclusions
from jumpduck.evaluation.group_sums import group_sums, interval_of_sums
from jumpduck.evaluation.knn_accuracy import NO_MATCH
from jumpduck.evaluation.measured import Measured, interval_of_pairs
from jumpduck.evaluation.neighbours import first
from jumpduck.evaluation.similarities import Floats, Rows, Similarities
from jumpduck.evaluation.subject import Subject

KS = (1, *range(3, 50, 2))
"""Numbers of neighbours of the curve, as CellPaintSSL has them: 1, 3, 5, ..., 49."""

Average = Literal["micro", "macro"]


def pr_auc(subject: Subject) -> Measured:
    """Get the area below the curve of precision and recall at k = 1, 3, 5, ..., 49.

    Of the profiles of treatments that share the label, without those of the query's compound; of
    wells of the same treatment where no label was given. Precision is the share of the k nearest
    neighbours that have the label, recall their share of all allowed ones that have it; both are
    means over queries. As in CellPaintSSL the area is that of trapezoids from the recall of the
    first k to that of the last.
    """
    return _measured("pr_auc", subject, "micro", area)


def pr_auc_macro(subject: Subject) -> Measured:
    """Get `pr_auc` of means over labels, each of which is a mean over its queries."""
    return _measured("pr_auc_macro", subject, "macro", area)


def precision_at_r(subject: Subject) -> Measured:
    """Get the precision among as many neighbours as a query has allowed ones with its label.

    The profiles are those of `pr_auc`.
    """
    return _measured("precision_at_r", subject, "micro", at_r)


def precision_at_r_macro(subject: Subject) -> Measured:
    """Get `precision_at_r` as a mean over labels, each of which is a mean over its queries."""
    return _measured("precision_at_r_macro", subject, "macro", at_r)


@dataclass(frozen=True)
class Retrieved:
    """How many positives each query has among its neighbours; a row for each query that has any.

    Attributes
    ----------
    queries
        Which rows these are: those that have a positive.
    ks
        Numbers of neighbours: those of `KS` of which every gallery has enough.
    hits
        Positives among the first k neighbours: queries by ks.
    positives, gallery
        Rows of the gallery that share the label, and all, without those left out.
    at_r
        Share of positives among as many neighbours as there are positives.
    """

    queries: Rows
    ks: Rows
    hits: Floats
    positives: Rows
    gallery: Rows
    at_r: Floats


def retrieved(
    between: Similarities, exclusions: Exclusions, labels: Rows, workers: int = 1
) -> Retrieved:
    """Count the positives among the neighbours of each profile.

    Parameters
    ----------
    between
        The profiles: each is a query, and all are the gallery.
    exclusions
        Which rows are not neighbours of one another.
    labels
        The label of each profile, as a number from 0 on.
    """

    def score(row: int, similarities: Floats) -> tuple[Rows, int, int, float]:
        same = labels == labels[row]
        left_out = np.union1d(exclusions.rows(row), row)
        similarities[left_out] = -np.inf
        same[left_out] = False
        positives, gallery = int(same.sum()), len(labels) - len(left_out)
        if not positives:
            return np.zeros(len(KS), np.intp), 0, gallery, np.nan
        k = min(max(KS[-1], positives), gallery)
        found = np.cumsum(same[first(similarities, k, between.ties[row])[0]])
        hits = found[np.minimum(KS, k) - 1]
        return hits, positives, gallery, float(found[positives - 1]) / positives

    scored = between.each(score, workers=workers)
    chosen = [one for one in scored if one[1]]
    queries = np.array([row for row, one in enumerate(scored) if one[1]], np.intp)
    gallery = np.array([one[2] for one in chosen], np.intp)
    several = np.array([k for k in KS if k <= gallery.min(initial=KS[-1])], np.intp)
    hits = np.array([one[0] for one in chosen], np.float64).reshape(-1, len(KS))
    return Retrieved(
        queries=queries,
        ks=several,
        hits=hits[:, : len(several)],
        positives=np.array([one[1] for one in chosen], np.intp),
        gallery=gallery,
        at_r=np.array([one[3] for one in chosen], np.float64),
    )


@dataclass(frozen=True)
class Curve:
    """Precision and recall by the number of neighbours, as a mean over queries.

    Attributes
    ----------
    ks
        Numbers of neighbours.
    precision, recall, f1
        By k. F1 is the harmonic mean of the other two.
    auc
        Area below the precision by the recall, by trapezoids from the first k to the last.
    at_r
        Precision among as many neighbours as a query has positives.
    """

    ks: Rows
    precision: Floats
    recall: Floats
    f1: Floats
    auc: float
    at_r: float

    def frame(self) -> pl.DataFrame:
        """Get a row for each k."""
        columns = (self.ks, self.precision, self.recall, self.f1)
        return pl.DataFrame(columns, schema=["k", "precision", "recall", "f1"])


def query_sums(found: Retrieved, labels: Rows, average: Average) -> Floats:
    """Get what `curve_values` needs of each query.

    Parameters
    ----------
    found
        The positives among neighbours.
    labels
        The label of each row of the table, as a number.
    average
        ``micro``: each query counts alike; ``macro``: each label does.

    Returns
    -------
    numpy.ndarray
        Queries by (weight, precision at each k, recall at each k, precision at R).
    """
    weight = _weights(labels[found.queries], average)
    precision = found.hits / found.ks
    recall = found.hits / found.positives[:, None]
    return weight[:, None] * np.column_stack([np.ones_like(weight), precision, recall, found.at_r])


def chance_sums(found: Retrieved, labels: Rows, average: Average) -> Floats:
    """Get `query_sums` as they are expected of neighbours in random order.

    A neighbour is then a positive with the share p that positives have of the gallery, at any k, so
    that the expected precision is p and the expected recall is k by the size of the gallery.
    """
    weight = _weights(labels[found.queries], average)
    share = (found.positives / found.gallery)[:, None]
    precision = np.repeat(share, len(found.ks), axis=1)
    recall = found.ks / found.gallery[:, None]
    return weight[:, None] * np.column_stack([np.ones_like(weight), precision, recall, share])


def curve(sums: Floats, ks: Rows) -> Curve:
    """Get the curve of the sums of all queries."""
    precision, recall, at_r = _means(sums)
    return Curve(
        ks=ks,
        precision=precision,
        recall=recall,
        f1=harmonic(precision, recall),
        auc=float(area(sums)),
        at_r=float(at_r),
    )


def area(sums: Floats) -> Floats:
    """Get the area below the precision by the recall, by trapezoids.

    As in CellPaintSSL it begins at the recall of k = 1 and ends at that of the last k.
    """
    precision, recall, _ = _means(sums)
    heights = (precision[..., 1:] + precision[..., :-1]) / 2
    return np.sum(np.diff(recall, axis=-1) * heights, axis=-1)


def at_r(sums: Floats) -> Floats:
    """Get the precision at R."""
    return _means(sums)[2]


def harmonic(precision: Floats, recall: Floats) -> Floats:
    """Get F1: 2PR / (P + R), and 0 where both are."""
    both = precision + recall
    return np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)


def _means(
    sums: Floats,
) -> tuple[Floats, Floats, Floats]:
    means = sums[..., 1:] / sums[..., :1]
    n_ks = (means.shape[-1] - 1) // 2
    return means[..., :n_ks], means[..., n_ks:-1], means[..., -1]


def _weights(labels: Rows, average: Average) -> Floats:
    if average == "micro":
        return np.ones(len(labels))
    return 1 / np.bincount(labels)[labels]


def _measured(
    metric: str, subject: Subject, average: Average, value: Callable[[Floats], Floats]
) -> Measured:
    keys = subject.keys
    if keys.label is None:
        sample, what, left_out = subject.wells("treatments"), "treatments", ()
    else:
        named = ("label", "compound") if keys.compound else ("label",)
        sample, what, left_out = subject.treatments(*named), "label", keys.columns("compound")
    labels = np.unique(sample.codes(keys.columns(what)), return_inverse=True)[1]
    exclusions = Exclusions.of(sample.metadata, [left_out] if left_out else [])
    found = subject.once(
        "retrieved",
        lambda: retrieved(subject.similarities(sample), exclusions, labels, subject.workers),
    )
    if not len(found.queries):
        raise ProfileError(
            f"{metric}: no profile has an allowed neighbour with its {what}; each "
            f"{', '.join(keys.columns(what))} is there once, or only with what is excluded"
        )
    if value is area and len(found.ks) < 2:
        raise ProfileError(
            f"{metric}: a profile has {found.gallery.min()} allowed neighbours, so the curve is "
            "one point; leave it out, or measure precision_at_r"
        )
    sums = query_sums(found, labels, average)
    chances = chance_sums(found, labels, average).sum(axis=0)
    units = np.unique(subject.units(sample)[found.queries], return_inverse=True)[1]
    measured = float(value(sums.sum(axis=0)))
    bounds = interval_of_sums(group_sums(sums, units), value, subject.seed, subject.resamples)
    low, high = interval_of_pairs(measured, bounds)
    alone = len(sample) - len(found.queries)
    expected = curve(chances, found.ks).frame().drop("k").rename(lambda name: f"chance_{name}")
    return Measured(
        metric,
        measured,
        len(found.queries),
        float(value(chances)),
        low,
        high,
        {**sample.excluded, **({NO_MATCH: alone} if alone else {})},
        more={"last_k": int(found.ks[-1])},
        groups=pl.concat([curve(sums.sum(axis=0), found.ks).frame(), expected], how="horizontal"),
    )
