"""Classifiers and regressions by folds of groups."""

import numpy as np
import pytest

from jumpduck.errors import ProfileError
from jumpduck.evaluation.cross_validation import (
    chance_in_top,
    classify,
    error_parts,
    in_top,
    r_squared,
    regress,
)

pytestmark = pytest.mark.slow  # scikit-learn is imported, and fits

NAMES = ["a", "b", "c", "d"]


@pytest.fixture
def draw():
    return np.random.default_rng(14)


def compounds_of_labels(draw, per_label=6, replicates=5):
    groups = np.repeat(np.arange(4 * per_label), replicates)
    return groups // per_label, groups


def test_labels_that_are_apart_are_all_predicted(draw):
    labels, groups = compounds_of_labels(draw)
    features = np.eye(4)[labels] * 20 + draw.normal(size=(len(labels), 4))
    predicted = classify(features, labels, groups, seed=0, names=NAMES)
    assert in_top(predicted, labels, 1).all()
    assert chance_in_top(predicted, labels, 1) == pytest.approx(1 / 4)
    assert chance_in_top(predicted, labels, 3) == pytest.approx(3 / 4)


def test_no_group_is_in_two_folds_and_each_fold_is_fitted_on_all_labels(draw):
    labels, groups = compounds_of_labels(draw)
    predicted = classify(draw.normal(size=(len(labels), 3)), labels, groups, seed=0, names=NAMES)
    assert len(np.unique(np.column_stack([groups, predicted.folds]), axis=0)) == groups.max() + 1
    assert np.sort(predicted.ranked, axis=1).tolist() == [[0, 1, 2, 3]] * len(labels)


def test_a_compound_that_is_recognised_does_not_help(draw):
    # each compound has a profile of its own, which says nothing of its label
    labels, groups = compounds_of_labels(draw, per_label=12)
    features = draw.normal(size=(48, 40))[groups] * 5 + draw.normal(size=(len(labels), 40))
    top = in_top(classify(features, labels, groups, seed=0, names=NAMES), labels, 1)
    rows = np.arange(len(labels))
    leaking = in_top(classify(features, labels, rows, seed=0, names=NAMES), labels, 1)
    assert top.mean() < 0.45
    assert leaking.mean() > 0.95


def test_folds_are_seeded(draw):
    labels, groups = compounds_of_labels(draw)
    features = draw.normal(size=(len(labels), 3))
    one, same, other = (
        classify(features, labels, groups, seed=seed, names=NAMES) for seed in (0, 0, 1)
    )
    assert one.folds.tolist() == same.folds.tolist() != other.folds.tolist()


def test_a_label_with_fewer_groups_than_folds_is_named(draw):
    labels, groups = compounds_of_labels(draw)
    groups[labels == 2] = groups[labels == 2].max()
    with pytest.raises(ProfileError, match=r"1 of 4 labels have fewer.*such as 'c' with 1"):
        classify(draw.normal(size=(len(labels), 3)), labels, groups, seed=0, names=NAMES)
    with pytest.raises(ProfileError, match="nothing to predict"):
        classify(
            draw.normal(size=(9, 3)), np.zeros(9, dtype=int), np.arange(9), seed=0, names=["a"]
        )


@pytest.mark.parametrize("how", ["ols", "ridge"])
def test_a_linear_target_is_predicted_up_to_its_noise(draw, how):
    features = draw.normal(size=(2000, 5))
    target = features @ np.array([1.0, -2, 0, 0.5, 1]) * 1e6 + draw.normal(size=2000) * 1e6 + 5e9
    predicted = regress(features, target, np.arange(2000) // 4, seed=0, how=how)
    # the variance of what is linear is 6.25, that of the noise 1
    value = r_squared(error_parts(predicted, target).sum(axis=0))
    assert value == pytest.approx(6.25 / 7.25, abs=0.02)
    from sklearn.metrics import r2_score

    assert value == pytest.approx(r2_score(target, predicted))


@pytest.mark.parametrize("how", ["ols", "ridge"])
def test_a_target_of_the_group_alone_is_not_predicted(draw, how):
    groups = np.arange(400) // 8
    features = draw.normal(size=(50, 30))[groups] + draw.normal(size=(400, 30)) / 10
    predicted = regress(features, draw.normal(size=50)[groups], groups, seed=0, how=how)
    assert r_squared(error_parts(predicted, draw.normal(size=50)[groups]).sum(axis=0)) < 0.1


def test_targets_that_cannot_be_predicted_are_refused(draw):
    features = draw.normal(size=(20, 30))
    with pytest.raises(ProfileError, match="3 groups are fewer than the 5 folds"):
        regress(features, np.arange(20.0), np.arange(20) % 3, seed=0, how="ridge")
    with pytest.raises(ProfileError, match="the target is 2 in all rows"):
        regress(features, np.full(20, 2.0), np.arange(20), seed=0, how="ridge")
    with pytest.raises(ProfileError, match="16 profiles to fit 30 features"):
        regress(features, np.arange(20.0), np.arange(20), seed=0, how="ols")
