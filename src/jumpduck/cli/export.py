"""jumpduck export"""

from dataclasses import replace

from jumpduck.cli.flags import CHOOSE, OUTPUT, PLACES, DryRun, Json, Quiet, reads
from jumpduck.cli.printer import Printer, size_text
from jumpduck.counts import counted
from jumpduck.errors import PartialError
from jumpduck.stages.export import ExportOptions, export_sites


@reads(
    ExportOptions,
    {PLACES: ("form", "folder"), CHOOSE: ("channels", "incomplete"), OUTPUT: ("out",)},
    positional=("form", "folder"),
)
def export(
    options: ExportOptions, *, dry_run: DryRun = False, json: Json = False, quiet: Quiet = False
) -> None:
    """Write the images of a folder in the form that another tool reads.

    Forms: loaddata, nfcore and paths are tables with the paths of the files, which stay where they
    are. webdataset, huggingface and ome-zarr are copies. All of them have only sites that lack no
    image, unless --incomplete is given; what is left out is counted and listed in lacking.csv, and
    the exit code is 3. The same command goes on after a kill, and compares what is finished with
    the checksum that it had.

    For example:
    ```
    jumpduck export loaddata images -o load_data.csv
    jumpduck export ome-zarr images -o plates --channel dna er
    jumpduck export webdataset --dry-run
    ```
    """
    printer = Printer(as_json=json, quiet=quiet)
    with printer.progress() as progress:
        task = progress.add_task("images", total=None, note="")

        def show(done: int, of_all: int) -> None:
            progress.update(task, completed=done, total=of_all)

        found = export_sites(replace(options, progress=show), dry_run=dry_run)
    counts = (
        f"{counted(found.images, 'image')} of {counted(found.sites, 'site')} on "
        f"{counted(found.plates, 'plate')}, {size_text(found.bytes)}"
    )
    ending = "; nothing written (--dry-run)" if dry_run else f" -> {found.out}"
    printer.line(f"{counts}{ending}")
    named = "" if dry_run else f"{found.lacking_file}; "
    lacking = counted(found.lacking.height, "image")
    if found.lacking.height and not found.left_out:
        place = "" if dry_run else f" ({found.lacking_file})"
        printer.remark(f"{lacking} could not be had{place}")
    printer.json(
        {
            "form": options.form,
            "out": None if dry_run else found.out,
            "plates": found.plates,
            "sites": found.sites,
            "images": found.images,
            "bytes": found.bytes,
            "pieces": found.pieces,
            "sites_left_out": found.left_out,
            "images_not_fetched": found.unfetched,
            "lacking": found.lacking.to_dicts(),
        }
    )
    said: list[str] = []
    if found.left_out:
        said.append(
            f"{counted(found.left_out, 'site')} left out because "
            f"{lacking} could not be had ({named}--incomplete takes such sites)"
        )
    if found.unfetched:
        said.append(f"not fetched yet: {counted(found.unfetched, 'image')} (`jumpduck status`)")
    if said:
        raise PartialError("; ".join(said))
