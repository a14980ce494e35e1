"""The mathematics of each step: small cases by hand, published values, what must hold always."""

import csv

import numpy as np
import pytest

from jumpduck.errors import ProfileError
from jumpduck.normalization import filters
from jumpduck.normalization.cell_counts import CountScatter
from jumpduck.normalization.moments import Moments, Scatter
from jumpduck.normalization.quantiles import median_and_mad, quantiles
from jumpduck.normalization.scaling import mad_robustize, robustize, standardize, subtract_mean
from jumpduck.normalization.whitening import (
    KINDS,
    decomposed,
    oas_strength,
    typical_variation,
    whitening,
)
from tests.support.places import DATA

EXPECTED = DATA / "profiles/expected"


def column(*values):
    return np.array(values, float)[:, None]


def moments(*blocks):
    taken = Moments(blocks[0].shape[1])
    for block in blocks:
        taken.add(block)
    return taken


def scatter(*blocks):
    taken = Scatter(blocks[0].shape[1])
    for block in blocks:
        taken.add(block)
    return taken


def drawn(rows, features, seed=0, decay=1.0):
    """Rows of correlated features: variances fall off along directions that are drawn, too."""
    rng = np.random.default_rng(99)
    rotation, _ = np.linalg.qr(rng.normal(size=(features, features)))
    sizes = np.arange(1, features + 1.0) ** -decay
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, features)) * np.sqrt(sizes) @ rotation.T + 5


def published(name):
    rows = list(csv.reader((EXPECTED / name).read_text().splitlines()))
    features = [n for n, title in enumerate(rows[0]) if not title.startswith("Metadata_")]
    controls = np.array([row[rows[0].index("Metadata_moa")] == "DMSO" for row in rows[1:]])
    return np.array([[float(row[n]) for n in features] for row in rows[1:]]), controls


# small cases by hand


def test_standardize_takes_the_mean_away_and_divides_by_the_population_deviation():
    # mean 3, deviations -2 -1 0 3, squares 4 1 0 9: variance 14/4
    done = standardize(moments(column(1, 2), column(3, 6))).apply(column(3, 10))
    assert done[:, 0] == pytest.approx([0, 7 / np.sqrt(3.5)])


def test_robustize_takes_the_median_away_and_divides_by_the_distance_of_the_quartiles():
    # of 0 1 2 3 10: median 2, quartiles 1 and 3
    assert robustize(column(3, 0, 10, 1, 2)).apply(column(2, 5))[:, 0].tolist() == [0, 1.5]


def test_mad_robustize_divides_by_the_median_distance_from_the_median():
    # of 1 2 3 5 100: median 3, distances 2 1 0 2 97, of which the median is 2
    done = mad_robustize(column(100, 1, 2, 5, 3)).apply(column(3, 8))
    assert done[:, 0] == pytest.approx([0, 5 / (1.4826 * 2)])


def test_the_median_of_an_even_number_is_between_the_two_in_the_middle():
    middle, deviation = median_and_mad(column(4, 1, 3, 100))
    assert (middle[0], deviation[0]) == (3.5, 1.5)


def test_subtract_mean_takes_the_mean_away():
    assert subtract_mean(moments(column(1, 2, 6))).apply(column(4))[0, 0] == 1


def test_what_the_number_of_cells_explains_is_taken_away():
    # x = 2 count + 1, and 3 more in the last row; the line through the others is found exactly
    taken = CountScatter(1)
    taken.add(column(3, 5), np.array([1.0, 2.0]))
    taken.add(column(7), np.array([3.0]))
    assert taken.residuals().apply(column(9, 14), np.array([4.0, 5.0]))[:, 0] == pytest.approx(
        [0, 3]
    )


def test_spherize_of_two_independent_features_divides_each_by_its_deviation():
    # sample deviations: 2 of the first (0 and 4: sqrt(16 / 3)...), so 4 rows in a square
    square = np.array([[0.0, 0], [0, 2], [4, 0], [4, 2]])
    done = whitening(scatter(square), "ZCA", epsilon=0).apply(square)
    assert done == pytest.approx((square - [2, 1]) / [2 * np.sqrt(4 / 3), np.sqrt(4 / 3)])


