"""How hard a run works: connections, threads, requests and megabits a second."""

from dataclasses import dataclass

from jumpduck.cores import usable_cores
from jumpduck.errors import QueryError
from jumpduck.recipes.base import Recipe
from jumpduck.recipes.registry import pickled
from jumpduck.storage.object_reader import ObjectReader
from jumpduck.storage.rate_limit import RateLimit

DEFAULT_CONNECTIONS = 32
MAX_CONNECTIONS = 256

FILES_PER_PROCESS = 250
"""Files for which one more process is worth its start, which takes a core 0.2 to 0.5 seconds."""

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
        Images processed at the same time; one for each core that this process may use by default.
    processes
        Processes that fetch and process images, from 1 to the number of connections. By default as
        many as workers, and fewer where each would have less than 250 files. All limits count for
        all of them together.
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
    processes: int | None = None
    max_requests: float | None = None
    max_mbps: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.connections <= MAX_CONNECTIONS:
            raise QueryError(f"connections {self.connections} is not from 1 to {MAX_CONNECTIONS}")
        if self.workers is not None and self.workers < 1:
            raise QueryError(f"workers {self.workers} is below 1")
        if self.processes is not None and not 1 <= self.processes <= self.connections:
            raise QueryError(
                f"processes {self.processes} is not from 1 to the number of connections, "
                f"{self.connections}"
            )
        for name in ("max_requests", "max_mbps"):
            value = getattr(self, name)
            if value is not None and not value >= MIN_A_SECOND:
                raise QueryError(f"{name} {value} is not allowed; give {MIN_A_SECOND} or more")

    @property
    def threads(self) -> int:
        """Images processed at the same time."""
        return self.workers or usable_cores()

    def process_count(self, files: int, recipe: Recipe) -> int:
        """Get how many processes make so many files.

        Raises
        ------
        QueryError
            `processes` is given, and no other process can build the recipe.
        """
        count = self.processes
        if count is None:
            count = max(1, min(self.threads, self.connections, files // FILES_PER_PROCESS))
        if count > 1 and pickled(recipe) is None:
            if self.processes is None:
                return 1
            raise QueryError(
                f"processes {count} cannot build recipe {recipe.name}, because it is a Recipe "
                "object that pickle does not keep; give recipe as MODULE:FUNCTION, or processes 1"
            )
        return count

    def reader(self, endpoint: str | None) -> ObjectReader:
        """Get a reader that keeps to these limits."""
        return ObjectReader(endpoint, rate_limit=RateLimit(self.max_requests, self.max_mbps))
