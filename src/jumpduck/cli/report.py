"""What a verb prints: short tables for people, one JSON object for programs, or nothing."""

import json
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager

import polars as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table


class Report:
    """Collects what a verb has to say and prints it the way it was asked to.

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
        # a pipe has no width: do not cut columns to 80 there
        width = None if sys.stdout.isatty() else 160
        self.console = Console(highlight=False, width=width, soft_wrap=True)

    def line(self, text: str) -> None:
        """Print a line for people."""
        if not self.as_json and not self.quiet:
            self.console.print(text, markup=False)

    def event(self, value: Mapping[str, object]) -> None:
        """Print an object for programs on the way, before the last one."""
        if self.as_json:
            print(json.dumps(value, default=str), flush=True)

    def table(self, frame: pl.DataFrame) -> None:
        """Print a frame for people."""
        if self.as_json or self.quiet:
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name, dtype in frame.schema.items():
            numeric = dtype.is_numeric()
            table.add_column(name, justify="right" if numeric else "left", no_wrap=numeric)
        for row in frame.iter_rows():
            table.add_row(*map(cell_text, row))
        self.console.print(table)

    def json(self, value: Mapping[str, object]) -> None:
        """Print the object for programs."""
        if self.as_json:
            print(json.dumps(value, default=str))

    @contextmanager
    def progress(self) -> Generator[Progress]:
        """Show progress on stderr, if a person is looking."""
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
    """Get options as a table of TOML, less those that are None."""
    lines = [
        f"{name} = {json.dumps(value, default=str, ensure_ascii=False)}"
        for name, value in options.items()
        if value is not None
    ]
    return "\n".join([f"[{table}]", *lines])


def cell_text(value: object) -> str:
    """Get a value as people read it: thousands apart, no more digits than mean something."""
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
            return str(value).replace("[", r"\[")
