"""One worker process, as the main process sees it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import BinaryIO, cast

from jumpduck.rows import PlateKey
from jumpduck.transfer.process_messages import BudgetName, Message, Start, Writer, receive
from jumpduck.transfer.tasks import Task

END_SECONDS = 0.5
"""Time for a killed process to end; one that waits for a disk may take longer."""

# Neither a signal for the main process, nor a module of the current folder, may end its start.
_CODE = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
import json
sys.path[:] = json.loads(sys.argv[1])
from jumpduck.transfer.worker_process_main import main
main()
"""

_THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TOKIO_WORKER_THREADS": "2"}
"""Threads that libraries start, which would otherwise be as many as cores in each process."""


class WorkerProcess:
    """A process that does tasks until it is killed.

    Parameters
    ----------
    place
        Which of the processes it is, from 0.
    start
        What it needs to know.
    on_messages, on_end
        Called on a thread, with its messages and when it has ended.

    Attributes
    ----------
    tasks
        What it has to do, by number.
    plates
        Plates that it knows.
    asked, served
        Memory beyond its share that it wants or has, by number: the budget and the bytes; and the
        numbers of what it has.
    """

    def __init__(
        self,
        place: int,
        start: Start,
        on_messages: Callable[["WorkerProcess", Sequence[Message]], None],
        on_end: Callable[["WorkerProcess"], None],
    ) -> None:
        self.place = place
        self.tasks: dict[int, Task] = {}
        self.max_tasks = 0
        self.plates: set[PlateKey] = set()
        self.asked: dict[int, tuple[BudgetName, int]] = {}
        self.served: set[int] = set()
        self.is_ready = self.has_ended = False
        self.paused_since: float | None = None
        self._on_messages, self._on_end = on_messages, on_end
        self._messages: SimpleQueue[Message | None] = SimpleQueue()
        path = [one for one in sys.path if isinstance(one, str)]  # pyright: ignore[reportUnnecessaryIsInstance]
        self._process = subprocess.Popen(  # noqa: S603 - this package's own code
            # -P because a module of the current folder could have the name of one of Python's
            [sys.executable, "-P", "-c", _CODE, json.dumps(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(start.numbers_file, start.contexts_file),
            env={**_THREADS, **os.environ},
            # a terminal's Ctrl-C is for the main process
            process_group=0,
        )
        self.send(start)
        for work in (self._write, self._read):
            Thread(target=work, name="worker process", daemon=True).start()

    def send(self, message: Message) -> None:
        """Tell it something, soon."""
        self._messages.put(message)

    def kill(self) -> None:
        """End it."""
        self._process.kill()

    def wait(self) -> int | None:
        """Wait until it has ended, and get its exit code; None if it goes on."""
        self._messages.put(None)
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(END_SECONDS)
        return None

    @property
    def was_killed(self) -> bool:
        """Whether a signal ended it."""
        return (self._process.returncode or 0) < 0

    @property
    def end_text(self) -> str:
        """How it ended."""
        code: int = self._process.returncode or 0
        return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"

    @property
    def advice(self) -> str:
        """What to do about it."""
        killed = self._process.returncode == -signal.SIGKILL
        return "; where memory is short, give fewer processes" if killed else ""

    def _write(self) -> None:
        """Write messages, those together that wait together."""
        assert self._process.stdin is not None
        with suppress(OSError), self._process.stdin as pipe:
            writer = Writer(cast("BinaryIO", pipe))
            while (message := self._messages.get()) is not None:
                messages = [message]
                with suppress(Empty):
                    while (message := self._messages.get_nowait()) is not None:
                        messages.append(message)
                writer.send(*messages)
                if message is None:
                    return

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            while messages := receive(cast("BinaryIO", pipe)):
                self._on_messages(self, messages)
        self._on_end(self)
