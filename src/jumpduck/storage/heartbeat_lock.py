"""One holder at a time of a name, among the processes of one machine or of many.

The lock is a file that names its holder, and that the holder touches every `BEAT_SECONDS`. A
holder that was killed touches it no more. Whoever sees the file unchanged for `STALE_SECONDS`
takes it over. Only the observer's own clock counts, because those of two machines may differ.

On one machine the kernel's `flock` says at once whether the holder lives. Not every file system
has it, and some have it for one machine only; therefore it is believed only between processes that
see the same device under the same kernel.

Whoever takes a file over first has to make another one, whose name belongs to what the first one
says. Only one process can make it, and it becomes the lock by a rename. Therefore two processes
never both take a lock over.
"""

import errno
import functools
import hashlib
import json
import logging
import os
import secrets
import socket
import sys
import threading
import time
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from jumpduck.errors import StoreError
from jumpduck.storage.atomic_files import sync

if sys.platform != "win32":
    import fcntl

BEAT_SECONDS = 5.0
"""Time between two signs of a holder."""

STALE_SECONDS = 60.0
"""Time without a sign after which a lock is taken over: twelve signs, or one slow server."""

MIN_LOOKS = 6
"""Looks that have to see no change, because an observer that was stopped has seen nothing."""

POLL_SECONDS = 0.5
"""Time between two looks at a lock that another process holds."""

FIRST_POLL_SECONDS = 0.02
"""Time before the second look; it doubles up to `POLL_SECONDS`."""

SAY_SECONDS = 10.0
"""Time between two messages while a lock is waited for."""

_log = logging.getLogger(__name__)

_held: "weakref.WeakSet[HeartbeatLock]" = weakref.WeakSet()
"""Locks with an open file. A fork of the process closes them, because it would hold their `flock`
for as long as it lives."""


