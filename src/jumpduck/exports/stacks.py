"""Where the channels are in files that hold several: the numbers of their pages."""

from collections.abc import Sequence

import polars as pl

from jumpduck.errors import StoreError
from jumpduck.exports.kept_sites import KeptSites, Plate, Site
from jumpduck.imaging.readers import page_channels


def page_numbers(kept: KeptSites, plate: Plate) -> pl.Series:
    """Get the number of the page, from 0, of each image of a plate.

    One stack of all channels is read of a plate, because the recipe gives all of them one order,
    and each of those that lack some.
    """
    if not plate.is_stacked:
        return pl.Series("page", [0] * plate.images.height, dtype=pl.Int64)
    known: list[str] | None = None
    numbers: list[int] = []
    for site in plate.sites():
        if site.lacks or known is None:
            pages = _pages(kept, site)
            known = known if site.lacks else pages
        else:
            pages = known
        numbers += [pages.index(image.channel) for image in site.images]
    return pl.Series("page", numbers, dtype=pl.Int64)


def check_pages(channels: Sequence[str], pages: Sequence[str], path: str) -> None:
    """Raise StoreError unless a stack has the channels that the results say."""
    if lacks := [name for name in channels if name not in pages]:
        raise StoreError(
            f"{path} names the channels {', '.join(pages)} and not {lacks[0]}, which the results "
            f"say; download it again with `--force`"
        )


def _pages(kept: KeptSites, site: Site) -> list[str]:
    (file,) = site.files.values()
    pages = page_channels(kept.read(file))
    check_pages([image.channel for image in site.images], pages, file.path)
    return pages
