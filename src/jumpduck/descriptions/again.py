"""The command lines that make a folder again, and one of its manifests."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
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
    if "shards" in origin.part or not _can_be_written(origin) or not isinstance(given, dict):
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
    """Get the origins without those that took a part of what another took all of.

    All shards of one number are all of it, too.
    """
    by_choice: dict[str, list[Origin]] = {}
    for one in origins:
        by_choice.setdefault(json.dumps([one.query, one.catalog]), []).append(one)
    return [one for same in by_choice.values() for one in _covering_choice(same)]


def _covering_choice(origins: Sequence[Origin]) -> Sequence[Origin]:
    """Get the same of origins of one choice."""
    if whole := [one for one in origins if not one.part]:
        return whole
    shards = {_shard_of(one) for one in origins}
    for _, count in shards:
        if count and all((number, count) in shards for number in range(1, count + 1)):
            return [replace(origins[0], part={})]
    return origins


def _shard_of(origin: Origin) -> tuple[int, int]:
    """Get the number of a shard and how many there are; zeros of a part of one."""
    found = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", str(origin.part.get("shard")))
    if found is None or len(origin.part) > 1:
        return 0, 0
    return int(found[1]), int(found[2])


def _part(origin: Origin) -> Sequence[str]:
    return [f"--{name}={origin.part[name]}" for name in ("shard", "limit") if name in origin.part]


def parts_of(folder: FilledFolder) -> list[str]:
    """Get which parts of split manifests a folder was filled from, in words."""
    named = [one.part for one in _covering(folder.origins)]
    return [
        f"{name} {str(part[name]).replace('/', ' of ')}"
        for part in named
        for name in ("shard", "shards")
        if name in part
    ]


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
