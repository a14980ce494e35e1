"""jumpduck download"""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import polars as pl
from cyclopts import Parameter
from rich.progress import Progress

from jumpduck.cli.options import CHOOSE, OUTPUT, PLACES, WORK, DryRun, Endpoint, Json, Quiet
from jumpduck.cli.recipe_options import RecipeOptions
from jumpduck.cli.report import Report
from jumpduck.errors import InterruptedRunError, PartialError
from jumpduck.recipes.registry import build
from jumpduck.stages.download import CONNECTIONS, download_plates
from jumpduck.transfer.manifest_reader import Plan
from jumpduck.transfer.output_folder import DONE

SHOWN = 10


def download(
    *,
    manifest: Annotated[
        Path, Parameter(group=PLACES, help="Manifest made by jumpduck manifest.")
    ] = Path("manifest.parquet"),
    out: Annotated[Path, Parameter(group=OUTPUT, help="Folder for the files.")] = Path("images"),
    endpoint: Endpoint = None,
    options: RecipeOptions | None = None,
    limit: Annotated[
        int | None, Parameter(group=CHOOSE, help="Only the manifest's first so many files.")
    ] = None,
    force: Annotated[
        bool,
        Parameter(group=CHOOSE, negative="", show_default=False, help="Also what is there."),
    ] = False,
    connections: Annotated[
        int, Parameter(group=WORK, help="Files fetched at the same time.")
    ] = CONNECTIONS,
    workers: Annotated[
        int | None,
        Parameter(group=WORK, help="Images processed at the same time; one a core by default."),
    ] = None,
    max_requests: Annotated[
        float | None, Parameter(group=WORK, help="Requests a second at most.")
    ] = None,
    max_mbps: Annotated[
        float | None, Parameter(group=WORK, help="Megabits a second at most.")
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fetch the manifest's images, process them, and say what became of each.

    Files that are there from an earlier run are not fetched again: after an interruption the
    same command goes on. The folder also gets results.parquet (one row a file) and sites.parquet
    (one row a site).

    For example:
    ```
    jumpduck download --out images
    jumpduck download --manifest taste.parquet --out taste --limit 100
    ```
    """
    report = Report(as_json=json, quiet=quiet)
    options = options or RecipeOptions()
    build(options.recipe, **options.given())  # what cannot be meant is said before all else
    plan = Plan(manifest, limit)
    if dry_run:
        plates = f"{len(plan.parts):,} plate{'s'[: len(plan.parts) != 1]}"
        report.line(f"{plan.files:,} files of {plates} -> {out}; nothing fetched (--dry-run)")
        report.json({"manifest": manifest, "out": out, "files": plan.files})
        return
    words = ["jumpduck", "download", "--manifest", str(manifest), "--out", str(out)]
    words += options.words()
    more = {
        "--endpoint": endpoint,
        "--limit": limit,
        "--connections": None if connections == CONNECTIONS else connections,
        "--workers": workers,
        "--max-requests": max_requests,
        "--max-mbps": max_mbps,
    }
    words += [str(word) for pair in more.items() if pair[1] is not None for word in pair]
    fill(
        plan,
        out,
        report,
        again=shlex.join(words),
        endpoint=endpoint,
        recipe=options.recipe,
        options=options.given(),
        connections=connections,
        workers=workers,
        max_requests=max_requests,
        max_mbps=max_mbps,
        force=force,
    )


def fill(
    plan: Plan,
    out: Path,
    report: Report,
    *,
    again: str,
    endpoint: str | None = None,
    recipe: str = "png8",
    options: Mapping[str, object] | None = None,
    connections: int = CONNECTIONS,
    workers: int | None = None,
    max_requests: float | None = None,
    max_mbps: float | None = None,
    force: bool = False,
    only: pl.Series | None = None,
) -> None:
    """Do what a plan says and report it: the events, the summary and what could not be had."""
    seen: list[pl.DataFrame] = []
    bad: list[pl.DataFrame] = []
    with report.progress() as progress:
        plates = download_plates(
            plan,
            out,
            endpoint=endpoint,
            recipe=recipe,
            options=options,
            connections=connections,
            workers=workers,
            max_requests=max_requests,
            max_mbps=max_mbps,
            force=force,
            only=only,
            progress=_Show(report, progress, plan).event,
        )
        try:
            with closing(plates):
                for rows in plates:
                    seen = [summarize(rows, seen)]
                    bad = [
                        pl.concat([*bad, rows.filter(~pl.col("status").is_in(DONE))]).head(SHOWN)
                    ]
        except KeyboardInterrupt:
            raise InterruptedRunError(
                f"interrupted; what is finished is kept. Go on with: {again}"
            ) from None
    summary = seen[0]
    report.table(summary)
    table = out / "results.parquet"
    report.line(f"-> {out}, {table}, {out / 'sites.parquet'}")
    report.json({"event": "end", "out": out, "results": table, "by_status": summary.to_dicts()})
    lost = summary.filter(~pl.col("status").is_in(DONE))["files"].sum()
    if lost:
        for row in bad[0].sort("path").iter_rows(named=True):
            report.line(f"{row['status']}: {row['path']}: {row['error']}")
        raise PartialError(
            f"{lost:,} of {plan.files:,} files could not be had; "
            f"{table} says why, and the same command tries them again"
        )


def summarize(results: pl.DataFrame, before: Sequence[pl.DataFrame] = ()) -> pl.DataFrame:
    """Get files, megabytes fetched and megabytes kept by status; added to those `before`."""
    return (
        pl.concat(
            [
                *before,
                results.with_columns(first=pl.col("path").is_first_distinct())
                .group_by("status")
                .agg(
                    files=pl.len(),
                    fetched_mb=pl.col("bytes").sum() / 1e6,
                    kept_mb=pl.col("size").filter("first").sum() / 1e6,
                ),
            ]
        )
        .group_by("status")
        .sum()
        .sort("status")
    )


@dataclass(slots=True)
class _Show:
    """Turns the events of a run into progress bars, or into lines of JSON."""

    report: Report
    progress: Progress
    plan: Plan
    counts: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        self.progress.add_task("plates", total=len(self.plan.parts), note="")
        self.progress.add_task("files", total=self.plan.files, note="")

    def event(self, event: Mapping[str, object]) -> None:
        plates, files = self.progress.task_ids
        match event["event"]:
            case "present":
                self.progress.update(files, advance=int(str(event["files"])))
            case "plate":
                self.progress.update(plates, advance=1, note=str(event["plate"]))
                self.report.event(event)
            case "file":
                self.counts[str(event["status"])] += 1
                self.counts["bytes"] += int(str(event.get("bytes") or 0))
                self.progress.update(files, advance=1, note=self._note())
                if event["status"] not in DONE:
                    names = ("event", "status", "path", "url", "attempts", "error")
                    self.report.event({name: event.get(name) for name in names})
            case _:
                self.report.event(event)

    def _note(self) -> str:
        task = self.progress.tasks[1]
        seconds = task.elapsed or 0
        rate = f"{sum(self.counts[s] for s in _STATUSES) / seconds:,.0f}/s" if seconds else ""
        speed = f" {self.counts['bytes'] / seconds / 1e6:,.0f} MB/s" if seconds else ""
        bad = sum(self.counts[status] for status in _STATUSES if status not in DONE)
        return f"{rate}{speed}{f', {bad:,} not had' if bad else ''}"


_STATUSES = ("fetched", "missing", "corrupt", "failed")
