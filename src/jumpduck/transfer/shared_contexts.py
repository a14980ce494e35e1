"""What recipes know of the plates in work, in memory that all processes of a run share."""

import mmap
import os
import pickle
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from jumpduck.errors import QueryError, StoreError
from jumpduck.rows import PlateKey
from jumpduck.storage.shared_numbers import unnamed_file

ALIGNMENT_BYTES = 64
"""An array begins at a multiple of this, because processors read it faster then."""


@dataclass(frozen=True, slots=True)
class SharedContext:
    """Where the context of a plate is: a pickle, and the place of its arrays in the file."""

    body: bytes
    start: int
    ends: Sequence[int]
    """Where each array ends, after `start`."""


class SharedContexts:
    """A file without a name that holds the arrays of the plates in work.

    The system gives its space back when the processes end, also if they are killed.

    Attributes
    ----------
    file
        Descriptor for other processes.
    """

    def __init__(self) -> None:
        self.file = unnamed_file()
        self._places: dict[PlateKey, range] = {}

    def add(self, plate: PlateKey, context: object, recipe: str) -> SharedContext:
        """Write the context of a plate.

        Raises
        ------
        QueryError
            It cannot be pickled.
        StoreError
            There is no space for temporary files.
        """
        buffers: list[pickle.PickleBuffer] = []
        try:
            body = pickle.dumps(context, 5, buffer_callback=buffers.append)
        except Exception as error:
            # because a class may raise anything here, and each means the same
            raise QueryError(
                f"what `prepare` of recipe {recipe} returned for plate {'/'.join(plate)} cannot be "
                f"sent to other processes: {error}; give processes 1, or return an object that "
                "pickle can keep"
            ) from error
        ends: list[int] = []
        end = 0
        for buffer in buffers:
            end = _aligned(end) + buffer.raw().nbytes
            ends.append(end)
        start = self._gap(end)
        self._places[plate] = range(start, start + end)
        try:
            for buffer, last in zip(buffers, ends, strict=True):
                raw = buffer.raw()
                _write(self.file, raw, start + last - raw.nbytes)
        except OSError as error:
            raise StoreError(
                f"cannot write {end} bytes that the processes share to {tempfile.gettempdir()}: "
                f"{error.strerror}; set TMPDIR to a folder with more space, or give processes 1"
            ) from error
        return SharedContext(body, start, ends)

    def remove(self, plate: PlateKey) -> None:
        """Give the place of a plate to others."""
        self._places.pop(plate, None)

    def close(self) -> None:
        """Give the file back."""
        os.close(self.file)

    def _gap(self, size: int) -> int:
        """Get the first place where so many bytes are free."""
        start = 0
        for place in sorted(self._places.values(), key=lambda one: one.start):
            if place.start - start >= size:
                break
            start = max(start, _aligned(place.stop, mmap.ALLOCATIONGRANULARITY))
        return start


def read_context(file: int, context: SharedContext) -> object:
    """Get the context of a plate; its arrays are those of the file, read-only."""
    if not context.ends:
        return pickle.loads(context.body)  # noqa: S301 - a process of this run wrote it
    whole = memoryview(
        mmap.mmap(file, context.ends[-1], access=mmap.ACCESS_READ, offset=context.start)
    )
    buffers: list[memoryview] = []
    start = 0
    for end in context.ends:
        buffers.append(whole[start:end])
        start = _aligned(end)
    return pickle.loads(context.body, buffers=buffers)  # noqa: S301 - as above


def _aligned(place: int, unit: int = ALIGNMENT_BYTES) -> int:
    return -(-place // unit) * unit


def _write(file: int, data: memoryview, place: int) -> None:
    while data:
        written = os.pwrite(file, data, place)
        data, place = data[written:], place + written
