"""Whether the neighbours of profiles are of all batches, and whether groups are apart."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ProfileError
from jumpduck.evaluation.exclusions import Exclusions
from jumpduck.evaluation.extra import check_extra
from jumpduck.evaluation.measured import Measured, interval
from jumpduck.evaluation.neighbours import nearest
from jumpduck.evaluation.similarities import BLOCK_BYTES, Floats, Rows, Similarities
from jumpduck.evaluation.subject import Sample, Subject

ALPHA = 0.05
"""Level of the test of the batches among the neighbours of a profile."""


NEIGHBOURS = (10, 100)
"""Neighbours that are looked at: a quarter of the mean size of a batch, within these bounds."""

PERMUTATIONS = 20
"""Of labels or batches, for the value to expect of chance."""

MAX_ASKED = 1_000
"""Profiles whose silhouettes are the value to expect of chance."""


def batch_rejection(subject: Subject) -> Measured:
    """Get the share of wells among whose neighbours the batches are not as among all wells.

    The test of kBET: chi-squared, at the level 0.05. 0 is mixed, 1 is apart. Chance is the mean for
    batches that were permuted among the wells of each treatment, or else label, or else among all:
    it is not 0.05, because wells of a treatment are alike and the test is an approximation.
    """
    check_extra("batch_rejection")
    sample, batches, strata = _of_batches(subject)
    sizes = np.bincount(batches)
    k = int(np.clip(round(sizes.mean() / 4), *NEIGHBOURS))
    k = min(k, len(sample) - 1)
    found = nearest(subject.similarities(sample), Exclusions(), k, workers=subject.workers).rows
    frequencies = sizes / len(batches)
    rejected = rejections(found, batches, frequencies).astype(np.float64)
    draw = np.random.default_rng(subject.seed)
    chance = [
        rejections(found, permuted_within(batches, strata, draw), frequencies).mean()
        for _ in range(PERMUTATIONS)
    ]
    units = subject.units(sample)
    return Measured(
        "batch_rejection",
        float(rejected.mean()),
        len(sample),
        float(np.mean(chance)),
        *interval(rejected, units, subject.seed, subject.resamples),
        sample.excluded,
        more={"neighbours": k, "batches": len(sizes)},
    )


def silhouette_batch(subject: Subject) -> Measured:
    """Get the mean silhouette of wells by batch: near 0 where batches are mixed, 1 where apart.

    Chance is the mean for batches that were permuted as for `batch_rejection`.
    """
    sample, batches, strata = _of_batches(subject)
    return _silhouette(
        "silhouette_batch",
        subject,
        sample,
        batches,
        lambda draw: permuted_within(batches, strata, draw),
    )


def silhouette_label(subject: Subject) -> Measured:
    """Get the mean silhouette of wells by label: 1 where labels are apart, near 0 where mixed.

    Chance is the mean for labels that were permuted among compounds, or else among wells.
    """
    sample = subject.wells("label")
    labels = _codes(subject, sample, "label")
    units = subject.units(sample)
    return _silhouette(
        "silhouette_label",
        subject,
        sample,
        labels,
        lambda draw: permuted_among(labels, units, draw),
    )


def rejections(neighbours: Rows, batches: Rows, frequencies: Floats) -> NDArray[np.bool_]:
    """Get whether the batches among the neighbours of each profile differ from those of all.

    Pearson's chi-squared over the batches, with one degree of freedom less than there are batches,
    at the level `ALPHA`: the test of kBET (Büttner et al. 2019, Nature Methods 16:43).

    Parameters
    ----------
    neighbours
        Profiles by neighbours: their row numbers.
    batches
        The number of the batch of each profile.
    frequencies
        The share of each batch.
    """
    from scipy.stats import chi2  # pyright: ignore[reportMissingTypeStubs]

    k, several = neighbours.shape[1], len(frequencies)
    step = max(1, BLOCK_BYTES // (8 * several))
    statistics: list[Floats] = []
    for start in range(0, len(neighbours), step):
        of = batches[neighbours[start : start + step]]
        cells = of + several * np.arange(len(of))[:, None]
        counts = np.bincount(cells.ravel(), minlength=several * len(of)).reshape(-1, several)
        statistics.append(np.sum((counts - k * frequencies) ** 2 / (k * frequencies), axis=1))
    return np.concatenate(statistics) > float(chi2.isf(ALPHA, len(frequencies) - 1))  # pyright: ignore


def silhouettes(between: Similarities, groups: Rows, queries: Rows | None = None) -> Floats:
    """Get the silhouette of profiles: (b - a) / max(a, b) (Rousseeuw 1987).

    a is the mean distance to the other members of the own group, b the smallest mean distance to
    those of another one. Memory is that of a block of rows.

    Parameters
    ----------
    between
        The profiles and their distance.
    groups
        The number of the group of each profile, from 0 on; two groups or more, each with a member.
    queries
        The profiles whose silhouettes are asked for; all by default.

    Returns
    -------
    numpy.ndarray
        Of each query; NaN where its group has no other member, which is missing and not 0.
    """
    sizes = np.bincount(groups)
    asked = np.arange(len(between)) if queries is None else queries
    order = np.argsort(groups, kind="stable")
    gallery = between.right[order].T
    place = np.argsort(order)
    starts = np.cumsum(sizes) - sizes
    step = max(1, BLOCK_BYTES // (8 * max(len(between), 1)))
    values: list[Floats] = []
    for start in range(0, len(asked), step):
        rows = asked[start : start + step]
        distances = between.distances(between.left[rows] @ gallery)
        at, own = np.arange(len(rows)), groups[rows]
        # because rounding leaves a profile with a distance to itself
        distances[at, place[rows]] = 0
        sums = np.add.reduceat(distances, starts, axis=1)
        means = sums / sizes
        within = sums[at, own] / np.maximum(sizes[own] - 1, 1)
        means[at, own] = np.inf
        nearest = means.min(axis=1)
        largest = np.maximum(within, nearest)
        apart = np.divide(nearest - within, largest, out=np.zeros(len(rows)), where=largest > 0)
        values.append(np.where(sizes[own] > 1, apart, np.nan))
    return np.concatenate(values) if values else np.zeros(0)


def permuted_within(values: Rows, strata: Rows, draw: np.random.Generator) -> Rows:
    """Get values in random order among the rows of each stratum."""
    order = np.lexsort((draw.random(len(values)), strata))
    home = np.argsort(strata, kind="stable")
    permuted = np.empty_like(values)
    permuted[home] = values[order]
    return permuted


def permuted_among(values: Rows, groups: Rows, draw: np.random.Generator) -> Rows:
    """Get values in random order among groups, or among rows where groups do not have one each.

    Rows of one group are alike; if each was given a value of its own, labels that are shared by
    several compounds would seem to be further from chance than they are. Where each value is that
    of one group, an order of the groups changes nothing, and rows are permuted.
    """
    _, firsts, own = np.unique(groups, return_index=True, return_inverse=True)
    of_groups = values[firsts]
    if np.array_equal(of_groups[own], values) and len(np.unique(of_groups)) < len(of_groups):
        return draw.permutation(of_groups)[own]
    return draw.permutation(values)


def _silhouette(
    metric: str,
    subject: Subject,
    sample: Sample,
    groups: Rows,
    permuted: Callable[[np.random.Generator], Rows],
) -> Measured:
    between, units = subject.similarities(sample), subject.units(sample)
    values = silhouettes(between, groups)
    there = np.flatnonzero(np.isfinite(values))
    if not len(there):
        raise ProfileError(f"{metric}: each group has one profile; name a column that some share")
    draw = np.random.default_rng(subject.seed)
    chance: list[float] = []
    for _ in range(PERMUTATIONS):
        asked = draw.permutation(there)[:MAX_ASKED]
        of_chance = silhouettes(between, permuted(draw), asked)
        if np.isfinite(of_chance).any():
            chance.append(float(np.nanmean(of_chance)))
    alone = len(sample) - len(there)
    return Measured(
        metric,
        float(values[there].mean()),
        len(there),
        float(np.mean(chance)) if chance else None,
        *interval(values[there], units[there], subject.seed, subject.resamples),
        {**sample.excluded, **({"alone in their group": alone} if alone else {})},
    )


def _of_batches(subject: Subject) -> tuple[Sample, Rows, Rows]:
    """Get wells with their batch, and what batches are permuted within."""
    keys = subject.keys
    strata = next((one for one in ("treatments", "label") if keys.columns(one)), None)
    sample = subject.wells("batch") if strata is None else subject.wells("batch", strata)
    within = np.zeros(len(sample), np.intp)
    if strata is not None:
        within = sample.codes(keys.columns(strata))
    return sample, _codes(subject, sample, "batch"), within


def _codes(subject: Subject, sample: Sample, key: str) -> Rows:
    codes = np.unique(sample.codes(subject.keys.columns(key)), return_inverse=True)[1]
    if codes.max() == 0:
        raise ProfileError(
            f"all {len(sample)} profiles have one {key}, so that there is nothing to compare; give "
            "a column with two values or more"
        )
    return codes
