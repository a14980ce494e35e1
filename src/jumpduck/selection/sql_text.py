"""Values, names and steps of a selection as SQL text."""

from collections.abc import Mapping, Sequence


def literal(value: object) -> str:
    """Get a value as SQL has it."""
    match value:
        case bool():
            return str(value).upper()
        case str():
            return "'" + value.replace("'", "''") + "'"
        case Mapping():
            pairs = (f"{literal(key)}: {literal(one)}" for key, one in value.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            return "MAP {" + ", ".join(pairs) + "}"
        case list():
            return "[" + ", ".join(map(literal, value)) + "]"  # pyright: ignore[reportUnknownArgumentType]
        case _:
            return str(value)


def listed(names: Sequence[str]) -> str:
    """Get names as what IN compares with."""
    return "(" + ", ".join(map(literal, names)) + ")"


def last(steps: Mapping[str, str]) -> str:
    """Get the name of the last step."""
    return list(steps)[-1]


def statement(steps: Mapping[str, str], select: str) -> str:
    """Get the SQL of steps, and of what is selected from them.

    No step is kept in memory, because the first hold all sites.
    """
    if not steps:
        return select
    parts = (
        f"{name} AS NOT MATERIALIZED " + (f"(\n    {text}\n)" if "\n" in text else f"({text})")
        for name, text in steps.items()
    )
    return "WITH " + ",\n".join(parts) + f"\n{select}"
