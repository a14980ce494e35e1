"""A plane of a dataset of an HDF5 file: the headers on the way to it, then only its chunks."""

import math
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import imagecodecs
import numpy as np

from jumpduck.containers.chunk_grid import Coordinates, Inside
from jumpduck.containers.decoders import EXTRA_BYTES, Bytes, bounded
from jumpduck.containers.hdf5_file import Dataset, StoredChunk, open_dataset
from jumpduck.containers.places import Place
from jumpduck.containers.plane_file import (
    GreyRange,
    Span,
    check_type,
    grey_plane,
    index_of,
    tiff_of,
)
from jumpduck.containers.ranged_file import BLOCK_BYTES, KEPT_BLOCKS, RangedFile, merged
from jumpduck.errors import ImageError
from jumpduck.imaging.tiff_reader import Numbers
from jumpduck.storage.object_reader import ChangedError, ObjectReader
from jumpduck.storage.repeated_requests import FetchedFile, FileState

MAX_RUN_BYTES = 8 * 2**20
"""Of chunks that are near each other and are fetched together."""

KEPT_DATASETS = 256
"""Whose headers need not be read again for their other planes."""

DEFLATE, SHUFFLE, FLETCHER32, LZF = 1, 2, 3, 32000
FILTERS = {DEFLATE: "gzip", SHUFFLE: "shuffle", FLETCHER32: "fletcher32", LZF: "lzf"}
OTHER_FILTERS = {
    4: "szip",
    5: "nbit",
    6: "scale-offset",
    307: "bzip2",
    32001: "blosc",
    32004: "lz4",
    32008: "bitshuffle",
    32015: "zstd",
}

OnSize = Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class _Wanted:
    key: tuple[str, str | None, str]
    """URL, version and path of the dataset."""
    index: Sequence[Span]
    grey_range: GreyRange | None


@dataclass(frozen=True, slots=True)
class _Known:
    """A dataset whose headers were read, and the file that had them."""

    dataset: Dataset
    state: FileState


class Hdf5Planes:
    """Reads planes of datasets of HDF5 files by URL.

    Parameters
    ----------
    reader
        Reads files and parts of files.
    """

    def __init__(self, reader: ObjectReader) -> None:
        self._reader = reader
        self._known: OrderedDict[tuple[str, str | None, str], _Known] = OrderedDict()
        self._lock = threading.Lock()

    def read_if(
        self, url: str, place: Place, on_size: OnSize, *, version: str | None = None
    ) -> FetchedFile | None:
        """Get the plane of a place, or None if `on_size` refuses it.

        Raises
        ------
        FileNotFoundError
            There is no such file, it has no such dataset or plane, or the plane was not written.
        QueryError
            The place says something wrong.
        ImageError
            The file cannot be read, or the plane holds something else than grey levels.
        PermissionError, StoreError, OSError
            As `ObjectReader.read_range`.
        """
        wanted = _Wanted((url, version, place["dataset"]), index_of(place), GreyRange.of(place))
        for attempt in (1, 2):  # because bytes can be damaged on the way
            with self._lock:
                known = self._known.pop(wanted.key, None)
            try:
                file = RangedFile(self._reader, url, version, known and known.state)
                dataset = known.dataset if known else open_dataset(file, wanted.key[2])
                made = _read(file, dataset, wanted, on_size)
            except (ImageError, ChangedError):
                if attempt == 2:
                    raise
                continue
            assert file.state is not None
            with self._lock:
                self._known[wanted.key] = _Known(dataset, file.state)
                if len(self._known) > KEPT_DATASETS:
                    self._known.popitem(last=False)
            return made
        raise AssertionError("unreachable")


