"""jumpduck merge"""

import os
from dataclasses import replace

from jumpduck.cli.flags import OUTPUT, PLACES, WORK, DryRun, Json, Quiet, reads
from jumpduck.cli.printer import Printer
from jumpduck.counts import counted
from jumpduck.stages.merge import MergeOptions, merge_folders


@reads(
    MergeOptions,
    {PLACES: ("folders",), WORK: ("copy",), OUTPUT: ("out",)},
    positional="folders",
)
def merge(
    options: MergeOptions, *, dry_run: DryRun = False, json: Json = False, quiet: Quiet = False
) -> None:
    """Make one output folder of several: files, results, sites, and what is left to fetch.

    Files are renamed on the same disk, else copied and compared with their checksums. The folders
    are gone afterwards, unless --copy is given or they have other files. After a kill the same
    command goes on. Nothing is moved if two folders have different files of one path, or one is
    being filled.

    For example:
    ```
    jumpduck merge part1 part2 -o images
    jumpduck merge images /disk2/images --copy --dry-run
    ```
    """
    printer = Printer(as_json=json, quiet=quiet)
    with printer.progress() as progress:
        task = progress.add_task("files", total=None, note="")

        def show(files: int) -> None:
            progress.update(task, advance=files)

        found = merge_folders(replace(options, progress=show), dry_run=dry_run)
    printer.table(found.drop("there", "gone") if dry_run else found, keys=("folder",))
    gone = int(found["gone"].sum())
    if gone:
        printer.remark(
            f"not there as the results say, therefore left: {counted(gone, 'file')}; "
            "`jumpduck status` says which command fetches them"
        )
    if not options.copy and not dry_run:
        for folder in filter(os.path.isdir, found["folder"]):
            printer.remark(f"{folder} keeps files that no results name")
    printer.line(
        f"{counted(int(found['files'].sum()), 'file')} of {counted(found.height, 'folder')}"
        + ("; nothing moved (--dry-run)" if dry_run else f" -> {options.out}")
    )
    printer.json({"out": options.out, "folders": found.to_dicts()})
