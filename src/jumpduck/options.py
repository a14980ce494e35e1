"""A verb's options stand once, in a dataclass that the function and the command line share."""

import functools
import inspect
import os
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

from jumpduck.errors import QueryError


def expanded(path: str | Path) -> Path:
    """Get a path with ~ as the home folder; Polars does so too, and both must mean one file."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 (the other raises for an unknown user)


_P = ParamSpec("_P")
_Options = TypeVar("_Options")
_Result = TypeVar("_Result")

_PARAMETER = re.compile(r"^(\w+)\n((?:    .*\n|\n)+)", re.MULTILINE)
"""A parameter and its text, in the section "Parameters" of a docstring."""


def takes(
    options: Callable[_P, _Options],
) -> Callable[[Callable[[_Options], _Result]], Callable[_P, _Result]]:
    """Get a decorator for a verb that reads its arguments from a dataclass.

    The function is written with one argument, an instance of `options`. It is called with the
    fields of `options` as its parameters, which type checkers and ``help`` show with their types,
    defaults and texts. The undecorated function is its attribute ``__wrapped__``.
    """

    def decorate(verb: Callable[[_Options], _Result]) -> Callable[_P, _Result]:
        signature = inspect.signature(options)

        @functools.wraps(verb)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _Result:
            try:
                signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{verb.__name__}(): {error}") from None
            own = options(*args, **kwargs)
            refuse_empty_paths(own)
            return verb(own)

        returned = inspect.signature(verb).return_annotation
        call.__signature__ = signature.replace(return_annotation=returned)  # pyright: ignore[reportAttributeAccessIssue]
        call.__doc__ = _with_parameters(verb, options, list(signature.parameters))
        return call

    return decorate


def refuse_empty_paths(options: object) -> None:
    """Check that no file or folder has an empty name, which would mean the current folder.

    Raises
    ------
    QueryError
        One has.
    """
    for one in fields(options):  # pyright: ignore[reportArgumentType]
        value: object = getattr(options, one.name)
        several = cast("Sequence[object]", value) if isinstance(value, list | tuple) else [value]
        if "Path" in str(one.type) and any(isinstance(path, str) and not path for path in several):
            raise QueryError(f"{one.name} '' is empty; give the name of a file or folder")


def parameter_texts(options: object) -> dict[str, str]:
    """Get the text of each field of a dataclass, from its docstring and those of its bases."""
    found: dict[str, str] = {}
    for base in reversed(getattr(options, "__mro__", ())):
        text = inspect.cleandoc(base.__doc__ or "") + "\n"
        section = text.partition("\nParameters\n----------\n")[2]
        for name, body in _PARAMETER.findall(re.split(r"\n\w+\n-{3,}\n", section)[0] + "\n"):
            found[name] = textwrap.dedent(body).strip()
    return found


def _with_parameters(verb: Callable[..., object], options: object, names: list[str]) -> str:
    """Get the docstring of a verb with the texts of its parameters, before what it returns."""
    texts = parameter_texts(options)
    section = "Parameters\n----------\n" + "".join(
        f"{name}\n{textwrap.indent(texts[name], '    ')}\n" for name in names if name in texts
    )
    text = inspect.cleandoc(verb.__doc__ or "")
    place = re.search(r"^(Returns|Raises)\n-+$", text, re.MULTILINE)
    before, after = (text, "") if place is None else (text[: place.start()], text[place.start() :])
    return f"{before.rstrip()}\n\n{section}\n{after}".strip() + "\n"
