"""Batches of an epoch, which can be left in its middle and taken up again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import cast

import torch.utils.data

from jumpduck.embeddings.torch_dataset import (
    Batch,
    Item,
    IterableDataset,
    MapDataset,
    TorchDataset,
    collate,
)
from jumpduck.embeddings.turns import Turns
from jumpduck.errors import ImageError, QueryError
from jumpduck.samples.options import is_whole

MAX_EPOCH = 2**63
"""Above each epoch that the shared memory of workers holds."""


@dataclass(slots=True)
class _Place:
    """Where a loader is: in an epoch that began with batch `first`, of which `taken` are gone."""

    epoch: int = 0
    first: int = 0
    taken: int = 0


class SampleLoader(torch.utils.data.DataLoader[Item | None]):
    """A DataLoader whose passes are the epochs of its dataset, one after the other.

    Its state says which epoch it is in, and how many batches of it were taken. A loader that loads
    this state gives the batches that would have come next.

    Parameters
    ----------
    dataset
        What ``jumpduck.dataset(..., library="torch")`` returns; of one loader alone.
    batch_size
        Number of items of a batch. A batch has fewer if some cannot be read.
    num_workers
        Number of processes that read; 0 reads in this one. Those of a manifest are spawned, so a
        script needs ``if __name__ == "__main__":`` there.
    drop_last
        Leave out batches that are not full, so that all ranks have the same number of batches.
    pin_memory
        Put batches into memory from which a GPU copies fast.

    Raises
    ------
    QueryError
        The dataset is not of torch, a number is not allowed, or `drop_last` leaves no batch.
    """

    def __init__(
        self,
        dataset: MapDataset | IterableDataset,
        batch_size: int = 1,
        *,
        num_workers: int = 0,
        drop_last: bool = False,
        pin_memory: bool = False,
    ) -> None:
        if not isinstance(dataset, TorchDataset):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise QueryError(
                f"dataset is {type(dataset).__name__}, which is not of torch; make it with "
                "`library` 'torch'"
            )
        if not is_whole(batch_size, 1):
            raise QueryError(f"batch_size {batch_size!r} is not a whole number from 1")
        if not is_whole(num_workers, 0):
            raise QueryError(
                f"num_workers {num_workers!r} is not a whole number from 0; 0 reads in this process"
            )
        self._items = dataset
        self._size = batch_size
        self._drops = drop_last
        self._place = _Place()
        batching: dict[str, object] = {"batch_size": batch_size, "drop_last": drop_last}
        if isinstance(dataset, MapDataset):
            batching = {"batch_sampler": _Indices(dataset, self._place, batch_size, drop_last)}
        super().__init__(
            dataset,
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
            multiprocessing_context="spawn" if num_workers and dataset.samples.is_fetched else None,
            pin_memory=pin_memory,
            collate_fn=collate,
            **batching,  # pyright: ignore[reportArgumentType]
        )
        self._check_not_empty()

    def __repr__(self) -> str:
        return f"SampleLoader of {self._items!r}, {self._size} a batch"

    @property
    def epoch(self) -> int:
        """Number of the epoch that the last batch was of."""
        return self._place.epoch

    def __len__(self) -> int:
        """Get the number of batches that this rank has in an epoch."""
        return sum(self._turns().batches)

    def __iter__(self) -> Iterator[Batch]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Get the batches of the next epoch, or those that are left of one that was loaded.

        Raises
        ------
        ImageError
            No image of a batch could be read, and other ranks wait for it.
        """
        place = self._place
        if place.taken > place.first or place.taken >= len(self):
            place.epoch, place.first, place.taken = place.epoch + 1, 0, 0
        self._items.begin(place.epoch, place.first)
        if isinstance(self._items, IterableDataset):
            self._items.turns = self._turns()
        # a worker whose part is larger may have a full batch more than there are, as the last one
        batches = islice(super().__iter__(), len(self) - place.first)
        for batch in cast("Iterator[Batch | None]", batches):
            place.taken += 1
            if batch is not None:
                yield batch
            elif self._items.ranks > 1:
                raise ImageError(
                    "no image of a batch could be read, and the other ranks wait for it; see "
                    "`skipped`, or take a larger `batch_size`"
                )

    def state_dict(self) -> dict[str, object]:
        """Get how far the epoch is, and what that number depends on."""
        return {**self._known(), "epoch": self._place.epoch, "batches": self._place.taken}

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Go on where a loader was whose state this is.

        Raises
        ------
        QueryError
            It is of other samples, of batches that were made in another way, or no such state.
        """
        known = self._known()
        if lacks := [name for name in (*known, "epoch", "batches") if name not in state]:
            raise QueryError(f"the state of a loader has no {lacks[0]}; give what state_dict gave")
        for name, value in known.items():
            if state[name] != value:
                raise QueryError(
                    f"{name} {value} was {state[name]} where this epoch was left; take the same, "
                    "or begin an epoch"
                )
        epoch, batches = state["epoch"], state["batches"]
        if not (isinstance(epoch, int) and 0 <= epoch < MAX_EPOCH):
            raise QueryError(f"epoch {epoch!r} is not a number from 0; give what state_dict gave")
        if not (isinstance(batches, int) and 0 <= batches <= len(self)):
            raise QueryError(
                f"batches {batches!r} is not a number from 0 to {len(self)}, the batches of an "
                "epoch; give what state_dict gave"
            )
        self._place.epoch, self._place.first, self._place.taken = epoch, batches, batches

    def _known(self) -> dict[str, object]:
        self._items.find_rank()
        return {
            "samples": self._items.samples.digest,
            "seed": self._items.samples.options.seed,
            "batch_size": self._size,
            "drop_last": self._drops,
            "num_workers": self.num_workers if isinstance(self._items, IterableDataset) else None,
            "ranks": self._items.ranks,
        }

    def _turns(self) -> Turns:
        self._items.find_rank()
        parts = max(1, self.num_workers) if isinstance(self._items, IterableDataset) else 1
        return Turns(self._size, _batches(self._items, parts, self._size, self._drops))

    def _check_not_empty(self) -> None:
        if not len(self):
            raise QueryError(
                f"batch_size {self._size} with `drop_last` leaves no batch: this rank has "
                f"{sum(self._items.sizes(1))} samples for {max(1, self.num_workers)} workers"
            )


class _Indices(torch.utils.data.Sampler[list[int]]):
    """The indices of the batches of a map-style dataset.

    It knows the place and not the loader, because a circle of references would delay the end of
    its workers by 5 seconds each.
    """

    def __init__(self, dataset: MapDataset, place: _Place, size: int, drop_last: bool) -> None:
        self._dataset, self._place, self._size, self._drops = dataset, place, size, drop_last

    def __len__(self) -> int:
        return _batches(self._dataset, 1, self._size, self._drops)[0]

    def __iter__(self) -> Iterator[list[int]]:
        first = self._place.first
        indices = self._dataset.order(start=first * self._size)
        for start in range(0, (len(self) - first) * self._size, self._size):
            yield indices[start : start + self._size]


def _batches(dataset: TorchDataset, workers: int, size: int, drop_last: bool) -> list[int]:
    """Get how many batches each worker of this rank gives in an epoch."""
    if not drop_last:
        return [-(-samples // size) for samples in dataset.sizes(workers)]
    # those of the smallest part of any rank, because a rank with one more would wait for the others
    return [len(dataset.samples) // (dataset.ranks * workers) // size] * workers
