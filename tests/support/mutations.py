"""Files broken at random, the same ones each time."""

import random
import struct
from collections.abc import Iterator, Sequence

EXTREMES = (0, 1, 2, 7, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)


def mutations(files: Sequence[bytes], count: int, seed: int = 0) -> Iterator[bytes]:
    """Get files with one to six changes each, half of them near an end, where headers lie."""
    rng = random.Random(seed)
    for _ in range(count):
        data = bytearray(rng.choice(files))
        for _ in range(rng.randint(1, 6)):
            if not data:
                break
            at = rng.randrange(len(data))
            if rng.random() < 0.5:
                at = rng.choice([at % 300, -1 - at % 300]) % len(data)
            match rng.randrange(6):
                case 0:
                    data[at] = rng.randrange(256)
                case 1:
                    data[at] ^= 1 << rng.randrange(8)
                case 2:  # a number in the place of a number
                    number_format = rng.choice(["<H", ">H", "<I", ">I"])
                    limit = 2 ** (8 * struct.calcsize(number_format)) - 1
                    number = struct.pack(number_format, min(rng.choice(EXTREMES), limit))
                    data[at : at + len(number)] = number
                case 3:  # a piece over another, of the length of a TIFF's entry or another
                    length = rng.choice([1, 2, 4, 12, 20, 100])
                    start = rng.randrange(len(data))
                    data[at : at + length] = data[start : start + length]
                case 4:  # a piece twice, or not at all
                    length = rng.choice([1, 2, 4, 12, 20, 100])
                    data[at:at] = data[at : at + length] if rng.random() < 0.5 else b""
                    if rng.random() < 0.5:
                        del data[at : at + length]
                case 5 if rng.random() < 0.2:
                    del data[at:]
                case _:
                    data[at] = rng.choice([0, 255])
        yield bytes(data)
