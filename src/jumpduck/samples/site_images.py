"""The sites that samples are taken of, and where each of their images is."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from jumpduck.errors import ImageError, ManifestError, QueryError, StoreError
from jumpduck.imaging.readers import decode_image
from jumpduck.imaging.tiff_reader import Plane
from jumpduck.options import expanded
from jumpduck.rows import SITE_KEY
from jumpduck.samples.computed import folder_of
from jumpduck.samples.disk_cache import DiskCache
from jumpduck.samples.files import UNREADABLE, Files, FolderFiles, UrlFiles
from jumpduck.samples.options import SampleOptions
from jumpduck.schema import OF_ONE_IMAGE, SITE_PATH
from jumpduck.selection.suggestions import known_names
from jumpduck.transfer.filled_folder import SITE_TYPES, FilledFolder
from jumpduck.transfer.kept_sites import CHANNEL, LACKING, SPLIT, KeptSites
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.origins import Channel, Origin
from jumpduck.transfer.shard_files import INDEX_FILE
from jumpduck.transfer.stacks import page_numbers

IMAGES: Mapping[str, pl.DataType] = {
    "place": pl.String(),
    "page": pl.Int64(),
    "size": pl.Int64(),
    "checksum": pl.String(),
}
"""Path or URL of an image, number of its page from 0, and bytes and SHA-256 if they are known."""


KEPT: Mapping[str, pl.DataType] = {
    "recipe": pl.String(),
    "parameters": pl.String(),
    "width": pl.Int32(),
    "height": pl.Int32(),
}
"""Recipe of the images of a site, and their size as published; empty where they are fetched."""


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
    kept
        `KEPT` of each site.
    skipped
        A row for each image that a site lacks, of the sites that are left out.
    others
        Keys of the sites that do not fulfil the conditions.
    files
        Gets the bytes of an image.
    """

    channels: tuple[str, ...]
    described: tuple[Channel, ...]
    sites: pl.DataFrame
    images: pl.DataFrame
    kept: pl.DataFrame
    skipped: pl.DataFrame
    others: pl.DataFrame
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
        planes = self._decoded(site, range(len(self.channels)))
        if len(shapes := {plane.shape for plane in planes}) > 1:
            sizes = " and ".join(f"{height} x {width}" for height, width in sorted(shapes))
            raise ImageError(f"the channels of the site have different sizes, {sizes} pixels")
        return planes

    def plane(self, site: int, channel: int) -> Plane:
        """Get the image of one channel of a site; raises what `planes` does."""
        return self._decoded(site, [channel])[0]

    def key(self, site: int) -> tuple[object, ...]:
        """Get source, batch, plate, well and site."""
        return self.sites.row(site)[: len(SITE_KEY)]

    def digest(self, channels: Sequence[str] = ()) -> str:
        """Get SHA-256 of the keys, the channels, and the places and versions of their images.

        Parameters
        ----------
        channels
            The only ones that count; all by default.
        """
        counted = [name in (channels or self.channels) for name in self.channels]
        known = hashlib.sha256(repr(list(channels or self.channels)).encode())
        known.update(self.sites.select(SITE_KEY).write_csv().encode())
        known.update(self.versions(self.images.filter(counted * self.sites.height)))
        return known.hexdigest()

    def versions(self, images: pl.DataFrame) -> bytes:
        """Get what tells these rows of `images` from others, and from what they were before."""
        places = images["place"].unique(maintain_order=True).to_list()
        return f"{images.write_csv()}{list(self.files.versions(places))}".encode()

    def _decoded(self, site: int, channels: Sequence[int]) -> list[Plane]:
        first = site * len(self.channels)
        rows = [self.images.row(first + channel) for channel in channels]
        sizes = {place: size for place, _, size, _ in rows}  # because channels may share a file
        files = self.files.read(list(sizes), list(sizes.values()))
        data = dict(zip(sizes, files, strict=True))
        planes: list[Plane] = []
        for channel, (place, page, _, _) in zip(channels, rows, strict=True):
            try:
                planes.append(decode_image(bytes(data[place].result()), page=page))
            except UNREADABLE as error:
                self.files.forget(place)
                text = f"channel {self.channels[channel]}: {error}"
                if isinstance(error, ImageError | StoreError):
                    kind = ImageError if isinstance(error, ImageError) else StoreError
                    raise kind(text, error.attempts) from error
                raise type(error)(text) from error
        return planes


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
    is_pattern = any(letter in str(place) for letter in "*?[")
    if not place.exists() and not is_pattern:
        raise ManifestError(
            f"place {place} ({place.absolute()}) does not exist; give a folder that `jumpduck "
            "download` filled, or a manifest"
        )
    if place.is_dir() and not (place / INDEX_FILE).exists():
        found = _of_folder(place, options)
    else:
        found = _of_manifest(place, options)
    if found.skipped.height and (options.missing == "raise" or found.sites.is_empty()):
        *key, channel, status, error = found.skipped.row(0)
        where = " ".join(map(str, key))
        raise ManifestError(
            f"{found.skipped.select(SITE_KEY).n_unique()} sites of {place} lack images of the "
            f"channels {', '.join(found.channels)}, such as {where} of {channel} "
            f"({error or status}); `jumpduck verify --repair` fetches what can be had, "
            "`channels` names fewer, and `missing` 'skip' leaves such sites out"
        )
    return found


