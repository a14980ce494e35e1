"""Waiting while the network, or the only server, does not answer."""

import logging
import threading
import time
from collections.abc import Callable

FIRST_PROBE_SECONDS = 0.5
MAX_PROBE_SECONDS = 15.0
"""Time between two questions whether the network is back; it doubles up to the second one."""

_logger = logging.getLogger(__name__)


class Outage:
    """Tells a network that is gone from a file that cannot be had.

    The network is gone when none of the servers that answered before answers now. A server that
    has never answered is not waited for, because its address may be wrong.

    Parameters
    ----------
    stopped
        Set when the run ends, which ends the waiting.

    Attributes
    ----------
    since
        When the network was found to be gone, in seconds of `time.time`; None if it is there.
    on_change
        Called with each new value of `since`.
    """

    def __init__(self, stopped: threading.Event) -> None:
        self.since: float | None = None
        self.on_change: Callable[[float | None], object] = lambda _: None
        self._stopped = stopped
        self._answered = self._back = float("-inf")
        self._probes: dict[str, Callable[[], bool]] = {}
        self._lock = threading.Lock()

    def knows(self, server: str) -> bool:
        """Tell whether a server has answered, here or in another process."""
        return server in self._probes

    def learn(self, server: str, probe: Callable[[], bool]) -> None:
        """Note that a server answered another process well."""
        self._probes.setdefault(server, probe)

    def answered(self, server: str, probe: Callable[[], bool]) -> None:
        """Note that a server answered well; `probe` asks it again, for as little as it can."""
        self._answered = time.monotonic()
        self._probes[server] = probe

    def has_answered_since(self, since: float) -> bool:
        """Tell whether any server answered well after `since`, in seconds of `time.monotonic`."""
        return self._answered > since

    def waited(self, since: float) -> bool:
        """Wait while the network is gone, and tell whether it was gone after `since`."""
        if not self._probes:
            return False
        with self._lock:
            # one thread asks for all; those that waited for the lock see here what it found
            if self._back > since:
                return True
            pause = FIRST_PROBE_SECONDS
            while not any(probe() for probe in tuple(self._probes.values())):
                if self.since is None:
                    self.since = time.time()
                    self.on_change(self.since)
                    _logger.warning(
                        "no answer from %s; the run waits until there is one, and Ctrl-C ends it",
                        ", ".join(self._probes),
                    )
                if self._stopped.wait(pause):
                    return False
                pause = min(2 * pause, MAX_PROBE_SECONDS)
            if self.since is None:
                return False
            _logger.warning("answers come again after %.0f seconds", time.time() - self.since)
            self.since = None
            self._back = time.monotonic()
            self.on_change(None)
            return True
