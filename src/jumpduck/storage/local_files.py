"""Reads files of this machine."""

import os
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from jumpduck.errors import StoreError
from jumpduck.storage.failed_requests import PastEndError
from jumpduck.storage.open_files import TOO_MANY_FILES


def read_local(path: Path, on_size: Callable[[int], bool]) -> bytes | None:
    """Get a plain file, or None if `on_size` refuses its number of bytes."""
    with _opened(path) as (file, status):
        return _read(file, 0, status.st_size, on_size)


def read_local_range(
    path: Path, start: int, length: int, on_size: Callable[[int], bool]
) -> tuple[bytes | None, int, str]:
    """Get a part of a plain file, None if `on_size` refuses it; the file's size and its state.

    Parameters
    ----------
    start
        First byte; a negative one counts from the end of the file.

    Raises
    ------
    PastEndError
        The file ends before `start`.
    """
    with _opened(path) as (file, status):
        size = status.st_size
        first = max(0, size + start) if start < 0 else start
        if first >= size:
            raise PastEndError(str(path))
        data = _read(file, first, min(length, size - first), on_size)
        return data, size, f"{status.st_ino}-{status.st_mtime_ns}"


def _read(file: int, start: int, length: int, on_size: Callable[[int], bool]) -> bytes | None:
    if not on_size(length):
        return None
    os.lseek(file, start, os.SEEK_SET)
    with os.fdopen(file, "rb", closefd=False) as opened:
        return opened.read(length)


@contextmanager
def _opened(path: Path) -> Generator[tuple[int, os.stat_result]]:
    try:
        if not path.exists():
            raise FileNotFoundError(f"no such file: {path}")
        if not path.is_file():
            raise StoreError(f"{path} is not a plain file")
        # without waiting, because a pipe can get the name meanwhile, and /proc has files that wait
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        file = os.open(path, flags)
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise StoreError(f"{path} is not a plain file")
            yield file, status
        finally:
            os.close(file)
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in TOO_MANY_FILES:
            raise
        raise StoreError(f"cannot read {str(path)[:200]!r}: {error}") from error
