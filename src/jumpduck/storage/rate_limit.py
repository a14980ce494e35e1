"""The pace of a whole run: what the user allows, and what the server bears."""

import random
import threading
import time

BUSY_GAP = 0.02
"""Seconds between requests after the first "slow down": 50 requests a second."""

LONGEST_GAP = 0.25
SHORTEST_GAP = 0.001
EASE = 0.98
"""What each good answer makes of the gap: 35 of them halve it."""

BURST = 1.0
"""Refusals within so many seconds are one: requests already under way cannot slow down."""


class Pacer:
    """Spaces the requests of all threads.

    Parameters
    ----------
    max_requests
        Requests a second at most; no limit by default.
    max_mbps
        Megabits a second at most, on average; no limit by default.
    """

    def __init__(self, max_requests: float | None = None, max_mbps: float | None = None) -> None:
        self._least_gap = 1 / max_requests if max_requests else 0.0
        self._seconds_a_byte = 8 / (max_mbps * 1e6) if max_mbps else 0.0
        self._gap = 0.0
        self._next = 0.0
        self._slowed = float("-inf")
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may go out."""
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + max(self._gap, self._least_gap)
        if start > now:
            time.sleep(start - now)

    def received(self, size: int) -> None:
        """Count a good answer: it pays for its bytes, and the pace recovers a little."""
        with self._lock:
            if self._seconds_a_byte:
                self._next = max(time.monotonic(), self._next) + size * self._seconds_a_byte
            self._gap = self._gap * EASE if self._gap > SHORTEST_GAP else 0.0

    def slow_down(self) -> None:
        """Halve the pace of all threads: the server said that it is too much."""
        with self._lock:
            now = time.monotonic()
            if now - self._slowed > BURST:
                self._slowed = now
                self._gap = min(LONGEST_GAP, max(2 * self._gap, BUSY_GAP))


def backoff(first: float, attempt: int) -> float:
    """Get seconds to wait after the `attempt`-th failure: doubled each time, with jitter."""
    return first * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
