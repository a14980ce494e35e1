"""Samples as the two kinds of torch datasets, in the order of an epoch."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np
import torch
import torch.distributed
import torch.utils.data
from torch import Tensor

from jumpduck.embeddings.augmentations import Augmentation, Image
from jumpduck.embeddings.turns import Turns
from jumpduck.errors import QueryError
from jumpduck.samples.in_advance import in_advance
from jumpduck.samples.order import part_of
from jumpduck.samples.samples import Samples

Item: TypeAlias = tuple[Image, Mapping[str, object]]
"""An image and the metadata of its sample."""

Batch: TypeAlias = tuple[Image, Mapping[str, Sequence[object]]]
"""A tensor (N, C, H, W), or one for each view; for each name of the metadata N values."""


class TorchDataset:
    """What both kinds of datasets know.

    Parameters
    ----------
    samples
        What items are made of.
    augmentation
        What is done to each image. Its random numbers follow from the seed of the samples, the
        epoch and the key of the sample, so they are the same in any number of workers.
    rank, ranks
        Number of this process from 0, and of all processes that share an epoch; by default those of
        `torch.distributed`.

    Raises
    ------
    QueryError
        There is no such rank, the augmentation is none, or the samples are standardised before it.
    """

    def __init__(
        self,
        samples: Samples,
        augmentation: Augmentation | None = None,
        rank: int | None = None,
        ranks: int | None = None,
    ) -> None:
        if (rank is None) != (ranks is None):
            raise QueryError(f"rank {rank} and ranks {ranks}: give both, or none")
        if augmentation is not None and not callable(augmentation):
            raise QueryError(
                f"augmentation {augmentation!r} is not a function of an image and a generator; "
                "give one such as jumpduck.embeddings.augmentations.preset makes"
            )
        if samples.options.standardise and augmentation is not None:
            raise QueryError(
                "standardise True comes before the augmentation, which takes values from 0 to 1; "
                "leave it out, and end the augmentation with Standardise"
            )
        self.samples = samples
        self.augmentation = augmentation
        self._given = None if rank is None or ranks is None else (rank, ranks)
        # epoch, batches before, rank and ranks: in shared memory, because workers that stay from
        # one epoch to the next have a copy of all else
        self._begin: Tensor = torch.zeros(4, dtype=torch.int64).share_memory_()
        self.begin(0)
        self.sizes(1)  # raises where there is no such rank
        # now, because both ask Polars, whose threads a fork does not have
        samples.order(0)
        if samples.options.standardise:
            samples.statistics()

    def __repr__(self) -> str:
        return f"{type(self).__name__} of {self.samples!r}"

    @property
    def epoch(self) -> int:
        """Number of the epoch that is taken next."""
        return int(self._begin[0])

    @property
    def ranks(self) -> int:
        """Number of the processes that share an epoch."""
        return int(self._begin[3])

    def begin(self, epoch: int, batches: int = 0) -> None:
        """Say which epoch is taken next, and how many of its batches were taken before."""
        self._begin[:2] = torch.tensor([epoch, batches])
        self.find_rank()

    def find_rank(self) -> None:
        """Ask `torch.distributed` again, which may have started since; not in a worker."""
        self._begin[2:] = torch.tensor(self._given or _ranks())

    def order(self, worker: int = 0, workers: int = 1, start: int = 0) -> list[int]:
        """Get the indices that a worker of this rank takes in the epoch.

        Raises
        ------
        QueryError
            There is no such rank or worker.
        """
        rank, ranks = int(self._begin[2]), self.ranks
        whole = self.samples.order(self.epoch)
        part = part_of(whole, rank=rank, ranks=ranks, worker=worker, workers=workers, start=start)
        return part.tolist()

    def sizes(self, workers: int) -> list[int]:
        """Get how many items each worker of this rank takes in an epoch."""
        rank, any_order = int(self._begin[2]), np.arange(len(self.samples))
        split = partial(part_of, any_order, rank=rank, ranks=self.ranks, workers=workers, start=0)
        return [len(split(worker=worker)) for worker in range(workers)]

    def item(self, index: int, epoch: int) -> Item | None:
        """Get an item of an epoch; None if it cannot be read, see ``Samples.skipped``."""
        sample = self.samples.sample_if(index, epoch)
        if sample is None:
            return None
        image = torch.from_numpy(sample.image)
        if self.augmentation is None:
            return image, sample.metadata
        generator = torch.Generator().manual_seed(self._seed(index, epoch))
        return self.augmentation(image, generator), sample.metadata

    def _seed(self, index: int, epoch: int) -> int:
        start = f"{self.samples.options.seed}\n{epoch}\n".encode()
        digest = hashlib.sha256(start + self.samples.key(index)).digest()
        return int.from_bytes(digest[:8], "big", signed=True)


class MapDataset(TorchDataset, torch.utils.data.Dataset[Item | None]):
    """Gives an item for an index, as torch's samplers ask for it.

    An item is a tensor (C, H, W) of float32 and its metadata, or None if the sample cannot be read
    and `missing` is skip; therefore batches need `collate`.
    """

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Item | None:
        """Get an item of the epoch that `begin` said."""
        return self.item(index, self.epoch)


class IterableDataset(TorchDataset, torch.utils.data.IterableDataset[Item | None]):
    """Gives the items of an epoch, of which each worker of each rank has a part.

    An item is a tensor (C, H, W) of float32 and its metadata, or None if the sample cannot be read
    and `missing` is skip; therefore batches need `collate`.

    Attributes
    ----------
    turns
        How the workers take turns; `SampleLoader` says it.
    """

    turns: Turns | None = None

    def __len__(self) -> int:
        return sum(self.sizes(1))

    def __iter__(self) -> Iterator[Item | None]:
        """Get the items of the epoch that `begin` said, from its batch on."""
        info = torch.utils.data.get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        start = 0
        if self.turns:
            worker, start = self.turns.after(int(self._begin[1]))[worker]
        indices = self.order(worker, workers, start)
        threads = max(1, self.samples.threads // workers)
        yield from in_advance(partial(self.item, epoch=self.epoch), indices, threads)


def collate(items: Sequence[Item | None]) -> Batch | None:
    """Get items as a batch; None if there is not one that could be read.

    Raises
    ------
    QueryError
        The images differ in size.
    """
    there = [item for item in items if item is not None]
    if not there:
        return None
    images = [image for image, _ in there]
    metadata = {name: [one[name] for _, one in there] for name in there[0][1]}
    if isinstance(images[0], Tensor):
        return _stacked(images), metadata
    return tuple(map(_stacked, zip(*images, strict=True))), metadata


def _stacked(images: Sequence[Image]) -> Tensor:
    tensors = [image for image in images if isinstance(image, Tensor)]
    shapes = sorted({tuple(one.shape[1:]) for one in tensors})
    if len(shapes) > 1:
        sizes = " and ".join(f"{height} x {width}" for height, width in shapes)
        raise QueryError(
            f"images of {sizes} pixels do not go into one batch; take `unit` 'tile' or 'cell' with "
            "`size`, an augmentation that begins with Crop, or a `batch_size` of 1"
        )
    return torch.stack(tensors)


def _ranks() -> tuple[int, int]:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1
