"""jumpduck verify"""

import shlex
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Annotated

import polars as pl
from cyclopts import Parameter

from jumpduck.cli.flags import PLACES, WORK, Json, Quiet, reads
from jumpduck.cli.printer import Printer
from jumpduck.cli.root_folders import NOT_NAMED, folders_to_read
from jumpduck.cli.transfer_report import TransferReport, by_reason, goes_on, reasons
from jumpduck.counts import counted
from jumpduck.errors import PartialError
from jumpduck.rows import DONE, IMAGE_KEY, PLATE_KEY
from jumpduck.schema import RESULTS
from jumpduck.stages.repair import RepairOptions, repair_plates
from jumpduck.stages.status import status
from jumpduck.stages.verify import VerifyOptions, verify_plates
from jumpduck.transfer.asked import commands_of
from jumpduck.transfer.output_folder import OutputFolder, folders_of
from jumpduck.words import with_values, words_of

SHOWN = ("wrong", "missing", "corrupt", "failed")


@reads(
    VerifyOptions,
    {PLACES: ("out", "manifest", "shards"), WORK: ("sample", "seed", "deep", "threads")},
    defaults={"out": NOT_NAMED},
)
def verify(
    options: VerifyOptions,
    *,
    repair: Annotated[
        bool,
        Parameter(
            group=WORK,
            negative="",
            show_default=False,
            help="Fetch the files again that are wrong, and only those.",
        ),
    ] = False,
    endpoint: Annotated[
        str | None,
        Parameter(
            group=PLACES, help="S3 server to repair from; by default that of the file's run."
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check that all that was asked for is there, and is what was kept: size and checksum.

    The folder is images in the current folder, with all roots of jumpduck.toml, or --out.

    What was asked for is known from the runs into the folder; in a folder that was copied without
    its hidden files it is what results.parquet says. Exit code 3 says that files are wrong, not
    fetched yet, or could not be had.

    For example:
    ```
    jumpduck verify --out images
    jumpduck verify --manifest manifest.parquet --sample 1%
    jumpduck verify --out images /disk2/images --shards shards
    jumpduck verify --deep --repair
    ```
    """
    options = replace(options, out=folders_to_read(options.out))
    printer = Printer(as_json=json, quiet=quiet)
    counts: Counter[str] = Counter()
    lacking = [pl.DataFrame(schema=RESULTS)]
    folders = [OutputFolder.read(out) for out in folders_of(options.out)]
    outs = [str(folder.path) for folder in folders]
    with printer.progress() as progress:
        total = sum(folder.plates.row_count() for folder in folders)
        task = progress.add_task("verify", total=total, note="")

        def advance(count: int) -> None:
            progress.update(task, advance=count)

        for rows in verify_plates(replace(options, progress=advance)):
            counts.update(rows["status"].to_list())
            lacking.append(rows.filter(pl.col("status").is_in(SHOWN)))
    lacking = pl.concat(lacking, how="diagonal_relaxed")
    still = wrong = lacking.filter(status="wrong")
    printer.line(", ".join(_texts(counts)))
    for text in reasons(by_reason(lacking)):
        printer.line(text)
    total = counts.total()
    again = shlex.join(["jumpduck", "verify", "--repair", *with_values("--out", outs)])
    if repair and wrong.height:
        still = _repaired(printer, wrong, outs, endpoint, again)
        counts["right"] += wrong.height - still.height
        counts["wrong"] = still.height
        printer.line(f"{wrong.height - still.height:,} repaired; now {', '.join(_texts(counts))}")
    printer.json(
        {
            "out": outs[0] if len(outs) == 1 else outs,
            "files": total,
            "by_status": dict(sorted(counts.items())),
            "wrong": still.select("path", "url", "error").to_dicts(),
        }
    )
    said: list[str] = []
    if counts["wrong"]:
        said.append(f"{counts['wrong']:,} are not what was kept, and `{again}` fetches them again")
    not_had = sum(counts[status] for status in ("missing", "corrupt", "failed"))
    said += [f"{counts['left']:,} are not fetched"] * bool(counts["left"])
    said += [f"{not_had:,} could not be had"] * bool(not_had)
    if counts["left"] or not_had:
        if options.manifest is None and options.shards is None:
            said.append(goes_on(status(options.out).commands, counts, counts["right"]))
        else:
            given = options.manifest if options.shards is None else [options.shards]
            runs = folders[0].asked.runs()
            words = words_of(replace(options, manifest=given, shards=None), ["manifest"])
            commands = _for_manifest(commands_of(runs[:1]), words)
            said.append(goes_on(commands, counts, counts["right"]))
    if said:
        raise PartialError(f"of {counted(total, 'file')} in {', '.join(outs)}, {'; '.join(said)}")


def _repaired(
    printer: Printer, wrong: pl.DataFrame, outs: Sequence[str], endpoint: str | None, again: str
) -> pl.DataFrame:
    """Fetch files again, and get those that are still wrong."""
    several = len(outs) > 1
    made = [wrong.clear()]
    plates = wrong.select(PLATE_KEY).n_unique()
    with TransferReport(printer, wrong.height, plates, again) as transfer:
        for out in outs:
            own = wrong.filter(out=out).drop("out") if several else wrong
            asked = RepairOptions(own, out, endpoint=endpoint, progress=transfer.event)
            with closing(repair_plates(asked)) as repaired:
                for rows in repaired:
                    transfer.add(rows)
                    done = rows.filter(pl.col("status").is_in(DONE))
                    made.append(done.with_columns(out=pl.lit(out)))
    transfer.finish(outs)
    every = pl.concat(made, how="diagonal_relaxed")
    on = (*IMAGE_KEY, "out") if several else IMAGE_KEY
    return wrong.join(every, on=on, how="anti", maintain_order="left")


def _for_manifest(commands: Sequence[str], manifest: Sequence[str]) -> list[str]:
    """Get command lines with another manifest, and all of it."""
    found: list[str] = []
    for command in commands:
        program, verb, *words = shlex.split(command)
        flag, kept = "", list[str]()
        for word in words:
            flag = word if word.startswith("--") else flag
            if flag not in ("--manifest", "--limit"):
                kept.append(word)
        found.append(shlex.join([program, verb, *manifest, *kept]))
    return found


def _texts(counts: Counter[str]) -> list[str]:
    names = {"left": "not fetched", "unread": "not read (--sample)"}
    order = ("right", "wrong", "left", "missing", "corrupt", "failed", "unread")
    return [
        f"{counts[status]:,} {names.get(status, status)}"
        for status in order
        if counts[status] or status == "right"
    ]