def _read(
    file: RangedFile, dataset: Dataset, wanted: _Wanted, on_size: OnSize
) -> FetchedFile | None:
    check_type(dataset.dtype, wanted.grey_range)
    grid, itemsize = dataset.grid, dataset.dtype.itemsize
    grid.check_index(wanted.index)
    for number, _ in dataset.filters:
        if number not in FILTERS:
            name = OTHER_FILTERS.get(number, str(number))
            raise ImageError(f"filter {name} is not read; {', '.join(FILTERS.values())} are")
    chunk_bytes = math.prod(grid.chunks) * itemsize
    stored = {where: dataset.find(file, where) for where in grid.chunks_of(wanted.index)}
    for chunk in stored.values():
        if chunk is not None and not (
            0 < chunk.length <= chunk_bytes + EXTRA_BYTES
            and chunk.start + chunk.length <= file.size
        ):
            raise ImageError(f"a chunk of {chunk.length} bytes at byte {chunk.start}")
    parts = [(chunk.start, chunk.length) for chunk in stored.values() if chunk is not None]
    runs = merged(parts, MAX_RUN_BYTES)
    # what is fetched together, a chunk while its filters are undone, the plane, its grey levels,
    # these in a file, and the headers
    pixels = math.prod(grid.shape[-2:])
    fetched_bytes = max((stop - start for start, stop in runs), default=0)
    header_bytes = KEPT_BLOCKS * BLOCK_BYTES
    if not on_size(fetched_bytes + 3 * chunk_bytes + pixels * (itemsize + 4) + header_bytes):
        return None

    @lru_cache(maxsize=1)
    def fetch(run: tuple[int, int]) -> bytes | memoryview:
        return file.fetch(run[0], run[1] - run[0])

    firsts = [start for start, _ in runs]

    def get_planes(where: Coordinates, inside: Inside) -> Numbers | None:
        chunk = stored[where]
        if chunk is None:
            return None
        run = runs[bisect_right(firsts, chunk.start) - 1]
        data = memoryview(fetch(run))[chunk.start - run[0] :][: chunk.length]
        return _decode(data, chunk, dataset)[inside]

    order = sorted(stored, key=lambda where: chunk.start if (chunk := stored[where]) else 0)
    native = dataset.dtype.newbyteorder("=")
    numbers = grid.gather(wanted.index, get_planes, native, dataset.fill, order)
    made = tiff_of(grey_plane(numbers, wanted.grey_range))
    return FetchedFile(made, file.state and file.state.etag, file.attempts)


def _decode(data: Bytes, chunk: StoredChunk, dataset: Dataset) -> Numbers:
    """Undo the filters of a chunk, the last one first."""
    expected = math.prod(dataset.grid.chunks) * dataset.dtype.itemsize
    at_most = expected + EXTRA_BYTES
    try:
        for at, (number, settings) in reversed(list(enumerate(dataset.filters))):
            if chunk.skipped >> at & 1:
                continue
            if number == DEFLATE:
                data = _inflate(data, at_most)
            elif number == LZF:
                data = _unlzf(data, at_most)
            elif number == FLETCHER32:
                data = _without_checksum(data)
            else:
                data = _unshuffle(data, settings[0] if settings else dataset.dtype.itemsize)
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ImageError(f"a chunk cannot be decoded: {reason}") from error
    if len(data) != expected:
        raise ImageError(f"a chunk has {len(data)} bytes where {expected} were expected")
    return np.frombuffer(data, dataset.dtype).reshape(dataset.grid.chunks)


_inflate = bounded(imagecodecs.zlib_decode)
_unlzf = bounded(imagecodecs.lzf_decode)


def _without_checksum(data: Bytes) -> Bytes:
    body, stored = memoryview(data)[:-4], bytes(memoryview(data)[-4:])
    if imagecodecs.h5checksum_fletcher32(bytes(body)) != int.from_bytes(stored, "little"):
        raise ValueError("its checksum is another one")
    return body


def _unshuffle(data: Bytes, edge: int) -> Bytes:
    if not 1 <= edge <= 16:
        raise ValueError(f"it was shuffled by {edge} bytes")
    mixed = np.frombuffer(data, np.uint8)
    count = len(mixed) // edge
    return mixed[: count * edge].reshape(edge, count).T.tobytes() + mixed[count * edge :].tobytes()
