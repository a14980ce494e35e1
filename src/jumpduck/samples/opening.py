"""From what a user asks for to samples."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.counts import counted
from jumpduck.errors import QueryError, StoreError
from jumpduck.rows import SITE_KEY
from jumpduck.samples.cells import cells_of, other_sites, read_cells
from jumpduck.samples.computed import folder_of, keep_computed, read_computed
from jumpduck.samples.foreground import FACTOR, MIN_SHARE, foreground
from jumpduck.samples.geometry import Geometry, geometries, shapes_of
from jumpduck.samples.options import SampleOptions
from jumpduck.samples.pieces import fields, grid, random_tiles, tiles
from jumpduck.samples.readable_sites import ReadableSites
from jumpduck.samples.samples import Samples
from jumpduck.samples.site_images import SiteImages, find_site_images
from jumpduck.samples.unread import Unread
from jumpduck.schema import CANNOT_READ
from jumpduck.selection.suggestions import known_names
from jumpduck.transfer.kept_sites import LACKING

Corners = NDArray[np.int64]
"""Top and left of squares, (n, 2)."""

MAX_TILES = 20_000_000
"""Of a grid over all sites; a table of as many takes gigabytes."""

LEFT_OUT = "left out"
"""Status of a site of which not all that was asked for can be taken."""


def open_samples(options: SampleOptions) -> Samples:
    """Get the samples of a folder or manifest.

    Raises
    ------
    QueryError
        There is no such channel, column or value, or no sample.
    ManifestError
        The place has no tables of a download, no site has all channels, or one lacks some and
        `missing` is raise.
    ProfileError
        `cells` has no positions of cells, or rows without one.
    """
    cells = None if options.cells is None else read_cells(options.cells)
    images = find_site_images(options)
    sites = ReadableSites(images, Unread(), options.missing)
    said: Mapping[tuple[object, ...], str] = {}
    if cells is not None and options.size is not None:
        pieces, by_site = cells_of(cells, images.sites, geometries(images), options.size)
        said = {images.key(site): text for site, text in by_site.items()}
        said |= other_sites(cells, images)
    elif options.size is None:
        pieces = fields(images.sites.height)
    elif options.tiles == "random":
        pieces = random_tiles(images.sites.height, options.tiles_per_site, options.size)
    else:
        corners, shapes = _corners(options, sites, options.size)
        pieces = tiles(corners, options.size, shapes)
        said = {images.key(site): _small(options) for site in _without(corners, sites)}
    if not len(pieces.sites):
        what = {"cell": "a cell of the table", "tile": f"a tile of {options.size} pixels"}
        reason = next(iter(said.values()), "none can be read")
        if cells is not None:
            reason = f"it has {counted(cells.height, 'cell')}; of one site: {reason}"
        raise QueryError(
            f"no site of {options.place} has {what[options.unit]} ({reason}); compare `size` with "
            "the size of the kept images, and the keys of the table with those of the sites"
        )
    return Samples(options, ReadableSites(_with(images, said), sites.unread, sites.missing), pieces)


def nuclei_channel(images: SiteImages, asked: str | None) -> int:
    """Get the number of the channel that marks nuclei.

    Raises
    ------
    QueryError
        It is not one of the channels of the samples, or the manifest does not say which it is.
    """
    there = ", ".join(images.channels)
    if asked is not None:
        return images.channels.index(known_names("channel", [asked], images.channels)[0])
    marked = [one.name for one in images.described if one.marks == "nuclei"]
    for name in marked:
        if name in images.channels:
            return images.channels.index(name)
    said = f"says {marked[0]}, which was not asked for" if marked else "does not say that"
    raise QueryError(
        f"tiles 'foreground' needs the channel that marks nuclei, and the manifest {said}; name it "
        f"with `nuclei`, one of {there}"
    )


def _corners(
    options: SampleOptions, sites: ReadableSites, edge: int
) -> tuple[Sequence[Corners], NDArray[np.int64] | None]:
    """Get the corners of the tiles of each site, none of those that cannot be read, and its shape.

    The shapes are None where the image of each site was looked at.
    """
    stride = options.stride or edge
    none = np.empty((0, 2), np.int64)
    if options.tiles == "foreground":
        found = _foreground(options, sites, edge, stride)
        return [found.get(site, none) for site in range(sites.images.sites.height)], None
    corners: list[Corners] = []
    count = 0
    found = geometries(sites.images)
    for site, geometry in enumerate(found):
        if isinstance(geometry, Exception):
            sites.leave_out(site, geometry)
        there = isinstance(geometry, Geometry)
        corners.append(grid(geometry.shape, edge, stride) if there else none)
        count += len(corners[-1])
        if count > MAX_TILES:
            raise QueryError(
                f"stride {stride} makes more than {MAX_TILES:,} tiles of these sites; take a "
                "larger one, fewer sites, or `tiles` 'random'"
            )
    return corners, shapes_of(found)


def _foreground(
    options: SampleOptions, sites: ReadableSites, edge: int, stride: int
) -> dict[int, Corners]:
    """Get the corners of tiles that show cells by site; computed once for the same images."""
    images = sites.images
    channel = nuclei_channel(images, options.nuclei)
    rule = repr((images.digest([images.channels[channel]]), edge, stride, FACTOR, MIN_SHARE))
    folder, name = folder_of(options), f"tiles/{hashlib.sha256(rule.encode()).hexdigest()}.parquet"
    if (kept := read_computed(folder, name)) is not None:
        try:
            rows = pl.read_parquet(kept).select("site", "y", "x").to_numpy()
        except CANNOT_READ as error:
            raise StoreError(f"{folder / name} is damaged: {error}; remove it") from error
        numbers, firsts = np.unique(rows[:, 0], return_index=True)
        return dict(zip(numbers.tolist(), np.split(rows[:, 1:], firsts[1:]), strict=True))
    found = dict(
        sites.each(lambda site: (site, foreground(images.plane(site, channel), edge, stride)))
    )
    if len(found) == images.sites.height:  # because others may be there the next time
        numbers = np.repeat(list(found), [len(one) for one in found.values()])
        every = np.concatenate(list(found.values()))
        rows = pl.DataFrame({"site": numbers, "y": every[:, 0], "x": every[:, 1]})
        data = io.BytesIO()
        rows.write_parquet(data)
        keep_computed(folder, name, data.getvalue())
    return found


def _without(corners: Sequence[Corners], sites: ReadableSites) -> list[int]:
    """Get the sites that have no tile although they can be read."""
    unread = set(sites.unread.rows().select(SITE_KEY).rows())
    empty = [site for site, own in enumerate(corners) if not len(own)]
    return [site for site in empty if sites.images.key(site) not in unread]


def _small(options: SampleOptions) -> str:
    return f"the image is smaller than a tile of {options.size} x {options.size} pixels"


def _with(images: SiteImages, said: Mapping[tuple[object, ...], str]) -> SiteImages:
    """Get the images with a row of `skipped` for each site of which something is left out."""
    rows = [(*key, None, LEFT_OUT, text) for key, text in said.items()]
    more = pl.DataFrame(rows, schema=LACKING, orient="row")
    return replace(images, skipped=pl.concat([images.skipped, more]))
