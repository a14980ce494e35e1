"""Tasks done by threads of this process."""

import threading
from collections.abc import Callable
from typing import Protocol

from jumpduck.daemon_pool import DaemonPool
from jumpduck.rows import PlateKey
from jumpduck.storage.object_reader import ObjectReader
from jumpduck.transfer.tasks import Outcome, Task, discard
from jumpduck.transfer.worker import Worker

WAITING_TASKS = 64
"""Tasks that are handed out beyond those that have a connection."""


class TaskRunner(Protocol):
    """Does tasks, several at a time.

    Attributes
    ----------
    max_outstanding
        Tasks that may be handed out before their outcomes are back.
    """

    max_outstanding: int

    def submit(self, task: Task) -> None:
        """Do a task soon; its outcome, or the error that ends the run, is handed over."""
        ...

    def share(self, plate: PlateKey, context: object) -> object:
        """Get what the tasks of a plate are to know of it, where all who do them can read it."""
        ...

    def forget(self, plate: PlateKey) -> None:
        """Give up what was shared of a plate, because all of its tasks are done."""
        ...

    @property
    def paused_since(self) -> float | None:
        """When the wait for the network began, in seconds of `time.time`; None if there is none."""
        ...

    def stop(self) -> None:
        """Begin nothing more, and hand nothing over; nobody waits for what goes on."""
        ...


class TaskThreads:
    """Does tasks on network threads of this process, and their recipes on a pool for the cores.

    Parameters
    ----------
    worker
        Does one task.
    reader, cores
        Those of the worker.
    connections
        Number of threads.
    hand_over
        Called with each outcome, or with the error that ends the run, on one of the threads.
    """

    def __init__(
        self,
        worker: Worker,
        reader: ObjectReader,
        cores: DaemonPool,
        connections: int,
        hand_over: Callable[[Outcome | BaseException], None],
    ) -> None:
        self.max_outstanding = connections + WAITING_TASKS
        self._worker = worker
        self._reader = reader
        self._cores = cores
        self._network = DaemonPool(connections, "network")
        self._hand_over = hand_over
        self._stopping = threading.Event()

    def submit(self, task: Task) -> None:
        """Do a task on a network thread."""
        self._network.submit(self._do, task)

    def share(self, plate: PlateKey, context: object) -> object:  # noqa: ARG002
        """Get the same object, because the threads share their memory."""
        return context

    def forget(self, plate: PlateKey) -> None:
        """Do nothing."""

    @property
    def paused_since(self) -> float | None:
        """When the reader began to wait for the network."""
        return self._reader.outage.since

    def stop(self) -> None:
        """Begin nothing more; the file of a task that is under way is removed."""
        self._stopping.set()
        self._reader.stop()
        for pool in (self._network, self._cores):
            pool.shutdown(cancel_futures=True)

    def _do(self, task: Task) -> None:
        if self._stopping.is_set():
            return
        try:
            outcome = self._worker.run(task)
        except BaseException as error:  # noqa: BLE001
            # because the main thread must end the run, it gets the error
            self._hand_over(error)
            return
        if self._stopping.is_set():
            discard(outcome)
        else:
            self._hand_over(outcome)
