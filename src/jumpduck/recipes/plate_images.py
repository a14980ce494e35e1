"""Images that a recipe reads before it makes the first one of their plate."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from threading import BoundedSemaphore
from typing import TypeVar

from jumpduck.daemon_pool import DaemonPool
from jumpduck.errors import ImageError, JumpduckError, QueryError
from jumpduck.recipes.base import Fetch, Source
from jumpduck.rows import Row

CHANNEL, SITE, URL = "Metadata_Channel", "Metadata_Site", "url"

ATTEMPTS = 2
"""Requests for an image that cannot be decoded, because bytes can be damaged on the way."""

THREADS = 8
DECODERS = 2
"""Images that are decoded at the same time, because their planes are in no memory budget."""

T = TypeVar("T")


def chosen_images(rows: Sequence[Row], most: int) -> list[Row]:
    """Get at most so many rows: the same ones in whichever order they are."""
    return sorted(rows, key=_digest)[:most]


def read_images(
    rows: Sequence[Row], fetch: Fetch, use: Callable[[Source], T | None]
) -> list[T | None]:
    """Get what `use` makes of each image; None for what is absent or broken.

    Raises
    ------
    JumpduckError, OSError
        A server does not answer: another run may read the image, and would know another plate. Or
        a QueryError, because that concerns all images.
    """
    decoders = BoundedSemaphore(DECODERS)

    def read(row: Row) -> T | None:
        for _ in range(ATTEMPTS):
            try:
                source = Source(fetch(str(row[URL])), row)
                with decoders:
                    return use(source)
            except ImageError:
                continue
            except QueryError:
                raise
            except (JumpduckError, OSError) as error:
                if getattr(error, "attempts", 1) > 1:
                    raise
                return None
        return None

    with DaemonPool(THREADS, "plate images") as pool:
        return list(pool.map(read, rows))


def _digest(row: Row) -> bytes:
    """Get an order of images that depends on their paths alone."""
    return blake2b(str(row["path"]).encode(), digest_size=8).digest()
