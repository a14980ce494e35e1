"""Samples of images as arrays, in the order of an epoch."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.counts import counted
from jumpduck.imaging.tiff_reader import Plane
from jumpduck.rows import SITE_KEY
from jumpduck.samples.computed import folder_of
from jumpduck.samples.files import UrlFiles
from jumpduck.samples.in_advance import in_advance
from jumpduck.samples.options import SampleOptions
from jumpduck.samples.order import MIXED_SITES, Keys, epoch_order, keys_of, part_of
from jumpduck.samples.pieces import TILE_X, TILE_Y, Pieces, as_floats, random_corner
from jumpduck.samples.readable_sites import ReadableSites
from jumpduck.samples.recent_sites import RecentSites
from jumpduck.samples.statistics import Statistics, statistics_of


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample.

    Attributes
    ----------
    image
        Array (C, H, W) of float32, in the order of ``Samples.channels``: grey level divided by the
        highest of its type, so from 0 to 1, or standardised if that was asked for.
    metadata
        The row of ``Samples.table``, its ``index``, and the corner of a random tile.
    """

    image: NDArray[np.float32]
    metadata: Mapping[str, object]


class Samples:
    """The samples of a folder or manifest; another process can have a copy of it.

    Attributes
    ----------
    options
        What was asked for.
    channels
        Their order in each sample.
    table
        A row a sample, in the order of their keys.
    """

    def __init__(self, options: SampleOptions, sites: ReadableSites, pieces: Pieces) -> None:
        self.options = options
        self.channels = sites.images.channels
        of_sites = sites.images.sites[pieces.sites.astype(np.uint32)]
        self.table = pl.concat([of_sites, pieces.columns], how="horizontal")
        self._sites = sites
        self._pieces = pieces
        self._recent = RecentSites(least=MIXED_SITES, most=2 * MIXED_SITES)

    @cached_property
    def digest(self) -> str:
        """SHA-256 that is another one where other images, channels or samples are taken."""
        one = self.options
        known = hashlib.sha256(self._sites.images.digest().encode())
        known.update(repr((one.unit, one.size, one.tiles, one.standardise)).encode())
        if one.tiles == "random":
            known.update(repr(one.seed).encode())
        known.update(self._keys.astype("<u8", copy=False).tobytes())
        return known.hexdigest()

    def digest_of(self, rows: range) -> str:
        """Get SHA-256 of some successive samples: their rows of `table`, and their images."""
        one, images = self.options, self._sites.images
        sites = np.unique(self._pieces.sites[rows.start : rows.stop])
        each = np.arange(len(self.channels))
        places = images.images[(sites[:, None] * len(each) + each).ravel().astype(np.uint32)]
        taken = (self.channels, one.unit, one.size, one.tiles, one.seed, one.standardise)
        known = hashlib.sha256(repr(taken).encode())
        known.update(self.table[rows.start : rows.stop].write_csv().encode())
        known.update(images.versions(places))
        return known.hexdigest()

    @property
    def skipped(self) -> pl.DataFrame:
        """A row for each site or image that is left out, and the reason.

        Sites that lack an image are there, and those of which one could not be read so far, also
        in a worker process.
        """
        return pl.concat([self._sites.images.skipped, self._sites.unread.rows()]).sort(SITE_KEY)

    @property
    def threads(self) -> int:
        """Number of samples that are best read at the same time."""
        return self._sites.images.files.threads

    @property
    def is_fetched(self) -> bool:
        """Whether images come by their URLs; then a process that reads must not be a fork."""
        return isinstance(self._sites.images.files, UrlFiles)

    def key(self, index: int) -> bytes:
        """Get what tells a sample from all others, whatever else the folder or manifest has."""
        return self._keys[self._number(index)].astype("<u8").tobytes()

    def __repr__(self) -> str:
        edge = self._pieces.edge
        shape = (len(self.channels), *(("height", "width") if edge is None else (edge, edge)))
        return (
            f"Samples: {counted(len(self), self.options.unit)} of "
            f"{counted(np.unique(self._pieces.sites).size, 'site')}, images "
            f"({', '.join(map(str, shape))}) of {', '.join(self.channels)}"
        )

    def __len__(self) -> int:
        return self.table.height

    def __getitem__(self, index: int) -> Sample:
        """Get a sample as `sample` does, of epoch 0."""
        return self.sample(index)

    def sample(self, index: int, epoch: int = 0) -> Sample:
        """Get a sample; random tiles are others in each epoch.

        Raises
        ------
        IndexError
            There is no such sample.
        ImageError, StoreError
            An image of its site is broken, or cannot be read.
        """
        number = self._number(index)
        site = int(self._pieces.sites[number])
        with self._sites.naming(site):
            return self._sample(number, site, epoch)

    def sample_if(self, index: int, epoch: int = 0) -> Sample | None:
        """Get a sample, or None if it cannot be read and `missing` is skip.

        What cannot be read is a row of `skipped`, also if another process has tried.
        """
        number = self._number(index)
        site = int(self._pieces.sites[number])
        return self._sites.attempt(site, lambda site: self._sample(number, site, epoch))

    def statistics(self) -> Statistics:
        """Get mean and standard deviation of each channel, over the whole images of all sites.

        They are computed once, and kept in a file that is named by what they were computed on.
        """
        return self._statistics

    def order(
        self,
        epoch: int,
        *,
        rank: int = 0,
        ranks: int = 1,
        worker: int = 0,
        workers: int = 1,
        start: int = 0,
    ) -> NDArray[np.int64]:
        """Get the indices that one worker of one rank takes in an epoch, in their order.

        All workers of all ranks together take each sample exactly once. The order depends on the
        seed, the epoch and the keys alone. The parts of the workers follow each other in it, and
        differ in length by one at most.

        Parameters
        ----------
        start
            Number of indices of this worker to leave out, because they were taken already.

        Raises
        ------
        QueryError
            There is no such rank or worker.
        """
        seed, sites = self.options.seed, self._pieces.sites
        order = epoch_order(self._keys, sites, self._site_keys, seed=seed, epoch=epoch)
        return part_of(order, rank=rank, ranks=ranks, worker=worker, workers=workers, start=start)

    def read_all(
        self, indices: Iterable[int], *, threads: int | None = None, epoch: int = 0
    ) -> Iterator[Sample]:
        """Get samples in this order, read in advance on threads.

        One that cannot be read is left out and is a row of `skipped`, or its error is raised, as
        `missing` says. By default there is a thread for each core, and more for a manifest.
        """
        found = in_advance(
            lambda index: self.sample_if(int(index), epoch),
            indices,
            threads or self.threads,
        )
        return (one for one in found if one is not None)

    def _number(self, index: int) -> int:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is not below the number of samples, {len(self)}")
        return index % len(self)

    def _sample(self, number: int, site: int, epoch: int) -> Sample:
        metadata: dict[str, object] = {**self.table.row(number, named=True), "index": number}
        planes = self._planes(site)
        self._pieces.check_shape(site, planes[0].shape)
        edge, corner = self._pieces.edge, (0, 0)
        if self._pieces.corners is not None:
            top, left = self._pieces.corners[number].tolist()
            corner = top, left
        elif edge is not None:
            key = self.key(number)
            corner = random_corner(planes[0].shape, edge, self.options.seed, epoch, key)
            metadata.update(zip((TILE_Y, TILE_X), corner, strict=True))
        image = as_floats(planes, edge, corner, beyond=self._pieces.beyond)
        if self.options.standardise:
            mean, factor = self._scales
            image -= mean
            image *= factor
        return Sample(image, metadata)

    @cached_property
    def _keys(self) -> Keys:
        return keys_of(self.table.select(*SITE_KEY, *self._pieces.columns.columns))

    @cached_property
    def _site_keys(self) -> Keys:
        return keys_of(self._sites.images.sites.select(SITE_KEY))

    @cached_property
    def _statistics(self) -> Statistics:
        return statistics_of(self._sites, folder_of(self.options))

    @cached_property
    def _scales(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What is subtracted from each channel, and by what it is multiplied."""
        found = self.statistics()
        spread = np.where(found.sd > 0, found.sd, 1)  # a constant channel becomes 0
        mean, factor = (
            values.astype(np.float32)[:, None, None] for values in (found.mean, 1 / spread)
        )
        return mean, factor

    def _planes(self, site: int) -> Sequence[Plane]:
        if self._pieces.corners is None:
            return self._sites.images.planes(site)
        return self._recent.get(site, self._sites.images.planes)
