"""Which worker gives which batch of an epoch."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turns:
    """How the workers of a loader take turns.

    Torch takes one batch of each worker in turn, and passes over those that have no more. It begins
    with the first worker also where an epoch goes on in its middle.

    Parameters
    ----------
    batch_size
        Items of a batch; the last one of a worker may have fewer.
    batches
        Number of batches of each worker in an epoch.
    """

    batch_size: int
    batches: Sequence[int]

    def after(self, taken: int) -> list[tuple[int, int]]:
        """Get for each worker whose part it takes, and how many of its items were taken before.

        Parameters
        ----------
        taken
            Number of batches that were taken before.
        """
        given = [0] * len(self.batches)
        worker = 0
        for _ in range(min(taken, sum(self.batches))):
            while given[worker] == self.batches[worker]:
                worker = (worker + 1) % len(given)
            given[worker] += 1
            worker = (worker + 1) % len(given)
        parts = [*range(worker, len(given)), *range(worker)]
        return [(part, given[part] * self.batch_size) for part in parts]
