"""How a verb prints: short tables, one JSON object, or nothing."""

import json
import math
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

import polars as pl
import polars.selectors as cs
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from jumpduck.rows import SITE_KEY

KEYS = (*SITE_KEY, "path")


COLUMN_GAP = 2
"""Blanks between two columns of a table."""

FOLDED_WIDTH = 16
"""Letters that a text column keeps at least when it folds."""


SUM_DIGITS = 6
"""Digits that a sum of sizes has in a table, because others are those of binary fractions."""


class Printer:
    """Prints what a verb reports, in the form that was asked for.

    A terminal gets tables that fit its width. Anything else gets tables of tab-separated values in
    full, and remarks on standard error, so that other programs can read the output.

    Parameters
    ----------
    as_json
        Print one JSON object at the end, and nothing else.
    as_csv
        Print tables as comma-separated values, and nothing else; None for a verb without --csv.
    quiet
        Print nothing.
    """

    def __init__(
        self, *, as_json: bool = False, as_csv: bool | None = None, quiet: bool = False
    ) -> None:
        self.as_json = as_json
        self.as_csv = bool(as_csv)
        self.all_columns = "--json prints" if as_csv is None else "--csv and --json print"
        self.quiet = quiet
        colors = "auto" if sys.stdout.isatty() else None
        self.console = Console(highlight=False, soft_wrap=True, color_system=colors)

    @property
    def for_reader(self) -> bool:
        """Whether tables go to a terminal, which fits them to its width."""
        return self.console.is_terminal and not (self.as_json or self.as_csv)

    def line(self, text: str) -> None:
        """Print a line, unless a table or JSON alone was asked for."""
        if not (self.as_json or self.as_csv or self.quiet):
            self.console.print(text, markup=False)

    def remark(self, text: str) -> None:
        """Print a line beside a table, which other programs do not read with it."""
        if self.console.is_terminal:
            self.line(text)
        elif not (self.as_json or self.quiet):
            print(text, file=sys.stderr)

    def event(self, value: Mapping[str, object]) -> None:
        """Print a JSON object while the verb runs, if JSON was asked for."""
        if self.as_json:
            print(as_json(value), flush=True)

    def table(
        self, frame: pl.DataFrame, keys: Sequence[str] = (), least: Sequence[str] = ()
    ) -> None:
        """Print a frame as a table, unless JSON was asked for.

        Parameters
        ----------
        keys
            Columns that a terminal shows whole, whatever its width; by default those of the field's
            keys, and the first.
        least
            Columns that a terminal without space leaves out before all others, in this order.
        """
        if self.as_json or self.quiet:
            return
        if self.as_csv:
            print(_as_text(frame).write_csv(), end="")
        elif self.for_reader:
            self._table(frame, keys or [name for name in frame.columns if name in KEYS], least)
        else:
            tabs = _as_text(frame).with_columns(cs.string().str.replace_all(r"[\t\r\n]+", " "))
            print(tabs.write_csv(separator="\t", quote_style="never"), end="")

    def _table(self, frame: pl.DataFrame, keys: Sequence[str], least: Sequence[str]) -> None:
        shown = _as_text(frame)
        titles = {name: name for name in shown.columns}
        widths = fitting_widths(shown, titles, keys, least, self.console.width)
        if len(widths) < shown.width:
            titles = {name: name.replace("Metadata_", "Metadata_\n", 1) for name in titles}
            widths = fitting_widths(shown, titles, keys, least, self.console.width)
        table = Table(box=None, pad_edge=False, padding=(0, COLUMN_GAP, 0, 0), header_style="bold")
        for name, width in widths.items():
            right = frame.schema[name].is_numeric()
            table.add_column(
                Text(titles[name]),
                justify="right" if right else "left",
                width=width,
                overflow="fold",
            )
        for row in shown.select(list(widths)).iter_rows():
            table.add_row(*(Text(cell_text(value)) for value in row))
        self.console.print(table)
        if left_out := [name for name in frame.columns if name not in widths]:
            self.remark(f"no space for {', '.join(left_out)}; {self.all_columns} all columns")

    def json(self, value: Mapping[str, object]) -> None:
        """Print the last JSON object, if JSON was asked for."""
        if self.as_json:
            print(as_json(value))

    @contextmanager
    def progress(self) -> Generator[Progress]:
        """Show progress on stderr, if that is a terminal."""
        shown = sys.stderr.isatty() and not self.as_json and not self.quiet
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
        )
        console = Console(stderr=True)
        with Progress(*columns, console=console, transient=True, disable=not shown) as progress:
            yield progress


def as_json(value: object) -> str:
    """Get a value as JSON: null for nan and infinity, and text for what JSON has no type for."""

    def plain(part: object) -> object:
        match part:
            case float():
                return part if math.isfinite(part) else None
            case list() | tuple():
                return [plain(one) for one in cast("Sequence[object]", part)]
            case dict():
                pairs = cast("Mapping[object, object]", part).items()
                return {name if isinstance(name, str) else str(name): plain(v) for name, v in pairs}
            case _:
                return part

    return json.dumps(plain(value), default=str)


def size_text(size: float) -> str:
    """Get bytes as a table shows them, in the unit that does not need many zeros."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if size >= scale / 100:
            return f"{cell_text(size / scale)} {unit}"
    return f"{cell_text(size / 1e3)} kB"


def as_toml(table: str, options: Mapping[str, object]) -> str:
    """Get options as a table of TOML, without those that are None."""
    lines = [
        f"{name} = {json.dumps(value, default=str, ensure_ascii=False)}"
        for name, value in options.items()
        if value is not None
    ]
    return "\n".join([f"[{table}]", *lines])


def cell_text(value: object) -> str:
    """Get a value as a table shows it: thousands separated, three digits of a small number."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
        case _:
            return str(value)


def fitting_widths(
    frame: pl.DataFrame,
    titles: Mapping[str, str],
    keys: Sequence[str],
    least: Sequence[str],
    width: int,
) -> dict[str, int]:
    """Get the columns that a terminal has space for, and the letters that each gets.

    Keys and numbers stay whole. Other columns fold; those that have no space even then are left
    out: first those in `least`, then from the right.
    """
    of_titles = {name: max(map(len, title.splitlines())) for name, title in titles.items()}
    whole = {
        name: max(of_titles[name], *(len(cell_text(value)) for value in frame[name]), 0)
        for name in frame.columns
    }
    keys = keys or frame.columns[:1]
    folds = {
        name: min(full, max(of_titles[name], FOLDED_WIDTH))
        for name, full in whole.items()
        if name not in keys and not frame.schema[name].is_numeric()
    }
    widths = {**whole, **folds}

    def free() -> int:
        return width - sum(widths.values()) - COLUMN_GAP * (len(widths) - 1)

    for name in (*least, *reversed(frame.columns)):
        if free() < 0 and name not in keys:
            widths.pop(name, None)
    for name in [name for name in folds if name in widths]:
        widths[name] += max(0, min(free(), whole[name] - widths[name]))
    return widths


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Get a frame whose values CSV can have: lists and the like as JSON, sums without noise."""
    sums = cs.float() & cs.matches("_(gb|mb)(_|$)")
    return frame.with_columns(sums.round_sig_figs(SUM_DIGITS)).with_columns(
        pl.Series(name, [as_json(value) for value in frame[name].to_list()])
        for name, dtype in frame.schema.items()
        if dtype.is_nested() or dtype == pl.Object
    )
