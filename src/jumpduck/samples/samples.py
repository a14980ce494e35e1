"""Samples of images as arrays, in the order of an epoch."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.daemon_pool import DaemonPool
from jumpduck.errors import ImageError, StoreError
from jumpduck.imaging.tiff_reader import Plane
from jumpduck.rows import SITE_KEY
from jumpduck.samples.options import SampleOptions
from jumpduck.samples.order import part_of, shuffled
from jumpduck.samples.site_images import SiteImages, find_site_images
from jumpduck.samples.statistics import Statistics, statistics_of

READ_AHEAD = 2
"""Samples that are read in advance for each thread."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample.

    Attributes
    ----------
    image
        Array (C, H, W) of float32, in the order of ``Samples.channels``: grey level divided by the
        highest of its type, so from 0 to 1, or standardised if that was asked for.
    metadata
        The row of ``Samples.table``, and its ``index``.
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
    digest
        SHA-256 that is another one where other images, channels or samples are taken.
    """

    def __init__(self, options: SampleOptions, images: SiteImages) -> None:
        self.options = options
        self._images = images
        self.channels = images.channels
        self.table = images.sites
        known = (images.digest(), options.unit, options.size, options.stride)
        self.digest = hashlib.sha256(repr(known).encode()).hexdigest()

    @property
    def skipped(self) -> pl.DataFrame:
        """A row for each image that a site lacks, of the sites that are left out, and the reason.

        Images that could not be read in an epoch are there, too.
        """
        return self._images.skipped

    def __len__(self) -> int:
        return self.table.height

    def __getitem__(self, index: int) -> Sample:
        """Get a sample of the first epoch; ImageError or StoreError if it cannot be read."""
        return self.sample(index)

    def sample(self, index: int, epoch: int = 0) -> Sample:  # noqa: ARG002 - of random tiles
        """Get a sample; random tiles are others in each epoch.

        Raises
        ------
        IndexError
            There is no such sample.
        ImageError, StoreError
            An image of its site is broken, or cannot be read.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is not below the number of samples, {len(self)}")
        index %= len(self)
        row = self.table.row(index, named=True)
        planes = self._planes(index)
        return Sample(_as_floats(planes), {**row, "index": index})

    def sample_if(self, index: int, epoch: int = 0) -> Sample | None:
        """Get a sample, or None if it cannot be read and `missing` is skip; see `skipped`."""
        try:
            return self.sample(index, epoch)
        except (ImageError, StoreError):
            if self.options.missing == "raise":
                raise
            return None

    def statistics(self) -> Statistics:
        """Get mean and standard deviation of each channel, over the whole images of all sites.

        They are computed once, and kept in a file that is named by what they were computed on.
        """
        return statistics_of(self._images)

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
        seed, the epoch and the keys alone.

        Parameters
        ----------
        start
            Number of indices at the beginning to leave out, because they were taken already.

        Raises
        ------
        QueryError
            There is no such rank or worker.
        """
        order = shuffled(self._keys, self.options.seed, epoch)
        return part_of(order, rank=rank, ranks=ranks, worker=worker, workers=workers, start=start)

    def read_all(
        self, indices: Iterable[int], *, threads: int = 1, epoch: int = 0
    ) -> Iterator[Sample]:
        """Get samples in this order, read on threads in advance; see `sample_if` for broken ones.

        At most `READ_AHEAD` samples for each thread are in memory beside the one that is taken.
        """
        pool = DaemonPool(threads, "samples")
        ahead: deque[Future[Sample | None]] = deque()
        try:
            for index in indices:
                ahead.append(pool.submit(self.sample_if, int(index), epoch))
                if len(ahead) > READ_AHEAD * threads and (found := ahead.popleft().result()):
                    yield found
            while ahead:
                if found := ahead.popleft().result():
                    yield found
        finally:
            pool.shutdown(cancel_futures=True)

    @cached_property
    def _keys(self) -> list[bytes]:
        rows = self.table.select(SITE_KEY).rows()
        return ["\t".join(map(str, row)).encode() for row in rows]

    def _planes(self, index: int) -> list[Plane]:
        site = self._images.sites.row(index)[: len(SITE_KEY)]
        name = " ".join(map(str, site))
        try:
            return self._images.planes(index)
        except ImageError as error:
            raise ImageError(f"site {name}: {error}") from error
        except (StoreError, FileNotFoundError, PermissionError) as error:
            raise StoreError(f"site {name}: {error}") from error


def open_samples(options: SampleOptions) -> Samples:
    """Get the samples of a folder or manifest.

    Raises
    ------
    QueryError
        There is no such channel, column or value.
    ManifestError
        The place has no tables of a download, no site has all channels, or one lacks some and
        `missing` is raise.
    """
    return Samples(options, find_site_images(options))


def _as_floats(planes: list[Plane]) -> NDArray[np.float32]:
    image = np.empty((len(planes), *planes[0].shape), np.float32)
    for channel, plane in enumerate(planes):
        np.divide(plane, np.float32(np.iinfo(plane.dtype).max), out=image[channel])
    return image
