"""All further metrics on tables of profiles: structure, no structure, order, bad input."""

import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from jumpduck.errors import ProfileError, QueryError
from jumpduck.evaluation.pair_tables import read_pairs
from jumpduck.evaluation.registry import METRICS, measure
from jumpduck.evaluation.subject import Keys, Subject
from jumpduck.profile_tables.profiles import Profiles

KEYS = Keys(label="moa", compound="compound", treatments=("compound",), batch="plate", target="x")

QUICK = [
    "nsc_mcc", "pr_auc", "pr_auc_macro", "precision_at_r", "precision_at_r_macro",
    "percent_replicating", "percent_matching", "replicate_correlation",
    "replicate_rank_correlation", "known_pairs", "batch_rejection", "silhouette_batch",
    "silhouette_label",
]  # fmt: skip
FITTED = ["classifier_top1", "classifier_top2", "classifier_top3", "classifier_mcc", "r2_ridge"]


def table(seed=0, of_label=1.0, of_compound=1.0, of_plate=0.0, compounds=48, wells=4):
    """Get profiles of 6 labels of as many compounds each, on 4 plates, one well on each."""
    draw = np.random.default_rng(seed)
    compound = np.repeat(np.arange(compounds), wells)
    label, plate = compound % 6, np.tile(np.arange(wells), compounds)
    features = (
        of_label * draw.normal(size=(6, 30))[label]
        + of_compound * draw.normal(size=(compounds, 30))[compound]
        + of_plate * draw.normal(size=(wells, 30))[plate]
        + draw.normal(size=(len(compound), 30))
    )
    metadata = pl.DataFrame({
        "moa": [f"moa {one}" for one in label],
        "compound": [f"c{one}" for one in compound],
        "plate": [f"p{one}" for one in plate],
        "Metadata_Well": [f"A{one:02d}" for one in compound],
        "x": features[:, 0] + draw.normal(size=len(label)),
    })  # fmt: skip
    return Profiles(metadata, features, tuple(f"f{one}" for one in range(30)))


def values(profiles, names, **options):
    keys = options.pop("keys", KEYS)
    return {one.metric: one for one in measure(Subject.of(profiles, keys, **options), names)}


def test_structure_is_above_chance_and_its_interval():
    found = values(table(of_label=2.0), QUICK)
    apart = {"silhouette_batch", "batch_rejection"}
    for name, one in found.items():
        assert one.low <= one.value <= one.high, name
        assert one.n > 0
        assert (one.low <= one.chance) == (name in apart), name


def test_batches_that_are_apart_are_told():
    mixed, apart = (
        values(table(of_plate=size), ["batch_rejection", "silhouette_batch"]) for size in (0, 9)
    )
    assert mixed["batch_rejection"].value <= mixed["batch_rejection"].chance + 0.02
    assert apart["batch_rejection"].value == 1
    assert apart["batch_rejection"].chance < 0.2
    assert mixed["silhouette_batch"].value < 0.01
    assert apart["silhouette_batch"].value > 0.8


@pytest.mark.slow
def test_without_structure_values_are_those_of_chance():
    # wells of a compound are alike, which must not count for the labels
    names = [one for one in QUICK if "repl" not in one and one != "percent_matching"]
    above, missed = {name: [] for name in names}, dict.fromkeys(names, 0)
    for seed in range(16):
        for name, one in values(table(seed, of_label=0.0), names).items():
            above[name].append(one.value - one.chance)
            missed[name] += not one.low - 1e-9 <= one.chance <= one.high + 1e-9
    for name, differences in above.items():
        error = np.std(differences, ddof=1) / 4
        assert abs(np.mean(differences)) < 3 * error + 1e-3, name
    for name in ("known_pairs", "batch_rejection", "silhouette_batch", "silhouette_label"):
        assert missed[name] <= 4, missed


