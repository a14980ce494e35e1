"""jumpduck download"""

import shlex
from contextlib import closing
from dataclasses import asdict, fields, replace
from datetime import timedelta

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
from jumpduck.cli.printer import Printer, cell_text, size_text
from jumpduck.cli.settings import ROOTS, read_roots
from jumpduck.cli.transfer_report import TransferReport, for_ever, otherwise
from jumpduck.counts import counted
from jumpduck.errors import PartialError
from jumpduck.recipes.base import Recipe
from jumpduck.recipes.options import RecipeOptions
from jumpduck.schema import RESULTS_FILE
from jumpduck.stages.download import DownloadOptions, download_plates
from jumpduck.transfer.limits import Limits
from jumpduck.transfer.manifest_reader import Manifest
from jumpduck.transfer.root_runs import check_shares
from jumpduck.transfer.roots import Roots
from jumpduck.transfer.run import foresee
from jumpduck.transfer.scratch import check_scratch
from jumpduck.words import words_of

LIMITS = tuple(one.name for one in fields(Limits))

NOT_AGAIN = ("progress", "roots", "force")
"""Options that the command which goes on does not have."""


@reads(
    DownloadOptions,
    {
        CHOOSE: ("limit", "shard", "force"),
        PLACES: ("manifest", "endpoint"),
        RECIPE: tuple(one.name for one in fields(RecipeOptions)),
        WORK: LIMITS,
        OUTPUT: ("out", "scratch"),
    },
    flags={"roots": f"[{ROOTS}]"},  # in jumpduck.toml alone
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
    printer = Printer(as_json=json, quiet=quiet)
    options = replace(options, roots=read_roots())
    recipe = options.build()  # a wrong option is an error before the manifest is read
    roots = Roots(options.roots, options.out)
    manifest = Manifest.open(options.manifest, options.limit, options.shard)
    if dry_run:
        _say_plan(printer, options, manifest, recipe)
        return
    names = [one.name for one in fields(options) if one.name not in NOT_AGAIN]
    again = shlex.join(["jumpduck", "download", *words_of(options, names)])
    with TransferReport(printer, manifest.files, manifest.plate_count, again, recipe) as transfer:
        options = replace(options, progress=transfer.event)
        with closing(download_plates(options, manifest, recipe, again)) as plates:
            for rows in plates:
                transfer.add(rows)
    outs = [share.root for share in roots.shares(manifest)]
    if not_had := transfer.finish(outs):
        results = f"{outs[0] / RESULTS_FILE}" + " and those of the other roots" * (len(outs) > 1)
        says = "says" if len(outs) == 1 else "say"
        raise PartialError(
            f"{not_had.total():,} of {counted(manifest.files, 'file')} could not be had; "
            f"{results} {says} why, and the same command tries them again"
            f"{for_ever(not_had, manifest.files - not_had.total())}"
        )


def _say_plan(
    printer: Printer, options: DownloadOptions, manifest: Manifest, recipe: Recipe
) -> None:
    """Say what a run would do: files, gigabytes, free space, recipe, and how long it may take."""
    roots = Roots(options.roots, options.out)
    if options.scratch is not None:
        check_scratch(options.scratch, roots.folders)
    shares = roots.shares(manifest)
    remarks, _ = check_shares(shares, roots, manifest, recipe, options, endpoint=options.endpoint)
    for text in remarks:
        printer.remark(text)
    plans = [
        (share, foresee(share.manifest, share.root, recipe, options, endpoint=options.endpoint))
        for share in shares
    ]
    processes = options.process_count(manifest.files, recipe)
    there = sum(found.there for _, found in plans)
    left = manifest.files if options.force else manifest.files - there
    to_fetch, rate = manifest.estimated_bytes(), bytes_per_second()
    to_fetch = None if to_fetch is None else to_fetch * left // manifest.files
    seconds = to_fetch / rate if to_fetch is not None and rate else None
    size = "" if to_fetch is None else f", about {size_text(to_fetch)} to fetch (estimate)"
    printer.line(f"{_files_of_plates(manifest)}{size}")
    for share, found in plans:
        free = f"{cell_text(found.free / 1e9)} GB are free"
        if share.manifest is manifest:
            printer.line(f"recipe {recipe.label} -> {share.root}, where {free}")
            continue
        ahead = found.bytes_ahead
        to_come = "" if ahead is None else f"about {cell_text(ahead / 1e9)} GB to come, "
        printer.line(
            f"recipe {recipe.label} -> {share.root}: {_files_of_plates(share.manifest)}, "
            f"{to_come}{free}"
        )
    if seconds is not None and rate:
        duration = timedelta(seconds=max(1, round(seconds)))
        speed = f"{cell_text(rate / 1e6)} MB/s"
        printer.line(f"about {duration} at the {speed} of the last download here")
    if processes > 1:
        printer.line(f"{processes} processes")
    for _, found in plans:
        for text in found.remarks if len(plans) == 1 else ():  # else they are said of all
            printer.remark(text)
        for earlier in found.otherwise:
            printer.remark(otherwise(asdict(earlier), recipe))
    printer.line(
        f"there already: {counted(there, 'file')}; left to fetch: {left:,}; "
        "nothing fetched (--dry-run)"
    )
    printer.json(
        {
            "manifest": options.manifest,
            "out": options.out,
            "files": manifest.files,
            "plates": manifest.plate_count,
            "there": there,
            "left": left,
            "otherwise": [asdict(earlier) for _, found in plans for earlier in found.otherwise],
            "estimated_gb": None if to_fetch is None else to_fetch / 1e9,
            "free_gb": plans[0][1].free / 1e9,
            "roots": [
                {
                    "out": share.root,
                    "files": share.manifest.files,
                    "plates": share.manifest.plate_count,
                    "there": found.there,
                    "kept_gb": None if found.bytes_ahead is None else found.bytes_ahead / 1e9,
                    "free_gb": found.free / 1e9,
                }
                for share, found in plans
            ],
            "recipe": recipe.label,
            "processes": processes,
            "estimated_seconds": seconds,
        }
    )


def _files_of_plates(manifest: Manifest) -> str:
    plates = counted(manifest.plate_count, "plate")
    return f"{counted(manifest.files, 'file')} of {plates}"
