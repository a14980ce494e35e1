"""From the bytes of a chunk of a Zarr array to its numbers."""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import imagecodecs
import numpy as np

from jumpduck.containers.chunk_grid import Inside
from jumpduck.containers.decoders import EXTRA_BYTES, Bytes, Decode, bounded
from jumpduck.errors import ImageError
from jumpduck.imaging.tiff_reader import Numbers

MAX_SUMMED_BYTES = 2**16
"""A checksum in Python takes a second for 4 MB, therefore only of the indices of shards."""

_CRC32C_POLYNOMIAL = 0x82F63B78

SHAPED = "imagecodecs_jpegxl"
"""The codec that gives numbers with a shape."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The codecs of a chunk, as the metadata list them.

    Parameters
    ----------
    dtype
        Of the numbers as they are stored.
    axes
        The order in which the axes are stored, by their numbers in the array.
    is_jpegxl
        The numbers are a JPEG XL and not plain bytes.
    decoders
        What undoes the compressions, first the one that was done last.
    """

    dtype: np.dtype
    axes: Sequence[int]
    is_jpegxl: bool
    decoders: Sequence[Decode]

    def decode_planes(self, data: Bytes, shape: Sequence[int], inside: Inside) -> Numbers:
        """Get some planes of a chunk, as `decode` gets all: of a JPEG XL only the wanted one."""
        frames = [(part.start, edge) for part, edge in zip(inside, shape, strict=False) if edge > 1]
        single = all(part.stop - part.start == 1 for part in inside)
        in_order = list(self.axes) == sorted(self.axes) and min(shape[-2:]) > 1
        has_frames = self.is_jpegxl and self.dtype.kind == "u" and in_order
        if not (has_frames and single and len(frames) == 1):
            return self.decode(data, shape)[inside]
        plane = self._decode_jpegxl(self._undo(data, shape), shape[-2:], frames[0][0])
        # a frame that is not there leaves what was in its place; decode() finds that out
        is_there = (plane != np.iinfo(self.dtype).max).any()
        return plane if is_there else self.decode(data, shape)[inside]

    def decode(self, data: Bytes, shape: Sequence[int]) -> Numbers:
        """Get the numbers of a chunk.

        Raises
        ------
        ImageError
            The bytes are not those of such a chunk.
        """
        stored = [shape[axis] for axis in self.axes]
        data = self._undo(data, shape)
        if self.is_jpegxl:
            numbers = self._decode_jpegxl(data, stored, None)
        else:
            expected = math.prod(shape) * self.dtype.itemsize
            if len(data) != expected:
                raise ImageError(f"a chunk has {len(data)} bytes where {expected} were expected")
            numbers = np.frombuffer(data, self.dtype).reshape(stored)
        return numbers.transpose(np.argsort(self.axes))

    def _undo(self, data: Bytes, shape: Sequence[int]) -> Bytes:
        """Undo what was done to the bytes."""
        try:
            for decode in self.decoders:
                data = decode(data, math.prod(shape) * self.dtype.itemsize + EXTRA_BYTES)
        except Exception as error:
            raise _undecodable(error) from error
        return data

    def _decode_jpegxl(self, data: Bytes, shape: Sequence[int], frame: int | None) -> Numbers:
        # into a given shape, because the decoder would allocate what the header promises
        out = np.empty([edge for edge in shape if edge != 1] or [1], self.dtype)
        if frame is not None:
            out.fill(np.iinfo(self.dtype).max)
        try:
            imagecodecs.jpegxl_decode(cast("bytes", data), index=frame, numthreads=1, out=out)
        except Exception as error:
            raise _undecodable(error) from error
        return out.reshape(shape)


def _undecodable(error: Exception) -> ImageError:
    return ImageError(f"a chunk cannot be decoded: {error or type(error).__name__}")


def decoder_of(name: str) -> Decode:
    """Get what undoes a compression.

    Raises
    ------
    ImageError
        It is not one that is read.
    """
    decode = _DECODERS.get(name)
    if decode is None:
        known = ", ".join(sorted([*_DECODERS, SHAPED]))
        raise ImageError(f"codec {name[:50]!r} is not read; {known} are")
    return decode


def _without_checksum(data: Bytes, _: int) -> Bytes:
    body = memoryview(data)[:-4]
    if len(data) < 4:
        raise ValueError(f"{len(data)} bytes with their checksum")
    if len(body) <= MAX_SUMMED_BYTES:
        (expected,) = struct.unpack("<I", memoryview(data)[-4:])
        if _crc32c(body) != expected:
            raise ValueError("its checksum is another one")
    return body


def _crc32c_of(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_CRC32C_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = [_crc32c_of(byte) for byte in range(256)]


def _crc32c(data: Bytes) -> int:
    checksum = 0xFFFFFFFF
    for byte in data:
        checksum = _TABLE[(checksum ^ byte) & 0xFF] ^ checksum >> 8
    return checksum ^ 0xFFFFFFFF


_DECODERS: Mapping[str, Decode] = {
    "blosc": bounded(imagecodecs.blosc_decode, numthreads=1),
    "bz2": bounded(imagecodecs.bz2_decode),
    "crc32c": _without_checksum,
    "gzip": bounded(imagecodecs.gzip_decode),
    "lz4": bounded(imagecodecs.lz4_decode, header=True),
    "zlib": bounded(imagecodecs.zlib_decode),
    "zstd": bounded(imagecodecs.zstd_decode),
}
