"""Outcomes in batches, and their files on the disk: one commit of the disk serves many files."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import Executor, wait
from contextlib import suppress
from dataclasses import replace
from queue import Empty, SimpleQueue

from jumpduck.storage.atomic_files import sync_part
from jumpduck.transfer.tasks import Outcome, discard

MAX_BATCH_FILES = 64

MAX_WAIT_SECONDS = 0.1
"""Time that a batch waits for more files: each batch costs the disk two commits of its own."""

SYNC_THREADS = 8
"""Files that a process brings to the disk at the same time."""


class OutcomeBatches:
    """A queue of outcomes that is read in batches."""

    def __init__(self) -> None:
        self._outcomes: SimpleQueue[Outcome | None] = SimpleQueue()

    def put(self, outcome: Outcome) -> None:
        """Add an outcome."""
        self._outcomes.put(outcome)

    def close(self) -> None:
        """Say that no more will come."""
        self._outcomes.put(None)

    def next(self) -> tuple[list[Outcome], bool]:
        """Wait for outcomes; get those to treat together, and whether no more will come."""
        outcome = self._outcomes.get()
        until = time.monotonic() + MAX_WAIT_SECONDS
        batch: list[Outcome] = []
        with suppress(Empty):
            while outcome is not None:
                batch.append(outcome)
                if len(batch) == MAX_BATCH_FILES:
                    return batch, False
                outcome = self._outcomes.get(timeout=max(0.0, until - time.monotonic()))
            return batch, True
        return batch, False


def sync_files(outcomes: Sequence[Outcome], disk: Executor) -> list[Outcome]:
    """Wait until the files of outcomes are on the disk; get the outcomes without descriptors.

    Parameters
    ----------
    disk
        Its threads wait at the same time, so that one commit of the file system's journal serves
        many files.

    Raises
    ------
    OSError
        The disk does not take a file; none of them is left.
    """
    # those of worker processes come without a descriptor: their files are on the disk
    descriptors = [one.descriptor for one in outcomes if one.descriptor is not None]
    syncs = [disk.submit(_sync_and_close, one) for one in descriptors]
    wait(syncs)
    try:
        for sync in syncs:
            sync.result()
    except BaseException:
        for outcome in outcomes:
            discard(replace(outcome, descriptor=None))
        raise
    return [replace(one, descriptor=None) for one in outcomes]


def _sync_and_close(file: int) -> None:
    try:
        sync_part(file)
    finally:
        os.close(file)
