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
    Sources,
    Wells,
    per_well_counts,
)
from jumpduck.cli.report import Report
from jumpduck.schema import CHANNELS
from jumpduck.stages.manifest import estimate
from jumpduck.stages.manifest import manifest as choose


def manifest(
    *,
    sources: Sources = (),
    batches: Batches = (),
    plates: Plates = (),
    plate_types: PlateTypes = (),
    wells: Wells = (),
    perturbations: Perturbations = (),
    channels: Annotated[
        tuple[str, ...],
        Parameter(
            "--channel",
            group=CHOOSE,
            consume_multiple=True,
            negative="",
            show_default=False,
            help="Channels to keep; Brightfield, Brightfield_H, Brightfield_L are to be had too.",
        ),
    ] = CHANNELS,
    per_well: Annotated[
        str,
        Parameter(
            group=CHOOSE,
            help="Sites to keep in a well by its role; also empty=N, unknown=N (0 by default).",
        ),
    ] = "trt=6,poscon=4,negcon=3",
    seed: Annotated[int, Parameter(group=CHOOSE, help="Another seed, other sites.")] = 0,
    path: Annotated[
        Path, Parameter("--manifest", group=OUTPUT, help="Parquet file to write.")
    ] = Path("manifest.parquet"),
    catalog: CatalogFile = Path("catalog.duckdb"),
    dry_run: DryRun = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Choose images: the same few sites of each well every time.

    Prints what the choice holds and how much there is to fetch, estimated from the published
    mean size of a TIFF of each source.

    For example:
    ```
    jumpduck manifest --plate-type TARGET2 --per-well trt=1,poscon=1,negcon=1
    jumpduck manifest --perturbation PLK1 DMSO --dry-run
    ```
    """
    report = Report(as_json=json, quiet=quiet)
    rows = choose(
        catalog,
        sources=sources,
        batches=batches,
        plates=plates,
        plate_types=plate_types,
        wells=wells,
        perturbations=perturbations,
        channels=channels,
        per_well=per_well_counts(per_well),
        seed=seed,
        path=None if dry_run else path,
    )
    sizes = estimate(catalog, rows)
    files, gigabytes = rows.height, sizes["estimated_gb"].sum()
    report.table(
        pl.concat(
            [
                sizes,
                sizes.select(
                    pl.lit("all").alias("Metadata_Source"), pl.exclude("Metadata_Source").sum()
                ),
            ]
        )
        if sizes.height > 1
        else sizes
    )
    target = "nothing written (--dry-run)" if dry_run else f"-> {path}"
    report.line(f"{files:,} files, about {gigabytes:,.3g} GB to fetch (estimate) {target}")
    report.json(
        {
            "manifest": None if dry_run else path,
            "files": files,
            "estimated_gb": gigabytes,
            "by_source": sizes.to_dicts(),
        }
    )
