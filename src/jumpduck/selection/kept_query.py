"""The query that a manifest keeps -> its parameters as text."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast

from jumpduck.selection.criteria import Selection
from jumpduck.words import default_of, written

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


def _is_default(value: object, default: object) -> bool:
    return value == default or (value == [] and default == ())


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, cast("list[object]", value)))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return written(value).replace(",", ", ")
