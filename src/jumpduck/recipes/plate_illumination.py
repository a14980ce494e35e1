"""The illumination functions of a plate: published ones, or made of the plate's own images."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jumpduck.errors import ImageError, JumpduckError, QueryError
from jumpduck.imaging.illumination import decode_illumination, illumination_of
from jumpduck.imaging.only_page import read_only_page
from jumpduck.imaging.tiff_reader import decode_rows
from jumpduck.recipes.base import Fetch, Source
from jumpduck.recipes.plate_images import CHANNEL, SITE, chosen_images, read_images
from jumpduck.rows import Row

URL_ILLUM = "url_illum"

IMAGES = 64
"""Images of a channel and site whose mean the function is made of: all of a plate of 60 wells."""

MAX_PIXELS = 1 << 23
"""Pixels of an image at most, because the mean and what becomes of it take 28 bytes for each."""

MAX_BYTES = 512 << 20
"""Memory that the functions of a plate may take, because they are held until the plate is done."""

Key = tuple[str, object]
"""Channel and site; a published function is that of all sites, which None stands for."""


class Illumination(NamedTuple):
    """The functions of a plate.

    Attributes
    ----------
    made_of
        What each function was made of that was made here: the number of images, and a digest of
        their sum.
    faults
        Why a function could not be had, by channel.
    """

    functions: Mapping[Key, NDArray[np.float32]]
    made_of: Mapping[Key, str]
    faults: Mapping[str, str]


def published_illumination(rows: Sequence[Row], fetch: Fetch) -> Illumination:
    """Get the functions that the manifest names, one for each channel."""
    functions: dict[Key, NDArray[np.float32]] = {}
    faults: dict[str, str] = {}
    urls: dict[str, set[str]] = {}
    for row in rows:
        urls.setdefault(str(row[CHANNEL]), set()).add(str(row.get(URL_ILLUM) or ""))
    for channel, (url, *others) in sorted((name, sorted(some)) for name, some in urls.items()):
        if others or not url:
            has = f"{len(others) + 1} values" if others else "no value"
            faults[channel] = (
                f"the plate has {has} of {URL_ILLUM} for {channel}; each channel of a plate has "
                "one illumination function"
            )
            continue
        try:
            functions[channel, None] = decode_illumination(fetch(url))
        except (JumpduckError, OSError) as error:
            place = "" if url in str(error) else f"{url}: "
            faults[channel] = f"no illumination function of {channel}: {place}{error}"
    return Illumination(functions, {}, faults)


def illumination_of_plate(
    rows: Sequence[Row],
    fetch: Fetch,
    make: Callable[[NDArray[np.float64]], NDArray[np.float32]] = illumination_of,
    *,
    by_site: bool = True,
) -> Illumination:
    """Make a function of the mean of a channel's images, by default at each site.

    The mean is that of all these images, or of the same `IMAGES` of them in whichever order the
    rows are. Files that are absent or broken are left out. If a server does not answer, the channel
    has no function, because that of another run would differ.

    Parameters
    ----------
    make
        Makes the function of the mean image.
    """
    functions: dict[Key, NDArray[np.float32]] = {}
    made_of: dict[Key, str] = {}
    faults: dict[str, str] = {}
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        groups.setdefault((str(row[CHANNEL]), row.get(SITE) if by_site else None), []).append(row)
    for key in sorted(groups, key=str):
        channel, site = key
        if channel in faults:
            continue
        place = f"{channel} at site {site}" if by_site else channel
        try:
            total, count = _sum(chosen_images(groups[key], IMAGES), fetch)
            if not count:
                continue
            functions[key] = make(total / count)
            made_of[key] = f"mean of {count} images, {sha256(total.data).hexdigest()[:16]}"
            if sum(one.nbytes for one in functions.values()) > MAX_BYTES:
                del functions[key]
                raise QueryError(
                    f"the functions of a plate take more than {MAX_BYTES >> 20} MiB; choose fewer "
                    "channels or sites"
                )
        except (JumpduckError, OSError) as error:
            faults[channel] = f"no illumination function of {place} could be made: {error}"
    return Illumination(functions, made_of, faults)


def _sum(rows: Sequence[Row], fetch: Fetch) -> tuple[NDArray[np.uint32], int]:
    """Get the sum of the images that can be read, and their number.

    It is one of whole numbers, because that does not depend on the order of the answers.
    """
    sums: dict[tuple[int, ...], NDArray[np.uint32]] = {}
    lock = Lock()

    def add(source: Source) -> bool:
        header = read_only_page(source.data)
        if header.width * header.height > MAX_PIXELS:
            raise QueryError(
                f"an image has {header.width} x {header.height} pixels, at most {MAX_PIXELS} are "
                "allowed"
            )
        plane = decode_rows(source.data, header)
        with lock:
            total = sums.setdefault(plane.shape, np.zeros(plane.shape, np.uint32))
            np.add(total, plane, out=total)
        return True

    count = sum(one is not None for one in read_images(rows, fetch, add))
    if len(sums) > 1:
        sizes = ", ".join(f"{width} x {height}" for height, width in sorted(sums))
        raise ImageError(f"its images have several sizes: {sizes}")
    return next(iter(sums.values()), np.zeros((0, 0), np.uint32)), count
