"""What is made of a published image: recipes, by name.

A recipe of your own is a function that returns a `Recipe`; see ``docs/add-a-recipe.md``.
"""

from jumpduck.recipes.base import Encoded, Fetch, Measured, Recipe, Row, Source

__all__ = ["Encoded", "Fetch", "Measured", "Recipe", "Row", "Source"]
