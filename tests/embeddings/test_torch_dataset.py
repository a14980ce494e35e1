"""Torch datasets and their loader, over the files of a download."""

import hashlib
import json

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import jumpduck
from jumpduck.embeddings.augmentations import Flip
from jumpduck.embeddings.sample_loader import SampleLoader
from jumpduck.embeddings.torch_dataset import IterableDataset, MapDataset, collate

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def samples(folder):
    return jumpduck.dataset(folder)


def taken(batches):
    return [metadata["index"] for _, metadata in batches]


def flat(batches):
    return [one for batch in batches for one in batch]


def digests(batches):
    return [hashlib.sha256(images.numpy().tobytes()).hexdigest() for images, _ in batches]


def test_an_item_is_the_sample_as_a_tensor_with_its_metadata(folder, samples):
    for kind in (None, "map"):
        dataset = jumpduck.dataset(folder, library="torch", kind=kind)
        assert len(dataset) == len(samples)
        image, metadata = dataset[7]
        assert image.dtype == torch.float32
        assert np.array_equal(image.numpy(), samples[7].image)
        assert metadata == samples[7].metadata
    first, _ = next(iter(jumpduck.dataset(folder, library="torch", kind="iterable")))
    assert np.array_equal(first.numpy(), samples[samples.order(0)[0]].image)


def test_a_plain_loader_of_torch_gives_each_sample_once(samples):
    dataset = IterableDataset(samples)
    plain = DataLoader(dataset, batch_size=4, num_workers=2, collate_fn=collate)
    batches = list(plain)
    images, metadata = batches[0]
    assert images.shape == (4, 3, 20, 20)
    assert len(metadata["Metadata_Well"]) == 4
    assert sorted(flat(taken(batches))) == list(range(len(samples)))
    shuffled = DataLoader(MapDataset(samples), batch_size=10, shuffle=True, collate_fn=collate)
    assert sorted(flat(taken(shuffled))) == list(range(len(samples)))


@pytest.mark.parametrize("kind", [MapDataset, IterableDataset])
def test_a_loader_gives_each_sample_once_an_epoch_in_another_order_each_time(samples, kind):
    loader = SampleLoader(kind(samples, rank=0, ranks=1), 8)
    first, second = taken(loader), taken(loader)
    assert [len(one) for one in first] == [8] * 6 + [1]
    assert len(loader) == 7
    assert first != second
    for epoch, batches in enumerate((first, second)):
        assert flat(batches) == samples.order(epoch).tolist()


# torch warns of more workers than cores, which is what this needs
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize(
    ("kind", "workers"), [(MapDataset, 2), (IterableDataset, 0), (IterableDataset, 3)]
)
def test_an_epoch_that_goes_on_gives_the_batches_that_would_have_come(samples, kind, workers):
    def loader():
        return SampleLoader(kind(samples, Flip()), 4, num_workers=workers)

    whole = loader()
    passes = [list(whole), list(whole)]
    for left_at in (1, len(whole) - 1, len(whole)):
        interrupted = loader()
        assert len(list(interrupted)) == len(whole)
        batches = iter(interrupted)
        before = [next(batches) for _ in range(left_at)]
        state = json.loads(json.dumps(interrupted.state_dict()))
        del batches, interrupted
        later = loader()
        later.load_state_dict(state)
        after = list(later) if left_at < len(whole) else []
        assert later.epoch == 1
        assert taken(before + after) == taken(passes[1])
        assert digests(before + after) == digests(passes[1])
        next(iter(later))
        assert later.epoch == 2
