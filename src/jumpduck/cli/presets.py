"""Selections by name: a collection's, in its folder of ``sql/``, or in the user's jumpduck.toml."""

import tomllib
from pathlib import Path
from typing import Any

from cyclopts import App
from cyclopts.argument import ArgumentCollection
from cyclopts.config import Dict

from jumpduck.errors import QueryError
from jumpduck.selection.suggestions import check_names

CONFIG = Path("jumpduck.toml")


def presets() -> dict[str, dict[str, Any]]:
    """Get every preset by its name; the user's replace those of a collection.

    Raises
    ------
    QueryError
        jumpduck.toml cannot be read.
    """
    # imported here, because it loads DuckDB and few commands have a preset
    from jumpduck.database.sql_files import sql_root

    found: dict[str, dict[str, Any]] = {}
    for file in (*sorted(sql_root().glob("*/presets.toml")), CONFIG):
        if file.is_file():
            try:
                found |= tomllib.loads(file.read_text(encoding="utf-8")).get("preset", {})
            except (tomllib.TOMLDecodeError, UnicodeError) as error:
                raise QueryError(f"{file.name} is not valid TOML: {error}") from error
    return found


def fill_from_preset(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Set the options of ``--preset NAME`` that are not set otherwise."""
    for argument in arguments:
        if "--preset" in argument.names and argument.tokens:
            name = argument.tokens[0].value
            known = presets()
            check_names("preset", [name], known)
            Dict({commands[-1]: known[name]}, source=f"preset {name}")(app, commands, arguments)
            return
