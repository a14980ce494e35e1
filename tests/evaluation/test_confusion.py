"""Confusion of labels, votes of neighbours, and the Matthews correlation."""

import numpy as np
import pytest

from jumpduck.evaluation.confusion import confusion, matthews, matthews_parts
from jumpduck.evaluation.distant import robust_z


@pytest.fixture
def draw():
    return np.random.default_rng(14)


@pytest.mark.slow  # imports scikit-learn
@pytest.mark.parametrize("classes", [2, 7])
def test_the_matthews_correlation_is_that_of_scikit_learn(draw, classes):
    from sklearn.metrics import confusion_matrix, matthews_corrcoef

    labels = draw.integers(0, classes, 200)
    predicted = np.where(draw.random(200) < 0.4, labels, draw.integers(0, classes, 200))
    parts = matthews_parts(labels, predicted, classes)
    assert matthews(parts.sum(axis=0)) == pytest.approx(matthews_corrcoef(labels, predicted))
    found = confusion(labels, predicted, classes)
    assert found.tolist() == confusion_matrix(labels, predicted).tolist()


def test_predictions_of_one_label_have_a_matthews_correlation_of_0(draw):
    parts = matthews_parts(draw.integers(0, 3, 50), np.zeros(50, dtype=int), 3)
    assert matthews(parts.sum(axis=0)) == 0


def test_a_robust_z_is_by_median_and_mad():
    assert robust_z(np.array([1.0, 2, 3, 4, 103])) == pytest.approx(
        np.array([-2, -1, 0, 1, 100]) / 1.4826
    )
    assert robust_z(np.array([1.0, 1, 1, 1, 2])).tolist() == [0, 0, 0, 0, np.inf]
