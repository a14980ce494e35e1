"""Nearest neighbours, without those that must not count."""

from dataclasses import dataclass

import numpy as np

from jumpduck.errors import QueryError
from jumpduck.evaluation.exclusions import Exclusions
from jumpduck.evaluation.similarities import Floats, Rows, Similarities


@dataclass(frozen=True)
class Neighbours:
    """The nearest neighbours of each query, the nearest first.

    Attributes
    ----------
    rows
        Shape (queries, k): rows of the neighbours; -1 where fewer than `k` are allowed.
    distances
        Shape (queries, k): their distances; NaN where there is none.
    """

    rows: Rows
    distances: Floats


def nearest(
    between: Similarities,
    exclusions: Exclusions,
    k: int = 1,
    *,
    queries: Rows | None = None,
    gallery: Rows | None = None,
    workers: int = 1,
) -> Neighbours:
    """Get the nearest allowed neighbours of each query.

    Neighbours are compared in 64-bit floats. Those that are equally near, to `Similarities.ties`,
    come in the order of their rows: `Subject` puts rows into an order that the order of the table
    does not change.

    Parameters
    ----------
    between
        The similarities of the profiles.
    exclusions
        Which rows are not neighbours of one another.
    k
        Neighbours to find.
    queries
        Rows to find neighbours of; all by default.
    gallery
        Rows that can be neighbours; all by default.
    workers
        Threads.

    Raises
    ------
    QueryError
        `k` is less than 1.
    """
    if k < 1:
        raise QueryError(f"k {k} is less than 1; give at least 1")
    closed: Rows | None = None
    if gallery is not None:
        closed = np.setdiff1d(np.arange(len(between)), gallery)

    def score(row: int, similarities: Floats) -> tuple[Rows, Floats]:
        similarities[exclusions.rows(row)] = -np.inf
        similarities[row] = -np.inf
        if closed is not None:
            similarities[closed] = -np.inf
        return first(similarities, k, between.ties[row])

    found = between.each(score, queries, workers)
    rows = np.full((len(found), k), -1, np.intp)
    distances = np.full((len(found), k), np.nan)
    for at, (own, values) in enumerate(found):
        rows[at, : len(own)] = own
        distances[at, : len(own)] = between.distances(values)
    return Neighbours(rows, distances)


def first(similarities: Floats, k: int, tie: float) -> tuple[Rows, Floats]:
    """Get the `k` most similar rows and their similarities; equal ones in the order of the rows."""
    k = min(k, len(similarities))
    least = similarities.max() if k == 1 else np.partition(similarities, -k)[-k]
    near = np.flatnonzero(similarities >= max(least - tie, np.finfo(np.float64).min))
    values = similarities[near]
    order = np.argsort(-values, kind="stable")
    # a run of similarities of which each is equal to the next one is one value
    runs = np.cumsum(np.diff(values[order], prepend=np.inf) < -tie)
    order = order[np.lexsort((near[order], runs))][:k]
    return near[order], values[order]
