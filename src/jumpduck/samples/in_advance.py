"""Work on threads, some items in advance of the one that is taken."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

from jumpduck.daemon_pool import DaemonPool

READ_AHEAD = 2
"""Results that may wait, beside one in work on each thread."""

_T = TypeVar("_T")
_R = TypeVar("_R")


def in_advance(work: Callable[[_T], _R], items: Iterable[_T], threads: int) -> Iterator[_R]:
    """Get the result of each item in their order, made on threads before it is asked for.

    At most `threads` and `READ_AHEAD` results are in memory beside the one that was taken. The
    error of an item is raised in its place.
    """
    pool = DaemonPool(threads, "samples")
    pending: deque[Future[_R]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) >= threads + READ_AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
