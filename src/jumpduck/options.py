"""A verb's options stand once, in a dataclass that the function and the command line share."""

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_Options = TypeVar("_Options")
_Result = TypeVar("_Result")


def takes(
    options: Callable[_P, _Options],
) -> Callable[[Callable[[_Options], _Result]], Callable[_P, _Result]]:
    """Get a decorator for a verb that reads its arguments from a dataclass.

    The function is written with one argument, an instance of `options`. It is called with the
    fields of `options` as its parameters, which `help` and type checkers show with their types
    and defaults. The undecorated function is its attribute ``__wrapped__``.
    """

    def decorate(verb: Callable[[_Options], _Result]) -> Callable[_P, _Result]:
        @functools.wraps(verb)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _Result:
            return verb(options(*args, **kwargs))

        returned = inspect.signature(verb).return_annotation
        signature = inspect.signature(options).replace(return_annotation=returned)
        call.__signature__ = signature  # pyright: ignore[reportAttributeAccessIssue]
        return call

    return decorate
