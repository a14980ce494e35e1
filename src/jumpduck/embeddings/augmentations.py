"""Random changes of images with any number of channels, none of which is taken for a colour.

Each takes a tensor (C, H, W) of values from 0 to 1 and returns one of such values. It writes
nothing into the given one, because its memory can belong to others. What is drawn for each channel
is drawn for each one independently. `p` is the probability that an image is changed; else it is
returned.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

from jumpduck.errors import ImageError, QueryError, needs_extra
from jumpduck.imaging.transforms import otsu_threshold

Image: TypeAlias = Tensor | Sequence[Tensor]
"""A tensor (C, H, W) of float32, or several views of one."""

HIGHEST = 65535
"""Levels of a histogram for Otsu's threshold; those of 8 bit are among them."""


class Augmentation(Protocol):
    """Changes an image at random; any function with these parameters will do.

    It draws from `generator` alone, so that the same sample in the same epoch is the same in any
    number of workers.
    """

    def __call__(self, image: Tensor, generator: torch.Generator, /) -> Image:
        """Get another image, and leave the given one as it is."""
        ...


@dataclass(frozen=True)
class Chain:
    """Several augmentations, one after the other; those after `Views` change each view."""

    steps: Sequence[Augmentation]

    def __call__(self, image: Tensor, generator: torch.Generator, /) -> Image:
        """Get what the last step makes."""
        made: Image = image
        for step in self.steps:
            if isinstance(made, Tensor):
                made = step(made, generator)
            else:
                made = [view for one in made for view in _views(step(one, generator))]
        return made


@dataclass(frozen=True)
class Views:
    """Several views of an image, such as two large crops and eight small ones."""

    views: Sequence[Augmentation]

    def __call__(self, image: Tensor, generator: torch.Generator, /) -> Image:
        """Get a view for each augmentation."""
        return [view for one in self.views for view in _views(one(image, generator))]


def _views(image: Image) -> Sequence[Tensor]:
    return [image] if isinstance(image, Tensor) else image


@dataclass(frozen=True)
class Crop:
    """A square at a random place, if possible one with cells.

    Parameters
    ----------
    size
        Its edge in pixels.
    nuclei
        Number of the channel that marks nuclei. Squares are drawn until one has at least `share` of
        its pixels above `factor` of Otsu's threshold of the whole image, `tries` at most; the last
        one is taken then. With None the first one is taken.
    """

    size: int
    nuclei: int | None = None
    tries: int = 20
    share: float = 0.01
    factor: float = 0.7

    def __call__(self, image: Tensor, generator: torch.Generator, /) -> Tensor:
        """Get the square; ImageError if the image is smaller."""
        height, width = image.shape[1:]
        if min(height, width) < self.size:
            raise ImageError(
                f"a crop of {self.size} pixels does not fit into an image of {height} x {width}; "
                "take a smaller `size`"
            )
        threshold = self._threshold(image)
        for _ in range(self.tries - 1):
            crop = self._square(image, generator)
            if self.nuclei is None or _share(crop[self.nuclei] > threshold) >= self.share:
                return crop.clone()
        return self._square(image, generator).clone()

    def _square(self, image: Tensor, generator: torch.Generator) -> Tensor:
        top, left = (
            int(torch.randint(side - self.size + 1, (), generator=generator))
            for side in image.shape[1:]
        )
        return image[:, top : top + self.size, left : left + self.size]

    def _threshold(self, image: Tensor) -> float:
        if self.nuclei is None:
            return 0.0
        levels = (image[self.nuclei] * HIGHEST).round().to(torch.int64)
        counts = torch.bincount(levels.flatten()).numpy()
        return self.factor * otsu_threshold(counts) / HIGHEST


def _share(pixels: Tensor) -> float:
    return float(pixels.float().mean())


@dataclass(frozen=True)
class Flip:
    """Left and right swapped, and independently top and bottom."""

    p: float = 0.5

    def __call__(self, image: Tensor, generator: torch.Generator, /) -> Tensor:
        """Get the image, flipped along none, one or both of its axes."""
        axes = [axis for axis in (1, 2) if _happens(self.p, generator)]
        return image.flip(axes)


@dataclass(frozen=True)
class Rotate:
    """A turn around the centre; corners that come from beyond the image are 0.

    Parameters
    ----------
    degrees
        The angle is drawn from minus to plus this, evenly.
    """

    degrees: float = 30.0
    p: float = 1.0

    def __post_init__(self) -> None:
        _check_kornia("Rotate")

    def __call__(self, image: Tensor, generator: torch.Generator, /) -> Tensor:
        """Get the turned image, interpolated linearly."""
        if not _happens(self.p, generator):
            return image
        from kornia.geometry.transform import rotate

        angle = _even(-self.degrees, self.degrees, 1, generator)
        return rotate(image[None], angle, mode="bilinear", padding_mode="zeros")[0]


@dataclass(frozen=True)
class Shift:
    """A number added to each channel, drawn evenly from minus to plus `most`."""

    most: float = 0.3
    p: float = 1.0

    def __call__(self, image: Tensor, generator: torch.Generator, /) -> Tensor:
        """Get the sum, with values beyond 0 and 1 set to these."""
        if not _happens(self.p, generator):
            return image
        amounts = _even(-self.most, self.most, len(image), generator)
        return (image + amounts[:, None, None]).clamp(0, 1)


