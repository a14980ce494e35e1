"""Decompression of chunks that does not make more bytes than were promised."""

from collections.abc import Callable
from typing import Any

Bytes = bytes | bytearray | memoryview
Decode = Callable[[Bytes, int], Bytes]
"""Gets at most so many bytes from others, or raises an error."""

EXTRA_BYTES = 2**16
"""What a chunk may be larger than its numbers: headers, and what does not compress."""


def bounded(function: Callable[..., Any], **options: object) -> Decode:
    """Get a decoder of imagecodecs that is told how many bytes may come out.

    A chunk of some kilobytes could promise gigabytes.
    """

    def decode(data: Bytes, at_most: int) -> Bytes:
        # one byte more, because some decoders fill what they are given and then stop
        found = function(data, out=at_most + 1, **options)
        if len(found) > at_most:
            raise ValueError(f"more than {at_most} bytes come out of {len(data)}")
        return found

    return decode
