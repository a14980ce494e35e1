"""Checksums of whole files, as Quilt and S3 publish them."""

import base64
import hashlib
from functools import cache

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

CHUNK_BYTES = 8 * 2**20
MAX_CHUNKS = 10_000
"""Of a file with more chunks they are twice as large, until it has no more than this."""

LANES = 2048
"""Parts of a file whose CRC64 is computed together."""

_POLYNOMIAL = 0x9A6C9329AC4BC9B5
"""Of CRC64-NVME, its lowest power in the highest bit."""


def wrong_checksum(checksum: str, data: bytes | memoryview) -> str | None:
    """Get why bytes are not those of a checksum, None if they are.

    Parameters
    ----------
    checksum
        ``TYPE:VALUE``, as `jumpduck.containers.places` has it.
    """
    kind, _, value = checksum.partition(":")
    found = {"SHA256": sha256, "sha2-256-chunked": sha256_chunked, "CRC64NVME": crc64nvme}[kind](
        data
    )
    if found == (value.lower() if kind == "SHA256" else value):
        return None
    return f"its {kind} is {found}, and {value} was published"


def sha256(data: bytes | memoryview) -> str:
    """Get the SHA256 of a file, in hex."""
    return hashlib.sha256(data).hexdigest()


def sha256_chunked(data: bytes | memoryview) -> str:
    """Get the SHA256 of the SHA256s of the chunks of a file, in base64."""
    view = memoryview(data)
    size = CHUNK_BYTES
    while -(-len(view) // size) > MAX_CHUNKS:
        size *= 2
    chunks = (view[start : start + size] for start in range(0, len(view), size))
    digests = b"".join(hashlib.sha256(chunk).digest() for chunk in chunks)
    return base64.b64encode(hashlib.sha256(digests).digest()).decode()


def crc64nvme(data: bytes | memoryview) -> str:
    """Get the CRC64-NVME of a file, in base64.

    A CRC is linear: the parts of a file are computed together, as numpy is fast then, and that of a
    part is moved by the bytes that follow it.
    """
    view = memoryview(data).cast("B")
    words = len(view) // (8 * LANES)
    state = 2**64 - 1
    if words:
        lanes = np.frombuffer(view, "<u8", LANES * words).reshape(LANES, words)
        states = np.zeros(LANES, np.uint64)
        states[0] = state
        tables = _tables()
        # by columns that are copied, because a column of the file itself is far apart in memory
        for first in range(0, words, LANES):
            for column in np.ascontiguousarray(lanes[:, first : first + LANES].T):
                pairs = (column ^ states).view(np.uint16).reshape(-1, 4)
                states = tables[0][pairs[:, 0]]
                for table, pair in zip(tables[1:], pairs.T[1:], strict=True):
                    states ^= table[pair]
        shift = _zeros(8 * words)
        while len(states) > 1:
            states = _moved(shift, states[0::2]) ^ states[1::2]
            shift = _moved(shift, shift)
        state = int(states[0])
    table = _bytes_table().tolist()
    for byte in view[8 * LANES * words :]:
        state = table[(state ^ byte) & 255] ^ (state >> 8)
    return base64.b64encode((state ^ (2**64 - 1)).to_bytes(8, "big")).decode()


@cache
def _bytes_table() -> Words:
    """Get what each value of a byte becomes."""
    table = np.arange(256, dtype=np.uint64)
    for _ in range(8):
        table = (table >> np.uint64(1)) ^ (table & np.uint64(1)) * np.uint64(_POLYNOMIAL)
    return table


@cache
def _tables() -> list[Words]:
    """Get what each pair of bytes becomes, at each of the four places in a word."""
    one = _bytes_table()
    state = np.arange(2**16, dtype=np.uint64)
    tables: list[Words] = []
    for _ in range(4):
        for _ in range(2):
            state = one[state & np.uint64(255)] ^ (state >> np.uint64(8))
        tables.insert(0, state)
    return tables


def _zeros(count: int) -> Words:
    """Get what `count` more bytes of zeros make of each bit of a state."""
    bits = np.uint64(1) << np.arange(64, dtype=np.uint64)
    found, power = bits, _bytes_table()[bits & np.uint64(255)] ^ (bits >> np.uint64(8))
    while count:
        found = _moved(power, found) if count & 1 else found
        power, count = _moved(power, power), count >> 1
    return found


def _moved(shift: Words, states: Words) -> Words:
    """Get what a shift, given by its bits, makes of states."""
    bits = (states[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    return np.bitwise_xor.reduce(bits * shift, axis=1)
