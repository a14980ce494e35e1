"""Metrics of a whole table of profiles: their rules, chance, intervals, and what is left out."""

import numpy as np
import polars as pl
import polars.selectors as cs
import pytest
from polars.testing import assert_frame_equal

import jumpduck
from jumpduck.errors import ProfileError, QueryError
from jumpduck.evaluation.measured import interval
from jumpduck.evaluation.registry import METRICS
from tests.support.screens import KEYS, a_screen, with_shuffled_labels

TREATMENT = KEYS["treatments"]
OWN = [
    "pert_acc", "nsb", "nsp", "nsp_position", "nsbp", "nsbp_position", "nsc", "nscb", "map",
    "replicate_map",
]  # fmt: skip


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    path = tmp_path_factory.mktemp("screen") / "profiles.parquet"
    a_screen().write_parquet(path)
    return path


def evaluated(path, metrics, **options):
    options = {"resamples": 50, "nulls": 200, **KEYS, **options}
    return jumpduck.evaluate([path], metrics, **options)


def saved(frame, folder, name="other.parquet"):
    frame.write_parquet(folder / name)
    return folder / name


def by_brute_force(rows, features, label, may, keep=None):
    """Accuracy of the nearest allowed neighbour, its chance, and how many queries there are."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    kept = [at for at in range(len(rows)) if keep is None or keep(rows[at])]
    right, chances = [], []
    for query in kept:
        allowed = [at for at in kept if at != query and may(rows[query], rows[at])]
        same = [at for at in allowed if label(rows[at]) == label(rows[query])]
        if not same:
            continue
        best = max(allowed, key=lambda at: unit[query] @ unit[at])
        right.append(label(rows[best]) == label(rows[query]))
        chances.append(len(same) / len(allowed))
    return np.mean(right), np.mean(chances), len(right)


def treated(row):
    return tuple(row[name] for name in TREATMENT)


def moa(row):
    return row["Metadata_moa"]


def week(row):
    return row["Metadata_Week"]


def well(row):
    return row["Metadata_Well"]


OF_WELLS = {
    "pert_acc": (treated, lambda a, b: True),
    "nsb": (treated, lambda a, b: not (week(a) == week(b) and treated(a) == treated(b))),
    "nsp": (moa, lambda a, b: treated(a) != treated(b)),
    "nsp_position": (moa, lambda a, b: well(a) != well(b)),
    "nsbp": (
        moa,
        lambda a, b: treated(a) != treated(b) and not (week(a) == week(b) and moa(a) == moa(b)),
    ),
    "nsbp_position": (
        moa,
        lambda a, b: well(a) != well(b) and not (week(a) == week(b) and moa(a) == moa(b)),
    ),
}


@pytest.mark.parametrize("metric", OF_WELLS)
def test_the_accuracy_of_wells_is_that_of_brute_force(screen, metric):
    frame = pl.read_parquet(screen)
    label, may = OF_WELLS[metric]
    features = frame.select(cs.starts_with("Cells_")).to_numpy()
    value, chance, n = by_brute_force(frame.to_dicts(), features, label, may)
    found = evaluated(screen, [metric]).metrics.row(0, named=True)
    assert (found["value"], found["n"]) == (pytest.approx(value), n)
    assert found["chance"] == pytest.approx(chance)


def treatments_of(frame, statistic=np.mean):
    """One row a treatment: its profile, and the weeks of its wells."""
    rows, values = [], []
    for _, own in frame.sort("Metadata_Week").group_by(TREATMENT, maintain_order=True):
        rows.append({**own.row(0, named=True), "weeks": {*own["Metadata_Week"]}})
        values.append(statistic(own.select(cs.starts_with("Cells_")).to_numpy(), axis=0))
    return rows, np.array(values)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_nsc_and_nscb_are_those_of_brute_force(screen, statistic):
    frame = pl.read_parquet(screen)
    rows, values = treatments_of(frame, getattr(np, statistic))

    def other_compound(a, b):
        return a["Metadata_Compound"] != b["Metadata_Compound"]

    def other_week(a, b):
        return other_compound(a, b) and not a["weeks"] & b["weeks"]

    of_moa = {moa(one): [row for row in rows if moa(row) == moa(one)] for one in rows}
    apart = {
        label: any(not a["weeks"] & b["weeks"] for a in some for b in some)
        for label, some in of_moa.items()
    }
    nsc = by_brute_force(rows, values, moa, other_compound)
    nscb = by_brute_force(rows, values, moa, other_week, lambda row: apart[moa(row)])
    assert 0 < nscb[2] < nsc[2]  # so that the test sees what is left out
    found = evaluated(screen, ["nsc", "nscb"], average=statistic).metrics
    for row, (value, chance, n) in zip(found.to_dicts(), (nsc, nscb), strict=True):
        assert (row["value"], row["n"]) == (pytest.approx(value), n)
        assert row["chance"] == pytest.approx(chance)
        assert row["n"] + row["excluded"] == len(rows)


def test_what_is_excluded_is_never_a_neighbour(screen):
    queries = evaluated(screen, ["nsp", "nsp_position", "nsc", "nscb"]).queries
    column = pl.col("Metadata_Compound"), pl.col("neighbour_Metadata_Compound")
    of = {name: queries.filter(pl.col("metric") == name) for name in queries["metric"].unique()}
    for name in ("nsc", "nscb"):
        assert of[name].height
        assert of[name].filter(column[0] == column[1]).is_empty()
    weeks = of["nscb"].select(pl.col("^.*Metadata_Week$").str.split(", ")).rows()
    assert all(not {*own} & {*others} for own, others in weeks)
    same = pl.col("Metadata_Well") == pl.col("neighbour_Metadata_Well")
    assert of["nsp_position"].filter(same).is_empty()


def test_a_label_in_one_batch_only_is_neither_query_nor_neighbour_of_nscb(tmp_path):
    # the other labels have a compound in each of three weeks
    number = pl.col("Metadata_Compound").str.slice(-1)
    frame = a_screen().with_columns(
        Metadata_Week=pl.when(pl.col("Metadata_moa") == "moa 1")
        .then(pl.lit("week0"))
        .otherwise(pl.concat_str(pl.lit("week"), number))
    )
    found = evaluated(saved(frame, tmp_path), ["nsc", "nscb"])
    nsc, nscb = (found.queries.filter(pl.col("metric") == one) for one in ("nsc", "nscb"))
    assert "moa 1" in nsc["Metadata_moa"]
    assert "moa 1" not in {*nscb["Metadata_moa"], *nscb["neighbour_Metadata_moa"]}
    assert found.measured[str(tmp_path / "other.parquet")][1].excluded == {
        "of a label in one batch only": 6
    }


def test_labels_that_are_all_in_one_batch_are_said_to_be_so(tmp_path):
    frame = a_screen().with_columns(Metadata_Week="Metadata_moa")
    with pytest.raises(ProfileError, match="each Metadata_moa is in one Metadata_Week only"):
        evaluated(saved(frame, tmp_path), ["nscb"])


def test_what_has_no_partner_is_missing_and_not_wrong(tmp_path):
    alone = a_screen(labels=1, compounds=1, doses=1, replicates=1).with_columns(
        Metadata_moa=pl.lit("alone"), Metadata_Compound=pl.lit("alone"),
        Metadata_Well=pl.lit("Z99"),
    )  # fmt: skip
    unlabelled = a_screen(seed=9).head(5).with_columns(
        Metadata_moa=pl.lit(None), Metadata_Compound=pl.lit("unlabelled")
    )  # fmt: skip
    screen = a_screen()
    path = saved(pl.concat([screen, alone, unlabelled]), tmp_path)
    found = evaluated(path, ["nsc", "map", "replicate_map"])
    nsc, by_label, by_treatment = found.measured[str(path)]
    assert (nsc.n, by_label.n) == (24, 24)
    no_label = {"without Metadata_moa": 5}
    assert nsc.excluded == {**no_label, "no allowed neighbour has the label": 1}
    assert by_label.excluded == {**no_label, "without a positive pair": 1}
    assert by_treatment.excluded == {"without a positive pair": 1}
    assert "alone" not in found.queries["Metadata_moa"]


@pytest.mark.slow
def test_the_order_of_rows_plates_and_files_changes_nothing(screen, tmp_path):
    frame = pl.read_parquet(screen)
    expected = evaluated(screen, OWN)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=1)
    for other in (shuffled, frame.reverse(), frame.sort("Metadata_Plate", descending=True)):
        found = evaluated(saved(other, tmp_path), OWN)
        for name in ("metrics", "queries", "groups"):
            own, theirs = (getattr(one, name).drop("profiles") for one in (expected, found))
            assert own.equals(theirs), name


def test_equally_near_neighbours_do_not_depend_on_the_order_of_rows(tmp_path):
    frame = a_screen().with_columns(cs.starts_with("Cells_").sign())
    expected = evaluated(saved(frame, tmp_path), OWN).queries.drop("profiles")
    found = evaluated(saved(frame.reverse(), tmp_path, "reverse.parquet"), OWN)
    assert found.queries.drop("profiles").equals(expected)


def test_a_further_column_changes_nothing(screen, tmp_path):
    other = pl.read_parquet(screen).with_columns(Metadata_More=pl.lit("x"))
    expected, found = (
        evaluated(path, OWN).metrics.drop("profiles") for path in (screen, saved(other, tmp_path))
    )
    assert_frame_equal(expected, found, rel_tol=1e-12)


def test_the_seed_decides_the_interval_and_nothing_else(screen):
    one, same, other = (evaluated(screen, ["pert_acc"], seed=seed).metrics for seed in (0, 0, 1))
    assert one.equals(same)
    assert one.drop("low", "high").equals(other.drop("low", "high"))
    assert not one.select("low", "high").equals(other.select("low", "high"))


@pytest.mark.slow
def test_shuffled_labels_give_chance_within_its_interval(tmp_path):
    """The whole chain does not leak: nothing but the label can make a neighbour right."""
    screen = a_screen(labels=6, compounds=8, doses=2, replicates=2, signal=3.0)
    metrics = ["nsp", "nsbp", "nsc", "nscb", "map"]
    rounds = 40
    # the doses and replicates of a compound move together: NSP sees the other dose
    rows = [
        evaluated(
            saved(with_shuffled_labels(screen, seed), tmp_path), metrics,
            treatments=["Metadata_Compound"], resamples=200,
        ).metrics
        for seed in range(rounds)
    ]  # fmt: skip
    found = pl.concat(rows).with_columns(
        beyond=pl.col("value") - pl.col("chance"),
        inside=pl.col("chance").is_between("low", "high"),
    )
    for metric in metrics:
        own = found.filter(pl.col("metric") == metric)
        error = own["beyond"].std() / rounds**0.5
        assert abs(own["beyond"].mean()) <= 3 * error + 0.005, metric
        assert own["inside"].mean() >= 0.7, metric
    real = evaluated(saved(screen, tmp_path), metrics, treatments=["Metadata_Compound"]).metrics
    assert (real["low"] > real["chance"]).all()


def test_profiles_without_information_are_as_good_as_chance(tmp_path):
    screen = a_screen(labels=6, compounds=6, signal=0.0, seed=3)
    for row in evaluated(saved(screen, tmp_path), OWN, resamples=400).metrics.to_dicts():
        assert row["low"] <= row["chance"] <= row["high"], row


def test_the_interval_of_one_group_is_unknown_and_that_of_equal_groups_has_no_width():
    values = np.array([0.0, 1, 0, 1])
    assert interval(values, np.zeros(4, np.intp)) == (None, None)
    assert interval(values, np.array([0, 0, 1, 1])) == (0.5, 0.5)
    assert interval(values, np.array([0, 1, 0, 1])) == (0.0, 1.0)
    # quantiles 0.975 and 0.025 of the beta distributions of 1 and 4, and of 4 and 1
    groups = np.arange(4)
    assert interval(np.zeros(4), groups) == (0.0, pytest.approx(0.6023646356))
    assert interval(np.ones(4), groups) == (pytest.approx(0.3976353644), 1.0)


def test_the_interval_is_over_groups_and_not_over_rows():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 50)
    values = np.repeat(rng.random(20), 50)
    by_group, by_row = interval(values, groups), interval(values, np.arange(1000))
    assert by_group[1] - by_group[0] > 4 * (by_row[1] - by_row[0])


def test_pairs_of_map_can_be_named(screen):
    expected = evaluated(screen, ["replicate_map"]).metrics.row(0, named=True)
    found = jumpduck.evaluate(
        [screen], ["map"], pos_sameby=TREATMENT, resamples=50, nulls=200
    ).metrics.row(0, named=True)  # fmt: skip
    assert found["value"] == expected["value"]
    across = jumpduck.evaluate(
        [screen], ["map"], pos_sameby=TREATMENT, pos_diffby=["Metadata_Plate"],
        neg_diffby=["Metadata_moa"], neg_sameby=["Metadata_Week"], resamples=50, nulls=200,
    )  # fmt: skip
    assert across.queries["pairs"].max() < expected["n"] - 1


def test_standardized_profiles_do_not_depend_on_scale_and_offset(screen, tmp_path):
    frame = pl.read_parquet(screen)
    names = frame.select(cs.starts_with("Cells_")).columns
    moved = frame.with_columns(
        [pl.col(name) * (at + 1) + 10 * at for at, name in enumerate(names)]
        + [pl.lit(7.0).alias("Cells_Constant")]
    )
    expected, found = (
        evaluated(path, ["nsp"], standardize=True).metrics["value"].item()
        for path in (screen, saved(moved, tmp_path))
    )
    assert found == expected


def test_several_tables_are_compared_in_one(screen, tmp_path):
    frame = pl.read_parquet(screen)
    noise = frame.select(~cs.starts_with("Cells_")).with_columns(
        pl.Series(f"emb{at}", np.random.default_rng(at).normal(size=frame.height))
        for at in range(5)
    )
    other = saved(noise, tmp_path)
    found = jumpduck.evaluate([screen, other], ["nsc", "map"], **KEYS, nulls=100).metrics
    assert found["profiles"].to_list() == [str(screen)] * 2 + [str(other)] * 2
    better, worse = found.filter(pl.col("metric") == "map")["value"]
    assert better > worse


def a_flaw(screen, flaw):
    at = pl.int_range(pl.len())
    column = pl.col("Cells_Feature_1")
    return {
        "nan": screen.with_columns(pl.when(at == 4).then(float("nan")).otherwise(column)
                                   .alias("Cells_Feature_1")),
        "infinity": screen.with_columns(pl.when(at == 4).then(float("inf")).otherwise(column)
                                        .alias("Cells_Feature_1")),
        "null": screen.with_columns(pl.when(at != 4).then(column).alias("Cells_Feature_1")),
        "twice": pl.concat([screen, screen[[7]]]),
        "zero": screen.with_columns(
            pl.when(at == 4).then(0.0).otherwise(pl.col(name)).alias(name)
            for name in screen.columns if name.startswith("Cells_")
        ),
        "two labels": screen.with_columns(pl.when(at == 0).then(pl.lit("other"))
                                          .otherwise("Metadata_moa").alias("Metadata_moa")),
        "labels seen once": screen.with_columns(Metadata_moa="Metadata_Compound"),
        "no labels": screen.with_columns(Metadata_moa=pl.lit(None, pl.String)),
    }[flaw]  # fmt: skip


@pytest.mark.parametrize(
    ("flaw", "said"),
    [
        ("nan", "'Cells_Feature_1' is missing (NaN) in row 5 (week0_1/A02)"),
        ("infinity", "'Cells_Feature_1' is infinite in row 5 (week0_1/A02)"),
        ("null", "'Cells_Feature_1' is missing (NaN) in row 5 (week0_1/A02)"),
        ("twice", "rows 8 and 73 are the same"),
        ("zero", "1 profiles are 0 everywhere"),
        ("two labels", "has several values of Metadata_moa: moa 0, other"),
        ("labels seen once", "no profile has an allowed neighbour with its label"),
        ("no labels", "no row has a value in each of Metadata_Compound, Metadata_Concentration"),
    ],
)
def test_profiles_that_cannot_be_evaluated_are_said_to_be_so(tmp_path, flaw, said):
    metrics = ["nsp"] if flaw == "zero" else ["nsc"]
    with pytest.raises(ProfileError) as raised:
        evaluated(saved(a_flaw(a_screen(), flaw), tmp_path), metrics)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"label": "Metadata_MOA"}, "label 'Metadata_MOA' is not a column"),
        ({"batch": "Cells_Feature_1"}, "batch 'Cells_Feature_1' is a feature"),
        ({"label": None}, "label is needed"),
        ({"metrics": ["nscc"]}, "metric 'nscc' is not one of"),
        ({"metrics": []}, "metrics is empty"),
        ({"distance": "manhattan"}, "distance 'manhattan' is not one of cosine"),
        ({"average": "mode"}, "average 'mode' is neither"),
        ({"resamples": 0}, "resamples 0 is less than 1"),
        ({"where": "Metadata_moa <"}, "where"),
    ],
)
def test_wrong_words_are_said_to_be_so(screen, options, said):
    metrics = options.pop("metrics", ["nsc"])
    with pytest.raises(QueryError) as raised:
        evaluated(screen, metrics, **options)
    assert said in str(raised.value)


def test_a_column_may_be_of_any_type_and_a_key_may_not_be_called_as_a_result_is(tmp_path):
    frame = pl.read_parquet(saved(a_screen(), tmp_path))
    more = frame.with_columns(Metadata_time=pl.duration(seconds=pl.int_range(pl.len())))
    more.with_columns(metric=pl.lit("x")).write_parquet(tmp_path / "more.parquet")
    assert evaluated(tmp_path / "more.parquet", ["nsc"]).metrics["n"][0]
    with pytest.raises(QueryError, match="batch 'metric' has the name of a column of results"):
        evaluated(tmp_path / "more.parquet", ["nsc"], batch="metric")


def test_every_metric_has_the_name_of_its_function_and_a_sentence():
    assert {*OWN} <= {*METRICS}
    for name, metric in METRICS.items():
        assert metric.__name__ == name
        assert metric.__doc__.strip().splitlines()[0].endswith(".")