@dataclass(frozen=True)
class Scale:
    """Each channel times a number, drawn evenly from `low` to `high`."""

    low: float = 0.6
    high: float = 1.4
    p: float = 1.0

    def __call__(self, image: Tensor, generator: torch.Generator, /) -> Tensor:
        """Get the product, with values above 1 set to 1."""
        if not _happens(self.p, generator):
            return image
        factors = _even(self.low, self.high, len(image), generator)
        return (image * factors[:, None, None]).clamp(0, 1)


@dataclass(frozen=True)
class Gamma:
    """Each channel to a power, drawn evenly from `low` to `high`.

    Parameters
    ----------
    own_range
        Take the lowest and highest value of a channel for 0 and 1, and give it this range again.
    """

    low: float = 0.5
    high: float = 1.5
    p: float = 1.0
    own_range: bool = False

    def __call__(self, image: Tensor, generator: torch.Generator, /) -> Tensor:
        """Get the power."""
        if not _happens(self.p, generator):
            return image
        powers = _even(self.low, self.high, len(image), generator)[:, None, None]
        if not self.own_range:
            return image.clamp(0, 1) ** powers
        low, high = image.amin((1, 2), keepdim=True), image.amax((1, 2), keepdim=True)
        inside = (image - low) / (high - low).clamp_min(torch.finfo(image.dtype).tiny)
        return low + (high - low) * inside**powers


@dataclass(frozen=True)
class Noise:
    """Normal noise added to each pixel of each channel."""

    sd: float = 0.025
    p: float = 1.0

    def __call__(self, image: Tensor, generator: torch.Generator, /) -> Tensor:
        """Get the sum, with values beyond 0 and 1 set to these."""
        if not _happens(self.p, generator):
            return image
        noise = torch.randn(image.shape, generator=generator, dtype=image.dtype)
        return (image + self.sd * noise).clamp(0, 1)


@dataclass(frozen=True)
class Blur:
    """A Gaussian blur; its standard deviation in pixels is drawn evenly from `low` to `high`."""

    low: float = 0.1
    high: float = 2.0
    p: float = 1.0

    def __post_init__(self) -> None:
        _check_kornia("Blur")

    def __call__(self, image: Tensor, generator: torch.Generator, /) -> Tensor:
        """Get the blurred image; beyond its border it is mirrored."""
        if not _happens(self.p, generator):
            return image
        from kornia.filters import gaussian_blur2d

        sigma = float(_even(self.low, self.high, 1, generator))
        reach = min(math.ceil(3 * sigma), min(image.shape[1:]) - 1)
        return gaussian_blur2d(image[None], 2 * reach + 1, (sigma, sigma))[0]


@dataclass(frozen=True)
class Standardise:
    """Each channel less its mean, divided by its standard deviation: the last step of a chain.

    Parameters
    ----------
    mean, sd
        Of each channel, as ``Samples.statistics`` has them. A channel whose `sd` is 0 is not
        divided.
    """

    mean: Sequence[float]
    sd: Sequence[float]

    def __call__(self, image: Tensor, generator: torch.Generator, /) -> Tensor:  # noqa: ARG002
        """Get the standardised image.

        Raises
        ------
        QueryError
            There is not one mean and one standard deviation for each channel.
        """
        if not len(self.mean) == len(self.sd) == len(image):
            raise QueryError(
                f"mean and sd have {len(self.mean)} and {len(self.sd)} values, and the image "
                f"{len(image)} channels; give one for each"
            )
        mean, sd = torch.tensor(self.mean), torch.tensor([one or 1.0 for one in self.sd])
        return (image - mean.to(image)[:, None, None]) / sd.to(image)[:, None, None]


def preset(name: str, size: int = 224, nuclei: int | None = None) -> Chain:
    """Get the steps of a published training; `Standardise` goes after them.

    Parameters
    ----------
    name
        contrastive (crops with cells, flips, shift and gamma of each channel: CellPaintSSL with
        DINO and SimCLR), masked (crops with cells, and flips: its MAE) or classification (rotation,
        flips, gamma, noise and scale of each channel, without a crop: pytorch-hcs).
    size
        Edge of a crop in pixels.
    nuclei
        Number of the channel that marks nuclei; see `Crop`.

    Raises
    ------
    QueryError
        There is no such preset.
    """
    crop, flip = Crop(size, nuclei), Flip(0.5)
    presets: Mapping[str, Sequence[Augmentation]] = {
        "contrastive": (crop, flip, Shift(0.3), Gamma(0.5, 1.5)),
        "masked": (crop, flip),
        "classification": (
            Rotate(30),
            flip,
            Gamma(0.7, 1.3, p=0.6, own_range=True),
            Noise(0.025, p=0.7),
            Scale(0.6, 1.4, p=0.8),
        ),
    }
    if name not in presets:
        raise QueryError(f"preset {name!r} is not one of {', '.join(presets)}")
    return Chain(presets[name])


def _check_kornia(step: str) -> None:
    """Raise QueryError where kornia is absent; it is imported later, because it takes 0.5 s."""
    if find_spec("kornia") is None:
        raise QueryError(needs_extra(step, "kornia", "train"))


def _happens(p: float, generator: torch.Generator) -> bool:
    return float(torch.rand((), generator=generator)) < p


def _even(low: float, high: float, count: int, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=generator)
