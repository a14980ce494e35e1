"""jumpduck.toml and the variables JUMPDUCK_…: what no verb would read is not passed over."""

import difflib
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cyclopts import App
from cyclopts.argument import ArgumentCollection

from jumpduck.errors import QueryError

CONFIG = Path("jumpduck.toml")

PRESETS = "preset"

ROOTS = "roots"
"""Table of the output folders of a download, by source or pattern of plates."""

VARIABLES = "JUMPDUCK_"

CACHE = f"{VARIABLES}CACHE"
"""The one variable that is not an option of a verb: where published tables are kept."""


def check_settings(
    verbs: Sequence[str], _app: App, commands: tuple[str, ...], arguments: ArgumentCollection
) -> None:
    """Refuse tables of jumpduck.toml that no verb reads; print a line for such variables.

    A variable does not end the command, because it may be another version's.

    Raises
    ------
    QueryError
        jumpduck.toml cannot be read, or has a table or option outside the tables of the verbs.
    """
    if not commands:
        return
    for name in read_toml(CONFIG):
        if name not in (tables := (*verbs, PRESETS, ROOTS)):
            near = difflib.get_close_matches(name, tables, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise QueryError(
                f"{CONFIG} has {name!r} outside of a table that is read; {hint}there are "
                f"{', '.join(f'[{table}]' for table in verbs)}, [{PRESETS}.NAME] and [{ROOTS}]"
            )
    read_roots()
    prefixes = tuple(f"{VARIABLES}{verb.upper()}_" for verb in verbs)
    own = f"{VARIABLES}{commands[0].upper()}_"
    known = {
        own + name.removeprefix("--").upper().replace("-", "_")
        for argument in arguments
        for name in argument.names
    }
    for name in sorted(os.environ):
        if not name.startswith(VARIABLES) or name == CACHE or name in known:
            continue
        if name.startswith(own) or not name.startswith(prefixes):
            near = difflib.get_close_matches(name, {*known, CACHE}, n=1, cutoff=0.85)
            hint = f"did you mean {near[0]}?" if near else f"a variable is {own}OPTION"
            print(f"jumpduck: {name} is not known and not read; {hint}", file=sys.stderr)


def read_roots() -> Mapping[str, Any]:
    """Get the table [roots], whose values are not checked yet.

    Raises
    ------
    QueryError
        It is not a table.
    """
    roots = read_toml(CONFIG).get(ROOTS, {})
    if not isinstance(roots, dict):
        raise QueryError(
            f"{CONFIG} has {ROOTS} = {roots!r}, which is not a table; write [{ROOTS}], and below "
            'it lines like source_4 = "/disk4/images"'
        )
    return roots  # pyright: ignore[reportUnknownVariableType]


def read_toml(file: Path) -> dict[str, Any]:
    """Get the content of a TOML file; nothing if there is none.

    Raises
    ------
    QueryError
        It cannot be read.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeError) as error:
        raise QueryError(f"{file.name} cannot be read as TOML: {error}") from error