def test_tvn_of_one_feature_is_its_formula():
    # controls -1 1 of one batch and -3 3 of another: variance 5, z = x / sqrt(5 + 1)
    maps = typical_variation({"a": scatter(column(-1, 1)), "b": scatter(column(-3, 3))})
    target = np.sqrt(5 / 6 + 1)
    for batch, variance in (("a", 1), ("b", 9)):
        own = 6 / np.sqrt(6) * target / np.sqrt(variance / 6 + 1)
        assert maps[batch].apply(column(6))[0, 0] == pytest.approx(own)


def test_a_variance_filter_wants_variance_among_treated_rows_and_among_controls():
    much, little = np.array([[0.0, 0, 0], [1, 1, 0]]), np.array([[0.0, 0, 0], [1, 0.001, 1]])
    kept = filters.varies_in_both(moments(much), moments(little))
    assert kept.tolist() == [True, False, False]


def test_variance_threshold_is_of_the_population_variance():
    # variance of 0 and 0.002 is 1e-6, which is not above 1e-6
    assert filters.above_variance(moments(np.array([[0, 0], [0.002, 0.0021]]))).tolist() == [
        False,
        True,
    ]


def test_of_a_correlated_pair_the_feature_goes_that_is_more_correlated_with_all():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 3))
    x[:, 1] = x[:, 0] + 0.1 * rng.normal(size=500)
    x[:, 2] = x[:, 1] + 0.6 * rng.normal(size=500)  # takes 1 with it, not 0
    assert filters.not_correlated(scatter(x)).tolist() == [True, False, True]


def test_a_feature_that_mostly_has_one_value_is_too_frequent():
    x = np.array([[0.0, n, n % 2] for n in range(100)])
    x[:3, 0] = [1, 2, 3]  # 1 to 97
    assert filters.not_too_frequent(x, unique_cut=0.03).tolist() == [False, True, False]


def test_features_that_are_missing_often_or_have_outliers_go():
    x = np.array([[np.nan, 1.0, 501], [1, 2, 0], [np.nan, 3, 0]])
    assert filters.rarely_missing(moments(x), 0.5).tolist() == [False, True, True]
    assert filters.without_outliers(x.min(axis=0), x.max(axis=0)).tolist() == [False, True, False]


# what must hold always


@pytest.mark.parametrize("kind", KINDS)
def test_the_covariance_of_what_was_whitened_is_the_identity(kind):
    x = drawn(400, 24)
    done = whitening(scatter(x[:100], x[100:]), kind, epsilon=0).apply(x)
    assert np.cov(done, rowvar=False) == pytest.approx(np.eye(24), abs=1e-8)
    assert done.mean(axis=0) == pytest.approx(np.zeros(24), abs=1e-8)


@pytest.mark.parametrize("kind", ["ZCA-cor", "PCA"])
@pytest.mark.parametrize("decay", [0, 1, 3])
@pytest.mark.parametrize("rows", [20, 60, 96])
def test_new_rows_have_a_spread_near_1_where_there_are_at_most_as_many_rows_as_features(
    kind, decay, rows
):
    made = whitening(scatter(drawn(rows, 96, decay=decay)), kind)
    assert "shrinkage" in made.facts
    assert 0.5 < made.apply(drawn(500, 96, seed=1, decay=decay)).std() < 2


def test_the_published_mode_does_not_keep_the_spread_of_new_rows():
    made = whitening(scatter(drawn(90, 96)), shrinkage="none")
    assert made.apply(drawn(500, 96, seed=1)).std() > 3


def test_shrinkage_is_that_of_the_formula():
    variances = np.array([3.0, 1, 0.5])
    over = (1 - 2 / 3) * (9 + 1 + 0.25) + 4.5**2
    under = (10 + 1 - 2 / 3) * (10.25 - 4.5**2 / 3)
    assert oas_strength(variances, 10) == pytest.approx(over / under)
    assert oas_strength(np.ones(4), 10) == 1


def test_the_spread_of_left_out_rows_is_that_of_leaving_them_out():
    x = drawn(12, 20)
    made = whitening(scatter(x), "ZCA")
    strength = made.facts["shrinkage"]
    _, matrix = scatter(x).merged()
    level = strength * np.trace(matrix) / 11 / 20
    total = 0.0
    for row in range(12):
        others = np.delete(x, row, axis=0)
        covariance = (1 - strength) * np.cov(others, rowvar=False) + level * np.eye(20)
        away = x[row] - others.mean(axis=0)
        total += away @ np.linalg.solve(covariance, away)
    assert made.facts["left_out_spread"] == pytest.approx(np.sqrt(total / 12 / 20))


