"""Nearest neighbours without those that must not count, against brute force."""

import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from jumpduck.errors import QueryError
from jumpduck.evaluation.exclusions import Exclusions
from jumpduck.evaluation.neighbours import nearest
from jumpduck.evaluation.similarities import Similarities

DISTANCES = {
    "cosine": lambda x, y: 1 - x @ y / np.sqrt((x @ x) * (y @ y)),
    "correlation": lambda x, y: 1 - np.corrcoef(x, y)[0, 1],
    "euclidean": lambda x, y: np.sqrt(((x - y) ** 2).sum()),
}


@pytest.fixture
def table():
    rng = np.random.default_rng(3)
    metadata = pl.DataFrame(
        {
            "compound": rng.integers(0, 8, 60).astype(str),
            "batch": rng.integers(0, 4, 60).astype(str),
            "batches": [sorted(set(rng.integers(0, 6, 2).astype(str))) for _ in range(60)],
        }
    )
    return metadata, rng.normal(size=(60, 7)) + 3


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("k", [1, 5])
def test_neighbours_are_those_of_brute_force(table, distance, k):
    metadata, features = table
    exclusions = Exclusions.of(metadata, [["compound"], ["batches"]])
    found = nearest(Similarities.of(features, distance), exclusions, k, workers=2)
    rows = metadata.to_dicts()
    for query, one in enumerate(rows):
        allowed = [
            (DISTANCES[distance](features[query], features[at]), at)
            for at, other in enumerate(rows)
            if at != query
            and other["compound"] != one["compound"]
            and not {*other["batches"]} & {*one["batches"]}
        ]
        expected = sorted(allowed)[:k]
        assert found.rows[query].tolist() == [at for _, at in expected] + [-1] * (k - len(expected))
        there = found.distances[query][: len(expected)]
        assert there == pytest.approx([far for far, _ in expected], abs=1e-9)


def test_what_is_equal_in_one_of_two_columns_may_be_a_neighbour(table):
    metadata, features = table
    found = nearest(Similarities.of(features), Exclusions.of(metadata, [["compound", "batch"]]), 59)
    for query, one in enumerate(metadata.to_dicts()):
        own = {at for at in found.rows[query] if at >= 0}
        for at, other in enumerate(metadata.to_dicts()):
            same = one["compound"] == other["compound"] and one["batch"] == other["batch"]
            assert (at in own) == (not same)


def test_only_the_gallery_has_neighbours_and_only_queries_are_asked(table):
    metadata, features = table
    gallery, queries = np.arange(0, 60, 2), np.array([4, 7])
    exclusions = Exclusions.of(metadata, [])
    found = nearest(Similarities.of(features), exclusions, 59, queries=queries, gallery=gallery)
    assert {*found.rows[0]} == {*gallery} - {4} | {-1}
    assert {*found.rows[1]} == {*gallery} | {-1}


def test_equally_near_neighbours_come_in_the_order_of_their_rows():
    features = np.repeat(np.random.default_rng(0).normal(size=(1, 33)), 9, axis=0)
    features *= np.arange(1, 10)[:, None]  # equal but for rounding
    found = nearest(Similarities.of(features), Exclusions.of(pl.DataFrame({"a": range(9)}), []), 3)
    assert found.rows.tolist() == [
        [1, 2, 3], [0, 2, 3], [0, 1, 3], *([[0, 1, 2]] * 6)
    ]  # fmt: skip


def test_no_neighbours_are_asked_for(table):
    with pytest.raises(QueryError, match="k 0 is less than 1"):
        nearest(Similarities.of(table[1]), Exclusions(), 0)


LARGE = """
import numpy as np
from jumpduck.evaluation.exclusions import Exclusions
from jumpduck.evaluation.neighbours import nearest
from jumpduck.evaluation.similarities import Similarities
similarities = Similarities.of(np.random.default_rng(0).normal(size=(100_000, 16)))
nearest(similarities, Exclusions(), queries=np.arange(500), workers=2)
print(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_similarities_of_many_profiles_are_never_all_in_memory():
    done = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, check=True)
    similarities_gb, largest_gb = 100_000 * 500 * 8 / 1e9, int(done.stdout) / 1e6
    assert largest_gb < 0.8 * similarities_gb
