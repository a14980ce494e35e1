"""jumpduck manifest"""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import polars as pl
from cyclopts import Parameter

from jumpduck.cli.flags import (
    CHOOSE,
    OUTPUT,
    PLACES,
    DryRun,
    Json,
    Quiet,
    ShowSql,
    as_config,
    reads,
    switch,
    with_flags,
)
from jumpduck.cli.printer import Printer, as_toml, size_text
from jumpduck.counts import counted
from jumpduck.database.connection import open_catalog
from jumpduck.options import expanded
from jumpduck.selection.criteria import SITES_PER_WELL, Selection
from jumpduck.selection.excluded import excluded_text
from jumpduck.selection.groups import balance_of
from jumpduck.selection.left_out import LeftOut
from jumpduck.selection.pipeline import make_query
from jumpduck.selection.summary import Summary
from jumpduck.stages.manifest import ManifestOptions, write_manifest
from jumpduck.words import written

SELECTION = tuple(Selection.__dataclass_fields__)

SHOWN_GROUPS = 20
"""Groups with too few sites that are printed."""

FLAGS = {"path": "--manifest"}


@reads(
    ManifestOptions,
    {CHOOSE: SELECTION, PLACES: ("catalog",), OUTPUT: ("path",)},
    positional="perturbations",
    flags=FLAGS,
    defaults={
        "path": "manifest.parquet",
        "per_well": written({role: sites for role, sites in SITES_PER_WELL.items() if sites}),
    },
)
def manifest(
    options: ManifestOptions,
    *,
    preset: Annotated[
        str | None,
        Parameter(
            group=CHOOSE,
            help="A selection by name: jump-download, held-out-source, held-out-plate, your own.",
        ),
    ] = None,
    show_sql: ShowSql = False,
    show_config: Annotated[
        bool, switch("--show-config", "Print the effective options as TOML, and stop.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Choose images: the same few sites of each well every time.

    Prints what the choice holds by source, and estimates of what there is to fetch and to keep as
    8-bit PNG, from the collection's mean sizes. What is known to be bad stays out; what is flagged
    comes along, with the words in known_issue.

    For example:

    ```
    jumpduck manifest --plate-type TARGET2 --per-well trt=1,poscon=1,negcon=1
    jumpduck manifest TP53 PLK1 --with-controls --max-gb 1
    jumpduck manifest --where "Metadata_Site < 4" --dry-run
    ```
    """
    printer = Printer(as_json=json, quiet=quiet)
    if show_config:
        print(as_toml("manifest", {"preset": preset, **as_config(options, FLAGS)}))
        return
    if show_sql:
        with open_catalog(options.catalog) as con:
            query = make_query(con, options)
            if options.exclude is not None:
                query = replace(query, excluded=excluded_text(query.held, str(options.exclude)))
            print(query.text() + ";")
        return
    path = None if dry_run else expanded(str(options.path))
    notes: list[str] = []
    with printer.progress() as progress:
        task = progress.add_task("sites", total=None, note="")
        chosen = write_manifest(
            options.catalog,
            path,
            options,
            lambda done, total: progress.update(task, completed=done, total=total),
            notes.append,
            left_out=True,
        )
    sizes, out = chosen.by_source, chosen.left_out
    files, gigabytes = say_chosen(printer, chosen, path)
    for note in notes:
        printer.line(with_flags(note))
    _say_what_was_not_published(printer, options, sizes)
    if out:
        say_left_out(printer, out)
        _say_what_there_is_too_little_of(printer, options, out)
    if options.adds_controls and not sizes["negcons"].sum():
        budget = options.max_sites is not None or options.max_gb is not None
        spent = "the budget was spent before, or " if budget else ""
        printer.line(f"no control was added: {spent}the plates have none of that modality")
    printer.json(
        {
            "manifest": path,
            "files": files,
            "estimated_gb": gigabytes,
            "notes": notes,
            "left_out": asdict(out) if out else None,
            "by_source": sizes.to_dicts(),
            "by_role": chosen.by_role.to_dicts(),
        }
    )


def say_chosen(printer: Printer, chosen: Summary, path: Path | None) -> tuple[int, float]:
    """Print what a choice holds, and get its files and gigabytes."""
    sizes = chosen.by_source
    total = sizes.select(
        pl.lit("all").alias("Metadata_Source"), pl.exclude("Metadata_Source").sum()
    )
    shown = pl.concat([sizes, total]) if sizes.height > 1 else sizes
    shown = shown.drop("negcons", "brightfield", "illum")
    printer.table(shown if shown["flagged"].sum() else shown.drop("flagged"))
    if "split" in chosen.by_role.columns:
        first = ("split", "Metadata_pert_type", "Metadata_modality")
        printer.table(chosen.by_role.select(*first, "wells", "sites").sort(first), keys=first)
    roles = chosen.by_role.group_by("Metadata_pert_type", maintain_order=True).agg(
        pl.col("wells", "sites").sum()
    )
    if roles.height > 1:
        for role in roles.iter_rows(named=True):
            printer.remark(
                f"{role['Metadata_pert_type']}: wells {role['wells']:,}, sites {role['sites']:,}"
            )
    files, gigabytes = int(sizes["files"].sum()), float(sizes["estimated_gb"].sum())
    target = f" -> {path}" if path else "; nothing written (--dry-run)"
    printer.line(
        f"{counted(files, 'file')}, about {size_text(gigabytes * 1e9)} to fetch (estimate){target}"
    )
    return files, gigabytes


def say_left_out(printer: Printer, out: LeftOut) -> None:
    """Print how many sites a choice leaves out, and why."""
    if out.known_bad:
        printer.line(
            f"{counted(out.known_bad, 'site')} left out as known to be bad "
            "(--keep-known-bad takes them)"
        )
    if out.excluded:
        printer.line(f"{counted(out.excluded, 'site')} left out because of --exclude")
    if out.without_channels:
        printer.line(f"{counted(out.without_channels, 'site')} left out for lack of a --channel")
    if out.by_role:
        roles = ", ".join(f"{role} {sites:,}" for role, sites in out.by_role.items())
        printer.line(
            f"{counted(sum(out.by_role.values()), 'site')} left out because of the role: {roles} "
            f"(--per-well {next(iter(out.by_role))}=1 takes one of each well)"
        )


def _say_what_there_is_too_little_of(printer: Printer, options: Selection, out: LeftOut) -> None:
    balance = balance_of(options)
    if not balance or not out.too_few:
        return
    by, count = balance
    printer.line(
        f"{len(out.too_few):,} of less than {counted(count, 'site')} each, of which all are chosen:"
    )
    few = list(out.too_few.items())
    printer.table(
        pl.DataFrame(few[:SHOWN_GROUPS], schema={by: pl.String, "sites": pl.Int64}, orient="row")
    )
    if len(few) > SHOWN_GROUPS:
        printer.remark(f"and {len(few) - SHOWN_GROUPS:,} more, which --json lists")


def _say_what_was_not_published(
    printer: Printer, options: ManifestOptions, sizes: pl.DataFrame
) -> None:
    """Say where an option adds nothing."""
    for asked, column, unit, what in (
        (options.brightfield, "brightfield", "sites", "brightfield image"),
        (options.illum, "illum", "files", "illumination function"),
    ):
        lacking = sizes.filter(pl.col(column) < pl.col(unit))
        if asked and lacking.height:
            count = int((lacking[unit] - lacking[column]).sum())
            sources = ", ".join(lacking["Metadata_Source"])
            printer.line(
                f"{count:,} of {sizes[unit].sum():,} {unit} have no {what} here ({sources})"
            )
