"""Torch datasets and their loader, over the files of a download."""

import hashlib
import json

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import jumpduck
from jumpduck.embeddings.augmentations import Crop, Flip, Noise, Views
from jumpduck.embeddings.sample_loader import SampleLoader
from jumpduck.embeddings.torch_dataset import IterableDataset, MapDataset, collate
from jumpduck.errors import QueryError

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


def test_datasets_and_loaders_print_what_they_are_of(samples):
    items = MapDataset(samples)
    assert repr(items) == f"MapDataset of {samples!r}"
    assert repr(SampleLoader(items, 4)) == f"SampleLoader of {items!r}, 4 a batch"


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


def test_what_is_not_the_state_of_a_loader_is_one_line(samples):
    loader = SampleLoader(MapDataset(samples, rank=0, ranks=1), 8)
    state = loader.state_dict()
    for wrong, message in (
        ({}, "the state of a loader has no samples"),
        ({**state, "batches": 8}, "batches 8 is not a number from 0 to 7"),
        ({**state, "epoch": -1}, "epoch -1 is not a number from 0"),
    ):
        with pytest.raises(QueryError, match=message):
            loader.load_state_dict(wrong)


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


@pytest.mark.parametrize("kind", [MapDataset, IterableDataset])
def test_an_augmented_image_depends_on_seed_epoch_and_sample_but_not_on_workers(folder, kind):
    def epochs(workers, seed=0):
        samples = jumpduck.dataset(folder, seed=seed)
        loader = SampleLoader(kind(samples, Noise()), 4, num_workers=workers)
        return [images_by_index(loader) for _ in range(2)]

    alone, shared, other = epochs(0), epochs(2), epochs(0, seed=1)
    assert alone == shared
    assert alone[0].keys() == alone[1].keys() == other[0].keys()
    for index, image in alone[0].items():
        assert image not in (alone[1][index], other[0][index])


def images_by_index(loader):
    return {
        index: image.numpy().tobytes()
        for images, metadata in loader
        for index, image in zip(metadata["index"], images, strict=True)
    }


def test_what_is_written_into_a_batch_changes_no_sample(folder):
    samples = jumpduck.dataset(folder, unit="tile", size=10)
    before = [samples[index].image.tobytes() for index in range(len(samples))]
    for kind in (MapDataset, IterableDataset):
        for step in (None, Flip(0), Noise(p=0)):
            dataset = kind(samples, step)
            for index in range(len(samples)):
                image, _ = dataset.item(index, 0)
                image.zero_()
            for images, _ in SampleLoader(dataset, 16):
                images.zero_()
    assert [samples[index].image.tobytes() for index in range(len(samples))] == before


def test_several_views_are_batches_of_each(samples):
    views = Views((Crop(12), Crop(12), Crop(6)))
    images, metadata = next(iter(SampleLoader(MapDataset(samples, views), 4)))
    assert [tuple(one.shape) for one in images] == [(4, 3, 12, 12)] * 2 + [(4, 3, 6, 6)]
    assert len(metadata["index"]) == 4


def test_numbers_that_cannot_be_are_said(folder, samples):
    for options, text in (
        ({"batch_size": 0}, "batch_size 0 is not a whole number from 1"),
        ({"batch_size": 2.5}, "batch_size 2.5 is not a whole number from 1"),
        (
            {"num_workers": -1},
            "num_workers -1 is not a whole number from 0",
        ),
        ({"batch_size": 64, "drop_last": True}, "batch_size 64 with `drop_last` leaves no batch"),
    ):
        with pytest.raises(QueryError, match=text):
            SampleLoader(IterableDataset(samples), **options)
    with pytest.raises(QueryError, match=r"dataset is Samples, .* make it with `library` 'torch'"):
        SampleLoader(samples)
    with pytest.raises(QueryError, match="augmentation 3 is not a function"):
        MapDataset(samples, 3)
    standardised = jumpduck.dataset(folder, standardise=True)
    with pytest.raises(QueryError, match="standardise True comes before the augmentation"):
        MapDataset(standardised, Flip())


@pytest.mark.parametrize(
    ("name", "options"),
    [("batch_size", {"batch_size": 5}), ("drop_last", {"drop_last": True}), ("seed", {"seed": 1})],
)
def test_an_epoch_of_other_batches_is_not_gone_on_with(folder, samples, name, options):
    state = SampleLoader(IterableDataset(samples), 4).state_dict()
    seed = options.pop("seed", 0)
    other = IterableDataset(jumpduck.dataset(folder, seed=seed))
    with pytest.raises(QueryError, match=f"^{name} .* where this epoch was left"):
        SampleLoader(other, **{"batch_size": 4, **options}).load_state_dict(state)


def test_workers_read_a_manifest_after_the_main_process_has(manifest, s3, tmp_path):
    samples = jumpduck.dataset(
        manifest, where="Metadata_Source = 'source_2'", endpoint=s3.endpoint, cache=tmp_path
    )
    loader = SampleLoader(IterableDataset(samples), 4, num_workers=1)
    expected = images_by_index(SampleLoader(IterableDataset(samples), 4))
    assert len(expected) > 4
    assert images_by_index(loader) == expected
