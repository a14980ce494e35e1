"""A few numbers that several processes read and write."""

import fcntl
import mmap
import os
import tempfile
import weakref
from threading import Lock
from types import TracebackType

from jumpduck.errors import StoreError

NUMBER_BYTES = 8


class SharedNumbers:
    """Floats in a file without a name; a block ``with`` them keeps all other processes out.

    The system gives the file and its lock back when a process is killed. To read one number needs
    no lock, because its 8 bytes are read at once.

    Parameters
    ----------
    numbers
        The floats; in another process, the file that it got from the first one.

    Attributes
    ----------
    file
        Descriptor for other processes.
    values
        The floats.
    """

    def __init__(self, numbers: "list[float] | int") -> None:
        if isinstance(numbers, int):
            self.file, first = numbers, None
        else:
            self.file, first = unnamed_file(), numbers
            os.truncate(self.file, len(numbers) * NUMBER_BYTES)
        weakref.finalize(self, os.close, self.file)
        self._map = mmap.mmap(self.file, 0)
        self.values = memoryview(self._map).cast("d")
        for place, number in enumerate(first or ()):
            self.values[place] = number
        self._lock = Lock()

    def __enter__(self) -> None:
        # the file's lock keeps processes apart, and not the threads of one
        self._lock.acquire()
        fcntl.lockf(self.file, fcntl.LOCK_EX)

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        fcntl.lockf(self.file, fcntl.LOCK_UN)
        self._lock.release()


def unnamed_file() -> int:
    """Get the descriptor of a new file without a name, which processes that inherit it share.

    Raises
    ------
    StoreError
        There is no folder for temporary files.
    """
    try:
        # a copy of the descriptor, because the file object closes its own
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())
    except OSError as error:
        raise StoreError(
            f"processes share a temporary file, and none can be made: {error.strerror}; set TMPDIR "
            "to a folder that can be written to, or give processes 1"
        ) from error
