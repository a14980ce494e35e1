"""Ctrl-C and SIGTERM end a process of the command line, whatever it does at that moment.

Python alone does not promise that: it loses a KeyboardInterrupt that is raised in a callback, and
one in the midst of an import can leave the lock of all imports taken.
"""

import _thread
import os
import signal
import socket
import threading
import time
from types import FrameType
from typing import Self

TIDY_SECONDS = 2.0
"""Time that a run may take to end after the signal, before it is interrupted once more."""

LIMIT_SECONDS = 3.0
"""Time after which the process ends whatever it does. What is on the disk may be left by a process
that was killed: `docs/guarantees.md`."""

SAME_SECONDS = 0.5
"""Signals that arrive within this time are of one Ctrl-C, which several programs passed on."""

RETRY_SECONDS = 0.02


class Interrupts:
    """Raises KeyboardInterrupt in the main thread at SIGINT and SIGTERM, and ends what stays.

    A thread learns of each signal from Python's C handler, because the main thread runs no handler
    while it waits in another library.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        """The first signal that came."""
        self.told = False
        """Whether the user knows already that the run was interrupted."""
        self._raised = False

    def __enter__(self) -> Self:
        self._signals, self._wakeup = socket.socketpair()
        self._wakeup.setblocking(False)
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            # a shell that starts a job in the background may ask it to ignore Ctrl-C
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._interrupt)
        threading.Thread(target=self._watch_until_closed, name="signals", daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        signal.set_wakeup_fd(-1)
        self._wakeup.close()  # ends the thread

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.number = self.number or number
        # not in an import, because that may keep a lock, lose the exception or make another of it:
        # the thread sends the signal again until the import has ended
        if not self._raised and not _would_lose(frame):
            self._raised = True
            raise KeyboardInterrupt

    def _watch_until_closed(self) -> None:
        with self._signals:
            self._watch()

    def _watch(self) -> None:
        first = self._next(None)
        if first == b"":
            return
        number = ord(first or b"\2")
        began, again = time.monotonic(), False
        while (passed := time.monotonic() - began) < LIMIT_SECONDS:
            if passed > TIDY_SECONDS and not again:
                again, self._raised = True, False  # because Python may have lost the first
            if not self._raised:
                _to_main_thread(number)
                self._next(RETRY_SECONDS)  # the signal that was sent here
            another = self._next(RETRY_SECONDS)
            if another == b"":
                return
            if another == bytes([signal.SIGINT]) and passed > SAME_SECONDS:
                break
        if not self.told:
            # a progress bar has hidden the cursor of the terminal
            shown = b"\x1b[?25h" if os.isatty(2) else b""
            os.write(2, shown + b"jumpduck: interrupted\n")
        os._exit(128 + number)

    def _next(self, seconds: float | None) -> bytes | None:
        """Get the number of the next signal, empty at the end; None if none came in that time."""
        self._signals.settimeout(seconds)
        try:
            return self._signals.recv(1)
        except TimeoutError:
            return None


def _would_lose(frame: FrameType | None) -> bool:
    """Get whether an import is under way, or a callback of a weak reference, which loses errors."""
    if frame is not None and frame.f_code.co_filename.endswith(("_weakrefset.py", "weakref.py")):
        return True
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _to_main_thread(number: int) -> None:
    main = threading.main_thread().ident
    if main is not None and hasattr(signal, "pthread_kill"):
        signal.pthread_kill(main, number)  # ends a wait of that thread, too
    else:
        _thread.interrupt_main(signal.Signals(number))
