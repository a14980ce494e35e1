"""How many requests a second a run sends: what the user allows and what the server accepts."""

import random
import threading
import time
from collections import deque
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jumpduck.storage.shared_numbers import SharedNumbers

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


_MEAN_BYTES, _SERVER_GAP, _NEXT_REQUEST, _NEXT_BYTES, _PAUSES, _LAST_REFUSAL = range(6)
"""Places of the numbers that all processes of a run share."""


class RateLimit:
    """Keeps the requests of all threads apart from each other, and those of several processes.

    Parameters
    ----------
    max_requests
        Requests a second at most; without limit by default.
    max_mbps
        Megabits a second at most, on average; without limit by default.
    shared
        What `share` returned in another process, whose requests count as well.
    """

    def __init__(
        self,
        max_requests: float | None = None,
        max_mbps: float | None = None,
        shared: "SharedNumbers | None" = None,
    ) -> None:
        self.max_requests, self.max_mbps = max_requests, max_mbps
        self._allowed_gap = 1 / max_requests if max_requests else 0.0
        self._seconds_per_byte = 8 / (max_mbps * 1e6) if max_mbps else 0.0
        self._expected: deque[float] = deque()
        # two times, because a request that brings fewer bytes than expected gives bytes back only
        self._numbers: memoryview[float] | list[float] = [0.0] * 6
        self._numbers[_MEAN_BYTES] = float(FIRST_FILE_BYTES)
        self._numbers[_LAST_REFUSAL] = float("-inf")
        self._lock: AbstractContextManager[object] = threading.Lock()
        if shared is not None:
            self._numbers, self._lock = shared.values, shared

    def share(self) -> "SharedNumbers":
        """Get the state for other processes, before the first request is sent."""
        from jumpduck.storage.shared_numbers import SharedNumbers  # Windows does not have it

        shared = SharedNumbers(list(self._numbers))
        self._numbers, self._lock = shared.values, shared
        return shared

    def wait(self) -> None:
        """Return when the next request may be sent."""
        numbers = self._numbers
        start = time.monotonic()
        gaps = self._allowed_gap or self._seconds_per_byte or numbers[_SERVER_GAP]
        if not gaps and numbers[_NEXT_REQUEST] <= start:
            return  # without the lock, for which other processes would wait
        if self._seconds_per_byte:
            with self._lock:
                # before the bytes come, because many requests would else be sent at once
                start = max(start, numbers[_NEXT_BYTES])
                numbers[_NEXT_BYTES] = start + numbers[_MEAN_BYTES] * self._seconds_per_byte
                self._expected.append(numbers[_MEAN_BYTES])
        pauses = -1.0
        # a pause that began meanwhile holds this request back, too
        while pauses != numbers[_PAUSES]:
            with self._lock:
                pauses = numbers[_PAUSES]
                now = time.monotonic()
                start = max(start, now, numbers[_NEXT_REQUEST])
                numbers[_NEXT_REQUEST] = start + max(numbers[_SERVER_GAP], self._allowed_gap)
            if start > now:
                time.sleep(start - now)

    def brought(self, size_bytes: int, *, good: bool = True) -> None:
        """Count the bytes that a request brought, or at most those: they delay the next request.

        A good answer also shrinks the server's gap.
        """
        numbers = self._numbers
        if not self._seconds_per_byte and not numbers[_SERVER_GAP]:
            return  # there is nothing that it would change
        with self._lock:
            if self._seconds_per_byte:
                more = size_bytes - self._expected.popleft()
                numbers[_NEXT_BYTES] += more * self._seconds_per_byte
            if not good:
                return
            numbers[_MEAN_BYTES] += (size_bytes - numbers[_MEAN_BYTES]) * MEAN_WEIGHT
            gap = numbers[_SERVER_GAP]
            numbers[_SERVER_GAP] = gap * GAP_FACTOR_PER_ANSWER if gap > MIN_GAP_SECONDS else 0.0

    def slow_down(self) -> bool:
        """Double the gap between requests, because the server said that there are too many.

        Returns whether this refusal counted.
        """
        numbers = self._numbers
        with self._lock:
            now = time.monotonic()
            counts = now - numbers[_LAST_REFUSAL] > SAME_REFUSAL_SECONDS
            if counts:
                numbers[_LAST_REFUSAL] = now
                gap = max(2 * numbers[_SERVER_GAP], FIRST_GAP_SECONDS)
                numbers[_SERVER_GAP] = min(MAX_GAP_SECONDS, gap)
            return counts

    def pause(self, seconds: float) -> None:
        """Send no request for some time, because the server said how long it refuses all."""
        numbers = self._numbers
        with self._lock:
            numbers[_PAUSES] += 1
            numbers[_NEXT_REQUEST] = max(numbers[_NEXT_REQUEST], time.monotonic() + seconds)


def retry_seconds(first_seconds: float, attempt: int) -> float:
    """Get the time to wait after attempt number `attempt`, from 1: doubled each time, +-50 %.

    It is random, because otherwise all threads would ask again at the same moment.
    """
    return first_seconds * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
