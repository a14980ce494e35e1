"""How many requests a second a run sends: what the user allows and what the server accepts."""

import random
import threading
import time
from collections import deque

FIRST_GAP_SECONDS = 0.02
"""Time between requests after the first "slow down": 50 requests a second."""

MAX_GAP_SECONDS = 0.25
MIN_GAP_SECONDS = 0.001
"""A shorter gap becomes none."""

GAP_FACTOR_PER_ANSWER = 0.98
"""Each good answer multiplies the gap by this: 35 of them halve it."""

SAME_REFUSAL_SECONDS = 1.0
"""Refusals within this time count once, because requests already sent cannot be slowed down."""


FIRST_FILE_BYTES = 2_500_000
"""Bytes that a request is taken to bring while none has: those of a large image."""

MEAN_WEIGHT = 0.1
"""Weight of one more file in the mean size that a request is taken to bring."""


class RateLimit:
    """Keeps the requests of all threads apart from each other.

    Parameters
    ----------
    max_requests
        Requests a second at most; without limit by default.
    max_mbps
        Megabits a second at most, on average; without limit by default.
    """

    def __init__(self, max_requests: float | None = None, max_mbps: float | None = None) -> None:
        self._allowed_gap = 1 / max_requests if max_requests else 0.0
        self._seconds_per_byte = 8 / (max_mbps * 1e6) if max_mbps else 0.0
        self._mean_bytes = float(FIRST_FILE_BYTES)
        self._expected: deque[float] = deque()
        self._server_gap = 0.0
        # two times, because a request that brings fewer bytes than expected gives bytes back only
        self._next_request: float = 0.0
        self._next_bytes: float = 0.0
        self._pauses = 0
        self._last_refusal = float("-inf")
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may be sent."""
        with self._lock:
            # before the bytes come, because many requests would else be sent at once
            start = max(time.monotonic(), self._next_bytes)
            self._next_bytes = start + self._mean_bytes * self._seconds_per_byte
            self._expected.append(self._mean_bytes)
        pauses = -1
        while pauses != self._pauses:  # a pause that began meanwhile holds this request back, too
            with self._lock:
                pauses = self._pauses
                now = time.monotonic()
                start = max(start, now, self._next_request)
                self._next_request = start + max(self._server_gap, self._allowed_gap)
            if start > now:
                time.sleep(start - now)

    def brought(self, size_bytes: int, *, good: bool = True) -> None:
        """Count the bytes that a request brought, or at most those: they delay the next request.

        A good answer also shrinks the server's gap.
        """
        with self._lock:
            more = size_bytes - self._expected.popleft()
            self._next_bytes += more * self._seconds_per_byte
            if not good:
                return
            self._mean_bytes += (size_bytes - self._mean_bytes) * MEAN_WEIGHT
            long = self._server_gap > MIN_GAP_SECONDS
            self._server_gap = self._server_gap * GAP_FACTOR_PER_ANSWER if long else 0.0

    def slow_down(self) -> bool:
        """Double the gap between requests, because the server said that there are too many.

        Returns whether this refusal counted.
        """
        with self._lock:
            now = time.monotonic()
            counts = now - self._last_refusal > SAME_REFUSAL_SECONDS
            if counts:
                self._last_refusal = now
                gap = max(2 * self._server_gap, FIRST_GAP_SECONDS)
                self._server_gap = min(MAX_GAP_SECONDS, gap)
            return counts

    def pause(self, seconds: float) -> None:
        """Send no request for some time, because the server said how long it refuses all."""
        with self._lock:
            self._pauses += 1
            self._next_request = max(self._next_request, time.monotonic() + seconds)


def retry_seconds(first_seconds: float, attempt: int) -> float:
    """Get the time to wait after attempt number `attempt`, from 1: doubled each time, +-50 %.

    It is random, because otherwise all threads would ask again at the same moment.
    """
    return first_seconds * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
