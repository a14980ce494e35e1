"""Processes of torch.distributed that share an epoch."""

import json
import subprocess
import sys

import pytest

import jumpduck
from jumpduck.embeddings.sample_loader import SampleLoader
from jumpduck.embeddings.torch_dataset import IterableDataset, MapDataset
from jumpduck.errors import QueryError
from tests.support.places import ROOT

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("drop_last", [False, True])
def test_three_ranks_of_two_workers_take_each_sample_once(folder, tmp_path, drop_last):
    words = [folder, 3, 4, 2, "yes" if drop_last else "no", tmp_path]
    script = [sys.executable, "-m", "tests.support.ranks", *map(str, words)]
    subprocess.run(script, check=True, cwd=ROOT)
    found = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(3)]
    for epoch in range(2):
        batches = [one["epochs"][epoch] for one in found]
        indices = sorted(index for rank in batches for batch in rank for index in batch)
        if drop_last:
            # 49 samples: two batches of 4 for each of six workers, so that no rank waits
            assert [[len(batch) for batch in rank] for rank in batches] == [[4] * 4] * 3
            assert len(set(indices)) == 48
        else:
            assert indices == list(range(49))
        assert [one["length"] for one in found] == [len(rank) for rank in batches]


def test_given_ranks_take_each_sample_once(folder):
    samples = jumpduck.dataset(folder)
    for kind in (MapDataset, IterableDataset):
        loaders = [SampleLoader(kind(samples, rank=rank, ranks=4), 5) for rank in range(4)]
        taken = [index for one in loaders for _, metadata in one for index in metadata["index"]]
        assert taken == samples.order(0).tolist()
    with pytest.raises(QueryError, match="rank 4 is not from 0 to below 4"):
        MapDataset(samples, rank=4, ranks=4)
    with pytest.raises(QueryError, match="rank 1 and ranks None: give both, or none"):
        IterableDataset(samples, rank=1)
