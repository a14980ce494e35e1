"""Profiles on a plane, to look at; nothing is measured there."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, get_args

import numpy as np
import polars as pl

from jumpduck.errors import QueryError, needs_extra
from jumpduck.evaluation.similarities import Floats
from jumpduck.evaluation.subject import Subject

Projection = Literal["pca", "umap"]


def check_projection(how: str) -> None:
    """Raise QueryError for a projection that there is not, or whose library is not installed."""
    if how not in get_args(Projection):
        raise QueryError(f"projection {how!r} is neither pca nor umap")
    if how == "umap" and find_spec("umap") is None:
        raise QueryError(needs_extra("projection umap", "umap-learn", "umap"))


def projected(subject: Subject, how: Projection) -> pl.DataFrame:
    """Get the profiles of treatments, or else of wells, on a plane.

    Returns
    -------
    polars.DataFrame
        Columns x, y and label: the label, or else the first column of the treatment; null where
        neither was given.
    """
    keys = subject.keys
    named = keys.columns("label") or keys.columns("treatments")
    sample = subject.treatments("label") if keys.label else subject.treatments()
    points = principal(sample.features) if how == "pca" else _umap(sample.features, subject)
    label = sample.metadata[named[0]].cast(pl.String) if named else pl.lit(None, pl.String)
    return pl.DataFrame(points, schema=["x", "y"], orient="row").with_columns(label=label)


def principal(features: Floats) -> Floats:
    """Get the first two principal components of profiles.

    Their signs are those with which the feature that weighs most has a positive weight.
    """
    centred = features - features.mean(axis=0)
    profiles, width = centred.shape
    if width <= profiles:
        weights = np.linalg.eigh(centred.T @ centred)[1][:, :-3:-1]
    else:
        weights = centred.T @ np.linalg.eigh(centred @ centred.T)[1][:, :-3:-1]
        weights /= np.maximum(np.linalg.norm(weights, axis=0), np.finfo(np.float64).tiny)
    heaviest = np.abs(weights).argmax(axis=0)
    weights = weights * np.where(weights[heaviest, np.arange(weights.shape[1])] < 0, -1, 1)
    points = np.zeros((profiles, 2))
    points[:, : weights.shape[1]] = centred @ weights
    return points


def _umap(features: Floats, subject: Subject) -> Floats:
    umap: Any = import_module("umap")  # because it has no types
    maker = umap.UMAP(
        n_neighbors=min(15, len(features) - 1),
        metric=subject.distance,
        random_state=subject.seed,
        n_jobs=1,  # because several give another picture each time
    )
    return np.asarray(maker.fit_transform(features), np.float64)
