"""One run at a time in an output folder."""

import fcntl
import json
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from jumpduck.errors import StoreError


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Keep other runs out of `folder` for as long as this lasts.

    The file ``lock`` in it names the owner. On one host the kernel tells whether the owner still
    lives, so what a killed run left behind is no obstacle. A lock of another host is believed.

    Raises
    ------
    StoreError
        Another run has it; the message names its process and host.
    """
    path = folder / "lock"
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(f"{folder.parent} is being filled by {_owner(path)}") from None
        owner = owner_of(path)
        if owner and owner["host"] != socket.gethostname():
            raise StoreError(
                f"{folder.parent} is being filled by {_owner(path)}; "
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


def owner_of(path: Path) -> dict[str, object] | None:
    """Get ``pid`` and ``host`` of the run that a lock file names; None if it names none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8") or "null")
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None  # pyright: ignore[reportUnknownVariableType]


def is_running(folder: Path) -> bool:
    """Tell whether a run holds `folder` now; one on another host is believed to."""
    path = folder / "lock"
    owner = owner_of(path)
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


def _owner(path: Path) -> str:
    owner = owner_of(path) or {}
    return f"process {owner.get('pid', '?')} on {owner.get('host', '?')}"
