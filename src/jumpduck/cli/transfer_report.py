"""What a download or a repair prints while it runs and at its end."""

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self, cast

import polars as pl

from jumpduck.cli.last_rate import remember
from jumpduck.cli.printer import Printer
from jumpduck.counts import counted
from jumpduck.errors import InterruptedRunError, JumpduckError
from jumpduck.options import expanded
from jumpduck.profiling.site_file import SUFFIX as SITE_SUFFIX
from jumpduck.recipes.base import Recipe
from jumpduck.recipes.registry import build
from jumpduck.rows import DONE
from jumpduck.schema import RESULTS_FILE, SITES_FILE
from jumpduck.transfer.fault_reasons import reason_of_file

MAX_SHOWN_REASONS = 10

MAX_SHOWN_COMMANDS = 3

STATUSES = ("fetched", "missing", "corrupt", "failed")


class TransferReport:
    """Progress bars or lines of JSON from the events of a run, then its summary.

    Parameters
    ----------
    files, plates
        How many there are to do.
    again
        Command that goes on after an interruption.
    recipe
        The recipe that makes the files; None for a repair, in which each has its own.
    """

    def __init__(
        self, printer: Printer, files: int, plates: int, again: str, recipe: Recipe | None = None
    ) -> None:
        self._printer = printer
        self._files = files
        self._plates = plates
        self._again = again
        self._recipe = recipe
        self._counts: Counter[str] = Counter()
        self._summary: list[pl.DataFrame] = []
        self._not_had: list[pl.DataFrame] = []
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._progress = self._open.enter_context(self._printer.progress())
        self._plate_bar = self._progress.add_task("plates", total=self._plates, note="")
        self._file_bar = self._progress.add_task("files", total=self._files, note="")
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        seconds = self._progress.tasks[1].elapsed or 0.0
        if self._recipe is None or self._recipe.gathering is None:  # which takes far longer
            remember(self._counts["fetched"], self._counts["bytes"], seconds)
        self._open.close()
        if kind is KeyboardInterrupt:
            raise InterruptedRunError(
                f"interrupted; what is finished is kept. Go on with: {self._again}"
            ) from None

    def event(self, event: Mapping[str, object]) -> None:
        """Show one event of the run."""
        match event["event"]:
            case "present":
                self._progress.update(self._file_bar, advance=int(str(event["files"])))
            case "plate":
                self._progress.update(self._plate_bar, advance=1, note=str(event["plate"]))
                self._printer.event(event)
            case "file":
                self._counts[str(event["status"])] += 1
                self._counts["bytes"] += int(str(event.get("bytes") or 0))
                self._progress.update(self._file_bar, advance=1, note=self._rate())
                if event["status"] not in DONE:
                    names = ("event", "status", "path", "url", "attempts", "error")
                    self._printer.event({name: event.get(name) for name in names})
            case "otherwise" if self._recipe is not None:
                self._printer.remark(otherwise(event, self._recipe))
                self._printer.event(event)
            case "remark":
                self._printer.remark(str(event["text"]))
                self._printer.event(event)
            case "taken":
                others = ", ".join(str(one) for one in cast("Sequence[object]", event["by"]))
                note = f"{event['plates']} plates are being filled by {others}"
                self._progress.update(self._plate_bar, note=note)
                self._printer.event(event)
            case "paused":
                self._progress.update(self._file_bar, note=f"waiting: {event['reason']}")
                self._printer.event(event)
            case _:
                self._printer.event(event)

    def add(self, rows: pl.DataFrame) -> None:
        """Count the results of a plate."""
        self._summary = [summarize(rows, self._summary)]
        not_had = rows.filter(~pl.col("status").is_in(DONE))
        self._not_had = [by_reason(not_had, self._not_had)]

    def finish(self, outs: Sequence[str | Path]) -> Counter[str]:
        """Print the summary, and get the number of files that could not be had, by status."""
        summary, printer = self._summary[0], self._printer
        printer.table(summary)
        for out in outs:
            results, sites = (expanded(out) / name for name in (RESULTS_FILE, SITES_FILE))
            printer.line(f"-> {out}, {results}, {sites}")
        printer.json(
            {
                "event": "end",
                "out": outs[0],
                "results": expanded(outs[0]) / RESULTS_FILE,
                "roots": outs,
                "by_status": summary.to_dicts(),
            }
        )
        for text in reasons(self._not_had[0]):
            printer.line(text)
        not_had = summary.filter(~pl.col("status").is_in(DONE))
        return Counter(dict(not_had.select("status", "files").rows()))

    def _rate(self) -> str:
        seconds = self._progress.tasks[1].elapsed or 0
        files = sum(self._counts[status] for status in STATUSES)
        not_had = sum(self._counts[status] for status in STATUSES if status not in DONE)
        rate = f"{files / seconds:,.0f}/s" if seconds else ""
        speed = f" {self._counts['bytes'] / seconds / 1e6:,.0f} MB/s" if seconds else ""
        return f"{rate}{speed}{f', {not_had:,} not had' if not_had else ''}"


