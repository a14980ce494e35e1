"""jumpduck profiles"""

from dataclasses import replace

from rich.progress import TaskID

from jumpduck.cli.flags import CHOOSE, OUTPUT, PLACES, Csv, Json, Quiet, reads
from jumpduck.cli.printer import Printer, size_text
from jumpduck.counts import counted
from jumpduck.rows import PLATE_KEY
from jumpduck.stages.profiles import ProfilesOptions
from jumpduck.stages.profiles import profiles as fetch

SHOWN_PLATES = 20


@reads(
    ProfilesOptions,
    {
        CHOOSE: ("subset", "sources", "plates", "plate_types", "features"),
        PLACES: ("catalog",),
        OUTPUT: ("path", "dry_run"),
    },
    positional="subset",
    flags={"path": "--profiles", "dry_run": "--dry-run"},
    short={"path": ["-o"]},
)
def profiles(
    options: ProfilesOptions, *, csv: Csv = False, json: Json = False, quiet: Quiet = False
) -> None:
    """Fetch published profiles of wells, with what the catalog says of each well.

    Without the name of a table, those that were published are listed. The catalog has their
    addresses and ETags, from the list that was published with the metadata. Of a table in a bucket
    only the plates and features that are asked for are fetched; a file with another ETag than that
    of the list is refused. After an interruption the same command goes on.

    For example:
    ```
    jumpduck profiles
    jumpduck profiles compound --plate-type TARGET2 --dry-run
    jumpduck profiles crispr_interpretable --source 13 -o crispr.parquet
    jumpduck profiles all_interpretable --feature 'Cells_*' 'Nuclei_*'
    ```
    """
    printer = Printer(as_json=json, as_csv=csv, quiet=quiet)
    if options.subset is None:
        published = fetch(**vars(options)).published
        printer.table(published, keys=("subset",), least=("config", "recipe"))
        printer.json({"published": published.to_dicts()})
        return
    with printer.progress() as progress:
        tasks: dict[str, TaskID] = {}

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=total, note="")
            progress.update(tasks[step], completed=done, total=total)

        found = fetch(**vars(replace(options, progress=show)))
    plates = found.plates
    printer.table(plates if csv else plates.head(SHOWN_PLATES), keys=PLATE_KEY)
    if plates.height > SHOWN_PLATES and not csv:
        printer.remark(f"and {plates.height - SHOWN_PLATES:,} more, which --csv and --json list")
    printer.line(
        f"{counted(found.wells, 'well')} of {counted(plates.height, 'plate')}, "
        f"{counted(len(found.features), 'feature')}; "
        f"{size_text(found.fetched_bytes)}"
        + (" would be fetched" if options.dry_run else " fetched")
    )
    for number, what in (
        (found.unknown, "are not in the catalog; nothing is added to their columns"),
        (found.differing, "have another perturbation in the catalog; that of the profiles is kept"),
    ):
        if number:
            printer.line(f"{number:,} wells {what}")
    if not options.dry_run:
        there = ", which an earlier run wrote" if found.was_there else ""
        printer.line(f"-> {options.path}{there}")
    printer.json(
        {
            "profiles": None if options.dry_run else options.path,
            **found.published.row(0, named=True),
            "wells": found.wells,
            "features": list(found.features),
            "unknown_wells": found.unknown,
            "differing_wells": found.differing,
            "fetched_bytes": found.fetched_bytes,
            "was_there": found.was_there,
            "plates": plates.to_dicts(),
        }
    )
