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


def test_three_ranks_of_two_workers_take_each_sample_once(folder, tmp_path):
    words = map(str, (folder, 3, 4, 2, tmp_path))
    subprocess.run([sys.executable, "-m", "tests.support.ranks", *words], check=True, cwd=ROOT)
    found = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(3)]
    for epoch in range(2):
        every, full = ([one[which][epoch] for one in found] for which in range(2))
        assert sorted(index for rank in every for batch in rank for index in batch) == [*range(49)]
        # two batches of 4 for each of six workers, of 49 samples: so no rank waits for another
        assert [[len(batch) for batch in rank] for rank in full] == [[4] * 4] * 3
        assert len({index for rank in full for batch in rank for index in batch}) == 48


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


def test_all_ranks_have_as_many_full_batches(folder):
    """Of 49 samples one rank has 24 and the other 25, which would be one more batch."""
    samples = jumpduck.dataset(folder)
    for kind in (MapDataset, IterableDataset):
        loaders = [
            SampleLoader(kind(samples, rank=rank, ranks=2), 5, drop_last=True) for rank in range(2)
        ]
        for _ in range(2):
            assert [[len(images) for images, _ in one] for one in loaders] == [[5] * 4] * 2
        assert [len(one) for one in loaders] == [4, 4]
