"""What the path of a file says of its image, by a pattern with placeholders."""

import re
from collections import Counter
from dataclasses import dataclass

import polars as pl

from jumpduck.errors import QueryError

PLACEHOLDERS = {
    "source": "[^/]+?",
    "batch": "[^/]+?",
    "plate": "[^/]+?",
    "well": "[A-Za-z]{1,2}[0-9]{1,2}",
    "row": "(?:[A-Za-z]{1,2}|[0-9]{1,2})",
    "col": "[0-9]{1,2}",
    "site": "[0-9]{1,9}",
    "channel": "[^/]+?",
    "z": "[0-9]{1,9}",
}
"""What each placeholder stands for. A lazy one takes as little as the rest allows."""

MAX_PATTERN_LETTERS = 1000

_PART = re.compile(r"\{([^{}]*)\}|\*|[{}]")


@dataclass(frozen=True)
class FilePattern:
    """A pattern that paths fit or do not.

    Attributes
    ----------
    expression
        A regular expression with a group for each time that a placeholder is used. Polars matches
        it in a time that grows with the length of a path and no faster, whatever the pattern says.
    groups
        The placeholder of each group.
    """

    expression: str
    groups: tuple[str, ...]

    def rows(self, paths: pl.Series) -> pl.DataFrame:
        """Get the values of the placeholders by path, and ``fits``.

        A placeholder that is used twice has the same value in both places, or the path does not
        fit.
        """
        found = paths.to_frame("path").with_columns(
            pl.col("path").str.extract_groups(self.expression).alias("groups"),
            pl.col("path").str.contains(self.expression).alias("fits"),
        )
        first = {name: self.groups.index(name) for name in dict.fromkeys(self.groups)}
        field = pl.col("groups").struct.field
        same = [
            field(f"g{place}") == field(f"g{first[name]}")
            for place, name in enumerate(self.groups)
            if place != first[name]
        ]
        return found.select(
            "path",
            pl.all_horizontal("fits", *same).fill_null(value=False).alias("fits"),
            *(field(f"g{place}").alias(name) for name, place in first.items()),
        )


def file_pattern(text: str) -> FilePattern:
    """Get a pattern from its text.

    Raises
    ------
    QueryError
        The text has an unknown placeholder or a single brace, or does not say the well or the
        channel.
    """
    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    if len(text) > MAX_PATTERN_LETTERS or "\0" in text or text.startswith("/"):
        raise QueryError(
            f"pattern {text[:80]!r} is not a path below `gallery` with at most "
            f"{MAX_PATTERN_LETTERS:,} letters"
        )
    groups: list[str] = []
    expression = ""
    end = 0
    for part in _PART.finditer(text):
        expression += re.escape(text[end : part.start()])
        end = part.end()
        name = part[1]
        if part[0] == "*":
            expression += "[^/]*"
        elif name in PLACEHOLDERS:
            expression += f"(?P<g{len(groups)}>{PLACEHOLDERS[name]})"
            groups.append(name)
        else:
            raise QueryError(
                f"pattern {text!r} has {part[0]!r}, which is not a placeholder; there are "
                f"{known} and *"
            )
    expression += re.escape(text[end:])
    has = Counter(groups)
    if not has["well"] and not (has["row"] and has["col"]):
        raise QueryError(
            f"pattern {text!r} does not say the well; add {{well}}, or {{row}} and {{col}}"
        )
    if not has["channel"]:
        raise QueryError(f"pattern {text!r} does not say the channel; add {{channel}}")
    return FilePattern(f"^(?:{expression})$", tuple(groups))