def _of_folder(place: Path, options: SampleOptions) -> SiteImages:
    folder = FilledFolder.open(place)
    sites = folder.sites.collect()
    sites = sites.drop(name for name in sites.columns if name.startswith(SITE_PATH))
    chosen = chosen_sites(sites, options, place)
    folder.results = folder.results.join(chosen.lazy(), on=SITE_KEY, how="semi")
    described = described_channels(folder.origins)
    there = folder.results.select(pl.col(CHANNEL).unique()).collect()[CHANNEL]
    channels = channels_of(options.channels, list(described), list(there))
    kept = KeptSites(folder, channels)
    parts = [pl.DataFrame(schema={**SITE_TYPES, **IMAGES, **KEPT})]
    lacking = [pl.DataFrame(schema=LACKING)]
    for plate in kept.plates():
        rows = plate.images.with_columns(page_numbers(kept, plate), place="path")
        parts.append(rows.select(parts[0].columns))
        lacking.append(plate.lacking)
    images = pl.concat(parts).sort(SITE_KEY, maintain_order=True)
    return SiteImages(
        channels,
        tuple(described.values()),
        chosen.join(images, on=SITE_KEY, how="semi").sort(SITE_KEY),
        images.select(*IMAGES),
        images.gather_every(len(channels)).select(*KEPT),
        pl.concat(lacking).sort(SITE_KEY, maintain_order=True),
        sites.join(chosen, on=SITE_KEY, how="anti").select(SITE_KEY),
        FolderFiles(folder.path.absolute()),
    )


def _of_manifest(place: Path, options: SampleOptions) -> SiteImages:
    manifest = Manifest.open(place)
    rows = manifest.read(0, manifest.files).sort("path")
    origins = [Origin.of_manifest("", notes) for notes in manifest.origins]
    of_site = [name for name in rows.columns if name not in (*SITE_KEY, *OF_ONE_IMAGE)]
    sites = rows.select(*SITE_KEY, *of_site).unique(SITE_KEY, keep="first", maintain_order=True)
    chosen = chosen_sites(sites, options, place).sort(SITE_KEY)
    rows = rows.join(chosen, on=SITE_KEY, how="semi", maintain_order="left")
    described = described_channels(origins)
    there: list[str] = rows[CHANNEL].unique().to_list()
    channels = channels_of(options.channels, list(described), there)
    twice = rows.filter(pl.struct(*SITE_KEY, CHANNEL).is_duplicated())
    if twice.height:
        *key, channel = twice.select(*SITE_KEY, CHANNEL).row(0)
        raise ManifestError(
            f"{place} has two images of channel {channel} of site {' '.join(map(str, key))}; "
            "leave one of them out"
        )
    order = pl.DataFrame({CHANNEL: channels}, schema={CHANNEL: pl.String})
    full = chosen.select(SITE_KEY).join(order, how="cross", maintain_order="left_right")
    full = full.join(rows, on=(*SITE_KEY, CHANNEL), how="left", maintain_order="left")
    has_all = pl.col("url").is_not_null().all().over(SITE_KEY)
    lacking = full.filter(pl.col("url").is_null()).with_columns(
        status=pl.lit("left"), error=pl.lit("not in the manifest")
    )
    images = full.filter(has_all).select(
        *SITE_KEY, place="url", page=pl.lit(0, pl.Int64), size=pl.lit(None, pl.Int64),
        checksum=pl.lit(None, pl.String),
    )  # fmt: skip
    taken = chosen.join(images, on=SITE_KEY, how="semi", maintain_order="left")
    cache = DiskCache(folder_of(options) / "images", int(options.cache_gb * 1e9))
    return SiteImages(
        channels,
        tuple(described.values()),
        taken,
        images.select(*IMAGES),
        pl.DataFrame({name: [None] * taken.height for name in KEPT}, schema=KEPT),
        lacking.select(*LACKING).cast(LACKING),  # pyright: ignore[reportArgumentType]
        sites.join(chosen, on=SITE_KEY, how="anti").select(SITE_KEY),
        UrlFiles(options.endpoint or manifest.endpoint, cache),
    )


def described_channels(origins: Sequence[Origin]) -> dict[str, Channel]:
    """Get what the manifests say of their channels, by name and in their order."""
    return {one.name: one for origin in reversed(origins) for one in origin.channels}


def channels_of(
    asked: str | Sequence[str], described: Sequence[str], there: Sequence[str]
) -> tuple[str, ...]:
    """Get the channels in their order: as asked for, else as the collection has them."""
    others = sorted(set(there) - set(described))
    known = [*(name for name in described if name in set(there)), *others]
    return tuple(known_names("channel", asked, known) or known)


def chosen_sites(sites: pl.DataFrame, options: SampleOptions, place: Path) -> pl.DataFrame:
    """Get the sites that fulfil `where` and `split`."""
    if options.split is not None:
        if SPLIT not in sites.columns:
            raise QueryError(
                f"split {options.split!r}: the sites of {place} have no column {SPLIT}; make the "
                "manifest with `jumpduck manifest --split train=0.8,val=0.2 --split-by plate` and "
                "fetch it into another folder, or use `where`"
            )
        known = sites[SPLIT].cast(pl.String).drop_nulls().unique().sort().to_list()
        (split,) = known_names("split", [options.split], known)
        sites = sites.filter(pl.col(SPLIT).cast(pl.String) == split)
    if options.where is not None:
        # imported here, because it needs DuckDB, and most callers do not
        from jumpduck.profile_tables.conditions import rows_where

        sites = sites[rows_where(sites, options.where).astype(np.uint32)]
    if sites.is_empty():
        raise QueryError(f"no site of {place} fulfils `where` and `split`; ask for less at once")
    return sites
