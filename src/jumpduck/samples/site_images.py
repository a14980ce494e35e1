"""The sites that samples are taken of, and where each of their images is."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from jumpduck.errors import ImageError, ManifestError, QueryError
from jumpduck.imaging.readers import decode_image
from jumpduck.imaging.tiff_reader import Plane
from jumpduck.options import expanded
from jumpduck.rows import SITE_KEY
from jumpduck.samples.files import Files, FolderFiles
from jumpduck.samples.options import SampleOptions
from jumpduck.schema import SITE_PATH
from jumpduck.selection.suggestions import known_names
from jumpduck.transfer.filled_folder import FilledFolder
from jumpduck.transfer.kept_sites import CHANNEL, LACKING, SPLIT, KeptSites
from jumpduck.transfer.origins import Channel
from jumpduck.transfer.shard_files import INDEX_FILE
from jumpduck.transfer.stacks import page_numbers

IMAGES: Mapping[str, pl.DataType] = {
    "place": pl.String(),
    "page": pl.Int64(),
    "size": pl.Int64(),
    "checksum": pl.String(),
}
"""Path or URL of an image, number of its page from 0, and bytes and SHA-256 if they are known."""


@dataclass(frozen=True)
class SiteImages:
    """Sites that have an image of each channel.

    Attributes
    ----------
    channels
        Their order in each sample.
    described
        What the collection says of its channels.
    sites
        A row a site, in the order of their keys: key, and what the manifest says of the site.
    images
        `IMAGES`: of each site in its order a row for each channel in its order.
    skipped
        A row for each image that a site lacks, of the sites that are left out.
    files
        Gets the bytes of an image.
    """

    channels: tuple[str, ...]
    described: tuple[Channel, ...]
    sites: pl.DataFrame
    images: pl.DataFrame
    skipped: pl.DataFrame
    files: Files

    def planes(self, site: int) -> list[Plane]:
        """Get the images of a site, all of one size.

        Raises
        ------
        ImageError
            One is broken, or they differ in size.
        StoreError, FileNotFoundError, PermissionError
            One cannot be read.
        """
        first = site * len(self.channels)
        planes: list[Plane] = []
        before, data = "", b""
        for name, row in zip(self.channels, range(first, first + len(self.channels)), strict=True):
            place, page, size, _ = self.images.row(row)
            if place != before:
                before, data = place, self.files.read(place, size)
            try:
                planes.append(decode_image(bytes(data), page=page))
            except ImageError as error:
                raise ImageError(f"channel {name}: {error}") from error
        if len(shapes := {plane.shape for plane in planes}) > 1:
            sizes = " and ".join(f"{height} x {width}" for height, width in sorted(shapes))
            raise ImageError(f"the channels of the site have different sizes, {sizes} pixels")
        return planes

    def digest(self) -> str:
        """Get SHA-256 of the keys, the channels, and the places and checksums of the images."""
        known = hashlib.sha256(repr(self.channels).encode())
        known.update(self.sites.select(SITE_KEY).write_csv().encode())
        known.update(self.images.write_csv().encode())
        return known.hexdigest()


def find_site_images(options: SampleOptions) -> SiteImages:
    """Get the sites of a folder or manifest that have all channels, and fulfil the conditions.

    Raises
    ------
    QueryError
        There is no such channel, column or value.
    ManifestError
        No site has all channels, or one lacks some and `missing` is raise.
    """
    place = expanded(options.place)
    if place.is_dir() and not (place / INDEX_FILE).exists():
        found = _of_folder(place, options)
    else:
        raise QueryError(f"place {place} is not a folder")
    if found.skipped.height and (options.missing == "raise" or found.sites.is_empty()):
        *key, channel, status, error = found.skipped.row(0)
        where = " ".join(map(str, key))
        raise ManifestError(
            f"{found.skipped.select(SITE_KEY).n_unique()} sites of {place} lack images of the "
            f"channels {', '.join(found.channels)}, such as {where} of {channel} "
            f"({error or status}); `jumpduck verify --repair` fetches what can be had, "
            "`channels` names fewer, and `missing` 'skip' leaves such sites out"
        )
    if found.sites.is_empty():
        raise QueryError(f"no site of {place} fulfils `where` and `split`; ask for less at once")
    return found


def _of_folder(place: Path, options: SampleOptions) -> SiteImages:
    folder = FilledFolder.open(place)
    sites = folder.sites.collect()
    sites = sites.drop(name for name in sites.columns if name.startswith(SITE_PATH))
    chosen = _chosen(sites, options, place)
    folder.results = folder.results.join(chosen.lazy(), on=SITE_KEY, how="semi")
    described = {one.name: one for origin in reversed(folder.origins) for one in origin.channels}
    there = folder.results.select(pl.col(CHANNEL).unique()).collect()[CHANNEL]
    channels = channels_of(options.channels, list(described), list(there))
    kept = KeptSites(folder, channels)
    images = [pl.DataFrame(schema={**dict.fromkeys(SITE_KEY, pl.String()), **IMAGES})]
    images[0] = images[0].cast({SITE_KEY[-1]: pl.Int32})
    lacking = [pl.DataFrame(schema=LACKING)]
    for plate in kept.plates():
        rows = plate.images.with_columns(page_numbers(kept, plate), place="path")
        images.append(rows.select(*SITE_KEY, *IMAGES))
        lacking.append(plate.lacking)
    rows = pl.concat(images).sort(SITE_KEY, maintain_order=True)
    return SiteImages(
        channels,
        tuple(described.values()),
        chosen.join(rows, on=SITE_KEY, how="semi").sort(SITE_KEY),
        rows.select(*IMAGES),
        pl.concat(lacking).sort(SITE_KEY, maintain_order=True),
        FolderFiles(folder.path.absolute()),
    )


def channels_of(
    asked: str | Sequence[str], described: Sequence[str], there: Sequence[str]
) -> tuple[str, ...]:
    """Get the channels in their order: as asked for, else as the collection has them."""
    others = sorted(set(there) - set(described))
    known = [*(name for name in described if name in set(there)), *others]
    return tuple(known_names("channel", asked, known) or known)


def _chosen(sites: pl.DataFrame, options: SampleOptions, place: Path) -> pl.DataFrame:
    """Get the sites that fulfil `where` and `split`."""
    if options.split is not None:
        if SPLIT not in sites.columns:
            raise QueryError(
                f"split {options.split!r}: the sites of {place} have no column {SPLIT}; add it to "
                "the manifest before the download, or use `where`"
            )
        known = sites[SPLIT].cast(pl.String).drop_nulls().unique().sort().to_list()
        (split,) = known_names("split", [options.split], known)
        sites = sites.filter(pl.col(SPLIT).cast(pl.String) == split)
    if options.where is not None:
        # imported here, because it needs DuckDB, and most callers do not
        from jumpduck.profile_tables.conditions import rows_where

        sites = sites[rows_where(sites, options.where).astype(np.uint32)]
    return sites
