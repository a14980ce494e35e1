"""Average precision, chance, p and q, against brute force and copairs."""

import numpy as np
import polars as pl
import pytest

from jumpduck.errors import QueryError
from jumpduck.evaluation.average_precision import (
    Pairs,
    Precision,
    average_precision,
    expected,
    group_p_values,
    q_values,
    random_precision,
)
from jumpduck.evaluation.similarities import Similarities


def brute_force(order):
    """The average precision of a list of truth values, the most similar pair first."""
    hits, sums = 0, 0.0
    for rank, positive in enumerate(order, 1):
        hits += positive
        sums += positive * hits / rank
    return sums / hits


def a_table(seed, size=60, features=5):
    rng = np.random.default_rng(seed)
    metadata = pl.DataFrame(
        {name: rng.integers(0, n, size) for name, n in {"a": 9, "b": 3, "c": 4}.items()}
    )
    return metadata, rng.normal(size=(size, features)) + metadata["a"].to_numpy()[:, None] / 9


RULES = {
    "label": (["a"], [], [], ["a"]),
    "across batches": (["a"], ["b"], [], ["a"]),
    "within a batch": (["a"], ["c"], ["b"], ["a"]),
    "many positives": (["b"], [], [], ["b"]),
    "two columns": (["a", "b"], [], [], ["a", "c"]),
}


@pytest.mark.parametrize("distance", ["cosine", "correlation", "euclidean"])
@pytest.mark.parametrize("rule", RULES)
def test_average_precision_is_that_of_brute_force(rule, distance):
    metadata, features = a_table(5)
    pos_sameby, pos_diffby, neg_sameby, neg_diffby = RULES[rule]
    similarities = Similarities.of(features, distance)
    found = average_precision(
        similarities,
        Pairs.of(metadata, pos_sameby, pos_diffby),
        Pairs.of(metadata, neg_sameby, neg_diffby),
        workers=2,
    )
    values = similarities.left @ similarities.right.T
    rows = metadata.to_dicts()

    def fits(one, other, sameby, diffby):
        return all(one[x] == other[x] for x in sameby) and all(one[x] != other[x] for x in diffby)

    for query, one in enumerate(rows):
        pairs = [
            (-values[query, at], positive)
            for at, other in enumerate(rows)
            if at != query
            for positive, sameby, diffby in (
                (True, pos_sameby, pos_diffby),
                (False, neg_sameby, neg_diffby),
            )
            if fits(one, other, sameby, diffby)
        ]
        order = [positive for _, positive in sorted(pairs)]
        assert (found.positives[query], found.total[query]) == (sum(order), len(order))
        if 0 < sum(order) < len(order):
            assert found.average[query] == pytest.approx(brute_force(order), abs=1e-12)
        else:
            assert np.isnan(found.average[query])


def test_a_profile_without_a_partner_has_no_average_precision():
    metadata = pl.DataFrame({"a": [1, 1, 2]})
    found = average_precision(
        Similarities.of(np.array([[1.0, 0], [1, 1], [0, 1]])),
        Pairs.of(metadata, ["a"], []),
        Pairs.of(metadata, [], ["a"]),
    )
    assert np.isfinite(found.average).tolist() == [True, True, False]


@pytest.mark.parametrize("groups", [40, 4])
def test_profiles_that_are_all_the_same_have_the_average_precision_of_chance(groups):
    metadata = pl.DataFrame({"a": np.random.default_rng(1).permutation(np.arange(400) % groups)})
    found = average_precision(
        Similarities.of(np.ones((400, 3))),
        Pairs.of(metadata, ["a"], []),
        Pairs.of(metadata, [], ["a"]),
    )
    chance = expected(found.positives, found.total)
    assert found.average.mean() == pytest.approx(chance.mean(), rel=0.2)


def test_a_pair_cannot_be_positive_and_negative():
    metadata, features = a_table(2)
    with pytest.raises(QueryError, match="positive and negative"):
        average_precision(
            Similarities.of(features), Pairs.of(metadata, ["a"], []), Pairs.of(metadata, ["b"], [])
        )


