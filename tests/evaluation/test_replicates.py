"""Correlation of replicates, percent replicating and percent matching."""

import itertools

import numpy as np
import pytest

from jumpduck.errors import ProfileError
from jumpduck.evaluation.replicates import NULL_QUANTILE, alike, unit_rows


@pytest.fixture
def draw():
    return np.random.default_rng(14)


def test_medians_are_those_of_all_pairs(draw):
    features = draw.normal(size=(40, 9))
    groups = draw.integers(0, 12, 40)
    groups[:12] = np.arange(12)
    found = alike(features, groups, seed=0, draws=20)
    whole = np.corrcoef(features)
    for group, size, median in zip(found.groups, found.sizes, found.medians, strict=True):
        members = np.flatnonzero(groups == group)
        pairs = [whole[i, j] for i, j in itertools.combinations(members, 2)]
        assert (size, median) == (len(members), pytest.approx(np.median(pairs)))
    assert found.singletons == sum(np.bincount(groups) == 1)


def test_spearman_is_that_of_scipy_with_ties(draw):
    from scipy.stats import spearmanr

    features = draw.integers(0, 5, (6, 30)).astype(float)
    unit = unit_rows(features, "spearman")
    assert unit @ unit.T == pytest.approx(spearmanr(features.T).statistic)


def test_the_threshold_is_the_quantile_of_medians_of_members_of_different_groups(draw):
    # groups of two: the median of a pair is its correlation, so that the exact null is known
    features = draw.normal(size=(60, 7))
    groups = np.repeat(np.arange(30), 2)
    found = alike(features, groups, seed=3, draws=5_000)
    whole = np.corrcoef(features)
    exact = whole[groups[:, None] < groups]
    assert found.thresholds == pytest.approx(np.quantile(exact, NULL_QUANTILE), abs=0.03)
    assert found.null_medians == pytest.approx(np.median(exact), abs=0.03)


def test_each_size_has_a_threshold_of_its_own(draw):
    groups = np.repeat(np.arange(40), np.where(np.arange(40) < 20, 2, 8))
    found = alike(draw.normal(size=(len(groups), 10)), groups, seed=0)
    small, large = found.thresholds[found.sizes == 2], found.thresholds[found.sizes == 8]
    assert len(set(small)) == len(set(large)) == 1
    assert small[0] > 1.5 * large[0]


@pytest.mark.slow
def test_of_groups_without_structure_one_in_twenty_is_above_the_threshold(draw):
    groups = np.repeat(np.arange(500), 4)
    found = alike(draw.normal(size=(2000, 50)), groups, seed=0)
    assert 0.02 < found.above.mean() < 0.09


def test_replicates_that_are_equal_but_for_noise_are_all_above(draw):
    centres = np.repeat(draw.normal(size=(30, 400)), 5, axis=0)
    features = centres + draw.normal(scale=0.5, size=centres.shape)
    found = alike(features, np.repeat(np.arange(30), 5), seed=0)
    assert found.above.all()
    # the variance of the centre by that of centre and noise
    assert np.mean(found.medians) == pytest.approx(1 / (1 + 0.5**2), abs=0.03)


def test_wrong_profiles_are_named(draw):
    features = draw.normal(size=(10, 4))
    with pytest.raises(ProfileError, match="the 10 profiles are of one group"):
        alike(features, np.zeros(10, dtype=int), seed=0)
    features[7] = 0.3
    with pytest.raises(ProfileError, match=r"1 profiles have the same value"):
        alike(features, np.arange(10) // 2, seed=0)
