"""A file that is read in parts, of which those that were read last are kept."""

import os
from collections import OrderedDict
from collections.abc import Iterable
from functools import partial

from jumpduck.errors import ImageError
from jumpduck.storage.object_reader import ObjectReader
from jumpduck.storage.repeated_requests import FileState

BLOCK_BYTES = 64 * 2**10
"""Read at once, because a request takes as long as some megabytes."""

KEPT_BLOCKS = 16

MAX_BLOCKS = 512
"""Read of one file: a file whose directories are in more places is refused."""

MAX_SLICES = 1 << 18
"""Reads of a library in one file: a hostile one could send it round for ever."""


class RangedFile:
    """A file by its slices, and as a file object for libraries that want one.

    Parameters
    ----------
    reader, url, version
        What `ObjectReader.read_range` takes.
    state
        The state in which the file was read before.

    Raises
    ------
    NoRangesError
        The server sends whole files only.
    """

    def __init__(
        self,
        reader: ObjectReader,
        url: str,
        version: str | None = None,
        state: FileState | None = None,
    ) -> None:
        self._read_range = partial(reader.read_range, url, version=version)
        self._blocks: OrderedDict[int, bytes | memoryview] = OrderedDict()
        self._fetched = self._slices = self._at = 0
        self.state, self.attempts = state, 1
        """Of the requests for a part the most."""
        if state is None:
            self.size = 1 << 62
            self._block(0)
        else:
            self.size = state.size

    def fetch(self, start: int, length: int) -> bytes | memoryview:
        """Get a part that is not kept.

        Raises
        ------
        ImageError
            The file ends before the part does.
        """
        part = self._read_range(start, length, same=self.state)
        assert part is not None
        self.state, self.size = part.state, part.size
        self.attempts = max(self.attempts, part.attempts)
        if len(part.data) != min(length, part.size - start):
            raise ImageError(f"cut short: it ends before byte {start + length}")
        return part.data

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(self.size)
        self._slices += 1
        if self._slices > MAX_SLICES:
            raise ImageError(f"its directories are read in more than {MAX_SLICES} parts")
        found: list[bytes] = []
        while start < stop:
            number, inside = divmod(start, BLOCK_BYTES)
            piece = bytes(self._block(number)[inside : inside + stop - start])
            found.append(piece)
            start += len(piece)
        return b"".join(found)

    def _block(self, number: int) -> bytes | memoryview:
        block = self._blocks.get(number)
        if block is not None:
            self._blocks.move_to_end(number)
            return block
        self._fetched += 1
        if self._fetched > MAX_BLOCKS:
            raise ImageError(f"its directories are in more than {MAX_BLOCKS} places")
        block = self.fetch(number * BLOCK_BYTES, BLOCK_BYTES)
        self._blocks[number] = block
        if len(self._blocks) > KEPT_BLOCKS:
            self._blocks.popitem(last=False)
        return block

    def tell(self) -> int:
        """Get where `read` goes on."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set where `read` goes on."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Get the next bytes."""
        stop = self.size if size < 0 else min(self._at + size, self.size)
        data = self[self._at : stop]
        self._at += len(data)
        return data


def merged(parts: Iterable[tuple[int, int]], max_bytes: int) -> list[tuple[int, int]]:
    """Get the first byte and the end of runs of parts that are near each other.

    Parameters
    ----------
    parts
        The first byte and the length of each.
    max_bytes
        A run with several parts is not longer.
    """
    runs: list[tuple[int, int]] = []
    for start, length in sorted(parts):
        end = start + length
        if runs and start - runs[-1][1] <= BLOCK_BYTES and end - runs[-1][0] <= max_bytes:
            runs[-1] = runs[-1][0], max(end, runs[-1][1])
        else:
            runs.append((start, end))
    return runs
