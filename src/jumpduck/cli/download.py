"""jumpduck download"""

import shlex
from contextlib import closing
from dataclasses import asdict, fields, replace
from datetime import timedelta
from pathlib import Path

from jumpduck.cli.flags import (
    CHOOSE,
    OUTPUT,
    PLACES,
    RECIPE,
    WORK,
    DryRun,
    Json,
    Quiet,
    reads,
)
from jumpduck.cli.last_rate import bytes_per_second
from jumpduck.cli.report import Report, cell_text
from jumpduck.cli.transfer_report import TransferReport, for_ever, otherwise
from jumpduck.errors import PartialError
from jumpduck.options import expanded
from jumpduck.recipes.base import Recipe
from jumpduck.recipes.options import RecipeOptions
from jumpduck.schema import RESULTS_FILE
from jumpduck.stages.download import DownloadOptions, download_plates
from jumpduck.storage.atomic_files import free_bytes
from jumpduck.transfer.limits import Limits
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.run import foresee
from jumpduck.words import words_of

LIMITS = tuple(one.name for one in fields(Limits))


@reads(
    DownloadOptions,
    {
        CHOOSE: ("limit", "force"),
        PLACES: ("manifest", "endpoint"),
        RECIPE: tuple(one.name for one in fields(RecipeOptions)),
        WORK: LIMITS,
        OUTPUT: ("out",),
    },
)
def download(
    options: DownloadOptions,
    *,
    dry_run: DryRun = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fetch the manifest's images, process them, and say what became of each.

    Files that are there from an earlier run are not fetched again: after an interruption the
    same command goes on. The folder also gets results.parquet (a row for each file) and
    sites.parquet (a row for each site). Exit code 3 says that some files could not be had.

    For example:
    ```
    jumpduck download --out images
    jumpduck download --manifest taste.parquet --out taste --limit 100
    jumpduck download --recipe jxl --crop 0
    ```
    """
    report = Report(as_json=json, quiet=quiet)
    recipe = options.build()  # a wrong option is an error before the manifest is read
    manifest = Manifest.open(options.manifest, options.limit)
    if dry_run:
        _say_plan(report, options, manifest, recipe)
        return
    names = [one.name for one in fields(options) if one.name not in ("progress", "force")]
    again = shlex.join(["jumpduck", "download", *words_of(options, names)])
    with TransferReport(report, manifest.files, manifest.plate_count, again, recipe) as transfer:
        options = replace(options, progress=transfer.event)
        with closing(download_plates(options, manifest, recipe, again)) as plates:
            for rows in plates:
                transfer.add(rows)
    if not_had := transfer.finish(options.out):
        results = expanded(options.out) / RESULTS_FILE
        raise PartialError(
            f"{not_had.total():,} of {manifest.files:,} files could not be had; "
            f"{results} says why, and the same command tries them again{for_ever(not_had)}"
        )


def _say_plan(report: Report, options: DownloadOptions, manifest: Manifest, recipe: Recipe) -> None:
    """Say what a run would do: files, gigabytes, free space, recipe, and how long it may take."""
    found = foresee(manifest, options.out, recipe, options, endpoint=options.endpoint)
    left = manifest.files if options.force else manifest.files - found.there
    to_fetch, rate = manifest.estimated_bytes(), bytes_per_second()
    to_fetch = None if to_fetch is None else to_fetch * left // manifest.files
    out = Path(options.out).absolute()
    place = next(folder for folder in (out, *out.parents) if folder.is_dir())
    free = free_bytes(place)
    plates = f"{manifest.plate_count:,} plate{'s'[: manifest.plate_count != 1]}"
    seconds = to_fetch / rate if to_fetch is not None and rate else None
    size = "" if to_fetch is None else f", about {cell_text(to_fetch / 1e9)} GB to fetch (estimate)"
    report.line(f"{manifest.files:,} files of {plates}{size}")
    report.line(
        f"recipe {recipe.label} -> {options.out}, where {cell_text(free / 1e9)} GB are free"
    )
    if seconds is not None and rate:
        duration = timedelta(seconds=max(1, round(seconds)))
        report.line(f"about {duration} at the {rate / 1e6:,.0f} MB/s of the last download here")
    for earlier in found.otherwise:
        report.remark(otherwise(asdict(earlier), recipe))
    report.line(
        f"{found.there:,} files are there already, {left:,} are left to fetch; "
        "nothing fetched (--dry-run)"
    )
    report.json(
        {
            "manifest": options.manifest,
            "out": options.out,
            "files": manifest.files,
            "plates": manifest.plate_count,
            "there": found.there,
            "left": left,
            "otherwise": [asdict(earlier) for earlier in found.otherwise],
            "estimated_gb": None if to_fetch is None else to_fetch / 1e9,
            "free_gb": free / 1e9,
            "recipe": recipe.label,
            "estimated_seconds": seconds,
        }
    )
