"""jumpduck manifest"""

from pathlib import Path
from typing import Annotated

import polars as pl
from cyclopts import Parameter

from jumpduck.cli.options import (
    CHOOSE,
    OUTPUT,
    Batches,
    CatalogFile,
    DryRun,
    Json,
    Perturbations,
    Plates,
    PlateTypes,
    Quiet,
    ShowSql,
    Sources,
    Wells,
    names,
    per_well_counts,
    switch,
)
from jumpduck.cli.report import Report, as_toml, cell_text
from jumpduck.database.connection import open_catalog
from jumpduck.selection.criteria import Selection
from jumpduck.selection.pipeline import make_query
from jumpduck.stages.manifest import known_bad, write_manifest


def manifest(
    *,
    preset: Annotated[
        str | None,
        Parameter(group=CHOOSE, help="A selection by name: jump-download, or your own."),
    ] = None,
    sources: Sources = (),
    batches: Batches = (),
    plates: Plates = (),
    plate_types: PlateTypes = (),
    wells: Wells = (),
    perturbations: Perturbations = (),
    genes: Annotated[tuple[str, ...], names("--gene", "Genes, overexpressed or knocked out.")] = (),
    compounds: Annotated[
        tuple[str, ...], names("--compound", "Compounds: name, JCP2022, InChIKey or SMILES.")
    ] = (),
    roles: Annotated[
        tuple[str, ...], names("--role", "Roles to keep: trt, negcon, poscon, empty, unknown.")
    ] = (),
    with_controls: Annotated[
        bool, switch("--with-controls", "Add the negcon wells of the plates chosen.", CHOOSE)
    ] = False,
    where: Annotated[
        str | None,
        Parameter(
            group=CHOOSE, help="One SQL condition over the columns of the collection's sites."
        ),
    ] = None,
    channels: Annotated[
        tuple[str, ...], names("--channel", "Channels to keep; the stains by default.")
    ] = (),
    brightfield: Annotated[
        bool, switch("--brightfield", "Add the brightfield planes.", CHOOSE)
    ] = False,
    illum: Annotated[
        bool, switch("--illum", "Bring the illumination functions' URLs along.", CHOOSE)
    ] = False,
    per_well: Annotated[
        str,
        Parameter(
            group=CHOOSE,
            help="Sites to keep in a well by its role; also empty=N, unknown=N (0 by default).",
        ),
    ] = "trt=6,poscon=4,negcon=3",
    max_sites: Annotated[
        int | None, Parameter(group=CHOOSE, help="Sites in all, spread evenly over wells.")
    ] = None,
    max_gb: Annotated[
        float | None,
        Parameter(group=CHOOSE, help="Gigabytes to fetch (estimate), spread evenly over wells."),
    ] = None,
    keep_known_bad: Annotated[
        bool, switch("--keep-known-bad", "Keep what known issues say to drop.", CHOOSE)
    ] = False,
    seed: Annotated[int, Parameter(group=CHOOSE, help="Another seed, other sites.")] = 0,
    path: Annotated[
        Path, Parameter("--manifest", group=OUTPUT, help="Parquet file to write.")
    ] = Path("manifest.parquet"),
    catalog: CatalogFile = Path("catalog.duckdb"),
    show_sql: ShowSql = False,
    show_config: Annotated[
        bool, switch("--show-config", "Print the effective options as TOML, and stop.", OUTPUT)
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
    jumpduck manifest --gene TP53 --with-controls --max-gb 1
    jumpduck manifest --where "Metadata_Site < 4" --dry-run
    ```
    """
    selection = Selection(
        sources=sources,
        batches=batches,
        plates=plates,
        plate_types=plate_types,
        wells=wells,
        roles=roles,
        perturbations=perturbations,
        genes=genes,
        compounds=compounds,
        with_controls=with_controls,
        where=where,
        channels=channels,
        brightfield=brightfield,
        per_well=per_well_counts(per_well),
        max_sites=max_sites,
        max_gb=max_gb,
        keep_known_bad=keep_known_bad,
        illum=illum,
        seed=seed,
    )
    report = Report(as_json=json, quiet=quiet)
    if show_config:
        options = {"preset": preset, **selection.as_options(), "per-well": per_well}
        print(as_toml("manifest", {**options, "manifest": path, "catalog": catalog}))
        return
    if show_sql:
        with open_catalog(catalog) as con:
            print(make_query(con, selection).text() + ";")
        return
    with report.progress() as progress:
        task = progress.add_task("sites", total=None, note="")
        sizes = write_manifest(
            catalog,
            None if dry_run else path,
            selection,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
        dropped = 0 if keep_known_bad else known_bad(catalog, selection)
    _print(report, sizes)
    files, gigabytes = int(sizes["files"].sum()), float(sizes["estimated_gb"].sum())
    target = "nothing written (--dry-run)" if dry_run else f"-> {path}"
    report.line(f"{files:,} files, about {cell_text(gigabytes)} GB to fetch (estimate) {target}")
    if dropped:
        report.line(f"{dropped:,} sites left out as known to be bad (--keep-known-bad keeps them)")
    report.json(
        {
            "manifest": None if dry_run else path,
            "files": files,
            "estimated_gb": gigabytes,
            "known_bad_sites": dropped,
            "by_source": sizes.to_dicts(),
        }
    )


def _print(report: Report, sizes: pl.DataFrame) -> None:
    total = sizes.select(
        pl.lit("all").alias("Metadata_Source"), pl.exclude("Metadata_Source").sum()
    )
    shown = pl.concat([sizes, total]) if sizes.height > 1 else sizes
    report.table(shown if shown["flagged"].sum() else shown.drop("flagged"))
