"""jumpduck split"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import polars as pl

from jumpduck.cli.flags import CHOOSE, OUTPUT, PLACES, DryRun, Json, Quiet, reads, with_flags
from jumpduck.cli.last_rate import bytes_per_second
from jumpduck.cli.printer import Printer, cell_text, size_text
from jumpduck.cli.root_folders import NOT_NAMED, folders_to_read
from jumpduck.counts import counted
from jumpduck.stages.split import Split, SplitOptions, write_split
from jumpduck.transfer.shard_files import INDEX_FILE
from jumpduck.transfer.workload import Workload


@reads(
    SplitOptions,
    {
        CHOOSE: ("into", "by", "gb", "cut", "left"),
        PLACES: ("manifest", "out"),
        OUTPUT: ("shards",),
    },
    positional="manifest",
    short=MappingProxyType({"shards": ["-o"]}),
)
def split(
    options: SplitOptions, *, dry_run: DryRun = False, json: Json = False, quiet: Quiet = False
) -> None:
    """Divide a manifest into shards, for as many jobs: each is a manifest that `download` takes.

    Shards are balanced by the gigabytes to fetch, and have whole plates unless --cut is given. The
    same manifest gives the same files. index.tsv beside them lists shard, file, plates, files, gb
    and sha256. --left makes shards of what the folders of --out do not have yet.

    For example:
    ```
    jumpduck split manifest.parquet --into 200 -o shards
    jumpduck split --gb 50 --dry-run
    jumpduck split --left --out images --gb 50 -o left
    ```
    """
    if options.left:
        options = replace(options, out=folders_to_read(options.out or NOT_NAMED))
    printer = Printer(as_json=json, quiet=quiet)
    with printer.progress() as progress:
        task = progress.add_task("rows", total=None, note="")

        def show(done: int, total: int) -> None:
            progress.update(task, advance=done, total=total)

        found = write_split(replace(options, progress=show), dry_run=dry_run)
    _say(printer, found, Path(options.shards), dry_run=dry_run)


def _say(printer: Printer, found: Split, folder: Path, *, dry_run: bool) -> None:
    """Print what the shards hold, and what it takes to fetch them."""
    size, rate = found.estimated_bytes, bytes_per_second()
    seconds = size / rate if size and rate else None
    shards = found.index.height
    if shards:
        printer.table(_sizes(found))
    if shards and size is None:
        printer.remark("the manifest does not estimate bytes: shards are balanced by their files")
    if found.unbalanced:
        printer.remark(with_flags(found.unbalanced))
    if found.not_had:
        tried = ", ".join(f"{status} {files:,}" for status, files in sorted(found.not_had.items()))
        printer.remark(f"files that a run has tried before and could not have: {tried}")
    if not shards:
        printer.line("nothing is left: all files of the manifest are there; no shard written")
    else:
        much = "" if size is None else f", about {size_text(size)} to fetch (estimate)"
        target = "; nothing written (--dry-run)" if dry_run else f" -> {folder / INDEX_FILE}"
        printer.line(f"{counted(shards, 'shard')}, {counted(found.files, 'request')}{much}{target}")
    if size and (day := Workload(found.files, size)).images_per_second >= 1:
        printer.line(
            f"one node needs for all in a day {cell_text(day.images_per_second)} requests/s and "
            f"{cell_text(day.gbit_per_second)} Gbit/s; with recipe png8 "
            f"{cell_text(day.cores('png8'))} cores, to keep {cell_text(day.kept_gb('png8'))} GB"
        )
    if seconds is not None and rate:
        duration = timedelta(seconds=max(1, round(seconds)))
        printer.line(
            f"one node takes about {duration} at the {cell_text(rate / 1e6)} MB/s of the last "
            "download here"
        )
    printer.json(
        {
            "shards": None if dry_run or not shards else folder,
            "plates": found.plates,
            "files": found.files,
            "estimated_gb": None if size is None else size / 1e9,
            "estimated_seconds": seconds,
            "unbalanced": found.unbalanced,
            "not_had": found.not_had,
            "index": found.index.to_dicts(),
        }
    )


def _sizes(found: Split) -> pl.DataFrame:
    """Get the sum of all shards, and the smallest, the mean and the largest."""
    unit = "files" if found.estimated_bytes is None else "gb"
    sizes = found.index[unit]
    row = {
        "shards": found.index.height,
        "plates": found.plates,
        "files": found.files,
        **({} if found.estimated_bytes is None else {"estimated_gb": found.estimated_bytes / 1e9}),
        f"smallest_{unit}": sizes.min(),
        f"mean_{unit}": sizes.mean(),
        f"largest_{unit}": sizes.max(),
    }
    return pl.DataFrame([row])
