"""The query that a manifest keeps -> its parameters as text, and the command that repeats it."""

import shlex
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast

from jumpduck.selection.criteria import SITES_PER_WELL, Selection
from jumpduck.words import default_of, words_of, written

_FIELDS = {one.name: one for one in fields(Selection)}


def facts_of(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Get the parameters that were given, sites a well and the seed, each with its value as text.

    Parameters
    ----------
    query
        Parameters of `jumpduck.manifest` by name; others than those of now are told, too.
    """
    always = ("per_well", "seed")
    facts: list[tuple[str, str]] = []
    for name, value in query.items():
        known = _FIELDS.get(name)
        if name in always or known is None or not _is_default(value, default_of(known)):
            facts.append((name.replace("_", " "), _text(value)))
    return facts


def command_of(query: Mapping[str, Any]) -> str | None:
    """Get the command line that chooses the same from a catalog, None if there is no query."""
    given: dict[str, Any] = {
        name: tuple(cast("list[Any]", value)) if isinstance(value, list) else value
        for name, value in query.items()
        if name in _FIELDS and value != dict(SITES_PER_WELL)
    }
    if not query:
        return None
    return shlex.join(["jumpduck", "manifest", *words_of(Selection(**given), list(_FIELDS))])


def _is_default(value: object, default: object) -> bool:
    return value == default or (value == [] and default == ())


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, cast("list[object]", value)))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return written(value).replace(",", ", ")
