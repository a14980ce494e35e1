"""How hard a run works: connections, threads, requests and megabits a second."""

import os
from dataclasses import dataclass

from jumpduck.errors import QueryError
from jumpduck.storage.object_reader import ObjectReader
from jumpduck.storage.rate_limit import RateLimit

DEFAULT_CONNECTIONS = 32
MAX_CONNECTIONS = 256

MIN_A_SECOND = 0.001
"""Requests or megabits a second: with fewer a run would wait for days between two files."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How hard a run works.

    Parameters
    ----------
    connections
        Files fetched at the same time, from 1 to 256; fewer, with a warning, where the system
        lets the process open too few files (``ulimit -n``).
    workers
        Images processed at the same time; one for each core by default.
    max_requests
        Requests a second at most, over the network.
    max_mbps
        Megabits a second at most, on average, over the network.

    Raises
    ------
    QueryError
        A value is out of range.
    """

    connections: int = DEFAULT_CONNECTIONS
    workers: int | None = None
    max_requests: float | None = None
    max_mbps: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.connections <= MAX_CONNECTIONS:
            raise QueryError(f"connections {self.connections} is not from 1 to {MAX_CONNECTIONS}")
        if self.workers is not None and self.workers < 1:
            raise QueryError(f"workers {self.workers} is below 1")
        for name in ("max_requests", "max_mbps"):
            value = getattr(self, name)
            if value is not None and not value >= MIN_A_SECOND:
                raise QueryError(f"{name} {value} is not allowed; give {MIN_A_SECOND} or more")

    @property
    def threads(self) -> int:
        """Images processed at the same time."""
        return self.workers or os.cpu_count() or 1

    def reader(self, endpoint: str | None) -> ObjectReader:
        """Get a reader that keeps to these limits."""
        return ObjectReader(endpoint, rate_limit=RateLimit(self.max_requests, self.max_mbps))
