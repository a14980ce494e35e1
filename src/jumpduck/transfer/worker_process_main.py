"""What a worker process does: tasks that the main process sends, until its pipe ends.

It holds no lock and names no file. So it can be killed at any time.
"""

import itertools
import logging
import os
import pickle
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NoReturn

from jumpduck.containers.whole_files import WholeFiles
from jumpduck.daemon_pool import DaemonPool
from jumpduck.errors import JumpduckError, StoreError
from jumpduck.recipes.registry import unpickled
from jumpduck.rows import PlateKey
from jumpduck.storage.object_reader import ObjectReader
from jumpduck.storage.rate_limit import RateLimit
from jumpduck.storage.shared_numbers import SharedNumbers
from jumpduck.transfer.memory_budget import MemoryBudget
from jumpduck.transfer.outcome_batches import SYNC_THREADS, OutcomeBatches, sync_files
from jumpduck.transfer.process_messages import (
    Ask,
    BudgetName,
    Done,
    EndOfPlate,
    Failed,
    GiveBack,
    Log,
    Message,
    NewPlate,
    NewServer,
    NewTask,
    Paused,
    Ready,
    Served,
    Start,
    Writer,
    receive,
)
from jumpduck.transfer.shared_contexts import read_context
from jumpduck.transfer.tasks import DiskError, Outcome, Task
from jumpduck.transfer.worker import Memory, Worker


def main() -> NoReturn:
    """Do tasks until the pipe ends, which also the end of the main process does."""
    requests, answers = _pipes()
    writer = Writer(answers)
    try:
        child = _started(requests, writer)
        while messages := receive(requests):
            for message in messages:
                child.take(message)
    except BrokenPipeError:
        pass  # nobody waits for what is under way
    except BaseException as error:  # noqa: BLE001
        # because the main process must end the run, it gets the error
        writer.send(_failed(error))
    finally:
        os._exit(0)  # without a wait for requests that hang


def _started(requests: BinaryIO, writer: Writer) -> "_Child":
    start, *further = receive(requests)
    assert isinstance(start, Start)
    try:
        child = _Child(start, writer)
    except BaseException as error:  # noqa: BLE001
        # because a recipe's module may raise anything, and each means the same here
        raise StoreError(
            f"a worker process cannot be started: {type(error).__name__}: {error}; give processes 1"
        ) from None
    for message in further:
        child.take(message)
    return child


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Get the two pipes; what a recipe prints goes to the errors, and it reads nothing."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # the main process has no place for errors
        os.dup2(nothing, 1)
    return requests, answers


