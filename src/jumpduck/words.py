"""The options of a verb as words of a command line, made from the dataclass that it takes."""

import inspect
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from types import MappingProxyType
from typing import Any, Union, get_args, get_origin, get_type_hints


def flag_of(name: str, hint: object) -> str:
    """Get the flag of a field: ``plate_types``, which takes several names, is ``--plate-type``."""
    if is_names(hint):
        if name.endswith("ies"):
            name = name.removesuffix("ies") + "y"
        name = name.removesuffix("es") if name.endswith("ches") else name.removesuffix("s")
    return "--" + name.replace("_", "-")


def flags_of(options: type) -> dict[str, str]:
    """Get the flag of each field of a dataclass."""
    return {name: flag_of(name, hint) for name, hint in get_type_hints(options).items()}


def words_of(
    options: object, names: Sequence[str], flags: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """Get the options that differ from their defaults as words of a command line.

    `flags` has those that are not made of the field's name.
    """
    hints = get_type_hints(type(options))
    words: list[str] = []
    # first the manifest and the folder, because a reader looks for them
    for one in sorted(fields(options), key=lambda one: bool(one.kw_only)):  # pyright: ignore[reportArgumentType]
        value = getattr(options, one.name)
        if one.name not in names or value is False or value == default_of(one):
            continue
        flag = flags.get(one.name) or flag_of(one.name, hints[one.name])
        if isinstance(value, tuple | list):
            words += with_values(flag, map(str, value))  # pyright: ignore[reportUnknownArgumentType]
        elif value is True:
            words.append(flag)
        else:
            words += with_values(flag, [written(value)])
    return words


def with_values(flag: str, values: Iterable[str]) -> list[str]:
    """Get a flag and its values as words of a command line."""
    words = list(values)
    if any(word.startswith("-") for word in words):  # because it would be read as a flag
        return [f"{flag}={word}" for word in words]
    return [flag, *words]


def written(value: object) -> str:
    """Get a value as it is written on the command line."""
    if isinstance(value, Mapping):
        return ",".join(f"{name}={count}" for name, count in value.items())  # pyright: ignore[reportUnknownVariableType]
    return str(value)


def default_of(one: Field[Any]) -> object:
    """Get the default of a field; `inspect.Parameter.empty` if it must be given."""
    if one.default_factory is not MISSING:
        return one.default_factory()
    return inspect.Parameter.empty if one.default is MISSING else one.default


def members_of(hint: object) -> list[object]:
    """Get the types that a hint allows, without None."""
    union = get_origin(hint) in (Union, types.UnionType)
    return [one for one in (get_args(hint) if union else (hint,)) if one is not type(None)]


def is_names(hint: object) -> bool:
    """Get whether a hint is that of several names."""
    return any(get_origin(one) is Sequence for one in members_of(hint))
