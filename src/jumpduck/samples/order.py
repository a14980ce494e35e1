"""The order of an epoch: the same for the same seed, whatever the machine and its workers."""

import hashlib

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import QueryError

MIXED_SITES = 8
"""Sites whose tiles or cells come mixed with each other; each image is decoded once for that."""


KEY_BYTES = 16
"""Of the SHA-256 of what tells a sample from all others; of 10^9 samples no two are alike."""

ROWS_AT_ONCE = 1 << 16
"""Rows whose text is in memory while keys are made."""

Keys = NDArray[np.uint64]
"""Keys (n, 2) of samples or sites."""


def keys_of(rows: pl.DataFrame) -> Keys:
    """Get the first `KEY_BYTES` of the SHA-256 of each row as text."""
    keys = np.empty((rows.height, 2), "<u8")
    text = pl.concat_str(pl.all().cast(pl.String), separator="\t")
    for first in range(0, rows.height, ROWS_AT_ONCE):
        part = rows[first : first + ROWS_AT_ONCE].select(text).to_series()
        digests = [hashlib.sha256(one.encode()).digest()[:KEY_BYTES] for one in part]
        keys[first : first + len(part)] = np.frombuffer(b"".join(digests), "<u8").reshape(-1, 2)
    return keys.astype(np.uint64, copy=False)


def epoch_order(
    keys: Keys, sites: NDArray[np.int64], site_keys: Keys, *, seed: int, epoch: int
) -> NDArray[np.int64]:
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


def _places(keys: Keys, seed: int, epoch: int) -> NDArray[np.uint64]:
    """Mix each key with SHA-256 of seed and epoch.

    The keys are random numbers already, so the last steps of MurmurHash3 (its ``fmix64``) after
    each half are enough, and take a hundredth of the time of SHA-256 of all keys in each epoch.
    """
    start = np.frombuffer(hashlib.sha256(f"{seed}\n{epoch}".encode()).digest()[:KEY_BYTES], "<u8")
    mixed = np.zeros(len(keys), np.uint64)
    for half in (0, 1):
        mixed ^= keys[:, half]
        mixed ^= start[half]
        for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
            mixed ^= mixed >> np.uint64(33)
            mixed *= np.uint64(factor)
        mixed ^= mixed >> np.uint64(33)
    return mixed


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
