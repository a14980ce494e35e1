"""jumpduck verify"""

import shlex
from contextlib import closing
from typing import Annotated

from cyclopts import Parameter

from jumpduck.cli.flags import PLACES, WORK, Json, Quiet, reads
from jumpduck.cli.report import Report
from jumpduck.cli.transfer_report import MAX_SHOWN_FILES, TransferReport
from jumpduck.errors import PartialError
from jumpduck.schema import PLATE_KEY
from jumpduck.stages.repair import RepairOptions, repair_plates
from jumpduck.stages.verify import VerifyOptions, kept
from jumpduck.stages.verify import verify as check


@reads(VerifyOptions, {PLACES: ("out",), WORK: ("deep", "threads")})
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
            group=PLACES, help="S3 server to repair from; by default that of the last download."
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check the files on disk against results.parquet: size and checksum.

    Exit code 3 says that files are wrong.

    For example:
    ```
    jumpduck verify --out images
    jumpduck verify --deep --repair
    ```
    """
    report = Report(as_json=json, quiet=quiet)
    total = kept(options.out)
    with report.progress() as progress:
        task = progress.add_task("verify", total=total, note="")
        wrong = check(
            options.out,
            deep=options.deep,
            threads=options.threads,
            progress=lambda count: progress.update(task, advance=count),
        )
    report.line(f"{total:,} files checked, {wrong.height:,} wrong")
    for row in wrong.head(MAX_SHOWN_FILES).iter_rows(named=True):
        report.line(f"wrong: {row['path']}: {row['error']}")
    again = shlex.join(["jumpduck", "verify", "--repair", "--out", str(options.out)])
    if repair and wrong.height:
        plates = wrong.select(PLATE_KEY).n_unique()
        with TransferReport(report, wrong.height, plates, again) as transfer:
            asked = RepairOptions(wrong, options.out, endpoint=endpoint, progress=transfer.event)
            with closing(repair_plates(asked)) as repaired:
                for rows in repaired:
                    transfer.add(rows)
        transfer.finish(options.out)
        return
    report.json(
        {
            "out": options.out,
            "files": total,
            "wrong": wrong.select("path", "url", "error").to_dicts(),
        }
    )
    if wrong.height:
        raise PartialError(
            f"{wrong.height:,} of {total:,} files in {options.out} are not what was kept; "
            f"`{again}` fetches them again"
        )
