"""What it takes to download so many images: requests, network, cores and disk, on paper.

The formula needs two measured numbers of each recipe, `COSTS`. Everything else is arithmetic.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

DAY_SECONDS = 86_400

S3_REQUESTS_PER_SECOND = 5_500
"""GET requests a second that S3 takes for each prefix, as its documentation says."""

OTHER_CORE_MS = 1.7
"""Processor time of an image beside the recipe: fetching, writing, recording (docs/performance)."""


@dataclass(frozen=True, slots=True)
class RecipeCost:
    """What one image costs: means of five real planes of 1080 x 1080 pixels (docs/recipes).

    Attributes
    ----------
    recipe_ms
        Processor time of the recipe, in milliseconds. About half of it is the LZW decoder; images
        that are not compressed take that much less.
    kept_bytes
        Size of the file that is kept; None where it is the published one.
    """

    recipe_ms: float
    kept_bytes: int | None

    @property
    def core_ms(self) -> float:
        """Processor time of an image in all, in milliseconds."""
        return self.recipe_ms + OTHER_CORE_MS


COSTS: Mapping[str, RecipeCost] = MappingProxyType({
    "png8": RecipeCost(9.6, 212_000),
    "png8-plate": RecipeCost(9.3, 212_000),
    "png16": RecipeCost(12.6, 670_000),
    "tiff16": RecipeCost(8.3, 710_000),
    "jxl": RecipeCost(7.4, 490_000),
    "stack": RecipeCost(7.9, 710_000),
    "raw": RecipeCost(7.5, None),
})  # fmt: skip
"""By recipe with its default options, for each image, also where a file has several."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A download of so many images within some days, on some nodes that do equal parts of it.

    Attributes
    ----------
    images
        Number of images, with one request each.
    fetched_bytes
        Bytes to fetch.
    days
        Time that it may take.
    nodes
        Number of machines. All rates are those of one.
    """

    images: int
    fetched_bytes: int
    days: float = 1.0
    nodes: int = 1

    @property
    def images_per_second(self) -> float:
        """Images, which are also requests, a second and node."""
        return self.images / self._seconds

    @property
    def gbit_per_second(self) -> float:
        """Gigabits to receive, a second and node."""
        return self.fetched_bytes * 8 / 1e9 / self._seconds

    @property
    def s3_share(self) -> float:
        """What all nodes together ask S3, as a share of what it takes for one prefix."""
        return self.images_per_second * self.nodes / S3_REQUESTS_PER_SECOND

    def cores(self, recipe: str) -> float:
        """Get the cores that a node keeps busy; of those measured in docs/performance."""
        return self.images_per_second * COSTS[recipe].core_ms / 1000

    def kept_gb(self, recipe: str) -> float:
        """Get the gigabytes that all nodes together keep."""
        kept = COSTS[recipe].kept_bytes
        return (self.fetched_bytes if kept is None else self.images * kept) / 1e9

    @property
    def _seconds(self) -> float:
        return self.days * DAY_SECONDS * self.nodes
