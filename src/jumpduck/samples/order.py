"""The order of an epoch: the same for the same seed, whatever the machine and its workers."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import QueryError

MIXED_SITES = 8
"""Sites whose tiles or cells come mixed with each other; each image is decoded once for that."""


def epoch_order(
    keys: Sequence[bytes], sites: NDArray[np.int64], site_keys: Sequence[bytes], *, seed: int,
    epoch: int,
) -> NDArray[np.int64]:  # fmt: skip
    """Get the numbers of all samples in the order of an epoch.

    The sites are shuffled, and then the samples of each `MIXED_SITES` of them.

    Parameters
    ----------
    keys
        Of each sample.
    sites
        Number of the site of each sample.
    site_keys
        Of each site.
    """
    places = _places(keys, seed, epoch)
    if len(keys) == len(site_keys) == len(np.unique(sites)):
        return np.argsort(places, kind="stable")
    turns = np.empty(len(site_keys), np.int64)
    turns[np.argsort(_places(site_keys, seed, epoch), kind="stable")] = np.arange(len(site_keys))
    return np.lexsort((places, turns[sites] // MIXED_SITES))


def _places(keys: Sequence[bytes], seed: int, epoch: int) -> NDArray[np.uint64]:
    """Get SHA-256 of seed, epoch and each key, as numbers."""
    start = hashlib.sha256(f"{seed}\n{epoch}\n".encode())

    def place(key: bytes) -> bytes:
        digest = start.copy()
        digest.update(key)
        return digest.digest()[:8]

    return np.frombuffer(b"".join(map(place, keys)), ">u8").astype(np.uint64)


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
