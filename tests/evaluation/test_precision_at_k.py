"""Precision and recall at k."""

import numpy as np
import polars as pl
import pytest

from jumpduck.evaluation.exclusions import Exclusions
from jumpduck.evaluation.precision_at_k import (
    KS,
    area,
    chance_sums,
    curve,
    query_sums,
    retrieved,
)
from jumpduck.evaluation.similarities import Similarities


@pytest.fixture
def draw():
    return np.random.default_rng(14)


def counted(similarity, labels):
    """Get what `retrieved` has of a matrix of similarities, each profile asked for all others."""
    between = Similarities(similarity, np.eye(len(labels)), "cosine", np.zeros(len(labels)))
    return retrieved(between, Exclusions(), labels)


def by_hand(similarity, labels):
    """Get {query: (precision at each k, recall at each k, precision at R)}, one after the other."""
    values = {}
    for query, label in enumerate(labels):
        others = [row for row in range(len(labels)) if row != query]
        others.sort(key=lambda row: -similarity[query, row])
        good = [labels[row] == label for row in others]
        if not any(good):
            continue
        first = [sum(good[:k]) for k in KS if k <= len(good)]
        ks = [k for k in KS if k <= len(good)]
        values[query] = (
            [hits / k for hits, k in zip(first, ks, strict=True)],
            [hits / sum(good) for hits in first],
            np.mean(good[: sum(good)]),
        )
    return values


@pytest.mark.parametrize("average", ["micro", "macro"])
@pytest.mark.parametrize("n", [30, 90])
def test_values_are_those_of_one_query_after_the_other(draw, average, n):
    similarity = draw.random((n, n))
    labels = draw.integers(0, 9, n)
    labels[-1] = 9  # alone
    found = counted(similarity, labels)
    values = by_hand(similarity, labels)
    assert found.queries.tolist() == list(values)
    got = curve(query_sums(found, labels, average).sum(axis=0), found.ks)
    if average == "micro":
        mean = [np.mean([one[part] for one in values.values()], axis=0) for part in range(3)]
    else:
        mean = []
        for part in range(3):
            by_label = {}
            for query, parts in values.items():
                by_label.setdefault(labels[query], []).append(parts[part])
            mean.append(np.mean([np.mean(one, axis=0) for one in by_label.values()], axis=0))
    assert got.ks.tolist() == [k for k in KS if k <= n - 1]
    assert got.precision == pytest.approx(mean[0])
    assert got.recall == pytest.approx(mean[1])
    assert got.at_r == pytest.approx(mean[2])
    assert got.f1 == pytest.approx(2 / (1 / mean[0] + 1 / mean[1]))
    assert got.auc == pytest.approx(np.trapezoid(mean[0], mean[1]))


def test_chance_is_the_mean_over_neighbours_in_random_order(draw):
    labels = np.repeat(np.arange(8), draw.integers(2, 12, 8))
    drawn = []
    found = counted(draw.random((len(labels), len(labels))), labels)
    for _ in range(30):
        found = counted(draw.random((len(labels), len(labels))), labels)
        drawn.append(query_sums(found, labels, "macro").sum(axis=0))
    expected = chance_sums(found, labels, "macro").sum(axis=0)
    assert np.mean(drawn, axis=0) == pytest.approx(expected, rel=0.2)


def test_blocks_of_labels_that_are_apart_have_the_values_of_the_closed_form():
    # 5 labels of 11: the first 10 neighbours are positive, all others are not
    labels = np.repeat(np.arange(5), 11)
    found = counted((labels[:, None] == labels).astype(float), labels)
    got = curve(query_sums(found, labels, "micro").sum(axis=0), found.ks)
    assert got.precision == pytest.approx(np.minimum(10 / found.ks, 1))
    assert got.recall == pytest.approx(np.minimum(found.ks / 10, 1))
    assert got.at_r == 1
    # from recall 0.1 to 0.9 the precision is 1, then a trapezoid to 10 of 11
    assert got.auc == pytest.approx(0.8 + 0.1 * (1 + 10 / 11) / 2)
    assert area(np.stack([np.arange(1.0, 4), np.ones(3)])).shape == (2,)


def test_what_is_left_out_is_neither_positive_nor_in_the_gallery(draw):
    labels, compounds = draw.integers(0, 4, 60), draw.integers(0, 20, 60)
    similarity = draw.random((60, 60))
    exclusions = Exclusions.of(pl.DataFrame({"compound": compounds}), [["compound"]])
    found = retrieved(
        Similarities(similarity, np.eye(60), "cosine", np.zeros(60)), exclusions, labels
    )
    for at, query in enumerate(found.queries):
        allowed = np.flatnonzero(compounds != compounds[query])
        ranked = labels[allowed[np.argsort(-similarity[query, allowed])]] == labels[query]
        assert (found.gallery[at], found.positives[at]) == (len(allowed), ranked.sum())
        assert found.hits[at].tolist() == [ranked[:k].sum() for k in found.ks]
        assert found.at_r[at] == ranked[: ranked.sum()].mean()
