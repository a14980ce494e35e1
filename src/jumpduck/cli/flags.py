"""The command line of a verb, made from the dataclass that its function takes.

Names, types, defaults and help texts stand once, in the dataclass. What is added here is how a
value is written on a command line, and under which heading of the help it stands.
"""

import functools
import inspect
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from cyclopts import Group, Parameter, Token

from jumpduck.errors import QueryError
from jumpduck.options import parameter_texts, refuse_empty_paths
from jumpduck.words import default_of, flags_of, is_names, members_of, written

CHOOSE = Group("What to choose", sort_key=1)
PLACES = Group("Where to read", sort_key=2)
RECIPE = Group("What to make of an image", sort_key=3)
DRAW = Group("How to draw", sort_key=3)
WORK = Group("How to work", sort_key=4)
OUTPUT = Group("Output", sort_key=5)

_Options = TypeVar("_Options")

FLAGS: dict[str, str] = {}
"""Flag of each parameter of the commands that were imported."""

SHORT: Mapping[str, Sequence[str]] = MappingProxyType({"out": ["-o"]})
"""Short flags of fields, of most commands."""

_WHOLE = re.compile(r"[+-]?[0-9]+(\.0*)?")

_NAMED = re.compile(r"(^|`)([a-z_]+)(?=[` ])")


def switch(name: str, help_: str) -> Parameter:
    """Get an option that is given or not, of how to print."""
    return Parameter(name, group=OUTPUT, negative="", show_default=False, help=help_)


Json = Annotated[bool, switch("--json", "Print one JSON object instead.")]
Csv = Annotated[bool, switch("--csv", "Print the table as comma-separated values instead.")]
Quiet = Annotated[bool, switch("--quiet", "Print errors only.")]
DryRun = Annotated[bool, switch("--dry-run", "Say what would be done, and stop.")]
ShowSql = Annotated[bool, switch("--show-sql", "Print the same in SQL, and stop.")]


