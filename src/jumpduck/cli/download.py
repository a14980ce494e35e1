"""jumpduck download"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import polars as pl
from cyclopts import Parameter

from jumpduck.cli.options import OUTPUT, PLACES, WORK, DryRun, Endpoint, Json, Quiet
from jumpduck.cli.recipe_options import RecipeOptions
from jumpduck.cli.report import Report
from jumpduck.errors import PartialError
from jumpduck.recipes import build
from jumpduck.results import DONE
from jumpduck.stages.download import CONNECTIONS, manifest_endpoint, read_manifest
from jumpduck.stages.download import download as fetch

SHOWN = 10


def download(
    *,
    manifest: Annotated[
        Path, Parameter(group=PLACES, help="Manifest made by jumpduck manifest.")
    ] = Path("manifest.parquet"),
    out: Annotated[Path, Parameter(group=OUTPUT, help="Folder for the files.")] = Path("images"),
    options: RecipeOptions = RecipeOptions(),  # noqa: B008
    endpoint: Endpoint = None,
    connections: Annotated[
        int, Parameter(group=WORK, help="Files fetched at the same time.")
    ] = CONNECTIONS,
    workers: Annotated[
        int | None,
        Parameter(group=WORK, help="Images processed at the same time; one a core by default."),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fetch the manifest's images, make of them what a recipe says, and tell what became of each.

    Files that are there from an earlier run are not fetched again. The folder also gets
    results.parquet (one row a file) and sites.parquet (one row a site).

    For example:
    ```
    jumpduck download --out images
    jumpduck download --recipe tiff16 --crop 0 --out whole
    jumpduck download --manifest taste.parquet --out taste --connections 64
    ```
    """
    report = Report(as_json=json, quiet=quiet)
    recipe = build(options.recipe, **options.given())
    rows = read_manifest(manifest)
    if dry_run:
        report.line(f"{rows.height:,} files -> {out}; nothing fetched (--dry-run)")
        report.json({"manifest": manifest, "out": out, "files": rows.height})
        return
    with report.progress() as progress:
        task = progress.add_task("download", total=rows.height, note="")
        seen = Counter[str]()

        def show(row: Mapping[str, object]) -> None:
            seen[str(row["status"])] += 1
            bad = sum(count for status, count in seen.items() if status not in DONE)
            progress.update(task, advance=1, note=f"{bad:,} not had" if bad else "")

        results = fetch(
            rows,
            out,
            recipe=recipe,
            endpoint=endpoint or manifest_endpoint(manifest),
            connections=connections,
            workers=workers,
            progress=show,
        )
    summary = summarize(results)
    report.table(summary)
    table = out / "results.parquet"
    report.line(f"-> {out}, {table}, {out / 'sites.parquet'}")
    report.json({"out": out, "results": table, "by_status": summary.to_dicts()})
    bad = results.filter(~pl.col("status").is_in(DONE))
    if bad.height:
        for row in bad.head(SHOWN).iter_rows(named=True):
            report.line(f"{row['status']}: {row['path']}: {row['error']}")
        raise PartialError(
            f"{bad.height:,} of {results.height:,} files could not be had; "
            f"{table} says why, and the same command tries them again"
        )


def summarize(results: pl.DataFrame) -> pl.DataFrame:
    """Get files, megabytes fetched and megabytes kept by status."""
    return (
        results.group_by("status")
        .agg(
            files=pl.len(),
            fetched_mb=pl.col("bytes").sum() / 1e6,
            kept_mb=pl.col("size").sum() / 1e6,
        )
        .sort("status")
    )
