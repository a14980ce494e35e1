"""The files that were read last, because images of one file often follow each other."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from jumpduck.storage.repeated_requests import FetchedFile

ENTRY_BYTES = 1000
"""Memory of what is known of a kept file."""


@dataclass(slots=True)
class _Kept:
    file: FetchedFile
    served: set[str] = field(default_factory=set[str])

    @property
    def memory(self) -> int:
        return len(self.file.data) + ENTRY_BYTES


class RecentFiles:
    """Keeps the files that were used last.

    Parameters
    ----------
    max_bytes
        Of all that are kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._files: OrderedDict[str, _Kept] = OrderedDict()
        self._fetching: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, url: str, image: str, fetch: Callable[[], FetchedFile]) -> FetchedFile:
        """Get a kept file, or fetch it while others that want it wait.

        Parameters
        ----------
        image
            What is wanted of the file. Who wants the same again got something broken, therefore
            the file is then fetched again.
        fetch
            Must not wait for memory, because one that waits here may have the memory.
        """
        with self._lock:
            lock = self._fetching.setdefault(url, threading.Lock())
        with lock:
            try:
                with self._lock:
                    kept = self._files.get(url)
                if kept is None or image in kept.served:
                    kept = _Kept(fetch())
                self._keep(url, kept)
                kept.served.add(image)
            finally:
                with self._lock:
                    self._fetching.pop(url, None)
        return kept.file

    def has(self, url: str, image: str) -> bool:
        """Tell whether an image would come from a kept file."""
        with self._lock:
            kept = self._files.get(url)
            return kept is not None and image not in kept.served

    def _keep(self, url: str, kept: _Kept) -> None:
        with self._lock:
            earlier = self._files.pop(url, None)
            self._bytes += kept.memory - (earlier.memory if earlier else 0)
            self._files[url] = kept  # at the end, where the last one used is
            while self._bytes > self._max_bytes:
                _, oldest = self._files.popitem(last=False)
                self._bytes -= oldest.memory
