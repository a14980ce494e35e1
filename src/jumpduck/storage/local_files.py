"""Reads files of this machine."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from jumpduck.errors import StoreError
from jumpduck.storage.open_files import TOO_MANY_FILES


def read_local(path: Path, on_size: Callable[[int], bool]) -> bytes | None:
    """Get a plain file, or None if `on_size` refuses its number of bytes."""
    try:
        if not path.exists():
            raise FileNotFoundError(f"no such file: {path}")
        if not path.is_file():
            raise StoreError(f"{path} is not a plain file")
        # without waiting, because a pipe can get the name meanwhile, and /proc has files that wait
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise StoreError(f"{path} is not a plain file")
            return file.read(status.st_size) if on_size(status.st_size) else None
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in TOO_MANY_FILES:
            raise
        raise StoreError(f"cannot read {str(path)[:200]!r}: {error}") from error
