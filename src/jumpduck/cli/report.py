"""How a verb prints: short tables, one JSON object, or nothing."""

import json
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager

import polars as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text


class Report:
    """Prints what a verb reports, in the form that was asked for.

    Parameters
    ----------
    as_json
        Print one JSON object at the end, and nothing else.
    quiet
        Print nothing.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        # because a pipe has no width, columns are not cut to 80 there
        width = None if sys.stdout.isatty() else 160
        self.console = Console(highlight=False, width=width, soft_wrap=True)

    def line(self, text: str) -> None:
        """Print a line, unless JSON was asked for."""
        if not self.as_json and not self.quiet:
            self.console.print(text, markup=False)

    def event(self, value: Mapping[str, object]) -> None:
        """Print a JSON object while the verb runs, if JSON was asked for."""
        if self.as_json:
            print(json.dumps(value, default=str), flush=True)

    def table(self, frame: pl.DataFrame) -> None:
        """Print a frame as a table, unless JSON was asked for."""
        if self.as_json or self.quiet:
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name, dtype in frame.schema.items():
            numeric = dtype.is_numeric()
            table.add_column(Text(name), justify="right" if numeric else "left", no_wrap=numeric)
        for row in frame.iter_rows():
            table.add_row(*(Text(cell_text(value)) for value in row))
        self.console.print(table)

    def json(self, value: Mapping[str, object]) -> None:
        """Print the last JSON object, if JSON was asked for."""
        if self.as_json:
            print(json.dumps(value, default=str))

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
