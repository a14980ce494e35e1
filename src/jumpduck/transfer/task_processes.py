"""Tasks done by worker processes, because Python runs one thread of a process at a time.

The main process keeps all that has an order: which task is next, what is committed, what is said.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import RLock

from jumpduck.errors import StoreError
from jumpduck.recipes.base import Recipe
from jumpduck.recipes.registry import pickled
from jumpduck.rows import PlateKey
from jumpduck.storage.atomic_files import part_path
from jumpduck.storage.object_reader import ObjectReader
from jumpduck.transfer.memory_budget import FETCHED_BYTES, WORK_BYTES, MemoryBudget
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
)
from jumpduck.transfer.shared_contexts import SharedContext, SharedContexts, read_context
from jumpduck.transfer.task_threads import WAITING_TASKS
from jumpduck.transfer.tasks import Concurrency, Outcome, Task
from jumpduck.transfer.worker import Worker
from jumpduck.transfer.worker_process import WorkerProcess

WAITING_TASKS_A_WORKER = 32
"""Tasks that a process has for each of its workers, beyond those that have a connection.

As many are on their way to the disk: for up to 0.2 seconds, at up to 150 images a second.
"""

MAX_KILLED = 3
"""Processes of one task that are killed before it is given up."""

MAX_KILLED_IN_A_ROW = 3
"""The same of each place for a process, without any outcome in between, before the run ends."""

SHARED_PART = 2
"""The processes share one part in so many of the memory for all; the rest is for who asks."""

_logger = logging.getLogger(__name__)


class TaskProcesses:
    """Does tasks in worker processes, which are started as there is work for them.

    Parameters
    ----------
    folder, run
        Where files are written, and what only this run has in the names of its part files.
    worker
        Gives the outcome of a task that no process does.
    reader
        Its limits count for all processes together.
    recipe
        Makes the files; other processes can build it.
    concurrency
        How many processes, connections and workers.
    hand_over
        Called with each outcome, or with the error that ends the run, on some thread.
    """

    def __init__(
        self,
        folder: Path,
        run: str,
        worker: Worker,
        reader: ObjectReader,
        recipe: Recipe,
        *,
        concurrency: Concurrency,
        hand_over: Callable[[Outcome | BaseException], None],
    ) -> None:
        self._folder, self._run, self._worker = folder, run, worker
        self._reader, self._recipe = reader, recipe
        self._count, self._connections = concurrency.processes, concurrency.connections
        self._workers = max(concurrency.workers, concurrency.processes)
        self._hand_over = hand_over
        waiting = WAITING_TASKS_A_WORKER * self._workers + WAITING_TASKS
        self.max_outstanding = concurrency.connections + waiting
        self._numbers = reader.rate_limit.share()
        self._contexts = SharedContexts()
        self._plates: dict[PlateKey, SharedContext] = {}
        work = max(WORK_BYTES, recipe.worker_bytes * self._workers)
        total: dict[BudgetName, int] = {"fetched": FETCHED_BYTES, "work": work}
        self._total_bytes = total
        self._budgets = {
            name: MemoryBudget(count - count // SHARED_PART) for name, count in total.items()
        }
        self._waiting: deque[Task] = deque()
        self._suspects: deque[Task] = deque()
        """Tasks whose process was killed: a process has one of them at a time."""
        self._killed: Counter[int] = Counter()
        self._killed_in_a_row = 0
        self._servers: list[str] = []
        self._running: list[WorkerProcess] = []
        self._is_paused = self._stopping = False
        self._lock = RLock()
        self._reader.on_new_server = self._learn_server

    def submit(self, task: Task) -> None:
        """Do a task in the process that has least to do."""
        if task.reason is not None:
            self._hand_over(self._worker.run(task))
            return
        with self._lock:
            self._waiting.append(task)
            self._give_out()

    def share(self, plate: PlateKey, context: object) -> object:
        """Get the context of a plate with arrays that all processes share."""
        shared = self._contexts.add(plate, context, self._recipe.name)
        with self._lock:
            self._plates[plate] = shared
        return read_context(self._contexts.file, shared)

    def forget(self, plate: PlateKey) -> None:
        """Give up the context of a plate."""
        with self._lock:
            if self._plates.pop(plate, None) is not None:
                self._contexts.remove(plate)
            for process in self._running:
                if plate in process.plates:
                    process.plates.remove(plate)
                    process.send(EndOfPlate(plate))

    @property
    def paused_since(self) -> float | None:
        """When the first of the readers began to wait for the network that still wait."""
        with self._lock:
            since = [self._reader.outage.since, *(one.paused_since for one in self._running)]
        return min((one for one in since if one is not None), default=None)

    def stop(self) -> None:
        """Kill all processes, and remove the files that they have not handed over."""
        with self._lock:
            self._stopping = True
            running = list(self._running)
        for process in running:
            process.kill()
        for process in running:
            process.wait()
            self._remove_parts(process)
        self._contexts.close()

    def _give_out(self) -> None:
        """Send tasks that wait to processes that can take them, which are started if need be."""
        while not self._stopping:
            suspected = {
                one.place for one in self._running if self._killed.keys() & one.tasks.keys()
            } if self._suspects else set[int]()  # fmt: skip
            if self._suspects and (process := self._free_process(suspected)):
                self._send(process, self._suspects.popleft())
            elif self._waiting and (process := self._free_process()):
                self._send(process, self._waiting.popleft())
            else:
                return

    def _free_process(self, without: Container[int] = ()) -> WorkerProcess | None:
        """Get the process that has least to do, or a new one; None if no one can take a task."""
        running = [one for one in self._running if one.place not in without]
        process = min(running, key=lambda one: len(one.tasks), default=None)
        if process is not None and len(process.tasks) < process.max_tasks:
            return process
        return self._started()

    def _send(self, process: WorkerProcess, task: Task) -> None:
        process.tasks[task.number] = task
        if task.plate not in process.plates and task.plate in self._plates:
            process.plates.add(task.plate)
            process.send(NewPlate(task.plate, self._plates[task.plate]))
        process.send(NewTask(task.number, task.plate, task.rows))

    def _started(self) -> WorkerProcess | None:
        """Get one more process, None if there are enough or it cannot be started."""
        places = set(range(self._count)) - {process.place for process in self._running}
        if not places:
            return None
        place = min(places)
        connections = _part(self._connections, self._count, place)
        workers = _part(self._workers, self._count, place)
        share: dict[BudgetName, int] = {
            name: size // SHARED_PART // self._count for name, size in self._total_bytes.items()
        }
        limit = self._reader.rate_limit
        start = Start(
            folder=str(self._folder),
            run=self._run,
            recipe=pickled(self._recipe) or b"",
            endpoint=self._reader.endpoint,
            attempts=self._reader.attempts,
            max_requests=limit.max_requests,
            max_mbps=limit.max_mbps,
            numbers_file=self._numbers.file,
            contexts_file=self._contexts.file,
            connections=connections,
            workers=workers,
            share_bytes=share,
            total_bytes=self._total_bytes,
        )
        try:
            process = WorkerProcess(place, start, self._receive, self._ended)
        except OSError as error:
            self._hand_over(_not_started(error.strerror or error))
            return None
        process.max_tasks = connections + WAITING_TASKS_A_WORKER * workers
        for url in self._servers:
            process.send(NewServer(url))
        self._running.append(process)
        return process

    def _receive(self, process: WorkerProcess, messages: Sequence[Message]) -> None:
        """Do what a process says, on the thread that reads its messages."""
        done: list[Outcome] = []
        with self._lock:
            if self._stopping:
                return  # `stop` removes the files of tasks that are done, too
            for message in messages:
                if isinstance(message, Done):
                    done.append(self._outcome(process, message))
                else:
                    self._take(process, message)
            self._killed_in_a_row = 0 if done else self._killed_in_a_row
            self._give_out()
        for outcome in done:
            self._hand_over(outcome)

    def _outcome(self, process: WorkerProcess, done: Done) -> Outcome:
        task = process.tasks.pop(done.number)
        rows = [{**row, **more} for row, more in zip(task.rows, done.rows, strict=True)]
        task = replace(task, context=None)  # because a plate may be done before its outcomes are
        if not done.has_file:
            return Outcome(task, rows)
        target = self._folder / str(task.rows[0]["path"])
        return Outcome(task, rows, part_path(self._run, target, task.number), target)

    def _take(self, process: WorkerProcess, message: Message) -> None:
        match message:
            case Ready(label, parameters):
                process.is_ready = True
                if (label, parameters) != (self._recipe.label, self._recipe.parameters_text):
                    self._hand_over(
                        StoreError(
                            f"recipe {self._recipe.label} with {self._recipe.parameters_text} is "
                            f"{label} with {parameters} in another process; give processes 1"
                        )
                    )
            case Failed(error, cause):
                error.__cause__ = cause
                self._hand_over(error)
            case NewServer(url):
                self._learn_server(url)
            case Paused(since):
                process.paused_since = since
                self._log_pause()
            case Ask(name, number, count):
                # what exceeds all that there is beside the shares takes all of it
                count = min(count, self._budgets[name].total)
                process.asked[number] = name, count
                self._budgets[name].ask(count, lambda: self._serve(process, number, name, count))
            case GiveBack(number):
                process.served.remove(number)
                name, count = process.asked.pop(number)
                self._budgets[name].give_back(count)
            case Log(name, level, text):
                logging.getLogger(name).log(level, text)
            case _:
                raise TypeError(f"{message} is not for the main process")

    def _serve(self, process: WorkerProcess, number: int, name: BudgetName, count: int) -> None:
        """Tell a process that it has memory."""
        with self._lock:
            if not process.has_ended:
                process.served.add(number)
                process.send(Served(number))
                return
        self._budgets[name].give_back(count)

    def _learn_server(self, url: str) -> None:
        """Note that a server has answered, so that all processes wait for it if it is gone."""
        with self._lock:
            self._servers.append(url)
            for process in self._running:
                process.send(NewServer(url))
        self._reader.learn_server(url)

    def _log_pause(self) -> None:
        since = self.paused_since
        if since is not None and not self._is_paused:
            _logger.warning("no answer from any server; the run waits until there is one")
        elif since is None and self._is_paused:
            _logger.warning("answers come again")
        self._is_paused = since is not None

    def _ended(self, process: WorkerProcess) -> None:
        """Give the tasks of a process that was killed to others."""
        process.kill()  # where it closed its pipe for another reason
        process.wait()
        given_up: list[Task] = []
        with self._lock:
            if self._stopping:
                return
            self._running.remove(process)
            process.has_ended = True
            self._remove_parts(process)
            self._killed_in_a_row += 1
            if not process.is_ready and not process.was_killed:
                self._hand_over(_not_started(f"it {process.end_text}"))
                return
            if self._killed_in_a_row > MAX_KILLED_IN_A_ROW * self._count:
                self._hand_over(
                    StoreError(
                        f"{self._killed_in_a_row} worker processes ended one after the other and "
                        f"did nothing: the last {process.end_text}{process.advice}"
                    )
                )
                return
            _logger.warning(
                "a worker process %s; its %d tasks go to others",
                process.end_text, len(process.tasks),
            )  # fmt: skip
            for task in process.tasks.values():
                if process.is_ready:  # before, it had begun none
                    self._killed[task.number] += 1
                if task.number not in self._killed:
                    self._waiting.appendleft(task)
                elif self._killed[task.number] >= MAX_KILLED:
                    given_up.append(task)
                else:
                    self._suspects.append(task)
            self._give_out()
        for number in process.served:
            name, count = process.asked[number]
            self._budgets[name].give_back(count)
        for task in given_up:
            reason = {
                "status": "failed",
                "error": f"{MAX_KILLED} worker processes that made it ended, the last "
                f"{process.end_text}{process.advice}",
                "attempts": MAX_KILLED,
            }
            self._hand_over(self._worker.run(replace(task, reason=reason)))

    def _remove_parts(self, process: WorkerProcess) -> None:
        """Remove the files of tasks that a process has not handed over."""
        for task in process.tasks.values():
            target = self._folder / str(task.rows[0]["path"])
            with suppress(OSError):
                part_path(self._run, target, task.number).unlink()


def _part(total: int, count: int, place: int) -> int:
    """Get the part of a number that one of so many processes has."""
    return total // count + (place < total % count)


def _not_started(reason: object) -> StoreError:
    return StoreError(f"a worker process cannot be started: {reason}; give processes 1")
