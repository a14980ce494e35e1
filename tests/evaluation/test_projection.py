"""Profiles on a plane."""

import numpy as np
import pytest

from jumpduck.errors import QueryError
from jumpduck.evaluation.projection import check_projection, principal


@pytest.mark.parametrize("shape", [(40, 7), (7, 40)])
def test_points_are_those_of_the_singular_values(shape):
    features = np.random.default_rng(14).normal(size=shape) + 5
    u, s, _ = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
    points = principal(features)
    assert np.abs(points) == pytest.approx(np.abs(u[:, :2] * s[:2]), abs=1e-9)
    order = np.random.default_rng(3).permutation(shape[0])
    assert principal(features[order]) == pytest.approx(points[order], abs=1e-9)


def test_one_feature_or_one_profile_has_a_point_too():
    assert principal(np.array([[1.0], [3.0]]))[:, 1].tolist() == [0, 0]
    assert principal(np.array([[1.0, 2, 3]])).tolist() == [[0, 0]]


def test_a_projection_that_there_is_not_is_refused():
    with pytest.raises(QueryError, match="'tsne' is neither pca nor umap"):
        check_projection("tsne")
