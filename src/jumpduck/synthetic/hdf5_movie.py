"""A movie in an HDF5 file, as CellCognition writes one: groups, and a dataset of packed frames.

Written by hand, because a library that writes HDF5 is needed for nothing else. The parts are those
of the HDF5 file format specification, in the form that its earliest libraries read.
"""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

UNDEFINED = 2**64 - 1
LEAF_K, INTERNAL_K, CHUNK_K = 4, 16, 32
"""Half of the entries of a node: of symbols, of groups and of chunks."""

GZIP_LEVEL = 4


def write_movie(path: Path, groups: Sequence[str], name: str, frames: NDArray[np.uint8]) -> None:
    """Write a file with a group in a group, and in the last one a dataset of packed frames.

    Parameters
    ----------
    frames
        Numbers along the axes time, height and width. The dataset has the axes channel, time,
        depth, height and width, and a chunk for each frame.
    """
    file = bytearray(96)  # the superblock, whose end is known at the end
    address = _dataset(file, frames)
    for child in (name, *reversed(groups)):
        address = _group(file, child, address)
    file[:96] = struct.pack(
        "<8s8BHHI4Q2Q2I16x",
        b"\x89HDF\r\n\x1a\n",
        *(0, 0, 0, 0, 0, 8, 8, 0),
        *(LEAF_K, INTERNAL_K, 0),
        *(0, UNDEFINED, len(file), UNDEFINED),
        *(0, address),
        *(0, 0),
    )
    path.write_bytes(file)


def _add(file: bytearray, data: bytes) -> int:
    """Add bytes to the end of the file, and get their address."""
    file.extend(bytes(-len(file) % 8))
    address = len(file)
    file.extend(data)
    return address


def _object_header(file: bytearray, messages: Sequence[tuple[int, bytes]]) -> int:
    body = b""
    for kind, data in messages:
        padded = data + bytes(-len(data) % 8)
        body += struct.pack("<HHB3x", kind, len(padded), 0) + padded
    return _add(file, struct.pack("<BxHII4x", 1, len(messages), 1, len(body)) + body)


def _group(file: bytearray, child: str, address: int) -> int:
    """Add a group with one child, and get its address."""
    names = bytes(8) + child.encode() + b"\0"
    names += bytes(-len(names) % 8)
    segment = _add(file, names)
    heap = _add(file, struct.pack("<4sB3xQQQ", b"HEAP", 0, len(names), 1, segment))
    symbols = struct.pack("<4sBxH2Q2I16x", b"SNOD", 1, 1, 8, address, 0, 0)
    node = _add(file, symbols.ljust(8 + 2 * LEAF_K * 40, b"\0"))
    tree = struct.pack("<4sBBHQQ3Q", b"TREE", 0, 0, 1, UNDEFINED, UNDEFINED, 0, node, 8)
    size = 24 + (2 * INTERNAL_K + 1) * 8 + 2 * INTERNAL_K * 8
    root = _add(file, tree.ljust(size, b"\0"))
    return _object_header(file, [(0x11, struct.pack("<QQ", root, heap))])


def _dataset(file: bytearray, frames: NDArray[np.uint8]) -> int:
    time, height, width = frames.shape
    entries: list[tuple[bytes, int]] = []
    for number, frame in enumerate(frames):
        packed = zlib.compress(frame.tobytes(), GZIP_LEVEL)
        key = struct.pack("<II6Q", len(packed), 0, 0, number, 0, 0, 0, 0)
        entries.append((key, _add(file, packed)))
    end = struct.pack("<II6Q", 0, 0, 1, time, 1, height, width, 0)
    level = 0
    while level == 0 or len(entries) > 1:
        most = 2 * CHUNK_K
        nodes = [entries[start : start + most] for start in range(0, len(entries), most)]
        after = [node[0][0] for node in nodes[1:]] + [end]
        entries = [
            (node[0][0], _chunk_node(file, level, node, last))
            for node, last in zip(nodes, after, strict=True)
        ]
        level += 1
    shape = (1, time, 1, height, width)
    chunk = (1, 1, 1, height, width, 1)  # the last is the size of a number
    return _object_header(
        file,
        [
            (0x01, struct.pack("<BBB5x5Q", 1, 5, 0, *shape)),
            (0x03, struct.pack("<B3xIHH", 0x10, 1, 0, 8)),  # a number of 8 bit, without sign
            (0x05, struct.pack("<4B", 2, 3, 2, 0)),
            (0x08, struct.pack("<3BQ6I", 3, 2, 6, entries[0][1], *chunk)),
            (0x0B, struct.pack("<BB6x4HI4x", 1, 1, 1, 0, 0, 1, GZIP_LEVEL)),
        ],
    )


def _chunk_node(
    file: bytearray, level: int, entries: Sequence[tuple[bytes, int]], last: bytes
) -> int:
    node = struct.pack("<4sBBHQQ", b"TREE", 1, level, len(entries), UNDEFINED, UNDEFINED)
    node += b"".join(key + struct.pack("<Q", address) for key, address in entries) + last
    return _add(file, node.ljust(24 + (2 * CHUNK_K + 1) * len(last) + 2 * CHUNK_K * 8, b"\0"))
