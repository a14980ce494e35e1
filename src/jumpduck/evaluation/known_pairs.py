"""Whether pairs that are known to belong together are among the most similar ones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ProfileError, QueryError
from jumpduck.evaluation.extra import check_extra
from jumpduck.evaluation.group_sums import interval_of_sums
from jumpduck.evaluation.measured import Measured, exact_bounds
from jumpduck.evaluation.pair_tables import numbered
from jumpduck.evaluation.similarities import BLOCK_BYTES, Floats, Rows, Similarities
from jumpduck.evaluation.subject import Subject

BINS = 2**20
"""Steps of the similarity, from -1 to 1, at which the threshold can lie."""


def known_pairs(subject: Subject) -> Measured:
    """Get the share of known pairs among the most similar pairs of compounds.

    Each compound has one profile; without compounds, each treatment. Known are the pairs of the
    table `pairs`, or those with the same label. The most similar ones are the highest `top_percent`
    of all. Chance is the share of known pairs among all. Further figures are the share of the known
    pairs that is among the top, the odds ratio, and p of Fisher's exact test (as in
    cytominer-eval), which takes pairs for independent of one another; the interval, which draws
    compounds, does not.
    """
    check_extra("known_pairs")
    if subject.distance == "euclidean":
        raise QueryError("distance euclidean has no bounds, between which known_pairs compares")
    keys = subject.keys
    if keys.compound is not None:
        keys = replace(keys, treatments=(keys.compound,))
        subject = replace(subject, keys=keys)
    more: dict[str, float | int | str | None] = {}
    if subject.pairs is None:
        sample = subject.treatments("label")
        known = by_codes(sample.codes(keys.columns("label")))
    else:
        if len(keys.treatments) != 1:
            raise QueryError("compound is needed; give the column with the names that pairs has")
        sample = subject.treatments()
        pairs, unknown = numbered(subject.pairs, sample.metadata[keys.treatments[0]])
        known = by_table(pairs)
        more["pairs_without_profiles"] = unknown
    found = enrichment(subject.similarities(sample), known, subject.top_percent)
    low, high = _interval(found, subject)
    return Measured(
        "known_pairs",
        found.share,
        found.top,
        found.background,
        low,
        high,
        sample.excluded,
        more={
            **more,
            "pairs": found.pairs,
            "known": found.known,
            "known_top": found.known_top,
            "recall": found.recall,
            "odds_ratio": found.odds_ratio if np.isfinite(found.odds_ratio) else None,
            "p": found.p,
            "threshold": found.threshold,
        },
    )


@dataclass(frozen=True)
class Enrichment:
    """Known pairs among the most similar pairs, and among all.

    Attributes
    ----------
    pairs, known
        All pairs, and those that are known.
    top, known_top
        Pairs from the threshold on, and those of them that are known.
    threshold
        The similarity from which on a pair is among the top.
    share, background
        Known pairs by pairs, among the top and among all; the second is expected of chance.
    recall
        The share of the known pairs that is among the top.
    odds_ratio
        Odds of a known pair to be among the top, by those of another pair; infinite where no other
        pair is among the top or all known ones are.
    p
        Fisher's exact test: how often so many known pairs or more were among the top if pairs were
        independent of one another. Pairs that share a profile are not: see the interval.
    sums
        Profiles by (known pairs among the top, pairs among the top) that they are part of.
    """

    pairs: int
    known: int
    top: int
    known_top: int
    threshold: float
    share: float
    background: float
    recall: float
    odds_ratio: float
    p: float
    sums: Floats


Known = Callable[[Rows, Rows], NDArray[np.bool_]]
"""Tells of rows and columns, as arrays of the shapes (rows, 1) and (columns,), which pairs are."""


def by_codes(codes: Rows) -> Known:
    """Get what tells the pairs that share a code; -1 is shared with none."""

    def tell(rows: Rows, columns: Rows) -> NDArray[np.bool_]:
        return (codes[rows] == codes[columns]) & (codes[columns] >= 0)

    return tell


def by_table(pairs: Rows) -> Known:
    """Get what tells the pairs of a table of two columns of numbers of profiles, in any order."""
    first, second = np.sort(pairs, axis=1).T

    def tell(rows: Rows, columns: Rows) -> NDArray[np.bool_]:
        # rows and columns follow one another, and no column is before the first row
        at, beside = int(rows[0, 0]), int(columns[0])
        own = (first >= at) & (first < at + len(rows))
        told = np.zeros((len(rows), len(columns)), np.bool_)
        told[first[own] - at, second[own] - beside] = True
        return told

    return tell


def enrichment(
    between: Similarities,
    known: Known,
    top_percent: float,
) -> Enrichment:
    """Get how many known pairs are among the `top_percent` most similar pairs.

    Parameters
    ----------
    between
        The profiles; their similarity is the cosine or the correlation.
    known
        Tells which pairs are known.
    top_percent
        The share of all pairs that counts as the top, in percent. The threshold is the highest of
        `BINS` steps from which on there are as many.

    Raises
    ------
    ProfileError
        No pair is known, or all are.
    """
    every = np.zeros(BINS, dtype=np.int64)
    for _, binned, eligible in _blocks(between):
        every += np.bincount(binned[eligible], minlength=BINS)
    pairs = int(every.sum())
    from_top = np.cumsum(every[::-1])
    lowest = BINS - 1 - int(np.searchsorted(from_top, max(pairs * top_percent / 100, 1)))
    sums = np.zeros((len(between), 2))
    n_known = 0
    for rows, binned, eligible in _blocks(between):
        columns = np.arange(int(rows[0, 0]), len(between))
        is_known = eligible & known(rows, columns)
        n_known += int(is_known.sum())
        top = eligible & (binned >= lowest)
        for number, counted in enumerate((top & is_known, top)):
            sums[rows[:, 0], number] += counted.sum(axis=1)
            sums[columns, number] += counted.sum(axis=0)
    known_top, n_top = (round(one) for one in sums.sum(axis=0) / 2)
    if not 0 < n_known < pairs:
        raise ProfileError(
            f"{n_known} of {pairs} pairs of profiles are known, so that they cannot be compared "
            "with others; give a column that some profiles share, or a table of pairs"
        )
    return Enrichment(
        pairs=pairs,
        known=n_known,
        top=n_top,
        known_top=known_top,
        threshold=2 * lowest / BINS - 1,
        share=known_top / n_top,
        background=n_known / pairs,
        recall=known_top / n_known,
        odds_ratio=odds_ratio(known_top, n_top, n_known, pairs),
        p=fisher(known_top, n_top, n_known, pairs),
        sums=sums,
    )


def share_of(sums: Floats, total: Floats) -> Floats:
    """Get the share of known pairs among the top, of profiles that were resampled.

    A pair of profiles drawn v and w times counts v + w - 1 times, which is v w to the first order,
    so that the sum over pairs is that over profiles less the sum over all pairs.

    Parameters
    ----------
    sums
        Sums of `Enrichment.sums` over the profiles drawn.
    total
        Known pairs among the top, and pairs among the top.
    """
    counted = np.maximum(sums - total, 0)
    return np.minimum(counted[..., 0] / counted[..., 1], 1)


def _interval(found: Enrichment, subject: Subject) -> tuple[float | None, float | None]:
    total = np.array([found.known_top, found.top], np.float64)
    low, high = interval_of_sums(
        found.sums, lambda sums: share_of(sums, total), subject.seed, subject.resamples
    )
    # pairs that share no profile are independent observations
    apart = max(1, int((found.sums[:, 1] > 0).sum()) // 2)
    if found.known_top == 0:
        return low, exact_bounds(apart)[0]
    if found.known_top == found.top:
        return exact_bounds(apart)[1], high
    return low, high


def odds_ratio(known_top: int, top: int, known: int, pairs: int) -> float:
    """Get the odds ratio of a table of two by two."""
    others_top = top - known_top
    known_below = known - known_top
    others_below = pairs - top - known_below
    above = known_top * others_below
    below = others_top * known_below
    return above / below if below else np.inf if above else np.nan


def fisher(known_top: int, top: int, known: int, pairs: int) -> float:
    """Get the probability of so many known pairs or more among the top (Fisher's exact test)."""
    from scipy.stats import hypergeom  # pyright: ignore[reportMissingTypeStubs]

    return float(hypergeom.sf(known_top - 1, pairs, known, top))  # pyright: ignore


def _blocks(
    between: Similarities,
) -> Iterator[tuple[Rows, NDArray[np.int32], NDArray[np.bool_]]]:
    """Get numbers of rows, the bin of their similarity to later rows, and which pairs count.

    A block has the columns from its first row on; pairs of a row with an earlier one do not count.
    """
    profiles = len(between)
    step = max(1, BLOCK_BYTES // (8 * max(profiles, 1)))
    for start in range(0, profiles, step):
        rows = np.arange(start, min(start + step, profiles))[:, None]
        columns = np.arange(start, profiles)
        similarity = between.left[start : start + step] @ between.right[start:].T
        binned = ((similarity + 1) * (BINS / 2)).astype(np.int32)
        np.clip(binned, 0, BINS - 1, out=binned)
        yield rows, binned, columns > rows
