"""One run at a time in an output folder."""

import fcntl
import json
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from jumpduck.errors import StoreError

LOCK_FILE = "lock"


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Hold the lock of a folder, so that no other run can hold it.

    The owner's process and host are in the folder's file ``lock``. Within one host the kernel
    releases the lock of a process that ends, therefore a killed run does not block the next one.
    Whether a process of another host still runs cannot be known, therefore its lock counts until
    its file is removed.

    Raises
    ------
    StoreError
        Another run holds the lock; the message names its process and host.
    """
    path = folder / LOCK_FILE
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(f"{folder.parent} is being filled by {_owner_text(path)}") from None
        owner = _read_owner(path)
        if owner and owner["host"] != socket.gethostname():
            raise StoreError(
                f"{folder.parent} is being filled by {_owner_text(path)}; "
                f"if that run is over, remove {path}"
            )
        me = json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode()
        os.ftruncate(file, 0)
        os.pwrite(file, me, 0)
        try:
            yield
        finally:
            os.ftruncate(file, 0)
    finally:
        os.close(file)


def is_running(folder: Path) -> bool:
    """Tell whether a run holds the lock of a folder; the lock of another host counts as held."""
    path = folder / LOCK_FILE
    owner = _read_owner(path)
    if owner is None:
        return False
    if owner["host"] != socket.gethostname():
        return True
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _read_owner(path: Path) -> dict[str, object] | None:
    """``pid`` and ``host`` in a lock file; None if it names none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8") or "null")
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None  # pyright: ignore[reportUnknownVariableType]


def _owner_text(path: Path) -> str:
    owner = _read_owner(path) or {}
    return f"process {owner.get('pid', '?')} on {owner.get('host', '?')}"
