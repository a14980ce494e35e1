"""Enrichment of known pairs among the most similar ones."""

import itertools

import numpy as np
import pytest

from jumpduck.errors import ProfileError
from jumpduck.evaluation.group_sums import interval_of_sums
from jumpduck.evaluation.known_pairs import by_codes, by_table, enrichment, share_of
from jumpduck.evaluation.similarities import Similarities


@pytest.fixture
def draw():
    return np.random.default_rng(14)


@pytest.mark.parametrize("percent", [1, 5, 20])
def test_counts_are_those_of_all_pairs_one_after_the_other(draw, percent, monkeypatch):
    from scipy.stats import fisher_exact

    monkeypatch.setattr("jumpduck.evaluation.known_pairs.BLOCK_BYTES", 8 * 70 * 9)
    between = Similarities.of(draw.normal(size=(70, 5)))
    labels = draw.integers(-1, 8, 70)
    found = enrichment(between, by_codes(labels), percent)
    pairs = [
        (float(between.left[i] @ between.left[j]), labels[i] == labels[j] >= 0)
        for i, j in itertools.combinations(range(70), 2)
    ]
    pairs.sort(reverse=True)
    top = [known for _, known in pairs[: found.top]]
    assert found.top == np.ceil(len(pairs) * percent / 100)
    assert (found.pairs, found.known) == (len(pairs), sum(known for _, known in pairs))
    assert found.known_top == sum(top)
    assert found.share == np.mean(top)
    assert found.background == np.mean([known for _, known in pairs])
    rest = [known for _, known in pairs[found.top :]]
    table = [[sum(top), len(top) - sum(top)], [sum(rest), len(rest) - sum(rest)]]
    oracle = fisher_exact(table, alternative="greater")
    assert (found.odds_ratio, found.p) == pytest.approx((oracle.statistic, oracle.pvalue))


def test_pairs_of_a_table_are_those_of_a_shared_value(draw):
    between = Similarities.of(draw.normal(size=(30, 5)))
    labels = draw.integers(0, 6, 30)
    table = np.array([
        (j, i) for i, j in itertools.combinations(range(30), 2) if labels[i] == labels[j]
    ])  # fmt: skip
    one = enrichment(between, by_codes(labels), 5)
    other = enrichment(between, by_table(np.concatenate([table, table[:4, ::-1]])), 5)
    assert (one.known, one.known_top, one.p) == (other.known, other.known_top, other.p)


def test_twins_are_found_and_their_share_is_known(draw):
    # 50 pairs of equal profiles among 4,950 pairs: the first percent has 49.5, so 50 of them
    between = Similarities.of(np.repeat(draw.normal(size=(50, 30)), 2, axis=0))
    found = enrichment(between, by_codes(np.arange(100) // 2), 1)
    assert (found.top, found.share, found.recall, found.odds_ratio) == (50, 1, 1, np.inf)
    assert found.background == 50 / 4950


def test_resampling_all_profiles_once_gives_the_share(draw):
    between = Similarities.of(draw.normal(size=(40, 5)))
    found = enrichment(between, by_codes(draw.integers(0, 5, 40)), 10)
    total = np.array([found.known_top, found.top])
    assert share_of(found.sums.sum(axis=0), total) == pytest.approx(found.share)


@pytest.mark.slow
def test_the_interval_is_as_wide_as_the_share_varies_over_samples(draw):
    shares, widths = [], []
    for number in range(60):
        labels = np.repeat(np.arange(20), 3)
        common = draw.exponential(1, 20)[labels, None] * draw.normal(size=(20, 8))[labels]
        found = enrichment(Similarities.of(common + draw.normal(size=(60, 8))), by_codes(labels), 5)
        total = np.array([found.known_top, found.top])
        low, high = interval_of_sums(
            found.sums, lambda sums, total=total: share_of(sums, total), number
        )
        shares.append(found.share)
        widths.append((high - low) / (2 * 1.96))
    assert np.mean(widths) == pytest.approx(np.std(shares), rel=0.35)


def test_a_table_of_pairs_is_told_block_by_block(draw, monkeypatch):
    monkeypatch.setattr("jumpduck.evaluation.known_pairs.BLOCK_BYTES", 8 * 30 * 7)
    between = Similarities.of(draw.normal(size=(30, 5)))
    pairs = draw.integers(0, 30, (50, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    known = np.zeros((30, 30), dtype=bool)
    known[pairs[:, 0], pairs[:, 1]] = known[pairs[:, 1], pairs[:, 0]] = True
    found = enrichment(between, by_table(pairs), 20)
    top = np.triu(between.left @ between.left.T >= found.threshold, 1)
    assert (found.known, found.known_top) == (np.triu(known, 1).sum(), (top & known).sum())


def test_nothing_known_or_all_known_is_said(draw):
    between = Similarities.of(draw.normal(size=(10, 5)))
    for codes in (np.arange(10), np.zeros(10, dtype=int)):
        with pytest.raises(ProfileError, match="of 45 pairs of profiles are known"):
            enrichment(between, by_codes(codes), 5)
