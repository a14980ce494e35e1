"""jumpduck status"""

import shlex
from datetime import timedelta
from typing import Annotated

import polars as pl
from cyclopts import Parameter

from jumpduck.cli.flags import OUTPUT, PLACES, Csv, Json, Quiet, reads
from jumpduck.cli.report import Report
from jumpduck.cli.transfer_report import goes_on
from jumpduck.schema import PLATE_KEY, RESULTS_FILE, SITES_FILE
from jumpduck.stages.status import COUNTS, StatusOptions
from jumpduck.stages.status import status as look

LEAST = ("kept_gb", "fetched_gb", "done", "failed", "corrupt", "missing")
"""What a narrow terminal leaves out first, so that what is left to fetch remains."""


@reads(StatusOptions, {PLACES: ("out",), OUTPUT: ("gather",)})
def status(
    options: StatusOptions,
    *,
    plates: Annotated[
        bool,
        Parameter(group=OUTPUT, negative="", show_default=False, help="A row for each plate."),
    ] = False,
    csv: Csv = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say how far a download is, while it runs or afterwards, from its folder alone.

    For example:
    ```
    jumpduck status --out images
    jumpduck status --plates
    jumpduck status --gather
    ```
    """
    report = Report(as_json=json, as_csv=csv, quiet=quiet)
    found = look(options.out, gather=options.gather)
    numbers = [name for name in found.plates.columns if name not in PLATE_KEY]
    by_source = (
        found.plates.group_by("Metadata_Source", maintain_order=True)
        .agg(plates=pl.len(), **{name: pl.col(name).sum() for name in numbers})
        .sort("Metadata_Source")
    )
    report.table(found.plates if plates else by_source, least=LEAST)
    counts = {name: int(found.plates[name].sum()) for name in COUNTS}
    left = counts["left"]
    not_had = sum(counts[name] for name in ("missing", "corrupt", "failed"))
    said = "running" if found.running else "not running"
    if found.running > 1:
        said = f"{found.running} runs"
    if found.per_second:
        said += f", {found.per_second:,.1f} files/s"
    if not left:
        said += ", all done" if not not_had else ", all tried"
    elif found.running and found.seconds_left is not None:
        said += f", {timedelta(seconds=round(found.seconds_left))} left"
    if not found.running and (left or not_had):
        rest = [f"{left:,} not fetched"] * bool(left) + [f"{not_had:,} not had"] * bool(not_had)
        said += f"; {' and '.join(rest)}: {goes_on(found.commands, counts)}"
    report.remark(said)
    if not found.gathered and not found.running:
        out = "" if str(options.out) == "images" else f" --out {shlex.quote(str(options.out))}"
        report.remark(
            f"{RESULTS_FILE} and {SITES_FILE} lack rows of runs that were killed; "
            f"`jumpduck status --gather{out}` writes them"
        )
    report.json(
        {
            "out": options.out,
            "running": bool(found.running),
            "runs": found.running,
            "files_per_second": found.per_second,
            "seconds_left": found.seconds_left if left else 0,
            "commands": found.commands,
            "by_source": by_source.to_dicts(),
            "by_plate": found.plates.to_dicts(),
            "gathered": found.gathered,
        }
    )
