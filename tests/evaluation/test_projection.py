"""Profiles on a plane."""

import os
import subprocess
import sys

import numpy as np
import polars as pl
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


UMAP = """
import numpy as np, polars as pl
from jumpduck.evaluation.projection import projected
from jumpduck.evaluation.subject import Keys, Subject
from jumpduck.profile_tables.profiles import Profiles

label = np.repeat(np.arange(3), 10)
features = 9 * np.eye(3, 5)[label] + np.random.default_rng(14).normal(size=(30, 5))
metadata = pl.DataFrame({"label": [f"l{one}" for one in label], "row": np.arange(30)})
profiles = Profiles(metadata, features, tuple(f"f{one}" for one in range(5)))
for _ in range(2):
    print(projected(Subject.of(profiles, Keys(label="label")), "umap").write_json())
"""


@pytest.mark.slow
def test_umap_keeps_labels_together_and_gives_the_same_picture_again():
    # without numba, because compiling takes a minute
    done = subprocess.run(
        [sys.executable, "-c", UMAP],
        capture_output=True, text=True, env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    first, second = done.stdout.splitlines()
    assert first == second
    points = pl.read_json(first.encode())
    of = points.group_by("label").agg(pl.col("x", "y").mean()).sort("label")
    near = points.join(of, how="cross").with_columns(
        far=(pl.col("x") - pl.col("x_right")) ** 2 + (pl.col("y") - pl.col("y_right")) ** 2
    )
    closest = near.group_by("x", "y", "label").agg(pl.col("label_right").sort_by("far").first())
    assert len(of) == 3
    assert (closest["label"] == closest["label_right"]).all()