def test_features_that_depend_on_each_other_are_said_or_shrunk():
    x = drawn(50, 4)
    x[:, 3] = x[:, 0] + x[:, 1]
    with pytest.raises(ProfileError, match="vary in 3 directions only"):
        whitening(scatter(x), "ZCA")
    assert "shrinkage" in whitening(scatter(x)).facts


def test_tvn_gives_the_controls_of_all_batches_one_covariance_where_little_is_added():
    rng = np.random.default_rng(0)
    batches = {"a": rng.normal(size=(500, 5)), "b": rng.normal(size=(500, 5)) * [20, 1, 1, 30, 5]}
    batches = {key: x - x.mean(axis=0) for key, x in batches.items()}
    maps = typical_variation({key: scatter(x) for key, x in batches.items()}, strength=1e-9)
    one, two = (np.cov(maps[key].apply(x), rowvar=False) for key, x in batches.items())
    assert one == pytest.approx(two, abs=1e-5)


def test_blocks_give_the_moments_and_the_scatter_of_all_rows():
    x = drawn(700, 30) + 1e6
    parts = np.split(x, [1, 300, 310])
    together, whole = scatter(*parts).merged(), scatter(x).merged()
    assert moments(*parts).mean == pytest.approx(x.mean(axis=0))
    assert moments(*parts).variance == pytest.approx(x.var(axis=0), rel=1e-8)
    assert together[1] == pytest.approx(whole[1], rel=1e-7, abs=1e-7)
    assert whole[1] == pytest.approx(np.cov(x, rowvar=False) * 699, rel=1e-7, abs=1e-7)


def test_missing_values_do_not_count():
    x = np.array([[1.0, np.nan], [np.nan, np.nan], [3, np.nan], [8, np.nan]])
    taken = moments(x[:2], x[2:])
    assert (taken.count.tolist(), taken.mean[0]) == ([3, 0], 4)
    assert taken.variance[0] == pytest.approx(np.var([1, 3, 8]))
    assert quantiles(x, (0.5,))[0][0] == 3
    assert np.isnan(quantiles(x, (0.5,))[0][1])


@pytest.mark.parametrize("rows", [1, 2, 5, 384])
def test_quantiles_are_those_of_numpy_in_any_number_of_threads(rows):
    x = drawn(rows, 300)
    shares = (0.0, 0.25, 0.5, 0.9, 1.0)
    assert quantiles(x, shares) == pytest.approx(np.quantile(x, shares, axis=0), rel=1e-14)


def test_eigenvectors_have_the_same_signs_whatever_the_order_of_rows():
    x = drawn(200, 12)
    one, two = (decomposed(scatter(rows).merged()[1])[1] for rows in (x, x[::-1]))
    assert one == pytest.approx(two, abs=1e-9)


# values that pycytominer 1.7.1 gives


@pytest.mark.real
@pytest.mark.parametrize("fitted", ["all", "dmso"])
@pytest.mark.parametrize(
    "name",
    ["standardize", "robustize", "mad_robustize", "mad_robustize_eps0"]
    + [f"spherize_{kind}" for kind in ("ZCA", "ZCA-cor", "PCA-cor")],
)
def test_each_step_gives_the_published_values(name, fitted):
    x, controls = published("input_bbbc021_subset.csv")
    expected, _ = published(f"{name}__{fitted}.csv")
    rows = x[controls] if fitted == "dmso" else x
    made = {
        "standardize": lambda: standardize(moments(rows)),
        "robustize": lambda: robustize(rows),
        "mad_robustize": lambda: mad_robustize(rows),
        "mad_robustize_eps0": lambda: mad_robustize(rows, 0.0),
    }.get(name, lambda: whitening(scatter(rows), name.partition("_")[2]))()
    done = made.apply(x)
    if "PCA" in name:
        done *= np.sign((done * expected).sum(axis=0))
    assert np.abs(done - expected).max() < 1e-6