def test_labels_of_compounds_that_have_nothing_in_common_match_as_chance_says():
    draw = np.random.default_rng(3)
    profiles = table(of_label=0.0, compounds=400, wells=1)
    moa = pl.Series([f"moa {one}" for one in draw.permutation(np.arange(400) // 2)])
    shuffled = replace(profiles, metadata=profiles.metadata.with_columns(moa=moa))
    found = values(shuffled, ["percent_matching"])["percent_matching"]
    assert (found.n, found.chance) == (200, pytest.approx(0.05))
    assert found.low <= found.chance <= found.high


@pytest.mark.slow
def test_wells_of_no_compound_replicate_as_chance_says():
    shuffled = table(of_compound=0.0, of_label=0.0, compounds=150)
    names = ["percent_replicating", "replicate_correlation", "replicate_rank_correlation"]
    for name, one in values(shuffled, names).items():
        assert one.low <= one.chance <= one.high, name


@pytest.mark.slow
def test_order_of_rows_plates_and_features_changes_nothing():
    profiles = table(wells=3, compounds=24)
    rows = np.random.default_rng(5).permutation(len(profiles))
    columns = np.random.default_rng(6).permutation(30)
    moved = profiles.select(rows)
    names = [*QUICK, "outliers"]
    first, second = values(profiles, names), values(moved, names)
    for name in names:
        one, other = first[name], second[name]
        assert (one.value, one.n, one.chance, one.low, one.high) == pytest.approx(
            (other.value, other.n, other.chance, other.low, other.high), abs=1e-9, nan_ok=True
        ), name
        assert one.excluded == other.excluded
    other = profiles.with_features(
        profiles.features[:, columns], [profiles.names[one] for one in columns]
    )
    for name, one in values(other, ["pr_auc", "percent_matching", "silhouette_label"]).items():
        assert one.value == pytest.approx(first[name].value, abs=1e-9), name


def test_singletons_are_missing_and_counted():
    profiles = table(wells=3, compounds=24)
    plus = table(seed=9, wells=1, compounds=1)
    names = ["c_alone", "moa alone"]
    alone = plus.metadata.with_columns(compound=pl.lit(names[0]), moa=pl.lit(names[1]))
    both = replace(
        profiles,
        metadata=pl.concat([profiles.metadata, alone]),
        features=np.vstack([profiles.features, plus.features]),
    )
    found = values(both, ["percent_replicating", "percent_matching", "pr_auc", "silhouette_label"])
    assert found["percent_replicating"].n == 24
    assert found["percent_matching"].n == 6
    assert found["pr_auc"].n == 24
    assert found["silhouette_label"].n == 72
    assert [one.excluded for one in found.values()] == [
        {"groups with one member": 1},
        {"groups with one member": 1},
        {"no allowed neighbour has the label": 1},
        {"alone in their group": 1},
    ]


def test_pairs_of_a_table_are_those_of_the_label_they_are_made_of(tmp_path):
    profiles = table(wells=3, compounds=24)
    of_label = profiles.metadata.select("compound", "moa").unique()
    pairs = of_label.join(of_label, on="moa").select("compound", other="compound_right")
    more = pl.DataFrame({"compound": ["c1", "??"], "other": ["nobody", "c2"]})
    pl.concat([pairs, more]).write_csv(tmp_path / "pairs.csv")
    one = values(profiles, ["known_pairs"], top_percent=5)["known_pairs"]
    given = {"pairs": read_pairs(tmp_path / "pairs.csv"), "top_percent": 5}
    other = values(profiles, ["known_pairs"], **given)["known_pairs"]
    assert (one.value, one.low, one.more["p"]) == (other.value, other.low, other.more["p"])
    assert other.more["pairs_without_profiles"] == 2


def test_a_table_of_pairs_that_cannot_be_used_is_named(tmp_path):
    with pytest.raises(ProfileError, match=r"pairs .*none\.csv is not a file"):
        read_pairs(tmp_path / "none.csv")
    (tmp_path / "one.csv").write_text("a\nb\n")
    with pytest.raises(ProfileError, match=r"one\.csv has 1 columns \(a\)"):
        read_pairs(tmp_path / "one.csv")
    (tmp_path / "no.parquet").write_text("a\nb\n")
    with pytest.raises(ProfileError, match=r"no\.parquet cannot be read"):
        read_pairs(tmp_path / "no.parquet")


def test_one_far_profile_is_the_only_outlier():
    profiles = table(of_label=0.0, of_compound=0.0)
    profiles.features[17] += 100
    found = values(profiles, ["outliers"], distance="euclidean")["outliers"]
    assert found.value == 1 / len(profiles)
    far = found.queries.filter(pl.col("z") >= 5)
    assert far["compound"].to_list() == [profiles.metadata["compound"][17]]


def test_tables_of_groups_say_what_the_value_is_made_of():
    found = values(table(wells=3, compounds=24), ["percent_replicating", "nsc_mcc", "pr_auc"])
    replicating = found["percent_replicating"]
    assert replicating.groups["above"].mean() == replicating.value
    assert replicating.groups.columns[0] == "compound"
    assert found["nsc_mcc"].groups["n"].sum() == 24
    assert found["pr_auc"].groups["k"].to_list() == [1, *range(3, 24, 2)]


@pytest.mark.parametrize(
    ("metric", "columns", "said"),
    [
        ("percent_matching", {"compound": "c"}, "the 1 profiles are of one group"),
        ("silhouette_batch", {"plate": "p"}, "all 24 profiles have one batch"),
        ("silhouette_label", {"moa": "m"}, "all 24 profiles have one label"),
        ("known_pairs", {"moa": "m"}, "of 28 pairs of profiles are known"),
    ],
)
def test_tables_that_say_nothing_are_refused(metric, columns, said):
    profiles = table(wells=3, compounds=8)
    metadata = profiles.metadata.with_columns(
        **{name: pl.lit(one) for name, one in columns.items()}
    )
    if "compound" in columns:
        metadata = metadata.with_columns(moa=pl.lit("m"))
    with pytest.raises(ProfileError, match=said):
        values(replace(profiles, metadata=metadata), [metric])


def test_what_was_not_given_is_asked_for():
    profiles = table(wells=3, compounds=8)
    for metric, keys, said in (
        ("percent_matching", Keys(label="moa"), "compound is needed"),
        ("percent_replicating", Keys(label="moa"), "treatments is needed"),
        ("batch_rejection", Keys(label="moa"), "batch is needed"),
        ("classifier_top1", Keys(label="moa"), "fold_by is needed"),
        ("r2_ols", Keys(compound="compound"), "target is needed"),
        ("r2_ols", Keys(compound="compound", target="moa"), "'moa' is not a column of numbers"),
    ):
        with pytest.raises(QueryError, match=f"{said}.*metric {metric}"):
            values(profiles, [metric], keys=keys)


@pytest.mark.slow
def test_classifier_and_regression_tell_structure_and_nothing_else():
    found = values(table(of_label=2.0), FITTED)
    for name, one in found.items():
        assert one.chance < one.low <= one.value <= one.high, name
    missed = dict.fromkeys(FITTED, 0)
    for seed in range(5):
        profiles = table(seed, of_label=0.0)
        draw = np.random.default_rng(seed)
        metadata = profiles.metadata.with_columns(x=pl.Series(draw.normal(size=len(profiles))))
        for name, one in values(replace(profiles, metadata=metadata), FITTED).items():
            missed[name] += one.low > one.chance
    assert max(missed.values()) <= 1, missed


@pytest.mark.slow
def test_folds_do_not_depend_on_the_order_of_rows():
    profiles = table()
    moved = profiles.select(np.random.default_rng(5).permutation(len(profiles)))
    first, second = values(profiles, FITTED), values(moved, FITTED)
    for name in FITTED:
        assert (first[name].value, first[name].high) == pytest.approx(
            (second[name].value, second[name].high)
        )


def test_the_command_line_names_all_metrics():
    from jumpduck.cli.evaluate import evaluate

    words = set(re.findall(r"\w+", evaluate.__doc__))
    assert {name for name in METRICS if not name.endswith("_macro")} <= words


def test_libraries_that_are_not_installed_are_named(monkeypatch):
    monkeypatch.setattr("jumpduck.evaluation.extra.find_spec", lambda name: None)
    for metric in ("known_pairs", "batch_rejection", "classifier_mcc", "r2_ridge"):
        with pytest.raises(QueryError, match=r"scikit-learn and scipy.*jumpduck\[evaluation\]"):
            values(table(wells=3, compounds=8), [metric])
