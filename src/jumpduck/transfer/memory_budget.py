"""Memory for what is fetched: so much at a time, however large the files and many the threads."""

import threading
from collections.abc import Generator
from contextlib import contextmanager

from jumpduck.errors import StoreError

ROOM = 384 * 2**20
"""Bytes of files that are in memory at a time, from their announcement till they are done with."""


class NoRoomError(StoreError):
    """A job holds too little to go on: it must let go of all and ask for `size` at once."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes are more than was asked for")
        self.size = size


class Claim:
    """What one job may have in memory."""

    def __init__(self, room: "Room") -> None:
        self._room = room
        self.size = 0

    def at_least(self, size: int, *, held: int = 0) -> None:
        """Return when the job, which has `held` bytes in memory, may have `size`.

        Raises
        ------
        NoRoomError
            It would wait with what it holds: two that wait for each other's do so for ever.
        StoreError
            Nobody may have so many.
        """
        if size <= self.size:
            return
        if size > self._room.size:
            raise StoreError(f"{size} bytes of files at a time are more than fit into memory")
        if held:
            raise NoRoomError(size)
        self.let_go()
        self._room.take(size)
        self.size = size

    def let_go(self) -> None:
        """Give back what the job may have."""
        self._room.give(self.size)
        self.size = 0


class Room:
    """So many bytes, for all threads together."""

    def __init__(self) -> None:
        self.size = self._free = ROOM
        self._changed = threading.Condition()

    @contextmanager
    def claim(self, size: int = 0) -> Generator[Claim]:
        """Get a claim to `size` bytes, as soon as there are; all it has is free at the end."""
        claim = Claim(self)
        try:
            claim.at_least(size)
            yield claim
        finally:
            claim.let_go()

    def take(self, size: int) -> None:
        """Wait for so many bytes, and take them."""
        with self._changed:
            self._changed.wait_for(lambda: self._free >= size)
            self._free -= size

    def give(self, size: int) -> None:
        """Give so many bytes back."""
        with self._changed:
            self._free += size
            self._changed.notify_all()
