"""Files that are whole or not there."""

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from jumpduck.errors import StoreError


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """Get a place to write to; what is there at the end takes the name `path`, or is removed.

    Data reaches the disk before the name does, so a power cut leaves the old file or the new one.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that appears under its name only when all of it is on the disk."""
    with replacing(path) as part:
        part.write_bytes(data)


def writable_folder(folder: Path) -> Path:
    """Make a folder, with its parents, that can be written to.

    Raises
    ------
    StoreError
        It cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{os.getpid()}.probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StoreError(f"cannot write to {folder}: {error.strerror or error}") from error
    return folder
