"""Tables as text: CSV and its relatives, read so that one wrong line costs one line."""

import io
import re
from collections import Counter
from collections.abc import Sequence
from typing import cast

import polars as pl
from zlib_ng import gzip_ng, zlib_ng

from jumpduck.errors import CatalogError

MAX_TEXT_BYTES = 256 * 2**20
"""Text of a file at most, uncompressed; the load_data of a full plate has about 16 MB."""

MAX_COLUMNS = 1000
"""The widest load_data at hand has 88 columns."""

MAX_CELL_LINES = 20
"""Lines of a quoted value at most, which are tried for each line with a quote that does not end."""

LINE_PROBLEM = "line_problem"
"""Column that says why a line cannot be read, NULL if it can."""

_ZLIB_ERROR = cast("type[Exception]", zlib_ng.error)
_SEPARATORS = ("\t", ",", ";")
_VALUES = {
    one: re.compile(rf'((?:"[^"]*")+|[^{one}"]*){one}') for one in _SEPARATORS
}  # fmt: skip


_NOT_GIVEN = ("", "nan", "NaN", "NA", "N/A", "<NA>", "None", "null", "NULL")


class UnreadableError(Exception):
    """Why a file cannot be read as a table."""


def unreadable(error: Exception) -> UnreadableError:
    """Get why a file cannot be read, in one line that can be printed."""
    first = [*str(error).strip().splitlines(), type(error).__name__][0]
    return UnreadableError(
        "cannot be read: " + "".join(one if one.isprintable() else "?" for one in first)
    )


def text_lines(name: str, data: bytes) -> list[str]:
    """Get the lines of a text file that are not empty; a name that ends with .gz is unpacked.

    Raises
    ------
    UnreadableError
        The file cannot be unpacked, is not UTF-8, or is too large.
    """
    try:
        if name.endswith(".gz"):
            with gzip_ng.GzipNGFile(fileobj=io.BytesIO(data)) as file:
                data = file.read(MAX_TEXT_BYTES + 1)
        if len(data) > MAX_TEXT_BYTES:
            raise UnreadableError(f"more than {MAX_TEXT_BYTES:,} bytes of text")
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except (OSError, EOFError, UnicodeError, _ZLIB_ERROR) as error:
        raise unreadable(error) from error
    return [line for line in text.split("\n") if line]


def split_line(line: str, separator: str = ",") -> list[str]:
    """Get the values of a line of a CSV file; none if its quotes are wrong."""
    if '"' not in line:
        return line.split(separator)
    value = _VALUES[separator]
    if not re.fullmatch(rf"(?:{value.pattern})+", line + separator):
        return []
    return [
        one[1:-1].replace('""', '"') if one.startswith('"') else one
        for one in value.findall(line + separator)
    ]


def line_values(
    lines: Sequence[str], columns: int, separator: str = ","
) -> tuple[pl.Series, pl.Expr]:
    """Get the values of each line as a column ``values``, and why a line cannot be read."""
    if any('"' in line for line in lines):
        split = [split_line(line, separator) for line in lines]
        values = pl.Series("values", split, pl.List(pl.String))
    else:  # the same, ten times as fast
        values = pl.Series("values", lines, pl.String).str.split(separator)
    count = pl.col("values").list.len()
    problem = (
        pl.when(count == 0).then(pl.lit("a quote that does not end"))
        .when(count > columns).then(pl.lit("more values than columns"))
        .when(count < columns).then(pl.lit("fewer values than columns"))
    )  # fmt: skip
    return values, problem


def value_at(place: int, problem: pl.Expr) -> pl.Expr:
    """Get a value of each line that can be read; empty text is NULL."""
    value = pl.col("values").list.get(place, null_on_oob=True)
    return pl.when(problem.is_null()).then(value.replace("", None))


def text_table(name: str, data: bytes) -> pl.DataFrame:
    """Get a table whose first line names its columns: text, and `LINE_PROBLEM`.

    Values stand between tabs, commas or semicolons: what the first line has, in this order.
    Columns without a name are left out.

    Raises
    ------
    CatalogError
        The file is not such a table; the message names it.
    """
    try:
        lines = text_lines(name, data)
    except UnreadableError as odd:
        raise CatalogError(f"{name} {odd}; give a CSV or TSV file in UTF-8") from odd
    if not lines:
        raise CatalogError(f"{name} is empty; its first line must name the columns")
    separator = next((one for one in _SEPARATORS if one in lines[0]), ",")
    columns = [column.strip() for column in split_line(lines[0], separator)]
    if not any(columns) or len(columns) > MAX_COLUMNS:
        raise CatalogError(
            f"{name} does not begin with a line that names at most {MAX_COLUMNS} columns"
        )
    counts = Counter(column.lower() for column in columns if column)
    if doubled := [column for column, count in counts.items() if count > 1]:
        raise CatalogError(f"{name} has two columns {doubled[0]!r}; rename one of them")
    rows = [line for line in lines[1:] if line.strip(f"{separator} ")]
    rows = _with_quoted_ends(rows, len(columns), separator)
    values, problem = line_values(rows, len(columns), separator)
    return values.to_frame().select(
        *(value_at(place, problem).alias(name) for place, name in enumerate(columns) if name),
        problem.alias(LINE_PROBLEM),
    )


def _with_quoted_ends(lines: list[str], columns: int, separator: str) -> list[str]:
    """Join lines that a quoted end of a line parts, if what they make has a value for each column.

    What does not is left as it is, so that a quote that does not end costs one line.
    """
    joined: list[str] = []
    place = 0
    while place < len(lines):
        end = place + 1
        if lines[place].count('"') % 2:
            for last in range(place + 2, min(place + MAX_CELL_LINES, len(lines)) + 1):
                if len(split_line("\n".join(lines[place:last]), separator)) == columns:
                    end = last
                    break
        joined.append("\n".join(lines[place:end]))
        place = end
    return joined


def given(name: str) -> pl.Expr:
    """Get a column of text, NULL where programs write that there is none; as sql/jump/given.sql.

    Tables that went through pandas or R have words such as nan where a value was missing.
    """
    value = pl.col(name).str.strip_chars()
    return pl.when(~value.is_in(_NOT_GIVEN)).then(value).alias(name)
