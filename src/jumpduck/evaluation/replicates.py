"""How alike the members of groups are, such as replicates, beside members of different groups."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import ProfileError, QueryError
from jumpduck.evaluation.measured import Measured, interval
from jumpduck.evaluation.similarities import Floats, Rows
from jumpduck.evaluation.subject import Sample, Subject

Correlation = Literal["pearson", "spearman"]

SINGLETONS = "groups with one member"

NULL_DRAWS = 10_000
"""Sets of members of different groups that are drawn for each size of a group. With 1,000, the
share of groups above the threshold differs by 0.03 from seed to seed in BBBC021."""

NULL_QUANTILE = 0.95
"""A group is told from chance if its median is above this quantile of the medians drawn."""

MAX_NULL_MEMBERS = 50
"""Members of a set that is drawn; the medians of fewer spread wider, so that this can only make
the threshold of larger groups higher."""

MAX_MEMBERS = 4_000
"""Members of a group that are compared with one another, all pairs of them: 128 MB."""

BLOCK_BYTES = 64_000_000
"""Of profiles that are drawn together."""


def percent_replicating(subject: Subject) -> Measured:
    """Get the share of treatments whose wells are more alike than wells of different treatments.

    A treatment counts if the median Pearson correlation of all pairs of its wells is above the 95th
    percentile of the medians of as many wells, each of another treatment, drawn 10,000 times
    (Chandrasekaran et al. 2024, Nature Methods 21:1114). Treatments with one well are missing.
    CellPaintSSL draws 12 wells whatever the number of replicates, and counts these as failures.
    """
    return _share_above("percent_replicating", subject, subject.wells("treatments"), "treatments")


def percent_matching(subject: Subject) -> Measured:
    """Get the share of labels whose compounds are more alike than compounds of different labels.

    As `percent_replicating`, with a profile for each compound, made of its wells, so that no two
    wells of one compound are compared. Labels with one compound are missing.
    """
    if subject.keys.compound is None:
        raise QueryError("compound is needed; give the column that says it")
    keys = replace(subject.keys, treatments=(subject.keys.compound,))
    sample = replace(subject, keys=keys).treatments("label")
    return _share_above("percent_matching", subject, sample, "label")


def replicate_correlation(subject: Subject) -> Measured:
    """Get the mean over treatments of the median Pearson correlation of all pairs of their wells.

    Chance is the same of the medians of wells of different treatments that were drawn.
    """
    return _mean_of_medians("replicate_correlation", subject, "pearson")


def replicate_rank_correlation(subject: Subject) -> Measured:
    """Get `replicate_correlation` by Spearman's correlation, which is that of ranks."""
    return _mean_of_medians("replicate_rank_correlation", subject, "spearman")


@dataclass(frozen=True)
class Alike:
    """How alike the members of each group of two or more are.

    Attributes
    ----------
    groups
        Numbers of the groups.
    sizes
        Members of each.
    medians
        Median correlation of all pairs of members.
    thresholds
        The `NULL_QUANTILE` of the medians of as many members of different groups.
    null_medians
        The median of those.
    singletons
        Groups of one member: they are left out, and are not failures.
    """

    groups: Rows
    sizes: Rows
    medians: Floats
    thresholds: Floats
    null_medians: Floats
    singletons: int

    @property
    def above(self) -> NDArray[np.bool_]:
        """Whether the median of a group is above the threshold of its size."""
        return self.medians > self.thresholds


def alike(
    features: Floats,
    groups: Rows,
    seed: int,
    correlation: Correlation = "pearson",
    draws: int = NULL_DRAWS,
) -> Alike:
    """Get how alike the members of each group are, and what is expected of chance.

    The null distribution of a size is that of the median correlation of all pairs among as many
    members, each of another group, drawn `draws` times. The share of groups above its 95th
    percentile is "percent replicating" (Chandrasekaran et al. 2024, Nature Methods 21:1114) if the
    groups are replicates of a perturbation, and "percent matching" if the members are perturbations
    and the groups what they have in common. CellPaintSSL draws 12 members whatever the size, and
    counts a perturbation of one replicate as a failure.

    Parameters
    ----------
    features
        Members by features, in an order that does not depend on that of the rows of the table.
    groups
        The number of the group of each member, from 0 on.
    seed
        Another seed, other draws.
    correlation
        Of pairs of members, over the features.
    draws
        Sets for each size.

    Raises
    ------
    ProfileError
        There are fewer than two groups, so that nothing can be drawn, or a member is constant.
    """
    sizes = np.bincount(groups)
    present = int((sizes > 0).sum())
    if present < 2:
        raise ProfileError(
            f"the {len(groups)} profiles are of one group, so that there is no chance level to "
            "compare it with; give a column with two values or more"
        )
    unit = unit_rows(features, correlation)
    order = np.argsort(groups, kind="stable")
    ends = np.cumsum(sizes)
    several = np.flatnonzero(sizes > 1)
    medians = np.array(
        [_median_pair(unit[order[ends[one] - sizes[one] : ends[one]]], seed) for one in several]
    )
    drawn = np.minimum(sizes[several], min(present, MAX_NULL_MEMBERS))
    null = {
        int(size): null_medians(
            unit, order, sizes[sizes > 0], size=int(size), seed=seed, draws=draws
        )
        for size in np.unique(drawn)
    }
    return Alike(
        groups=several,
        sizes=sizes[several],
        medians=medians,
        thresholds=np.array([np.quantile(null[int(size)], NULL_QUANTILE) for size in drawn]),
        null_medians=np.array([np.median(null[int(size)]) for size in drawn]),
        singletons=int((sizes == 1).sum()),
    )


