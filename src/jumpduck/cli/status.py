"""jumpduck status"""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import polars as pl
from cyclopts import Parameter

from jumpduck.cli.flags import OUTPUT, PLACES, Csv, Json, Quiet, reads
from jumpduck.cli.printer import Printer
from jumpduck.cli.root_folders import NOT_NAMED, folders_to_read
from jumpduck.cli.transfer_report import goes_on
from jumpduck.counts import counted
from jumpduck.rows import PLATE_KEY
from jumpduck.schema import RESULTS_FILE, SITES_FILE
from jumpduck.stages.status import COUNTS, StatusOptions
from jumpduck.stages.status import status as look
from jumpduck.transfer.output_folder import folders_of
from jumpduck.words import with_values

LEAST = ("kept_gb", "fetched_gb", "done", "failed", "corrupt", "missing")
"""What a narrow terminal leaves out first, so that what is left to fetch remains."""


@reads(StatusOptions, {PLACES: ("out", "shards"), OUTPUT: ("gather",)}, defaults={"out": NOT_NAMED})
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

    The folder is images in the current folder, with all roots of jumpduck.toml, or --out.

    For example:
    ```
    jumpduck status --out images
    jumpduck status --plates
    jumpduck status --gather
    jumpduck status --out images /disk2/images --shards shards
    ```
    """
    options = replace(options, out=folders_to_read(options.out))
    printer = Printer(as_json=json, as_csv=csv, quiet=quiet)
    found = look(**vars(options))
    outs = [str(out) for out in folders_of(options.out)]
    by_source = _summed(found.plates, "Metadata_Source").sort("Metadata_Source")
    by_folder = _summed(found.plates, "out") if len(outs) > 1 else by_source
    if found.shards is not None:
        printer.table(found.shards, keys=("shard", "file"))
    else:
        printer.table(found.plates if plates else by_folder, keys=_keys(plates, outs), least=LEAST)
    rows = found.plates if found.shards is None else found.shards
    counts = {name: int(rows[name].sum()) for name in COUNTS}
    left = counts["left"]
    not_had = sum(counts[name] for name in ("missing", "corrupt", "failed"))
    said = "running" if found.running else "not running"
    if found.running > 1:
        said = f"{found.running} runs"
    if found.per_second:
        said += f", {found.per_second:,.1f} files/s"
    if not left:
        said += ", all done" if not not_had else ", all tried"
    elif found.running and found.seconds_left is not None and found.shards is None:
        said += f", {timedelta(seconds=round(found.seconds_left))} left"
    if found.shards is not None:
        lacking = found.shards.filter(pl.col("done") < pl.col("files")).height
        said += f"; {lacking:,} of {counted(found.shards.height, 'shard')} lack files"
    elif not found.running and (left or not_had):
        rest = [f"{left:,} not fetched"] * bool(left) + [f"{not_had:,} not had"] * bool(not_had)
        said += f"; {' and '.join(rest)}: "
        said += goes_on(found.commands, counts, counts["done"])
    printer.remark(said)
    if not found.gathered and not found.running:
        words = [] if outs == ["images"] else with_values("--out", outs)
        again = shlex.join(["jumpduck", "status", "--gather", *words])
        printer.remark(
            f"{RESULTS_FILE} and {SITES_FILE} lack rows of runs that were killed; "
            f"`{again}` writes them"
        )
    printer.json(
        {
            "out": outs[0] if len(outs) == 1 else outs,
            "running": bool(found.running),
            "runs": found.running,
            "files_per_second": found.per_second,
            "seconds_left": found.seconds_left if left else 0,
            "commands": found.commands,
            "by_source": by_source.to_dicts(),
            "by_plate": found.plates.to_dicts(),
            **({"by_folder": by_folder.to_dicts()} if len(outs) > 1 else {}),
            **({} if found.shards is None else {"by_shard": found.shards.to_dicts()}),
            "gathered": found.gathered,
        }
    )


def _summed(plates: pl.DataFrame, by: str) -> pl.DataFrame:
    """Get the sums of the plates of each source or folder."""
    numbers = [name for name in plates.columns if name not in (*PLATE_KEY, "out")]
    sums = {name: pl.col(name).sum() for name in numbers}
    return plates.group_by(by, maintain_order=True).agg(plates=pl.len(), **sums)


def _keys(plates: bool, outs: Sequence[str]) -> Sequence[str]:
    """Get the columns that a terminal shows whole."""
    if len(outs) == 1:
        return ()
    return ("out", *PLATE_KEY) if plates else ("out",)
