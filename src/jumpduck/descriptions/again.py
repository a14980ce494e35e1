"""The command lines that make a folder again, and one of its manifests."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, cast

from jumpduck.collections.base import CatalogOptions
from jumpduck.recipes.options import RecipeOptions
from jumpduck.selection.criteria import ALL_SITES, SITES_PER_WELL, Selection
from jumpduck.transfer.filled_folder import FilledFolder
from jumpduck.transfer.origins import Origin
from jumpduck.words import words_of


def command_again(folder: FilledFolder) -> str | None:
    """Get the command line that fills another folder with the same files.

    Returns
    -------
    str or None
        Three commands joined by ``&&`` for the choice of one manifest; None where the folder was
        filled from several choices, with several recipes, or from a table that is not one of
        `jumpduck manifest`.
    """
    origins = _covering(folder.origins)
    if len(origins) != 1 or len(folder.recipes) != 1:
        return None
    (origin,) = origins
    given = origin.catalog.get("options")
    if not _can_be_written(origin) or not isinstance(given, dict):
        return None
    (label, parameters), *_ = folder.recipes
    recipe = {"recipe": label.split()[0], **parameters}
    commands = (
        ["catalog", *_words(CatalogOptions, {"collection": origin.catalog["collection"], **given})],
        ["manifest", *_words(Selection, _choice(origin))],
        ["download", *_words(RecipeOptions, recipe), *_part(origin)],
    )
    return " && ".join(shlex.join(["jumpduck", *words]) for words in commands)


def _covering(origins: Sequence[Origin]) -> Sequence[Origin]:
    """Get the origins without those that took a part of what another took all of."""
    whole = [(one.query, one.catalog) for one in origins if not one.part]
    return [one for one in origins if not one.part or (one.query, one.catalog) not in whole]


def _part(origin: Origin) -> Sequence[str]:
    return [f"--{name}={origin.part[name]}" for name in ("shard", "limit") if name in origin.part]


def manifest_again(origin: Origin) -> str | None:
    """Get the command line that chooses the same from a catalog.

    Returns
    -------
    str or None
        A table of sites to leave out is called by the name that its file had. None for a table of
        a user's, and for a choice that left out what a frame named.
    """
    if not _can_be_written(origin):
        return None
    return shlex.join(["jumpduck", "manifest", *_words(Selection, _choice(origin))])


def _can_be_written(origin: Origin) -> bool:
    """Get whether words of a command line can say what was chosen."""
    left_out = origin.query.get("exclude")
    return bool(origin.query) and (left_out is None or _name_of(left_out) is not None)


def _choice(origin: Origin) -> dict[str, Any]:
    """Get the parameters of a choice; of a table to leave out, the name of its file."""
    query = origin.query
    return {
        **query,
        "exclude": _name_of(query.get("exclude")),
        "per_well": _given(query.get("per_well")),
    }


def _given(per_well: object) -> Mapping[str, object] | str | None:
    """Get what was given of the sites a well; a manifest keeps the defaults of all roles, too."""
    if not isinstance(per_well, dict):
        return None
    counts = cast("dict[str, object]", per_well)
    if counts == dict.fromkeys(SITES_PER_WELL, ALL_SITES):
        return "all"
    return {role: one for role, one in counts.items() if SITES_PER_WELL.get(role) != one} or None


def _name_of(left_out: object) -> str | None:
    name: object = left_out.get("name") if isinstance(left_out, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return name if isinstance(name, str) else None


def _words(options: type, values: Mapping[str, Any]) -> Sequence[str]:
    """Get the words of a command line for values that differ from the defaults of `options`."""
    names = [one.name for one in fields(options)]
    known = {
        name: tuple(cast("list[object]", value)) if isinstance(value, list) else value
        for name, value in values.items()
        if name in names and value != []
    }
    return words_of(options(**known), names)
