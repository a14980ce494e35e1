"""jumpduck recipes"""

from typing import Annotated

import polars as pl
from cyclopts import Parameter

from jumpduck.cli.flags import CHOOSE, Csv, Json, Quiet
from jumpduck.cli.printer import Printer
from jumpduck.recipes.base import Recipe
from jumpduck.recipes.options import RecipeOptions
from jumpduck.recipes.registry import describe, places
from jumpduck.words import flags_of


def recipes(
    *names: Annotated[
        str, Parameter(group=CHOOSE, help="Recipes to list; module:function is one, too.")
    ],
    csv: Csv = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List what can be made of an image, with the options of each and their defaults.

    A recipe of your own is a function that gives a jumpduck.recipes.Recipe: name it
    module:function, or give it a name by an entry point in the group jumpduck.recipes.

    For example:
    ```
    jumpduck recipes
    jumpduck download --recipe jxl --crop 0
    jumpduck download --recipe mine:denoised
    ```
    """
    printer = Printer(as_json=json, as_csv=csv, quiet=quiet)
    found = {name: describe(name) for name in names or places()}
    printer.table(
        pl.DataFrame(
            {
                "recipe": list(found),
                "one_file_a": [_unit(recipe) for recipe, _, _ in found.values()],
                "what": [text for _, _, text in found.values()],
            }
        )
    )
    flags = flags_of(RecipeOptions)
    for name, (_, options, _) in found.items():
        given = " ".join(f"{flags.get(one, one)} {_text(value)}" for one, value in options.items())
        printer.remark(f"{name}: {given or 'no options'}")
    rows = [
        {
            "recipe": name, "version": recipe.version, "suffix": recipe.suffix,
            "one_file_a": _unit(recipe), "options": options, "what": text,
        }
        for name, (recipe, options, text) in found.items()
    ]  # fmt: skip
    printer.json({"recipes": rows})


def _unit(recipe: Recipe) -> str:
    return "site" if recipe.per_site else "image"


def _text(value: object) -> str:
    return "-" if value is None or value == () else str(value).lower()
