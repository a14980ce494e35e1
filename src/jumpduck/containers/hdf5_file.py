"""Where the numbers of a dataset are in an HDF5 file.

pyfive reads the headers on the way to the dataset: it is Python, so that a file that is made to
harm cannot end the process, and it waits for the network without a lock that all files share. Where
a chunk is, is found here, because pyfive reads the whole index, whose nodes lie all over a movie.
"""

import math
import struct
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jumpduck.containers.chunk_grid import ChunkGrid, Coordinates
from jumpduck.containers.ranged_file import RangedFile
from jumpduck.errors import ImageError, JumpduckError, StoreError, needs_extra

SIGNATURE = b"\x89HDF\r\n\x1a\n"
NO_ADDRESS = 2**64 - 1
COMPACT, CONTIGUOUS, CHUNKED = range(3)
"""How the numbers of a dataset are stored."""

EXTERNAL_FILES_MESSAGE = 7
"""Of a dataset whose numbers are in other files."""

ONLY = "*"
"""In a path the only member of a group, because movies lie in groups whose names nobody lists."""

MAX_SOFT_LINKS = 16
MAX_PARTS = 64
"""Names in the path of a dataset."""

MAX_INDEX_LEVELS = 16
"""From the root of an index to a chunk: with 2 entries in each node, of 65,536 chunks."""


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """Where a chunk is in the file."""

    start: int
    length: int
    skipped: int
    """Which filters it did not go through: a bit for each."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """The shape and the place of the numbers of a dataset."""

    grid: ChunkGrid
    dtype: np.dtype
    fill: float
    filters: Sequence[tuple[int, Sequence[int]]]
    """The number of each filter and its settings, in the order in which they were applied."""
    address: int
    """Of the numbers, or of the index of the chunks."""
    has_index: bool

    def find(self, file: RangedFile, where: Coordinates) -> StoredChunk | None:
        """Get where a chunk is; None if it was not written.

        Raises
        ------
        ImageError
            The index is broken.
        """
        if self.has_index:
            return _find_in_index(file, self.address, self._first_pixel(where))
        length = math.prod(self.grid.chunks) * self.dtype.itemsize
        number = 0
        for at, count in zip(where, self.grid.shape[:-2], strict=False):
            number = number * count + at
        return StoredChunk(self.address + number * length, length, 0)

    def _first_pixel(self, where: Coordinates) -> Coordinates:
        return tuple(at * edge for at, edge in zip(where, self.grid.chunks, strict=True))


def open_dataset(file: RangedFile, path: str) -> Dataset:
    """Get a dataset by its path.

    Raises
    ------
    FileNotFoundError
        There is none of that name, or nothing was written to it.
    StoreError
        pyfive is not installed.
    ImageError
        The file or the dataset cannot be read.
    """
    try:
        from pyfive.dataobjects import DataObjects  # pyright: ignore[reportMissingTypeStubs]
        from pyfive.misc_low_level import SuperBlock  # pyright: ignore[reportMissingTypeStubs]
    except ImportError as error:
        raise StoreError(needs_extra("a plane of an HDF5 file", "pyfive", "hdf5")) from error
    if file[:8] != SIGNATURE:
        raise ImageError(f"not a readable HDF5: it begins with {file[:8]!r}")
    try:
        block: Any = SuperBlock(file, 0)
        found = _walk(file, block.offset_to_dataobjects, path, DataObjects)
        return _dataset(found)
    except (JumpduckError, OSError):
        raise
    except Exception as error:
        reason = str(error)[:100] or type(error).__name__
        raise ImageError(f"not a readable HDF5: {reason}") from error


def _walk(file: RangedFile, root: int, path: str, open_object: Any) -> Any:  # noqa: ANN401
    """Get what a path names, from group to group."""
    names = [name for name in path.split("/") if name]
    done: list[str] = []
    address, links_left = root, MAX_SOFT_LINKS
    while names:
        if len(names) + len(done) > MAX_PARTS:
            raise ImageError(f"the path of the dataset has more than {MAX_PARTS} names")
        links: dict[str, int | str] = open_object(file, address).get_links()
        target = links.get(names[0])
        if target is None and names[0] == ONLY and len(links) == 1:
            names[0], target = links.copy().popitem()
        if target is None:
            raise FileNotFoundError(f"no {'/'.join([*done, names[0]])[:200]} in this file")
        if isinstance(target, int):
            address = target
            done.append(names.pop(0))
            continue
        links_left -= 1
        if links_left < 0:
            raise ImageError(f"more than {MAX_SOFT_LINKS} links lead to the dataset")
        names[:1] = ([] if target.startswith("/") else done) + [n for n in target.split("/") if n]
        done, address = [], root
    return open_object(file, address)


def _dataset(found: Any) -> Dataset:  # noqa: ANN401
    """Get what the header of a dataset says, after its check."""
    if not found.is_dataset:
        raise ImageError("a group, not a dataset")
    if found.find_msg_type(EXTERNAL_FILES_MESSAGE):
        raise ImageError("its numbers are in another file")
    dtype: np.dtype[Any] = np.dtype(found.ptype.dtype)
    if dtype.kind not in "uif":
        raise ImageError(f"not 8 or 16 bit unsigned: {str(dtype)[:50]}")
    shape = tuple(int(edge) for edge in found.shape or ())
    _, layout, address_at = found.get_id_storage_params()
    if layout == CHUNKED:
        chunks = tuple(int(edge) for edge in found.chunks)
        address = int(found._chunk_address)  # noqa: SLF001 - pyfive has no other name for it
    elif layout == CONTIGUOUS:
        chunks = (*(1 for _ in shape[:-2]), *shape[-2:])
        (address,) = struct.unpack_from("<Q", found.msg_data, address_at)
    else:
        raise ImageError("compact storage is not read")
    grid = ChunkGrid(shape, chunks)
    if address == NO_ADDRESS:
        raise FileNotFoundError("nothing was written to this dataset")
    pipeline: list[dict[str, Any]] = found.filter_pipeline or []
    filters = [(int(one["filter_id"]), list(map(int, one["client_data"]))) for one in pipeline]
    return Dataset(grid, dtype, float(found.fillvalue), filters, address, layout == CHUNKED)


def _find_in_index(file: RangedFile, address: int, pixel: Coordinates) -> StoredChunk | None:
    """Go down a B-tree of version 1, from its root to the chunk that begins at a pixel."""
    # after the chunk's own axes, a key has one more for the bytes of a number
    entry = np.dtype(
        [("length", "<u4"), ("skipped", "<u4"), ("first", "<u8", len(pixel) + 1), ("child", "<u8")]
    )
    level = MAX_INDEX_LEVELS
    while True:
        head = file[address : address + 24]
        if len(head) < 24 or head[:5] != b"TREE\1" or head[5] >= level:
            raise ImageError(f"not a readable HDF5: its index is broken at byte {address}")
        level, count = head[5], int.from_bytes(head[6:8], "little")
        listed = file[address + 24 : address + 24 + count * entry.itemsize]
        entries = np.frombuffer(listed, entry, len(listed) // entry.itemsize)
        firsts = [tuple(first) for first in entries["first"][:, :-1].tolist()]
        at = bisect_right(firsts, pixel) - 1
        if at < 0 or (level == 0 and firsts[at] != pixel):
            return None
        found = entries[at]
        address = int(found["child"])
        if level == 0:
            return StoredChunk(address, int(found["length"]), int(found["skipped"]))
