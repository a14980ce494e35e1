"""jumpduck download"""

import shlex
from contextlib import closing
from dataclasses import fields, replace

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
    words_of,
)
from jumpduck.cli.report import Report
from jumpduck.cli.transfer_report import TransferReport
from jumpduck.recipes.options import RecipeOptions
from jumpduck.stages.download import DownloadOptions, download_plates
from jumpduck.transfer.limits import Limits
from jumpduck.transfer.manifest_reader import Manifest

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
        plates = f"{manifest.plate_count:,} plate{'s'[: manifest.plate_count != 1]}"
        report.line(
            f"{manifest.files:,} files of {plates} -> {options.out}; nothing fetched (--dry-run)"
        )
        report.json({"manifest": options.manifest, "out": options.out, "files": manifest.files})
        return
    names = [one.name for one in fields(options) if one.name not in ("progress", "force")]
    again = shlex.join(["jumpduck", "download", *words_of(options, names)])
    with TransferReport(report, manifest.files, manifest.plate_count, again) as transfer:
        options = replace(options, progress=transfer.event)
        with closing(download_plates(options, manifest, recipe, again)) as plates:
            for rows in plates:
                transfer.add(rows)
    transfer.finish(options.out)