@pytest.mark.parametrize(("positives", "total"), [(1, 9), (3, 40), (8, 20), (30, 31)])
def test_random_orders_have_the_expected_average_precision(positives, total):
    number = 20_000
    found = random_precision(positives, total, number, seed=3)
    chance = expected(np.array([positives]), np.array([total]))[0]
    assert found.mean() == pytest.approx(chance, abs=5 * found.std() / number**0.5)
    assert len(found) == number
    assert (random_precision(positives, total, number, seed=3) == found).all()
    assert (random_precision(positives, total, number, seed=4) != found).any()


def test_every_order_is_equally_likely():
    number = 20_000
    for positives, total in ((2, 6), (3, 6)):  # by draws, and by selection
        values, counts = np.unique(
            random_precision(positives, total, number, seed=0).round(12), return_counts=True
        )
        exact = {}
        for chosen in range(1 << total):
            order = [bool(chosen >> at & 1) for at in range(total)]
            if sum(order) == positives:
                value = round(brute_force(order), 12)
                exact[value] = exact.get(value, 0) + 1
        assert len(values) == len(exact)
        for value, count in zip(values, counts, strict=True):
            share = exact[min(exact, key=lambda one: abs(one - value))] / sum(exact.values())
            assert count / number == pytest.approx(share, abs=5 * (share / number) ** 0.5)


def test_p_is_small_for_the_best_order_and_large_for_the_worst():
    precision = Precision(
        np.array([1.0, 1.0, 0.04, 0.05]), np.array([2, 2, 2, 2]), np.array([40, 40, 40, 40])
    )
    p_values = group_p_values(precision, [np.array([0, 1]), np.array([2, 3])], 999, 0)
    assert p_values[0] <= 0.01
    assert p_values[1] >= 0.5


def test_q_values_are_those_of_benjamini_and_hochberg():
    p_values = np.array([0.01, 0.04, 0.03, 0.005, 0.9])
    assert q_values(p_values) == pytest.approx([0.025, 0.05, 0.05, 0.025, 0.9])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "distance"),
    [("label", "cosine"), ("across batches", "correlation"), ("within a batch", "euclidean")],
)
def test_average_precision_p_and_q_are_those_of_copairs(rule, distance, tmp_path):
    from copairs import map as copairs

    metadata, features = a_table(8, size=150, features=12)
    pos_sameby, pos_diffby, neg_sameby, neg_diffby = RULES[rule]
    frame = metadata.to_pandas()
    theirs = copairs.average_precision(
        frame, features, *RULES[rule], distance=distance, progress_bar=False
    )
    found = average_precision(
        Similarities.of(features, distance),
        Pairs.of(metadata, pos_sameby, pos_diffby),
        Pairs.of(metadata, neg_sameby, neg_diffby),
    )
    there = np.isfinite(found.average)
    assert there.sum() > 100
    assert (theirs["n_pos_pairs"][there] == found.positives[there]).all()
    assert (theirs["n_total_pairs"][there] == found.total[there]).all()
    assert found.average[there] == pytest.approx(theirs["average_precision"][there], abs=1e-9)
    chance = expected(found.positives, found.total)[there]
    normalized = (found.average[there] - chance) / (1 - chance)
    assert normalized == pytest.approx(theirs["normalized_average_precision"][there], abs=1e-9)

    number = 10_000
    by_group = copairs.mean_average_precision(
        theirs, ["a"], number, 0.05, 0, progress_bar=False, cache_dir=tmp_path
    )
    groups = [np.flatnonzero(there & (metadata["a"] == one).to_numpy()) for one in by_group["a"]]
    p_values = group_p_values(found, groups, number, seed=1)
    error = 5 * np.sqrt(2 * p_values * (1 - p_values) / number) + 2 / number
    assert (np.abs(p_values - by_group["p_value"]) <= error).all()
    theirs_q = q_values(by_group["p_value"].to_numpy())
    assert theirs_q == pytest.approx(by_group["corrected_p_value"], abs=1e-9)
