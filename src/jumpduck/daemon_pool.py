"""Threads that the interpreter does not wait for at its end."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Executor, Future, wait
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class DaemonPool(Executor):
    """Calls what is submitted on a number of threads, as `ThreadPoolExecutor` does.

    The interpreter waits at its end for each thread of a `ThreadPoolExecutor`. A request that
    hangs cannot be cancelled, so a script that was interrupted would end a minute later.

    Parameters
    ----------
    max_threads
        Number of threads at most.
    name
        Name of the threads.
    """

    def __init__(self, max_threads: int, name: str) -> None:
        self._max_threads = max_threads
        self._name = name
        self._threads = 0
        self._ended = False
        self._lock = Lock()
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Have a function called on a thread."""
        future: Future[_T] = Future()
        with self._lock:
            if self._ended:
                raise RuntimeError("the pool has ended")
            self._calls.put((future, lambda: fn(*args, **kwargs)))
            if self._threads < self._max_threads:
                self._threads += 1
                Thread(target=self._work, name=self._name, daemon=True).start()
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """End each thread after the call that it does, without a wait for that."""
        with self._lock, suppress(Empty):
            self._ended = True
            while cancel_futures and (item := self._calls.get_nowait()) is not None:
                item[0].cancel()
        for _ in range(self._threads):
            self._calls.put(None)

    def _work(self) -> None:
        while (item := self._calls.get()) is not None:
            future, call = item
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:  # noqa: BLE001
                    # because who waits for the result gets the error
                    future.set_exception(error)
            del item, future, call  # because a thread that waits would keep the result in memory


def in_threads(
    work: Callable[[_T], object], items: Iterable[_T], threads: int
) -> Iterator[tuple[int, int]]:
    """Call `work` with each item in threads, and get (items done, all items) as it goes on.

    The first error is raised, and items that have not begun are left out.
    """
    todo = list(items)
    failed = Event()

    def work_on(item: _T) -> None:
        if not failed.is_set():
            try:
                work(item)
            except BaseException:
                failed.set()
                raise

    pool = DaemonPool(threads, "reading")
    try:
        pending = {pool.submit(work_on, item) for item in todo}
        while pending:
            finished, pending = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
            for future in finished:
                future.result()
            yield len(todo) - len(pending), len(todo)
    finally:
        # no wait, because after an interruption a thread may wait for its network for minutes
        pool.shutdown(cancel_futures=True)
