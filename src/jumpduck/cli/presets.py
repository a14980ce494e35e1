"""Selections by name: a collection's, in its folder of ``sql/``, or in the user's jumpduck.toml."""

from typing import Any

from cyclopts import App
from cyclopts.argument import ArgumentCollection
from cyclopts.config import Dict

from jumpduck.cli.settings import CONFIG, PRESETS, read_toml
from jumpduck.errors import QueryError
from jumpduck.selection.suggestions import check_names


def presets() -> dict[str, dict[str, Any]]:
    """Get every preset by its name; the user's replace those of a collection.

    Raises
    ------
    QueryError
        A file cannot be read, or has something else than tables under ``preset``.
    """
    # imported here, because it loads DuckDB and few commands have a preset
    from jumpduck.database.sql_files import sql_root

    found: dict[str, dict[str, Any]] = {}
    for file in (*sorted(sql_root().glob("*/presets.toml")), CONFIG):
        own: Any = read_toml(file).get(PRESETS, {})
        if not isinstance(own, dict) or not all(isinstance(one, dict) for one in own.values()):  # pyright: ignore[reportUnknownVariableType]
            raise QueryError(
                f"{PRESETS} of {file.name} is not made of tables; write [{PRESETS}.NAME], and the "
                "options of `jumpduck manifest` below it"
            )
        found |= own
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
