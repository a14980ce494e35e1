"""Intervals contain what they should, about as often as they say."""

import numpy as np
import polars as pl
import pytest

from jumpduck.evaluation.group_sums import interval_of_sums, ratio
from jumpduck.evaluation.measured import interval_of_pairs
from jumpduck.evaluation.registry import METRICS
from jumpduck.evaluation.subject import Keys, Subject
from jumpduck.profile_tables.profiles import Profiles

OF_PAIRS = ["nsp", "nsc", "map", "pr_auc", "precision_at_r", "nsc_mcc", "replicate_map"]


def profiles_of_noise(seed, labels=6, compounds=6):
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(labels * compounds), 2)
    metadata = pl.DataFrame({"label": of // compounds, "compound": of})
    return Subject.of(
        Profiles(metadata, rng.normal(size=(len(of), 20)), tuple(f"f{at:02}" for at in range(20))),
        Keys(label="label", compound="compound", treatments=("compound",)),
        resamples=200,
        nulls=1,
    )


@pytest.mark.slow
def test_intervals_contain_chance_in_most_tables_of_noise():
    tables = [profiles_of_noise(seed) for seed in range(60)]
    for name in [*OF_PAIRS, "known_pairs"]:
        found = [METRICS[name](table) for table in tables]
        assert np.mean([one.low <= one.chance <= one.high for one in found]) >= 0.85, name
        beyond = np.array([one.value - one.chance for one in found])
        assert abs(beyond.mean()) <= 3 * beyond.std() / len(found) ** 0.5, name


def test_the_interval_of_pairs_is_wider_and_within_what_is_possible():
    low, high = interval_of_pairs(0.5, (0.4, 0.7))
    assert (low, high) == (pytest.approx(0.5 - 0.1 * 2**0.5), pytest.approx(0.5 + 0.2 * 2**0.5))
    assert interval_of_pairs(0.1, (0.02, 0.95)) == (0.0, 1.0)
    assert interval_of_pairs(0.0, (-0.9, 0.9), -1.0)[0] == -1.0
    assert interval_of_pairs(0.0, (0.0, 0.2)) == (0.0, 0.2)
    assert interval_of_pairs(0.5, (None, None)) == (None, None)


def test_a_ratio_of_all_or_none_is_not_certain():
    none, every = np.column_stack([np.zeros(4), np.ones(4)]), np.ones((4, 2))
    assert interval_of_sums(none, ratio, 0, 50) == (0.0, pytest.approx(0.6023646356))
    assert interval_of_sums(every, ratio, 0, 50) == (pytest.approx(0.3976353644), 1.0)


def test_few_known_pairs_among_the_top_are_not_certain():
    for seed in range(5):
        found = METRICS["known_pairs"](profiles_of_noise(seed))  # 6 pairs
        assert found.low <= found.chance <= found.high
