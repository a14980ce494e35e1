"""What the main process and a worker process tell each other: lists of these, pickled, in pipes."""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import BinaryIO, Literal

from jumpduck.rows import PlateKey, Row
from jumpduck.transfer.shared_contexts import SharedContext

BudgetName = Literal["fetched", "work"]


@dataclass(frozen=True, slots=True)
class Start:
    """What a worker process needs to know before its first task."""

    folder: str
    run: str
    recipe: bytes
    endpoint: str | None
    attempts: int
    max_requests: float | None
    max_mbps: float | None
    numbers_file: int
    contexts_file: int
    connections: int
    workers: int
    share_bytes: Mapping[BudgetName, int]
    total_bytes: Mapping[BudgetName, int]


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker process has built the recipe, which has this label and these parameters."""

    label: str
    parameters: str


@dataclass(frozen=True, slots=True)
class NewPlate:
    """Tasks of a plate will come."""

    plate: PlateKey
    context: SharedContext


@dataclass(frozen=True, slots=True)
class EndOfPlate:
    """No further task of a plate will come."""

    plate: PlateKey


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to do."""

    number: int
    plate: PlateKey
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Done:
    """A task is done: what the results add to its rows, and whether there is a part file.

    The part file is on the disk.
    """

    number: int
    rows: Sequence[Row]
    has_file: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """The run cannot go on."""

    error: BaseException
    cause: BaseException | None


@dataclass(frozen=True, slots=True)
class NewServer:
    """The server of this URL has answered."""

    url: str


@dataclass(frozen=True, slots=True)
class Paused:
    """The wait for the network began, in seconds of `time.time`, or ended."""

    since: float | None


@dataclass(frozen=True, slots=True)
class Ask:
    """A task needs more memory than the share of its process."""

    budget: BudgetName
    number: int
    count: int


@dataclass(frozen=True, slots=True)
class Served:
    """The memory that `Ask` of this number asked for is there."""

    number: int


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Memory that `Ask` of this number asked for is not needed any more."""

    number: int


@dataclass(frozen=True, slots=True)
class Log:
    """A record for the log."""

    name: str
    level: int
    text: str


Message = (
    Start | Ready | NewPlate | EndOfPlate | NewTask | Done | Failed | NewServer | Paused
    | Ask | Served | GiveBack | Log
)  # fmt: skip


class Writer:
    """Writes messages to a pipe, from any thread."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._lock = Lock()

    def send(self, *messages: Message) -> None:
        """Write some messages.

        Raises
        ------
        BrokenPipeError
            Nobody reads them.
        """
        data = pickle.dumps(messages, pickle.HIGHEST_PROTOCOL)
        with self._lock:
            self._pipe.write(data)
            self._pipe.flush()


def receive(pipe: BinaryIO) -> Sequence[Message]:
    """Wait for messages; there are none at the end of the pipe."""
    try:
        return pickle.load(pipe)  # noqa: S301 - a process of this run wrote it
    except (EOFError, pickle.UnpicklingError, OSError):  # also where a kill cut a message off
        return ()
