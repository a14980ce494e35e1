"""Recipes by name: those of the package, those of others by entry point or ``module:function``."""

import difflib
import importlib
import inspect
import json
import pickle
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType

from jumpduck.errors import QueryError
from jumpduck.recipes.base import Recipe

GROUP = "jumpduck.recipes"

BUILT_IN: Mapping[str, str] = MappingProxyType({
    "png8": "jumpduck.recipes.builtin:png8",
    "png8-plate": "jumpduck.recipes.builtin:png8_plate",
    "png16": "jumpduck.recipes.builtin:png16",
    "tiff16": "jumpduck.recipes.builtin:tiff16",
    "jxl": "jumpduck.recipes.builtin:jxl",
    "stack": "jumpduck.recipes.builtin:stack",
    "raw": "jumpduck.recipes.builtin:raw",
})  # fmt: skip


def build(recipe: str | Recipe, **options: object) -> Recipe:
    """Get a recipe with some of its options; the others keep their defaults.

    Raises
    ------
    QueryError
        There is no such recipe, it has no such option, or a value is out of range.
    """
    if isinstance(recipe, Recipe):
        if options:
            raise QueryError(
                f"option {next(iter(options))!r} beside a Recipe object has no effect; "
                "make the object with that option"
            )
        return recipe
    function = load(recipe)
    known = inspect.signature(function).parameters
    takes_any = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in known.values())
    if unknown := [option for option in options if option not in known and not takes_any]:
        has = ", ".join(known) or "none"
        raise QueryError(f"recipe {recipe} has no option {unknown[0]!r}; its options: {has}")
    try:
        inspect.signature(function).bind(**options)
    except TypeError as error:
        raise QueryError(
            f"recipe {recipe!r} is not a function that returns a Recipe without further "
            f"arguments: {error}; give each of its options a default"
        ) from error
    made = function(**options)
    if not isinstance(made, Recipe):
        raise QueryError(
            f"recipe {recipe} returns {type(made).__name__}; it must return a "
            "jumpduck.recipes.Recipe"
        )
    object.__setattr__(made, "built_from", (recipe, options))  # it is frozen
    return made


def pickled(recipe: Recipe) -> bytes | None:
    """Get what `unpickled` makes the same recipe of in another process; None if nothing does."""
    try:
        data = pickle.dumps(recipe.built_from or recipe)
    except Exception:  # noqa: BLE001 - a class may raise anything where it cannot be pickled
        return None
    # the main module of another process is another one
    return None if b"__main__" in data else data


def unpickled(data: bytes) -> Recipe:
    """Get the recipe of what `pickled` returned."""
    made = pickle.loads(data)  # noqa: S301 - another process of the run wrote it
    return made if isinstance(made, Recipe) else build(made[0], **made[1])


def rebuild(name: str, parameters: Mapping[str, object]) -> Recipe:
    """Get the recipe `name` with the parameters that a table of results has.

    Raises
    ------
    QueryError
        The recipe has changed and does not make the same any more.
    """
    known = inspect.signature(load(name)).parameters
    defaults = json.loads(build(name).parameters_text)
    options = {
        option: value
        for option, value in parameters.items()
        if option in known and defaults.get(option) != value
    }
    recipe = build(name, **options)
    if json.loads(recipe.parameters_text) != dict(parameters):
        raise QueryError(
            f"recipe {name} has changed: it does not make the files any more that were kept; "
            "download them into another folder"
        )
    return recipe


def load(name: str) -> Callable[..., object]:
    """Get the function that builds the recipe `name`.

    Its keyword arguments are the recipe's options. Modules are also looked for in the current
    folder.

    Raises
    ------
    QueryError
        There is no recipe of that name, or it cannot be imported.
    """
    # the entry points are looked for last, because that takes 20 ms
    place = BUILT_IN.get(name) or places().get(name, name)
    module, mark, attribute = place.partition(":")
    if not mark:
        near = difflib.get_close_matches(name.lower(), places(), n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(places())}"
        raise QueryError(f"there is no recipe {name!r}; {hint}; your own is module:function")
    here = str(Path.cwd())
    sys.path.append(here)
    try:
        function = getattr(importlib.import_module(module), attribute)
    except Exception as error:
        # because a user's module may raise anything, and each means the same here
        reason = f"{type(error).__name__}: {error}"
        raise QueryError(
            f"recipe {name!r} cannot be imported: {reason}; write MODULE:FUNCTION, where "
            "MODULE.py is in this folder or installed"
        ) from error
    finally:
        sys.path.remove(here)
    if not inspect.isfunction(function):
        raise QueryError(f"recipe {name!r} is not a function that returns a Recipe")
    return function


def places() -> dict[str, str]:
    """Get the ``module:function`` of each recipe that has a name, by that name."""
    others = {entry.name: entry.value for entry in entry_points(group=GROUP)}
    return {**others, **BUILT_IN}


def describe(name: str) -> tuple[Recipe, dict[str, object], str]:
    """Get a recipe with its defaults, its options with their defaults, and what it is for."""
    function = load(name)
    options: dict[str, object] = {
        option: None if one.default is inspect.Parameter.empty else one.default
        for option, one in inspect.signature(function).parameters.items()
    }
    text = (inspect.getdoc(function) or "").partition("\n\n")[0].replace("\n", " ")
    return build(name), options, text
