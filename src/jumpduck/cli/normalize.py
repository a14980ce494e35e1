"""jumpduck normalize"""

from collections.abc import Sequence
from types import MappingProxyType

import polars as pl

from jumpduck.cli.flags import CHOOSE, OUTPUT, PLACES, WORK, DryRun, Json, Quiet, reads
from jumpduck.cli.printer import Printer
from jumpduck.counts import counted
from jumpduck.normalization.kinds import PERTURBED, ROLES
from jumpduck.stages.normalize import Normalized, NormalizeOptions, normalize_profiles

SHOWN_NAMES = 3
"""Names of features and plates that a line lists."""

LEAST = ("groups", "rows")
"""Columns of the table of steps that a terminal without space leaves out before others."""


@reads(
    NormalizeOptions,
    {
        PLACES: ("profiles", "endpoint"),
        CHOOSE: ("features", "where", "controls", "perturbation"),
        WORK: ("methods", "on", "by", "leave_out", "fit", "aggregate", "average"),
        OUTPUT: ("path", "save_fit"),
    },
    positional="profiles",
    flags={"path": "--normalized"},
    short=MappingProxyType({"path": ["-o"]}),
)
def normalize(
    options: NormalizeOptions, *, dry_run: DryRun = False, json: Json = False, quiet: Quiet = False
) -> None:
    """Filter, scale, whiten or aggregate a table of profiles.

    Steps go one after the other, as --method names them; docs/normalize.md defines them:

    - leave features out: drop_na_columns, variance_filter, variance_threshold,
      frequency_threshold, correlation_threshold, drop_outliers
    - scale each feature: standardize, robustize, mad_robustize
    - make features independent: spherize, tvn
    - take away what is not of the treatment: subtract_well_position, subtract_plate_mean,
      regress_cell_count
    - align batches: harmony (it needs the extra batch: pip install 'jumpduck[batch]')
    - combinations of CellPaintSSL, with a variance_filter before each pass:
      spherize_mad_robustize, mad_robustize_spherize, spherize_standardize, standardize_spherize

    The command prints what each step was fitted on and what it dropped; the file that it writes
    has that in its metadata.

    For example:

    ```
    jumpduck normalize a.parquet --method spherize_mad_robustize --controls "Metadata_moa = 'DMSO'"
    jumpduck normalize a.csv.gz --method drop_na_columns mad_robustize:on=all -o robust.parquet
    jumpduck normalize a.parquet --aggregate Metadata_Plate Metadata_Well -o wells.parquet
    ```
    """
    printer = Printer(as_json=json, quiet=quiet)
    done = normalize_profiles(options, dry_run=dry_run)
    _say(printer, done, dry_run=dry_run)
    printer.json(
        {
            "normalized": None if dry_run else done.path,
            "rows": done.rows,
            "rows_out": done.rows_out,
            "features": len(done.features),
            "features_out": None if dry_run else len(done.features_out),
            "controls": done.controls,
            "perturbed": done.perturbed,
            "steps": done.steps.to_dicts(),
            "dropped": done.dropped,
            "left_out": done.left_out,
        }
    )


def _say(printer: Printer, done: Normalized, *, dry_run: bool) -> None:
    """Print what was read, what each step did, and what was left out."""
    names = done.features
    shown = ", ".join(names[:SHOWN_NAMES]) + ", …" * (len(names) > SHOWN_NAMES)
    printer.line(f"{counted(done.rows, 'row')}, {counted(len(names), 'feature')}: {shown}")
    if done.controls is not None:
        printer.line(counted(done.controls, "control"))
    if PERTURBED in done.steps["on"].to_list():
        printer.line(f"{done.perturbed:,} rows with a perturbation")
    if done.steps.height:
        steps = _shown_steps(done.steps) if printer.for_reader else done.steps
        plan = ("step", "on", "by", "features") if dry_run else steps.columns
        printer.table(steps.select(plan), keys=("step", "kept")[: 1 + (not dry_run)], least=LEAST)
    for step, features in done.dropped.items():
        printer.line(f"step {step} dropped {counted(len(features), 'feature')}: {_some(features)}")
    flat = done.steps.filter(pl.col("without_spread") > 0)
    for step, count in flat.select("step", "without_spread").iter_rows():
        printer.remark(
            f"{step}: {counted(count, 'time')} a feature had no spread in a group that it was "
            "fitted on; a value beside the center may be huge there: drop_outliers after it leaves "
            "such features out"
        )
    if done.left_out:
        plates = [f"{plate} ({why})" for plate, why in done.left_out.items()]
        printer.line(f"left out {counted(len(plates), 'plate')}: {_some(plates)}")
    if dry_run:
        printer.line("nothing written (--dry-run)")
    else:
        features = counted(len(done.features_out), "feature")
        printer.line(f"{counted(done.rows_out, 'row')}, {features} -> {done.path}")


def _shown_steps(steps: pl.DataFrame) -> pl.DataFrame:
    """Get the steps as a terminal of 80 letters has space for, without columns that say nothing."""
    flat = steps["without_spread"].sum() == 0
    shrunk = steps["shrinkage"].null_count() < steps.height
    return (
        steps.with_columns(pl.col("on").replace(ROLES, "both"))
        .rename({"features_out": "kept"})
        .drop(["without_spread"] * flat + ["shrinkage"] * (not shrunk))
    )


def _some(names: Sequence[str]) -> str:
    more = (
        f" and {len(names) - SHOWN_NAMES:,} more (--json has all)"
        if len(names) > SHOWN_NAMES
        else ""
    )
    return ", ".join(names[:SHOWN_NAMES]) + more
