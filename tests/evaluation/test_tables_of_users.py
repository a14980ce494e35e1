"""What tables of users have: other columns, other orders, extreme values, missing labels."""

import numpy as np
import polars as pl
import polars.selectors as cs
import pytest

import jumpduck
from jumpduck.errors import ProfileError, QueryError
from jumpduck.evaluation.exclusions import Exclusions
from jumpduck.evaluation.neighbours import nearest
from jumpduck.evaluation.similarities import Similarities
from jumpduck.evaluation.subject import Keys, Subject
from jumpduck.profile_tables.profiles import Profiles
from tests.support.screens import KEYS, a_screen

DRAWN = ["nsc", "percent_matching", "classifier_top1", "batch_rejection", "silhouette_batch"]


def evaluated(frame, folder, metrics, **options):
    frame.write_parquet(folder / "profiles.parquet")
    options = {"resamples": 50, "nulls": 100, "folds": 2, **KEYS, **options}
    return jumpduck.evaluate(folder / "profiles.parquet", metrics, **options)


@pytest.mark.slow
def test_other_columns_and_the_order_of_columns_change_nothing_that_is_drawn(tmp_path):
    screen = a_screen()
    others = [
        screen.with_columns(Metadata_Site=pl.int_range(pl.len())),
        screen.select(screen.columns[::-1]).reverse(),
    ]
    expected, *found = (evaluated(one, tmp_path, DRAWN).metrics for one in (screen, *others))
    for one in found:
        assert one.equals(expected)


@pytest.mark.slow
def test_names_of_labels_change_no_value(tmp_path):
    screen = a_screen()
    renamed = screen.with_columns(
        Metadata_moa=pl.col("Metadata_moa").replace_strict(
            {f"moa {at}": name for at, name in enumerate("zxya")}
        )
    )
    expected, found = (
        evaluated(one, tmp_path, DRAWN).metrics.select("value", "chance")
        for one in (screen, renamed)
    )
    assert found.equals(expected)


def test_one_large_profile_does_not_make_the_others_equal():
    rng = np.random.default_rng(0)
    profiles = rng.normal(size=(60, 5))
    profiles[0] *= 1e7
    found = nearest(Similarities.of(profiles, "euclidean"), Exclusions()).rows[1:, 0]
    distances = ((profiles[1:, None] - profiles[1:]) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (found == distances.argmin(axis=1) + 1).all()


def test_a_constant_feature_of_many_rows_is_0_when_standardized():
    rows = 30_000  # the mean of as many 0.1 differs from 0.1 by more than a rounding
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.normal(size=rows), np.full(rows, 0.1)])
    subject = Subject.of(Profiles(pl.DataFrame(), values, ("f", "g")), Keys(), standardize=True)
    assert (subject.profiles.features[:, 1] == 0).all()


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_values_whose_squares_are_infinite_or_0_are_refused(tmp_path, scale):
    at = pl.int_range(pl.len()) == 4
    frame = a_screen().with_columns(pl.when(at).then(cs.float() * scale).otherwise(cs.float()))
    with pytest.raises(ProfileError, match="1 profiles are too large or too small"):
        evaluated(frame, tmp_path, ["nsp"])


@pytest.mark.parametrize("missing", [float("nan"), "", " "])
def test_a_label_that_is_no_number_or_no_text_is_missing(tmp_path, missing):
    known = pl.col("Metadata_moa").str.slice(4)
    known = known.cast(pl.Float64) if isinstance(missing, float) else known
    none = pl.col("Metadata_moa") == "moa 1"
    frame = a_screen().with_columns(
        Metadata_moa=pl.when(none).then(pl.lit(missing)).otherwise(known)
    )
    for metric, rows in (("nsp", 54), ("nsc", 18)):
        row = evaluated(frame, tmp_path, metric).metrics.row(0, named=True)
        assert (row["n"], row["why_excluded"]) == (rows, "without Metadata_moa: 18")


def test_lists_are_no_labels(tmp_path):
    frame = a_screen().with_columns(Metadata_moa=pl.concat_list("Metadata_moa", "Metadata_Week"))
    with pytest.raises(QueryError, match=r"label 'Metadata_moa' has several values a row"):
        evaluated(frame, tmp_path, ["nsc"])


@pytest.mark.parametrize("name", ["distance", "metric", "chance", "profiles", "n"])
def test_a_key_with_the_name_of_a_result_is_refused_and_another_column_is_not(tmp_path, name):
    named = {"label": name, "features": ["Cells_*"]}
    with pytest.raises(QueryError, match=f"label '{name}' has the name of a column of results"):
        evaluated(a_screen().rename({"Metadata_moa": name}), tmp_path, ["nsc"], **named)
    other = a_screen().with_columns(pl.lit("x").alias(name))
    found = evaluated(other, tmp_path, ["outliers", "nsc", "map"], features=["Cells_*"])
    assert found.metrics.height == 3


def test_names_with_spaces_and_quotes_are_names(tmp_path):
    name = """the "moa", it's"""
    frame = a_screen().rename({"Metadata_moa": name})
    options = {"label": name, "features": ["Cells_*"], "where": '"the ""moa"", it\'s" <> \'x\''}
    expected = evaluated(a_screen(), tmp_path, ["nsc", "map", "nsc_mcc"]).metrics
    assert evaluated(frame, tmp_path, ["nsc", "map", "nsc_mcc"], **options).metrics.equals(expected)


def test_what_cannot_be_measured_is_named(tmp_path):
    one_week = a_screen().with_columns(Metadata_Week=pl.lit("week 1"))
    with pytest.raises(ProfileError, match="silhouette_batch: all 72 profiles have one batch"):
        evaluated(one_week, tmp_path, ["nsp", "silhouette_batch"])
    few = a_screen().head(3)
    with pytest.raises(ProfileError, match="pr_auc: a profile has 2 allowed neighbours"):
        evaluated(few, tmp_path, ["pr_auc"], label=None)
