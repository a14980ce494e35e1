"""The options that say what to make of an image."""

from dataclasses import dataclass, fields
from typing import Annotated, Literal

from cyclopts import Group, Parameter

RECIPE = Group("What to make of an image", sort_key=2)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RecipeOptions:
    """A recipe by name, and options for it; those that are None keep the recipe's default."""

    recipe: Annotated[
        str,
        Parameter(group=RECIPE, help="A name that jumpduck recipes lists, or module:function."),
    ] = "png8"
    crop: Annotated[
        int | None,
        Parameter(group=RECIPE, help="Edge of the middle square, in pixels; 0 keeps all."),
    ] = None
    crop_um: Annotated[
        float | None, Parameter(group=RECIPE, help="The same in micrometres, alike for sources.")
    ] = None
    percentile: Annotated[
        float | None, Parameter(group=RECIPE, help="Percentile that becomes black in 8 bit.")
    ] = None
    illum: Annotated[
        bool | None,
        Parameter(group=RECIPE, negative="", help="Divide by the plate's illumination functions."),
    ] = None
    resize: Annotated[
        int | None, Parameter(group=RECIPE, help="Longer edge of the result, in pixels.")
    ] = None
    bits: Annotated[int | None, Parameter(group=RECIPE, help="8 or 16.")] = None
    effort: Annotated[
        int | None, Parameter(group=RECIPE, help="1 (fast) to 9 (small), for jxl.")
    ] = None
    distance: Annotated[
        float | None, Parameter(group=RECIPE, help="0 is lossless, 1 looks alike, for jxl.")
    ] = None
    compression: Annotated[
        Literal["zstd", "deflate"] | None, Parameter(group=RECIPE, help="Codec of a TIFF.")
    ] = None
    channels: Annotated[
        tuple[str, ...] | None,
        Parameter(
            group=RECIPE, consume_multiple=True, negative="", help="Order of a stack's pages."
        ),
    ] = None

    def words(self) -> list[str]:
        """Get what was given as words of a command line."""
        words = ["--recipe", self.recipe] if self.recipe != "png8" else []
        for name, value in self.given().items():
            words.append("--" + name.replace("_", "-"))
            if isinstance(value, tuple):
                words += value
            elif value is not True:
                words.append(str(value))
        return words

    def given(self) -> dict[str, object]:
        """Get the options that were given."""
        named = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "recipe"}
        return {name: value for name, value in named.items() if value is not None}
