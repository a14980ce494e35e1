"""Average precision of a ranking, what to expect of it by chance, and p-values.

As copairs 0.5.5 computes them (Kalinin et al. 2025, Nature Communications), but for ties: equally
similar profiles come in the order of their rows here, which `Subject` makes; copairs puts positive
pairs first, which gives the best value to profiles that are all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import QueryError
from jumpduck.evaluation.exclusions import Exclusions, Sharing
from jumpduck.evaluation.similarities import Floats, Rows, Similarities

FEW_POSITIVES = 16
"""Up to which negative pairs are counted for each positive one, which takes less than sorting."""


@dataclass(frozen=True)
class Pairs:
    """Which profiles make pairs: equal in all of some columns, different in each of others."""

    number: int
    same: Sharing | None
    different: Exclusions

    @classmethod
    def of(cls, frame: pl.DataFrame, sameby: Sequence[str], diffby: Sequence[str]) -> "Pairs":
        """Get the pairs of the rows of a frame."""
        same = Sharing.of(frame, sameby) if sameby else None
        return cls(frame.height, same, Exclusions.of(frame, [[name] for name in diffby]))

    def with_row(self, row: int) -> NDArray[np.bool_]:
        """Get which rows make a pair with `row`."""
        if self.same is None:
            chosen = np.ones(self.number, np.bool_)
        else:
            chosen = np.zeros(self.number, np.bool_)
            chosen[self.same.rows(row)] = True
        chosen[self.different.rows(row)] = False
        chosen[row] = False
        return chosen


@dataclass(frozen=True)
class Precision:
    """Average precision of each query; NaN where it has no positive or no negative pair.

    Attributes
    ----------
    average
        Average precision.
    positives, total
        Number of positive pairs, and of all pairs.
    """

    average: Floats
    positives: Rows
    total: Rows


def average_precision(
    similarities: Similarities, positive: Pairs, negative: Pairs, workers: int = 1
) -> Precision:
    """Get the average precision of each profile as a query.

    Its pairs are ranked by similarity; the average precision is the mean, over its positive pairs,
    of the share of positive pairs among those up to it.

    Raises
    ------
    QueryError
        A pair is positive and negative.
    """

    def score(row: int, own: Floats) -> tuple[float, int, int]:
        positives, negatives = positive.with_row(row), negative.with_row(row)
        if (positives & negatives).any():
            raise QueryError(
                "a pair is positive and negative: neg_diffby needs a column of pos_sameby, or "
                "neg_sameby one of pos_diffby"
            )
        count, others = int(np.count_nonzero(positives)), int(np.count_nonzero(negatives))
        if not count or not others:
            return np.nan, count, count + others
        above = _above(own, positives, negatives, similarities.ties[row])
        ranks = np.arange(1, count + 1)
        return float((ranks / (ranks + np.sort(above))).mean()), count, count + others

    found = similarities.each(score, workers=workers)
    average, positives, total = zip(*found, strict=True)
    return Precision(np.array(average), np.array(positives, np.intp), np.array(total, np.intp))


def _above(
    own: Floats, positives: NDArray[np.bool_], negatives: NDArray[np.bool_], tie: float
) -> Rows:
    """Get how many negative pairs come before each positive one."""
    rows = np.flatnonzero(positives)
    values = own[rows]
    order = np.argsort(values)
    rows, values = rows[order], values[order]
    near = negatives & (own >= values[0] - tie)
    others = own[near]
    if len(values) <= FEW_POSITIVES:
        above = np.array([np.count_nonzero(others > value) for value in values + tie])
        reached = np.array([np.count_nonzero(others >= value) for value in values - tie])
    else:
        ordered = np.sort(others)
        above = len(others) - np.searchsorted(ordered, values + tie, side="right")
        reached = len(others) - np.searchsorted(ordered, values - tie)
    if (reached > above).any():
        place = np.searchsorted(values, others)
        below, next_above = np.maximum(place - 1, 0), np.minimum(place, len(values) - 1)
        tied = np.abs(others - values[below]) <= tie
        tied |= np.abs(others - values[next_above]) <= tie
        equal = np.abs(others[tied][:, None] - values) <= tie
        above = above + (equal & (np.flatnonzero(near)[tied][:, None] < rows)).sum(axis=0)
    return above


def expected(positives: Rows, total: Rows) -> Floats:
    """Get the average precision to expect of a random order, exactly.

    (1/L) ((M-1)/(L-1) (L - H) + H) for M positives of L, where H is the L-th harmonic number
    (Bestgen 2015).
    """
    numbers = np.arange(1, int(total.max(initial=1)) + 1)
    harmonic = np.concatenate([[0.0], np.cumsum(1.0 / numbers)])[total]
    share = (positives - 1) / np.maximum(total - 1, 1)
    return (share * (total - harmonic) + harmonic) / total


def random_precision(positives: int, total: int, number: int, seed: int) -> Floats:
    """Get the average precisions of random orders; the same for the same numbers."""
    rng = np.random.default_rng([seed, positives, total])
    if positives * positives > total:
        return _by_selection(positives, total, number, rng)
    ranks = np.sort(rng.integers(total, size=(number, positives)), axis=1)
    # because draws that are all different are equally likely
    while len(again := np.flatnonzero((np.diff(ranks, axis=1) == 0).any(axis=1))):
        ranks[again] = np.sort(rng.integers(total, size=(len(again), positives)), axis=1)
    return (np.arange(1, positives + 1) / (ranks + 1)).mean(axis=1)


def _by_selection(positives: int, total: int, number: int, rng: np.random.Generator) -> Floats:
    """Draw by going through the ranks (Knuth, The Art of Computer Programming, 3.4.2, S)."""
    found, sums = np.zeros(number), np.zeros(number)
    for rank in range(total):
        taken = rng.random(number) * (total - rank) < positives - found
        found += taken
        sums += np.where(taken, found / (rank + 1), 0.0)
    return sums / positives


def group_p_values(precision: Precision, groups: Sequence[Rows], number: int, seed: int) -> Floats:
    """Get the p-value of the mean average precision of each group.

    As copairs has it: all queries with as many positives and pairs have the same random orders, the
    random orders of a group's queries are averaged one by one, and p is (1 + how many of them are
    above the mean) / (1 + `number`).

    Parameters
    ----------
    groups
        Rows of each group, without those that have no average precision.
    number
        Random orders.
    """
    kinds = np.stack([precision.positives, precision.total], axis=1)
    random = {
        kind: random_precision(*kind, number, seed)
        for kind in {
            (int(one), int(total)) for rows in groups for one, total in kinds[rows].tolist()
        }
    }
    p_values: list[float] = []
    for rows in groups:
        own, counts = np.unique(kinds[rows], axis=0, return_counts=True)
        means = sum(
            count * random[int(one), int(total)]
            for (one, total), count in zip(own.tolist(), counts.tolist(), strict=True)
        ) / len(rows)
        mean = precision.average[rows].mean()
        p_values.append(float(((means > mean + 1e-9).sum() + 1) / (number + 1)))
    return np.array(p_values)


def q_values(p_values: Floats) -> Floats:
    """Get p-values corrected for many tests (Benjamini and Hochberg 1995)."""
    order = np.argsort(p_values)[::-1]
    ranks = np.arange(len(p_values), 0, -1)
    corrected = np.minimum.accumulate(p_values[order] * len(p_values) / ranks)
    q_values = np.empty(len(p_values))
    q_values[order] = np.minimum(corrected, 1.0)
    return q_values
