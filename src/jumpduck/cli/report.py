"""jumpduck report"""

from dataclasses import asdict

from jumpduck.cli.flags import OUTPUT, PLACES, Json, Quiet, reads
from jumpduck.cli.printer import Printer, size_text
from jumpduck.counts import counted
from jumpduck.stages.report import ReportOptions
from jumpduck.stages.report import report as write


@reads(
    ReportOptions,
    {PLACES: ("out",), OUTPUT: ("path",)},
    positional="out",
    flags={"path": "--report"},
)
def report(options: ReportOptions, *, json: Json = False, quiet: Quiet = False) -> None:
    """Write one HTML file about a download, to look at in a browser and to hand on.

    It says what was asked for and what came, shows the quality of plates and channels, maps of the
    plates and small pictures of their wells, and lists failures and known issues. It needs no
    network. Charts need the extra report: pip install 'jumpduck[report]'.

    For example:
    ```
    jumpduck report images
    jumpduck report images --report images.html
    ```
    """
    printer = Printer(as_json=json, quiet=quiet)
    found = write(**vars(options))
    if found.left:
        printer.remark(f"not fetched yet: {counted(found.left, 'image')}; the report says so")
    if found.wells_shown < found.wells:
        printer.remark(
            f"the report has no space for {found.wells - found.wells_shown:,} of "
            f"{counted(found.wells, 'well')}; make one for fewer plates"
        )
    printer.line(
        f"{found.done:,} of {counted(found.images, 'image')} done, of "
        f"{counted(found.wells, 'well')} on {counted(found.plates, 'plate')}; pictures of "
        f"{counted(found.wells_with_pictures, 'well')}"
    )
    printer.line(f"{size_text(found.bytes)} -> {found.path}")
    printer.json(asdict(found))