class _Child:
    """The worker of this process, and the threads of its own."""

    def __init__(self, start: Start, writer: Writer) -> None:
        self._writer = writer
        self._served: dict[int, Callable[[], object]] = {}
        self._numbers = itertools.count()
        self._contexts: dict[PlateKey, object] = {}
        self._contexts_file = start.contexts_file
        self._log()
        numbers = SharedNumbers(start.numbers_file)
        limit = RateLimit(start.max_requests, start.max_mbps, numbers)
        self._reader = ObjectReader(start.endpoint, attempts=start.attempts, rate_limit=limit)
        self._reader.on_new_server = lambda url: self._send(NewServer(url))
        self._reader.outage.on_change = lambda since: self._send(Paused(since))
        recipe = unpickled(start.recipe)
        self._send(Ready(recipe.label, recipe.parameters_text))
        self._worker = Worker(
            Path(start.folder),
            start.run,
            self._reader,
            recipe,
            DaemonPool(start.workers, "cores"),
            whole_files=WholeFiles(
                Path(start.folder), start.run, self._reader.save, start.contexts_file
            ),
            memory=Memory(
                _SharedBudget("fetched", start, self), _SharedBudget("work", start, self)
            ),
        )
        self._network = DaemonPool(start.connections, "network")
        self._disk = DaemonPool(SYNC_THREADS, "disk")
        self._batches = OutcomeBatches()
        threading.Thread(target=self._answer, name="answers", daemon=True).start()

    def take(self, message: Message) -> None:
        """Do what the main process says."""
        match message:
            case NewTask(number, plate, rows):
                # the columns are those of the journal, which the main process writes
                task = Task(number, plate, rows, {}, self._contexts.get(plate))
                self._network.submit(self._do, task)
            case NewPlate(plate, context):
                self._contexts[plate] = read_context(self._contexts_file, context)
            case EndOfPlate(plate):
                self._contexts.pop(plate, None)
            case Served(number):
                self._served.pop(number)()
            case NewServer(url):
                self._reader.learn_server(url)
            case _:
                raise TypeError(f"{message} is not for a worker process")

    def ask(self, budget: BudgetName, count: int) -> int:
        """Wait for memory beyond the share of this process; get the number to give it back with."""
        number = next(self._numbers)
        served = threading.Event()
        self._served[number] = served.set
        self._send(Ask(budget, number, count))
        served.wait()
        return number

    def give_back(self, number: int) -> None:
        """Give memory back that `ask` returned."""
        self._send(GiveBack(number))

    def _do(self, task: Task) -> None:
        """Do one task, on a network thread."""
        try:
            self._batches.put(self._worker.run(task))
        except BaseException as error:  # noqa: BLE001
            # because the main process must end the run, it gets the error
            self._send(_failed(error))

    def _answer(self) -> None:
        """Bring files to the disk and tell the main process, on a thread of its own."""
        while True:
            batch, _ = self._batches.next()
            try:
                self._send(*map(_done, sync_files(batch, self._disk)))
            except OSError as error:
                size = int(str(batch[0].rows[0].get("size") or 0))
                disk_error = DiskError(len(batch[0].rows), size)
                disk_error.__cause__ = error
                self._send(_failed(disk_error))

    def _send(self, *messages: Message) -> None:
        try:
            self._writer.send(*messages)
        except BrokenPipeError:
            os._exit(0)  # the main process has ended

    def _log(self) -> None:
        """Send what is logged to the main process, which says itself that the network is gone."""
        logging.getLogger("jumpduck.storage.outage").disabled = True
        handler = logging.Handler()
        handler.emit = lambda record: self._send(
            Log(record.name, record.levelno, record.getMessage())
        )
        logging.getLogger().addHandler(handler)


class _SharedBudget(MemoryBudget):
    """The share of this process of a memory budget; what exceeds it, the main process grants."""

    def __init__(self, name: BudgetName, start: Start, child: _Child) -> None:
        super().__init__(start.share_bytes[name])
        self._name: BudgetName = name
        self._share = start.share_bytes[name]
        self.total = start.total_bytes[name]
        self._child = child
        self._granted: dict[int, list[int]] = {}

    def take(self, count: int) -> None:
        """Wait until `count` bytes are free, and take them."""
        if count <= self._share:
            super().take(count)
        else:
            number = self._child.ask(self._name, count)
            self._granted.setdefault(count, []).append(number)

    def give_back(self, count: int) -> None:
        """Give `count` bytes back that were taken at once."""
        if count <= self._share:
            super().give_back(count)
        else:
            self._child.give_back(self._granted[count].pop())


def _done(outcome: Outcome) -> Done:
    """Get what the main process does not know of an outcome: also what a recipe filled in."""
    rows = [
        {name: value for name, value in row.items() if name not in known or value != known[name]}
        for row, known in zip(outcome.rows, outcome.task.rows, strict=True)
    ]
    return Done(outcome.task.number, rows, outcome.part is not None)


def _failed(error: BaseException) -> Failed:
    """Get a message with an error, as another process can raise it."""
    if not isinstance(error, JumpduckError | DiskError | OSError):
        error.add_note("in a worker process:\n" + "".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps((error, error.__cause__)))  # noqa: S301 - made here
    except Exception:  # noqa: BLE001 - a class may raise anything where it cannot be pickled
        text = f"{type(error).__name__} in a worker process: {error}"
        return Failed(StoreError(text), None)
    return Failed(error, error.__cause__)
