"""The options of the recipes that come with the package, all of them together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal

from jumpduck.errors import QueryError
from jumpduck.recipes.base import Recipe
from jumpduck.recipes.registry import build


@dataclass(frozen=True, kw_only=True)
class RecipeOptions:
    """What is made of an image.

    Options that are None keep the recipe's own default; `jumpduck recipes` lists which recipe has
    which.

    Parameters
    ----------
    recipe
        A name that `jumpduck recipes` lists, or ``module:function``.

        In Python also a `jumpduck.recipes.Recipe`.
    crop
        Edge of the middle square that is kept, in pixels; 0 keeps all.
    crop_um
        The same in micrometres: the same piece of the specimen from every source.
    percentile
        Percentile of the grey levels that becomes black in 8 bit; 100 minus it becomes white.
    illum
        Divide each image by the illumination function of its plate, whose URL a manifest made with
        `jumpduck manifest --illum` has.
    illum_from_plate
        Divide each image by an illumination function that is made of the plate's images at the same
        site, as pybbbc does for BBBC021; those of the manifest are read before the first is made.
    resize
        Longer edge of the result, in pixels.
    bits
        Bits of a grey level: 8 or 16, for jxl.
    effort
        Time to spend on compression, from 1 (fast) to 9 (small), for jxl.
    distance
        Loss of compression, for jxl: 0 is lossless, 1 is the least that a viewer sees.
    compression
        Compression of a TIFF.
    channels
        Order of a stack's pages; the manifest's order by default.
    otsu
        Channel of which a stack's description says the Otsu threshold, for CellPaintSSL.
    """

    recipe: str | Recipe = "png8"
    crop: int | None = None
    crop_um: float | None = None
    percentile: float | None = None
    illum: bool | None = None
    illum_from_plate: bool | None = None
    resize: int | None = None
    bits: int | None = None
    effort: int | None = None
    distance: float | None = None
    compression: Literal["zstd", "deflate"] | None = None
    channels: Sequence[str] | None = None
    otsu: str | None = None

    def given(self) -> Mapping[str, object]:
        """Get the options that are not None, by name."""
        names = [one.name for one in fields(RecipeOptions) if one.name != "recipe"]
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def build(self) -> Recipe:
        """Get the recipe with these options.

        Raises
        ------
        QueryError
            There is no such recipe, it does not have one of the options, or a value is wrong.
        """
        if self.crop is not None and self.crop_um is not None:
            raise QueryError(
                f"crop {self.crop} and `crop_um` {self.crop_um} name two sizes; give one of them"
            )
        return build(self.recipe, **self.given())