def reads(
    options: type[_Options],
    groups: Mapping[Group, Sequence[str]],
    *,
    positional: str | Sequence[str] = (),
    flags: Mapping[str, str] = MappingProxyType({}),
    short: Mapping[str, Sequence[str]] = SHORT,
    defaults: Mapping[str, object] = MappingProxyType({}),
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Get a decorator that gives a command the fields of a dataclass as its options.

    The command is called with an instance of `options` first.

    Parameters
    ----------
    groups
        Headings of the help, each with its fields. A field that is in none is not an option of the
        command line: callbacks and frames cannot be written there.
    positional
        Fields that can be given without their flags, in the order of `groups`.
    flags
        Flags that are not made of the field's name.
    short
        Short flags of fields.
    defaults
        Defaults that differ from those of the library.
    """
    texts = {
        name: " ".join(text.split("\n\n")[0].split())
        for name, text in parameter_texts(options).items()
    }
    hints = get_type_hints(options)
    without_flag = [positional] if isinstance(positional, str) else positional
    own_flags = {**flags_of(options), **flags}
    FLAGS.update(own_flags)
    by_name: dict[str, Field[Any]] = {one.name: one for one in fields(options)}  # pyright: ignore[reportArgumentType]
    parameters = [
        _parameter(
            name,
            hints[name],
            defaults.get(name, default_of(by_name[name])),
            Parameter(
                [FLAGS[name], *short.get(name, ())], group=group, help=with_flags(texts[name])
            ),
            positional=name in without_flag,
        )
        for group, names in groups.items()
        for name in names
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(command).parameters.values())[1:]
        signature = inspect.Signature(
            sorted([*parameters, *own], key=lambda parameter: parameter.kind)
        )

        def read(*args: Any, **kwargs: Any) -> tuple[_Options, dict[str, Any]]:
            FLAGS.update(own_flags)  # because another command may name a field otherwise
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given = bound.arguments
            converted = {
                one.name: _value(hints[one.name], given.pop(one.name)) for one in parameters
            }
            own_options = options(**converted)
            refuse_empty_paths(own_options)
            return own_options, given

        @functools.wraps(command)
        def call(*args: Any, **kwargs: Any) -> None:
            own_options, given = read(*args, **kwargs)
            command(own_options, **given)

        call.read = read  # pyright: ignore[reportAttributeAccessIssue]
        call.__signature__ = signature  # pyright: ignore[reportAttributeAccessIssue]
        call.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
        return call

    return decorate


def with_flags(message: str) -> str:
    """Get an error of the library with flags where it names parameters."""
    return _NAMED.sub(lambda found: found[1] + FLAGS.get(found[2], found[2]), message)


def as_config(options: object, flags: Mapping[str, str]) -> dict[str, object]:
    """Get all options that are set, by the names that they have in a configuration file."""
    names = {**flags_of(type(options)), **flags}
    values: dict[str, Any] = {
        one.name: getattr(options, one.name)
        for one in fields(options)  # pyright: ignore[reportArgumentType]
    }
    return {
        names[name].removeprefix("--"): _plain(value)
        for name, value in values.items()
        # a number is always set, everything else only if there is something in it
        if value or (isinstance(value, int | float) and not isinstance(value, bool))
    }


def _plain(value: object) -> object:
    """Get a value that a configuration file can hold."""
    return written(value) if isinstance(value, Mapping) else value  # pyright: ignore[reportUnknownArgumentType]


def _parameter(
    name: str, hint: Any, default: Any, shown: Parameter, *, positional: bool
) -> inspect.Parameter:
    """Get the parameter of a command that one field is given by."""
    # because cyclopts checks defaults where pydantic is imported, each has the type of its words
    if isinstance(default, str) and (is_names(hint) or _is_path(hint)):
        default = (default,) if is_names(hint) else Path(default)
    elif isinstance(default, Mapping):  # an empty one, which no text is
        hint, default = hint | None, None
    empty = inspect.Parameter.empty
    is_shown = default not in (None, "", (), empty) and hint is not bool
    how = Parameter(
        negative="",
        consume_multiple=(1, 1_000_000) if is_names(hint) else False,
        show_default=" ".join if is_shown and is_names(hint) else is_shown,
        converter=_converter(hint),
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD if positional else inspect.Parameter.KEYWORD_ONLY,
        default=() if positional and is_names(hint) and default is empty else default,
        annotation=Annotated[_written_type(hint), shown, how],
    )


def _converter(hint: object) -> Callable[..., Any] | None:
    """Get what reads a value where cyclopts alone would take a wrong one."""
    if members_of(hint) == [int]:
        return _whole
    return _path if _is_path(hint) and not is_names(hint) else None


def _path(_hint: object, tokens: Sequence[Token]) -> Path:
    """Get a path; an empty one would be the current folder."""
    if not tokens[0].value:
        raise ValueError("'' is empty; give the name of a file or folder")
    return Path(tokens[0].value)


def _whole(_hint: object, tokens: Sequence[Token]) -> int:
    """Get a whole number; cyclopts would round 1.5."""
    text, source = tokens[0].value.strip(), tokens[0].source
    if not _WHOLE.fullmatch(text):
        place = "" if source in ("cli", "env") else f" ({source})"
        raise ValueError(f"{text!r} is not a whole number{place}")
    return int(text.partition(".")[0])


def _is_path(hint: object) -> bool:
    return Path in members_of(hint)


def _is_counts(hint: object) -> bool:
    return any(get_origin(one) is Mapping for one in members_of(hint))


def _mapped(hint: object) -> list[object]:
    """Get the types of the values of mappings that a hint allows."""
    return [get_args(one)[1] for one in members_of(hint) if get_origin(one) is Mapping]


def _written_type(hint: object) -> Any:
    """Get the type that a value has on the command line."""
    if is_names(hint):
        written: Any = tuple[str, ...]
    elif _is_path(hint):
        written = Path
    elif _is_counts(hint) or str in members_of(hint):
        written = str
    else:
        return hint
    return written if len(members_of(hint)) == len(_all_members(hint)) else written | None


def _all_members(hint: object) -> tuple[object, ...]:
    union = get_origin(hint) in (Union, types.UnionType)
    return get_args(hint) if union else (hint,)


def _value(hint: object, value: object) -> object:
    """Get the value of a field from what was written."""
    if _is_counts(hint) and isinstance(value, str):
        if float in _mapped(hint):
            return shares_of(value)
        if str in _mapped(hint):
            return texts_of(value)
        return value if value == "all" and str in members_of(hint) else counts_of(value)
    if value is None and get_origin(hint) is Mapping:
        return {}
    return value


def texts_of(text: str) -> dict[str, str]:
    """Get texts by name from ``dna=#00FFFF,er=green``.

    Raises
    ------
    QueryError
        The text is not written like that.
    """
    pairs = [pair.strip().partition("=") for pair in text.split(",")]
    if not all(name and value for name, _, value in pairs):
        raise QueryError(f"--colour {text!r} is not like dna=#00FFFF,er=green")
    return {name: value for name, _, value in pairs}


def shares_of(text: str) -> dict[str, float]:
    """Get shares by name from ``train=0.8,val=0.1,test=0.1``.

    Raises
    ------
    QueryError
        The text is not written like that.
    """
    pairs = [pair.strip().partition("=") for pair in text.split(",")]
    try:
        shares = {name: float(share) for name, _, share in pairs}
    except ValueError:
        shares = {}
    if len(shares) < len(pairs):
        raise QueryError(f"--split {text!r} is not like train=0.8,val=0.1,test=0.1")
    return shares


def counts_of(text: str) -> dict[str, int]:
    """Get numbers by name from ``trt=6,poscon=4,negcon=3``.

    Raises
    ------
    QueryError
        The text is not written like that.
    """
    counts: dict[str, int] = {}
    for pair in text.split(","):
        name, equals, number = pair.strip().partition("=")
        if not equals or not number.isdecimal():
            raise QueryError(f"--per-well {text!r} is not like trt=6,poscon=4,negcon=3, or all")
        counts[name] = int(number)
    return counts