def null_medians(
    unit: Floats,
    order: Rows,
    sizes: Rows,
    *,
    size: int,
    seed: int,
    draws: int,
) -> Floats:
    """Get the median correlation of `size` members of different groups, `draws` times.

    Parameters
    ----------
    unit
        Members by features, from `unit_rows`.
    order
        The members, one group after the other.
    sizes
        Members of each group.
    """
    draw = np.random.default_rng([seed, size])
    starts = np.cumsum(sizes) - sizes
    first, second = np.triu_indices(size, 1)
    block = max(1, BLOCK_BYTES // (8 * size * max(unit.shape[1], size)))
    medians: list[Floats] = []
    for start in range(0, draws, block):
        n = min(block, draws - start)
        of = np.stack([draw.choice(len(sizes), size, replace=False) for _ in range(n)])
        members = order[starts[of] + draw.integers(0, sizes[of])]
        rows = unit[members]
        correlations = rows @ rows.transpose(0, 2, 1)
        medians.append(np.median(correlations[:, first, second], axis=1))
    return np.concatenate(medians)


def unit_rows(features: Floats, correlation: Correlation = "pearson") -> Floats:
    """Get rows whose dot products are the correlations of the rows.

    Raises
    ------
    ProfileError
        A row is constant, or there are fewer than two features.
    """
    if correlation == "spearman":
        ranks = pl.DataFrame(features.T).select(pl.all().rank("average")).to_numpy()
        features = np.ascontiguousarray(ranks.T)
    centred = features - features.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1)
    # rounding leaves a constant row with a length that is not 0
    constant = lengths <= 1e-12 * np.linalg.norm(features, axis=1)
    if constant.any():
        raise ProfileError(
            f"{int(constant.sum())} profiles have the same value in all {features.shape[1]} "
            "features: a correlation needs values that differ; leave these rows out, or give more "
            "features"
        )
    return centred / lengths[:, None]


def _median_pair(unit: Floats, seed: int) -> float:
    if len(unit) > MAX_MEMBERS:
        chosen = np.random.default_rng(seed).choice(len(unit), MAX_MEMBERS, replace=False)
        unit = unit[chosen]
    first, second = np.triu_indices(len(unit), 1)
    return float(np.median((unit @ unit.T)[first, second]))


@dataclass(frozen=True)
class _Compared:
    sample: Sample
    key: str
    found: Alike


def _share_above(metric: str, subject: Subject, sample: Sample, key: str) -> Measured:
    of = _compared(subject, sample, key)
    return _measured(metric, subject, of, of.found.above.astype(np.float64), 1 - NULL_QUANTILE)


def _mean_of_medians(metric: str, subject: Subject, correlation: Correlation) -> Measured:
    of = _compared(subject, subject.wells("treatments"), "treatments", correlation)
    return _measured(metric, subject, of, of.found.medians, float(of.found.null_medians.mean()))


def _compared(
    subject: Subject, sample: Sample, key: str, correlation: Correlation = "pearson"
) -> _Compared:
    groups = sample.codes(subject.keys.columns(key))
    found = alike(sample.features, groups, subject.seed, correlation)
    if not len(found.groups):
        raise ProfileError(
            f"each {', '.join(subject.keys.columns(key))} is there once, so that nothing can be "
            f"compared; name other columns as {key}"
        )
    return _Compared(sample, key, found)


def _measured(
    metric: str, subject: Subject, of: _Compared, values: Floats, chance: float
) -> Measured:
    found, columns = of.found, subject.keys.columns(of.key)
    # doses of one compound are not independent; labels are what is drawn where they are compared
    units = subject.units(of.sample)[found.groups] if of.key == "treatments" else found.groups
    low, high = interval(values, units, subject.seed, subject.resamples)
    return Measured(
        metric,
        float(values.mean()),
        len(values),
        chance,
        low,
        high,
        {**of.sample.excluded, **({SINGLETONS: found.singletons} if found.singletons else {})},
        groups=of.sample.metadata.select(columns)[found.groups].with_columns(
            pl.Series("members", found.sizes),
            pl.Series("correlation", found.medians),
            pl.Series("threshold", found.thresholds),
            pl.Series("above", found.above),
        ),
    )
