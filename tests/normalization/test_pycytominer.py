"""pycytominer 1.7.1 computes the same from random tables."""

import numpy as np
import polars as pl
import pytest

from jumpduck.normalization.aggregation import Aggregation
from jumpduck.normalization.fitting import Fitting, InMemory
from jumpduck.normalization.references import References
from jumpduck.normalization.steps import read_steps
from jumpduck.profile_tables.profiles import Profiles

pytestmark = [
    pytest.mark.slow,  # because pycytominer takes seconds to import
    pytest.mark.filterwarnings("ignore"),  # of what pandas says of pycytominer
]

SEEDS = range(3)


def drawn(seed, rows=150, features=20):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features)) @ rng.normal(size=(features, features))
    x = x * np.exp(rng.normal(size=features)) + rng.normal(size=features)
    metadata = pl.DataFrame(
        {
            "Metadata_control": np.arange(rows) % 3 == 0,
            "Metadata_group": rng.choice(["a", "b", "c"], rows),
        }
    )
    return Profiles(metadata, x, tuple(f"Cells_{n}" for n in range(features)))


def as_pandas(profiles):
    import pandas as pd

    return pd.DataFrame(profiles.frame().to_dict(as_series=False))


def mapped(profiles, method):
    control = profiles.metadata["Metadata_control"].to_numpy()
    chain = Fitting(
        InMemory(profiles),
        read_steps([method]),
        References(profiles.metadata, control, np.ones(len(profiles), bool)),
    )
    return chain.names, np.concatenate([part.features for _, part in chain.normalized()])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("on", ["all", "controls"])
@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("standardize", {}),
        ("robustize", {}),
        ("mad_robustize", {}),
        ("mad_robustize", {"epsilon": 0.5}),
        *(("spherize", {"kind": kind}) for kind in ("ZCA", "ZCA-cor", "PCA", "PCA-cor")),
        ("spherize", {"kind": "ZCA", "center": "false"}),
        ("spherize", {"kind": "PCA", "epsilon": 0.1}),
    ],
)
def test_scaling_and_whitening_are_those_of_pycytominer(seed, on, method, options):
    from pycytominer import normalize

    profiles = drawn(seed)
    words = "".join(f",{name}={value}" for name, value in options.items())
    names, found = mapped(profiles, f"{method}:on={on},by=none{words}")
    theirs = {
        "kind": "spherize_method",
        "center": "spherize_center",
        "epsilon": f"{method}_epsilon",
    }
    given = {theirs[name]: value != "false" and value for name, value in options.items()}
    samples = "all" if on == "all" else "Metadata_control"
    expected = normalize(as_pandas(profiles), method=method, samples=samples, **given)
    expected = expected.drop(columns=profiles.metadata.columns)
    assert names == tuple(expected.columns)
    expected = expected.to_numpy()
    if options.get("kind", "").startswith("PCA"):
        found = found * np.sign((found * expected).sum(axis=0))
    assert found == pytest.approx(expected, abs=1e-8, rel=1e-8)


def test_fewer_rows_than_features_are_whitened_as_in_pycytominer_if_asked():
    from pycytominer import normalize

    profiles = drawn(0, rows=15)
    _, found = mapped(profiles, "spherize:kind=ZCA,on=all,shrinkage=none")
    expected = normalize(as_pandas(profiles), method="spherize", spherize_method="ZCA")
    expected = expected.drop(columns=profiles.metadata.columns).to_numpy()
    # directions in which no row varies are of no use to these rows, and of any rotation
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("method", "theirs"),
    [
        ("variance_threshold:cutoff=3", {"min_variance": 3.0}),
        ("frequency_threshold", {}),
        ("correlation_threshold:threshold=0.3", {"corr_threshold": 0.3}),
        ("correlation_threshold", {}),
        ("drop_na_columns", {}),
        ("drop_na_columns:cutoff=0", {"na_cutoff": 0.0}),
        ("drop_outliers:cutoff=10", {"outlier_cutoff": 10.0}),
    ],
)
def test_features_that_stay_are_those_of_pycytominer(seed, method, theirs):
    from pycytominer import feature_select

    profiles = drawn(seed)
    x = profiles.features
    x[:, 1] = np.arange(len(x)) % 2
    x[:, 2] = np.arange(len(x)) < 3
    x[:, 4] = x[:, 3] + 0.1 * x[:, 5]
    operation = method.partition(":")[0]
    if operation == "drop_na_columns":
        x[0, 7], x[:9, 8] = np.nan, np.nan
    names, _ = mapped(profiles, method)
    expected = feature_select(as_pandas(profiles), operation=operation, **theirs)
    assert names == tuple(name for name in expected.columns if name.startswith("Cells_"))


@pytest.mark.parametrize("average", ["mean", "median"])
def test_averages_are_those_of_pycytominer(average):
    from pycytominer import aggregate

    profiles = drawn(0)
    profiles.features[3, 2] = np.nan
    taken = Aggregation(profiles.metadata, ["Metadata_group"], average)
    for rows in np.array_split(np.arange(len(profiles)), 4):
        taken.add(rows, profiles.select(rows))
    found = taken.profiles(profiles.names)
    expected = aggregate(as_pandas(profiles), ["Metadata_group"], operation=average)
    assert found.metadata["Metadata_group"].to_list() == list(expected["Metadata_group"])
    assert found.features == pytest.approx(expected[list(profiles.names)].to_numpy())
