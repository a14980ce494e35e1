"""Silhouettes, and the batches among the neighbours of profiles."""

import numpy as np
import pytest

from jumpduck.evaluation.batch_mixing import (
    permuted_among,
    permuted_within,
    rejections,
    silhouettes,
)
from jumpduck.evaluation.similarities import DISTANCES, Similarities


@pytest.fixture
def draw():
    return np.random.default_rng(14)


@pytest.mark.slow  # imports scikit-learn
@pytest.mark.parametrize("distance", DISTANCES)
def test_silhouettes_are_those_of_scikit_learn(draw, distance, monkeypatch):
    from sklearn.metrics import silhouette_samples

    monkeypatch.setattr("jumpduck.evaluation.batch_mixing.BLOCK_BYTES", 8 * 60 * 7)
    features = draw.normal(size=(60, 5)) + 1
    groups = draw.integers(0, 6, 60)
    between = Similarities.of(features, distance)
    expected = silhouette_samples(features, groups, metric=distance)
    found = silhouettes(between, groups)
    assert found == pytest.approx(expected, abs=1e-9)
    asked = np.array([50, 3, 17])
    assert silhouettes(between, groups, asked) == pytest.approx(expected[asked], abs=1e-9)


def test_a_profile_alone_in_its_group_has_no_silhouette(draw):
    features = draw.normal(size=(9, 3))
    found = silhouettes(Similarities.of(features), np.array([0, 0, 0, 0, 1, 2, 2, 2, 2]))
    assert np.flatnonzero(np.isnan(found)).tolist() == [4]


def test_groups_far_apart_have_a_silhouette_of_nearly_one(draw):
    features = draw.normal(size=(40, 3)) + 1e4 * np.repeat(np.eye(3)[:2], 20, axis=0)
    assert silhouettes(Similarities.of(features, "euclidean"), np.arange(40) // 20).min() > 0.999


def test_permuted_within_keeps_what_each_stratum_has(draw):
    values, strata = draw.integers(0, 5, 300), draw.integers(0, 20, 300)
    permuted = permuted_within(values, strata, draw)
    for stratum in range(20):
        of = strata == stratum
        assert sorted(permuted[of]) == sorted(values[of])
    assert (permuted != values).mean() > 0.5


def test_permuted_among_gives_each_group_one_value_where_it_had_one(draw):
    groups = draw.integers(0, 40, 300)
    permuted = permuted_among(groups % 4, groups, draw)
    assert all(len(set(permuted[groups == one])) == 1 for one in set(groups))
    assert sorted(permuted[np.unique(groups, return_index=True)[1]]) == sorted(
        np.unique(groups) % 4
    )
    rows = permuted_among(groups, groups, draw)
    assert sorted(rows) == sorted(groups)
    assert any(len(set(rows[groups == one])) > 1 for one in set(groups))


def test_rejections_are_those_of_a_chi_squared_test(draw):
    from scipy.stats import chisquare

    batches = draw.integers(0, 4, 80)
    frequencies = np.bincount(batches) / 80
    neighbours = np.array([draw.permutation(80)[:20] for _ in range(80)])
    expected = [
        chisquare(np.bincount(batches[row], minlength=4), 20 * frequencies).pvalue < 0.05
        for row in neighbours
    ]
    assert rejections(neighbours, batches, frequencies).tolist() == expected
    assert any(expected)
    assert not all(expected)


def test_batches_apart_are_all_rejected_and_mixed_ones_at_most_at_the_level(draw):
    batches = np.repeat([0, 1], 500)
    frequencies = np.array([0.5, 0.5])
    apart = np.array([draw.choice(np.flatnonzero(batches == one), 30) for one in batches])
    mixed = draw.integers(0, 1000, (1000, 30))
    assert rejections(apart, batches, frequencies).all()
    assert rejections(mixed, batches, frequencies).mean() == pytest.approx(0.05, abs=0.03)