class HeartbeatLock:
    """A lock that outlives neither its holder's process nor its holder's machine.

    As a context manager it is held in the block, which waits for its turn, and says so if that
    takes long. `acquire` and `release` do the same without waiting.

    Parameters
    ----------
    path
        The lock's file; its folder exists. The file is there only while the lock is held.
    what
        What a message says that is locked.
    """

    def __init__(self, path: Path, what: str | Path) -> None:
        self.path = path
        self._what = what
        self._record = b""
        self._descriptor: int | None = None
        self._seen: _Seen | None = None
        self._seen_at = 0.0
        self._silent_seconds = 0.0
        self._claim: HeartbeatLock | None = None
        self._lost = False
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        began = said = time.monotonic()
        pause = FIRST_POLL_SECONDS
        try:
            while not self.acquire():
                now = time.monotonic()
                if now - said >= SAY_SECONDS and self._seen is not None:
                    said = now
                    self._say(now - began)
                time.sleep(min(pause, POLL_SECONDS))
                pause *= 2
        except OSError as error:
            raise StoreError(
                f"cannot lock {self._what}: {error.strerror or error} ({self.path})"
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def acquire(self) -> bool:
        """Take the lock and get True, unless it is held, or may be.

        It does not wait. Each further call compares what it sees with what the calls before saw,
        and takes over a lock that has not changed for `STALE_SECONDS`.
        """
        taken = self._take()
        if taken:
            self._lost = False
            self._stop = threading.Event()
            signs = threading.Thread(
                target=self._beat, args=(self._stop,), name="heartbeat", daemon=True
            )
            signs.start()
        return taken

    def holder_lives(self) -> bool | None:
        """Get whether the lock is held; None if the calls before this one do not tell that yet."""
        dead = self._find_dead()
        if self._seen is None or dead is not None:
            return False
        return True if self._seen.alive else None

    @property
    def holder(self) -> str:
        """Process and machine that held the lock when it was last looked at."""
        return self._seen.holder if self._seen else "nobody"

    def release(self) -> None:
        """Give the lock back; a lock that another process took over stays with that one."""
        self._stop.set()
        claim = self._claim_on(self._record)
        with suppress(OSError):  # what is left is taken over as that of a killed process is
            try:
                claimed = claim.make()
            except OSError as error:
                # a full disk takes no claim, but gives the lock up
                claimed = error.errno in (errno.ENOSPC, errno.EDQUOT)
            if claimed:
                if not self.is_lost():
                    self.path.unlink()
                claim.remove()
        self.close()

    def is_lost(self) -> bool:
        """Get whether another process has taken the lock over.

        That happens to a process that showed no sign for `STALE_SECONDS`, because it was stopped
        or its machine did not reach the folder.
        """
        # if the folder cannot be reached, the next look finds out
        with suppress(OSError):
            seen = _look(self.path)
            self._lost = self._lost or seen is None or seen.record != self._record
        return self._lost

    def check(self) -> None:
        """Check that the lock is still held.

        Raises
        ------
        StoreError
            Another process has taken it over.
        """
        if self.is_lost():
            seen = _look(self.path)
            by = (
                f"taken over by {seen.holder}" if seen else f"given up, because {self.path} is gone"
            )
            raise StoreError(
                f"{self._what} was {by} while this process showed no sign; what is finished is "
                "kept, and nothing more is written"
            )

    def _say(self, waited: float) -> None:
        if self._seen is not None and self._seen.alive:
            _log.warning(
                "%s has held %s for %.0f s; this run waits", self.holder, self._what, waited
            )
        else:
            _log.warning(
                "%s, which holds %s, has shown no sign for %.0f s; "
                "if it shows none until %.0f s, this run goes on",
                self.holder, self._what, self._silent_seconds, STALE_SECONDS,
            )  # fmt: skip

    def make(self) -> bool:
        """Make the file, if it is not there, and get whether that was done."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        try:
            file = os.open(self.path, flags, 0o644)
        except FileExistsError:
            return False
        try:
            flocked = _flock(file, exclusive=True) is True
            record = {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "kernel": _kernel(),
                "device": os.fstat(file).st_dev,
                "flock": flocked,
                "token": secrets.token_hex(8),
            }
            self._record = json.dumps(record).encode()
            os.write(file, self._record)
            sync(file)
        except BaseException:
            os.close(file)
            with suppress(OSError):
                self.path.unlink()
            raise
        if flocked:
            self._descriptor = file  # stays open, because `flock` ends when it is closed
            _held.add(self)
        else:
            os.close(file)
        return True

    def remove(self) -> None:
        """Remove the file that `make` made."""
        with suppress(OSError):
            self.path.unlink()
        self.close()

    def close(self) -> None:
        """Close the lock's file and leave it where it is, as the end of a process does."""
        _held.discard(self)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _take(self) -> bool:
        if self.make():
            return True
        dead = self._find_dead()
        if dead is None:
            return False
        if self._claim is None:
            self._claim = self._claim_on(dead.record)
        if not self._claim._take():  # noqa: SLF001
            return False
        claim, self._claim = self._claim, None
        now = _look(self.path)
        if now is None or (now.record, now.signed_ns) != (dead.record, dead.signed_ns):
            claim.remove()
            return False
        claim.path.replace(self.path)
        self._record, self._descriptor = claim._record, claim._descriptor  # noqa: SLF001
        _held.add(self)
        _held.discard(claim)
        return True

    def _claim_on(self, record: bytes) -> "HeartbeatLock":
        """Get the lock on taking over, or on removing, a lock that says this."""
        digest = hashlib.sha256(record).hexdigest()[:16]
        return HeartbeatLock(self.path.with_name(f"{self.path.name}.{digest}"), self._what)

    def _find_dead(self) -> "_Seen | None":
        """Get what was seen of a lock whose holder is dead; None if it lives or may live."""
        seen, before = _look(self.path), self._seen
        now = time.monotonic()
        gap = min(now - self._seen_at, STALE_SECONDS / MIN_LOOKS)
        self._seen, self._seen_at = seen, now
        if seen is None:
            return None
        if before is None or seen.record != before.record:
            self._silent_seconds = 0.0
            self._claim = None
            seen.alive = seen.alive or (before is not None and bool(before.record))
        elif seen.signed_ns != before.signed_ns:
            self._silent_seconds = 0.0
            seen.alive = True
        else:
            self._silent_seconds += gap
        return seen if seen.dead or self._silent_seconds >= STALE_SECONDS else None

    def _beat(self, stop: threading.Event) -> None:
        while not stop.wait(BEAT_SECONDS):
            if self.is_lost():
                return
            with suppress(OSError):
                os.utime(self.path)


def is_held(path: Path) -> bool:
    """Tell at once whether a lock is held, as far as that can be known.

    Where `flock` does not say it, the file's age by the clock of this machine does.
    """
    seen = _look(path)
    if seen is None or seen.dead:
        return False
    return seen.alive or time.time() - seen.signed_ns / 1e9 < STALE_SECONDS


@dataclass(slots=True)
class _Seen:
    """What a lock's file said at one moment: `alive` and `dead` are both False if unknown."""

    record: bytes
    signed_ns: int
    """Time of the last sign by the file server's clock, in nanoseconds."""
    alive: bool
    dead: bool

    @property
    def holder(self) -> str:
        owner = _owner(self.record)
        return f"process {owner.get('pid', '?')} on {owner.get('host', '?')}"


def _look(path: Path) -> _Seen | None:
    """Look at a lock's file; None if there is none."""
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return None
    try:
        record, status = os.read(file, 4096), os.fstat(file)
        owner = _owner(record)
        got = None
        if owner.get("flock") and (owner["kernel"], owner["device"]) == (_kernel(), status.st_dev):
            got = _flock(file, exclusive=False)
        return _Seen(record, status.st_mtime_ns, alive=got is False, dead=got is True)
    finally:
        os.close(file)


def _owner(record: bytes) -> dict[str, Any]:
    """Get what a lock's file says; nothing if it was not written to the end."""
    try:
        owner = json.loads(record)
    except ValueError:
        return {}
    return owner if isinstance(owner, dict) else {}  # pyright: ignore[reportUnknownVariableType]


@functools.cache
def _kernel() -> str:
    """Get what tells one running kernel from all others; containers of one machine share it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()


def _flock(file: int, *, exclusive: bool) -> bool | None:
    """Try the kernel's lock of an open file; None where there is none."""
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    return True


def _close_in_fork() -> None:
    for lock in tuple(_held):
        lock.close()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_close_in_fork)
