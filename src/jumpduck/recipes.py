"""Named ways from published images to the file that is kept: no files, no network."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from jumpduck.images import CROP, PERCENTILE, centre_crop, decode, encode_png, to_8bit

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Source:
    """One image as it came: the published file's bytes and the manifest's row."""

    data: bytes
    row: Row


@dataclass(frozen=True, slots=True)
class Measured:
    """What was seen of one image.

    `width` and `height` are those of the image as published; `low` and `high` the grey levels
    that became the darkest and the brightest; None where a recipe has no such thing.
    """

    width: int
    height: int
    low: float | None
    high: float | None
    mean: float | None = None
    saturated: float | None = None
    focus: float | None = None


@dataclass(frozen=True, slots=True)
class Encoded:
    """A file made from images, and what was seen of each, in their order."""

    data: bytes
    measured: Sequence[Measured]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A way from published images to the file that is kept.

    `parameters` are all that shaped the output. `per_site` makes one file of all channels of a
    site instead of one an image. `prepare` runs once a plate, before its first image: it gets the
    plate's rows and a function that fetches a URL, and what it returns is given to each `make`.
    """

    name: str
    version: int
    suffix: str
    parameters: Mapping[str, object]
    per_site: bool
    make: Callable[[Sequence[Source], object], Encoded]
    prepare: Callable[[Sequence[Row], Callable[[str], bytes]], object] | None = None


def png8(sources: Sequence[Source], _: object = None) -> Encoded:
    """Get the centre of an image as 8-bit PNG, stretched between its percentiles 1 and 99.

    The recipe of jump_download: centre crop to 768 x 768 pixels (less where the image is
    smaller), then ``to_8bit``.
    """
    (source,) = sources
    plane = decode(source.data)
    height, width = plane.shape
    image, low, high = to_8bit(centre_crop(plane, CROP), PERCENTILE)
    return Encoded(encode_png(image), (Measured(width, height, low, high),))


def raw(sources: Sequence[Source], _: object = None) -> Encoded:
    """Get the published file as it is, once it has proved to be an image."""
    (source,) = sources
    height, width = decode(source.data).shape
    return Encoded(source.data, (Measured(width, height, None, None),))


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "png8": Recipe("png8", 1, ".png", {"crop": CROP, "percentile": PERCENTILE}, False, png8),
        "raw": Recipe("raw", 1, ".tif", {}, False, raw),
    }
)
