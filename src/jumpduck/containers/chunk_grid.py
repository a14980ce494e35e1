"""One plane of an array that is kept in chunks: which chunks it needs, and how they are joined."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from jumpduck.containers.plane_file import MAX_AXES, Span, check_plane
from jumpduck.errors import ImageError
from jumpduck.imaging.tiff_header import MAX_PLANE_PIXELS
from jumpduck.imaging.tiff_reader import Numbers

MAX_CHUNKS = 4096
"""Chunks of one image, because each is a request."""

MAX_CHUNK_NUMBERS = MAX_PLANE_PIXELS
"""Numbers of one chunk; a chunk of JUMP-lite has five planes of 1080 x 1080."""

Coordinates = tuple[int, ...]
"""Which chunk: its number along each axis."""

Inside = tuple[slice, ...]
"""Which planes of a chunk: a part of each axis but the last two."""


@dataclass(frozen=True, slots=True)
class ChunkGrid:
    """The shape of an array and of its chunks.

    Raises
    ------
    ImageError
        They are not those of an array of planes.
    """

    shape: tuple[int, ...]
    chunks: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 2 <= len(self.shape) <= MAX_AXES or len(self.chunks) != len(self.shape):
            raise ImageError(
                f"an array of {len(self.shape)} axes with chunks of {len(self.chunks)}; "
                f"from 2 to {MAX_AXES} are read"
            )
        check_plane(*self.shape[-2:])
        if min(self.chunks) < 1 or math.prod(self.chunks) > MAX_CHUNK_NUMBERS:
            raise ImageError(
                f"chunks of {' x '.join(map(str, self.chunks))} numbers; at most "
                f"{MAX_CHUNK_NUMBERS} are read together"
            )

    def check_index(self, index: Sequence[Span]) -> None:
        """Refuse an index that this array does not have.

        Raises
        ------
        ImageError
            It has another number of axes.
        FileNotFoundError
            It is beyond the end.
        """
        leading = self.shape[:-2]
        if len(index) != len(leading):
            raise ImageError(
                f"an array of shape {self.shape} needs an index of {len(leading)} numbers, "
                f"not {len(index)}"
            )
        for axis, ((_, last), length) in enumerate(zip(index, leading, strict=True)):
            if last >= length:
                raise FileNotFoundError(f"no plane {last} of {length} along axis {axis}")

    def chunks_of(self, index: Sequence[Span]) -> Iterator[Coordinates]:
        """Get the chunks that have pixels of the planes of an index.

        Raises
        ------
        ImageError
            There are too many.
        """
        spans = [*index, *((0, length - 1) for length in self.shape[-2:])]
        ranges = [
            range(first // edge, last // edge + 1)
            for (first, last), edge in zip(spans, self.chunks, strict=True)
        ]
        if math.prod(map(len, ranges)) > MAX_CHUNKS:
            raise ImageError(
                f"{math.prod(map(len, ranges))} chunks for one image; at most {MAX_CHUNKS} are read"
            )
        return itertools.product(*ranges)

    def gather(
        self,
        index: Sequence[Span],
        get_planes: Callable[[Coordinates, Inside], Numbers | None],
        dtype: np.dtype,
        fill: float,
        order: Iterable[Coordinates] | None = None,
    ) -> Numbers:
        """Get the plane of an index, or the maximum of its planes.

        Parameters
        ----------
        get_planes
            Gets those planes of a chunk that are wanted, or None if the array lacks the chunk.
        fill
            The number of pixels whose chunk is lacking.
        order
            The same chunks in another order.

        Raises
        ------
        FileNotFoundError
            All chunks are lacking: archives are incomplete, so the plane was not published.
        """
        height, width = self.shape[-2:]
        rows_together, columns_together = self.chunks[-2:]
        plane = np.empty((height, width), dtype)
        filled: set[Coordinates] = set()
        found = False
        for where in order or self.chunks_of(index):
            inside = tuple(
                slice(max(first - at * edge, 0), min(last - at * edge + 1, edge))
                for (first, last), at, edge in zip(index, where, self.chunks, strict=False)
            )
            planes = get_planes(where, inside)
            found = found or planes is not None
            top, left = where[-2] * rows_together, where[-1] * columns_together
            part = plane[top : top + rows_together, left : left + columns_together]
            if planes is None:
                seen = np.full(part.shape, fill, dtype)
            else:
                planes = planes[..., : part.shape[0], : part.shape[1]]
                # NaN is not a number, therefore it is not the largest one
                seen = np.fmax.reduce(planes.reshape(-1, *part.shape), axis=0)
            if where[-2:] in filled:
                np.fmax(part, seen, out=part)
            else:
                part[...] = seen
                filled.add(where[-2:])
        if not found:
            raise FileNotFoundError("none of the chunks of this plane is there")
        return plane
