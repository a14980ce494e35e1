"""A bound on the memory of all tasks together, however large the files and many the threads."""

import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager

from jumpduck.errors import StoreError

FETCHED_BYTES = 384 * 2**20
"""Bytes of fetched files in memory, from the server's announcement until the file is written."""

WORK_BYTES = 384 * 2**20
"""Bytes of decoded planes and of what recipes make of them."""

CONTEXT_BYTES = 128 * 2**20
"""Bytes of what is known of the plates in work, beyond which no further plate is begun."""


class MemoryBudget:
    """A number of bytes that all threads share; who waits longest is served first.

    Parameters
    ----------
    total
        Bytes to share.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._free = total
        self._waiting: deque[tuple[int, Callable[[], object]]] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def reserve(self, count: int) -> Generator["Reservation"]:
        """Wait for `count` bytes; all that the reservation then holds is given back at the end."""
        reservation = Reservation(self)
        try:
            reservation.cover(count, may_wait=True)
            yield reservation
        finally:
            self.give_back(reservation.count)

    def take(self, count: int) -> None:
        """Wait until `count` bytes are free, and take them."""
        served = threading.Event()
        self.ask(count, served.set)
        served.wait()

    def ask(self, count: int, served: Callable[[], object]) -> None:
        """Take `count` bytes when they are free, and call `served` then, on some thread."""
        with self._lock:
            # because small requests would otherwise overtake a large one for ever, a request waits
            # while another one does
            if self._waiting or self._free < count:
                self._waiting.append((count, served))
                return
            self._free -= count
        served()

    def give_back(self, count: int) -> None:
        """Give `count` bytes back, to the requests that wait longest."""
        served: list[Callable[[], object]] = []
        with self._lock:
            self._free += count
            while self._waiting and self._waiting[0][0] <= self._free:
                wanted, call = self._waiting.popleft()
                self._free -= wanted
                served.append(call)
        for call in served:
            call()


class Reservation:
    """Bytes of a budget that one task holds."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self.count = 0

    def cover(self, count: int, *, may_wait: bool) -> bool:
        """Get whether the reservation covers `count` bytes, after it was enlarged if need be.

        Parameters
        ----------
        may_wait
            Give back what is reserved and wait for `count` bytes. A task that has bytes in memory
            must not wait, because two tasks that wait for each other's memory wait for ever.

        Raises
        ------
        StoreError
            The whole budget is smaller.
        """
        if count <= self.count:
            return True
        if count > self._budget.total:
            raise StoreError(
                f"the files of this row need {count} bytes of memory at once, and "
                f"{self._budget.total} are allowed"
            )
        if not may_wait:
            return False
        self._budget.give_back(self.count)
        self.count = 0
        self._budget.take(count)
        self.count = count
        return True