def by_reason(rows: pl.DataFrame, before: Sequence[pl.DataFrame] = ()) -> pl.DataFrame:
    """Get status, reason, files and the first path of each reason; added to those `before`.

    A reason is an error without the name of the file that it is about.
    """
    found = rows.with_columns(reason_of_file()).group_by("status", "reason")
    # a site's file has a row for each of its images
    counts = found.agg(
        files=pl.col("path").n_unique(), path=pl.col("path").min(), error=pl.col("error").first()
    )
    together = pl.concat([*before, counts]).group_by("status", "reason")
    return together.agg(pl.col("files").sum(), pl.col("path").min(), pl.col("error").first())


def reasons(found: pl.DataFrame) -> list[str]:
    """Get a line for each reason: the file and its error, or one of the files and their number."""
    lines: list[str] = []
    shown = found.sort("files", "path", descending=[True, False])
    for row in shown.head(MAX_SHOWN_REASONS).iter_rows(named=True):
        # the file of a profiled site never stays
        path, is_site = row["path"].removesuffix(SITE_SUFFIX), row["path"].endswith(SITE_SUFFIX)
        if row["files"] == 1:
            lines.append(f"{row['status']}: {path}: {row['error']}")
        else:
            files = f"{row['files']:,} {'sites' if is_site else 'files'}, such as {path}"
            lines.append(f"{row['status']}: {files}: {row['reason']}")
    if found.height > MAX_SHOWN_REASONS:
        lines.append(f"... {found.height:,} reasons in all; these are the most frequent")
    return lines


def otherwise(earlier: Mapping[str, object], recipe: Recipe) -> str:
    """Get the sentence on files that another recipe made and that the folder has.

    Parameters
    ----------
    earlier
        The fields of `jumpduck.transfer.earlier_files.EarlierFiles`.
    """
    before, now = (
        _as_asked_for(label, parameters)
        for label, parameters in (
            (str(earlier["recipe"]), str(earlier["parameters"])),
            (recipe.label, recipe.parameters_text),
        )
    )
    if before == now:
        before = f"{before} of another version or with other options"
    files = int(str(earlier["files"]))
    there = f"{counted(files, 'file')} of this manifest {'is' if files == 1 else 'are'}"
    what = (
        f"and {'is' if files == 1 else 'are'} made again as {now}"
        if earlier["replaced"]
        else f"and {'stays' if files == 1 else 'stay'}; {SITES_FILE} will name the new files, {now}"
    )
    return f"{there} there as {before}, {what}"


def _as_asked_for(label: str, parameters: str) -> str:
    """Get a recipe as a user asks for it: its name, and the options that are not its defaults."""
    name = label.rpartition(" ")[0]
    try:
        defaults = json.loads(build(name).parameters_text)
    except JumpduckError:  # it has no name of its own, or another version made the files
        return name
    words: list[str] = []
    for option, value in json.loads(parameters).items():
        if value != defaults.get(option):
            words.append(f"--{option.replace('_', '-')}")
            words += map(str, value) if isinstance(value, list) else [str(value)]  # pyright: ignore[reportUnknownArgumentType]
            words = words[:-1] if value is True else words
    return f"{name} with {shlex.join(words)}" if words else name


def goes_on(commands: Sequence[str], by_status: Mapping[str, int], had: int) -> str:
    """Get the sentence that says how to go on, and what of it can be expected.

    Parameters
    ----------
    by_status
        Numbers of files that are left, missing, corrupt and failed.
    had
        Number of files that are there.
    """
    only_gone = not (by_status["left"] or by_status["failed"])
    some = " and ".join(f"`{command}`" for command in commands) or "the same `jumpduck download`"
    if len(commands) > MAX_SHOWN_COMMANDS:
        some = f"`{commands[0]}` and {len(commands) - 1:,} like it"
    one = len(commands) <= 1
    verb = (
        ("tries" if one else "try") + " again" if only_gone else ("goes" if one else "go") + " on"
    )
    return f"{some} {verb}{for_ever(by_status, had)}"


def for_ever(by_status: Mapping[str, int], had: int) -> str:
    """Get a further clause on what is missing or corrupt, which no other run is likely to change.

    A file is called missing when the server says so, and corrupt when the same bytes came twice.
    Where no file is there, none is said to be so for ever, because a wrong place is likelier.
    """
    gone = by_status["missing"] + by_status["corrupt"]
    if not gone or not had:
        return ""
    names = " or ".join(name for name in ("missing", "corrupt") if by_status[name])
    return (
        f"; what is {names} is probably so at its source for ever: with all other files, "
        "the folder is whole"
    )


def summarize(results: pl.DataFrame, before: Sequence[pl.DataFrame] = ()) -> pl.DataFrame:
    """Get files, megabytes fetched and megabytes kept by status; added to those `before`."""
    counts = (
        results.with_columns(first=pl.col("path").is_first_distinct())
        .group_by("status")
        .agg(
            files=pl.len(),
            fetched_mb=pl.col("bytes").sum() / 1e6,
            kept_mb=pl.col("size").filter("first").sum() / 1e6,
        )
    )
    return pl.concat([*before, counts]).group_by("status").sum().sort("status")
