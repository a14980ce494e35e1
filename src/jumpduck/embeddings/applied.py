"""A model applied to samples: read and prepared on threads while the model computes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from jumpduck.embeddings.inputs import Images, Inputs
from jumpduck.embeddings.models import Model
from jumpduck.embeddings.networks import Batches, Embeddings
from jumpduck.samples.samples import Sample, Samples

BATCHES_AHEAD = 2
"""Batches that are ready while the model computes another one."""

POLL_SECONDS = 0.2
"""Time between two looks at whether what is prepared in advance is still wanted."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Embedded:
    """Embeddings of successive samples that could be read.

    Attributes
    ----------
    indices
        Numbers of the samples.
    values
        Their embeddings, of shape (samples, dimensions).
    """

    indices: NDArray[np.int64]
    values: Embeddings


def apply(
    model: Model,
    inputs: Inputs,
    samples: Samples,
    parts: Sequence[range],
    *,
    batches: Batches,
    threads: int | None,
) -> Iterator[Embedded]:
    """Get the embeddings of samples, batch by batch.

    No batch has samples of two parts, so that each part has the same values whichever others are
    computed with it. Samples that cannot be read are left out.

    Parameters
    ----------
    inputs
        What becomes of the images before the model gets them.
    parts
        Numbers of samples.
    batches
        Applies the network.
    threads
        Threads that read samples; by default as many as `Samples.read_all` has.
    """
    indices = (index for part in parts for index in part)
    ends = np.array([part.stop for part in parts])
    read = samples.read_all(indices, threads=threads)
    for held in ahead(_prepared(read, inputs, batches.size, ends), BATCHES_AHEAD):
        yield Embedded(held.indices, model.embed(held.images, held.channels, batches))


@dataclass(frozen=True)
class _Batch:
    indices: NDArray[np.int64]
    images: Images
    channels: int


def _prepared(
    read: Iterable[Sample], inputs: Inputs, size: int, ends: NDArray[np.int64]
) -> Iterator[_Batch]:
    """Get batches of images of one shape and one part, as the model takes them."""
    held: list[Sample] = []
    key: object = None

    def batch() -> _Batch:
        images = [one.image for one in held]
        numbers = np.array([_index(one.metadata) for one in held], np.int64)
        return _Batch(numbers, inputs.prepared(images), len(images[0]))

    for sample in read:
        part = int(np.searchsorted(ends, _index(sample.metadata), side="right"))
        now = (part, None if inputs.size else sample.image.shape)
        if held and (now != key or len(held) == size):
            yield batch()
            held.clear()
        key = now
        held.append(sample)
    if held:
        yield batch()


def _index(metadata: Mapping[str, object]) -> int:
    return int(str(metadata["index"]))


@dataclass(frozen=True)
class _End(Generic[_T]):
    """What comes after the last item: an error, if one was raised."""

    error: BaseException | None = None


def ahead(items: Iterator[_T], count: int) -> Iterator[_T]:
    """Get items that a thread computes in advance, at most so many of them."""
    ready: Queue[_T | _End[_T]] = Queue(count)
    ended = Event()

    def put(item: "_T | _End[_T]") -> None:
        while not ended.is_set():
            with suppress(Full):
                ready.put(item, timeout=POLL_SECONDS)
                break

    def work() -> None:
        error = None
        try:
            for item in items:
                put(item)
                if ended.is_set():
                    break
        except BaseException as found:  # noqa: BLE001 - who takes the items gets it
            error = found
        put(_End(error))

    Thread(target=work, name="embedding", daemon=True).start()
    try:
        while True:
            try:
                # a wait with an end, because a signal interrupts only such a one on all systems
                item = ready.get(timeout=POLL_SECONDS)
            except Empty:
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        ended.set()
