"""A file that must stay as it is while it is read."""

import hashlib
import os
import weakref
from collections.abc import Iterator
from pathlib import Path

from jumpduck.errors import ManifestError

BLOCK_BYTES = 1 << 20


class HeldFile:
    """A manifest's file, held open to notice when it is written to."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = os.dup(descriptor)
        weakref.finalize(self, os.close, self._descriptor)
        self._state = self._now()

    def check(self) -> None:
        """Raise ManifestError if another content was written into the file since it was opened."""
        if self._now() != self._state:
            raise ManifestError(
                f"{self._path} was written to while it was read, so its rows are no longer those "
                "that were checked; what is finished is kept, and the same command goes on with "
                "the new rows"
            )

    def digest(self) -> str:
        """Get the SHA-256 of its bytes, in hexadecimal digits."""
        found = hashlib.sha256()
        for block in self._blocks():
            found.update(block)
        self.check()
        return found.hexdigest()

    def copy(self, path: Path) -> None:
        """Write its bytes to another file."""
        with path.open("wb") as file:
            for block in self._blocks():
                file.write(block)
        self.check()

    def _blocks(self) -> Iterator[bytes]:
        at = 0
        while block := os.pread(self._descriptor, BLOCK_BYTES, at):
            yield block
            at += len(block)

    def _now(self) -> tuple[int, int]:
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_mtime_ns
