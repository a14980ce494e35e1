"""The order of an epoch: the same for the same seed, whatever the machine and its workers."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import QueryError

MIXED_SITES = 8
"""Sites whose tiles or cells come mixed with each other; each image is decoded once for that."""


def shuffled(keys: Sequence[bytes], seed: int, epoch: int) -> NDArray[np.int64]:
    """Get the numbers of the keys, sorted by SHA-256 of seed, epoch and key."""
    start = hashlib.sha256(f"{seed}\n{epoch}\n".encode())

    def place(key: bytes) -> bytes:
        digest = start.copy()
        digest.update(key)
        return digest.digest()[:8]

    places = np.frombuffer(b"".join(map(place, keys)), ">u8")
    return np.argsort(places, kind="stable").astype(np.int64)


def part_of(
    order: NDArray[np.int64], *, rank: int, ranks: int, worker: int, workers: int, start: int
) -> NDArray[np.int64]:
    """Get the part of an order that one worker of one rank takes, from its `start` on.

    The parts follow each other, those of the workers of a rank together. They differ in length
    by one at most.

    Raises
    ------
    QueryError
        There is no such rank or worker.
    """
    for name, number, count in (("rank", rank, ranks), ("worker", worker, workers)):
        if not 0 <= number < count:
            raise QueryError(f"{name} {number} is not from 0 to below {count}, the `{name}s`")
    if start < 0:
        raise QueryError(f"start {start} is below 0")
    part, parts = rank * workers + worker, ranks * workers
    first, end = len(order) * part // parts, len(order) * (part + 1) // parts
    return order[first:end][start:]
