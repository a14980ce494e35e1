"""Where the channels are in files that hold several: the numbers of their pages."""

from collections.abc import Sequence

import polars as pl

from jumpduck.errors import StoreError
from jumpduck.imaging.readers import page_channels
from jumpduck.transfer.kept_sites import KeptImage, KeptSites, Plate


def page_numbers(kept: KeptSites, plate: Plate) -> pl.Series:
    """Get the number of the page, from 0, of each image of a plate.

    One of the stacks that hold the same channels is read, because the recipe gives all of them one
    order.
    """
    if not plate.is_stacked:
        return pl.Series("page", [0] * plate.images.height, dtype=pl.Int64)
    known: dict[str, list[str]] = {}
    numbers: list[int] = []
    for image in (image for site in plate.sites() for image in site.images):
        if image.in_stack:
            pages = known.get(image.in_file) or _pages(kept, image)
            known[image.in_file] = pages
            numbers.append(pages.index(image.channel))
        else:
            numbers.append(0)
    return pl.Series("page", numbers, dtype=pl.Int64)


def check_pages(channels: Sequence[str], pages: Sequence[str], path: str) -> None:
    """Raise StoreError unless a stack has the channels that the results say."""
    if lacks := [name for name in channels if name not in pages]:
        raise StoreError(
            f"{path} names the channels {', '.join(pages)} and not {lacks[0]}, which the results "
            f"say; download it again with `--force`"
        )


def _pages(kept: KeptSites, image: KeptImage) -> list[str]:
    pages = page_channels(kept.read(image))
    check_pages(image.in_file.split("\n"), pages, image.path)
    return pages
