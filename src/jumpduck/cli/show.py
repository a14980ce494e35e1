"""jumpduck show"""

from collections.abc import Sequence

import polars as pl

from jumpduck.cli.flags import CHOOSE, DRAW, OUTPUT, PLACES, DryRun, Json, Quiet, reads
from jumpduck.cli.pictures_in_terminal import draw_in_terminal
from jumpduck.cli.printer import Printer, size_text
from jumpduck.counts import counted
from jumpduck.figures.site_images import SITE
from jumpduck.rows import DONE, SITE_KEY
from jumpduck.stages.show import CHOICE, ShowOptions, find_sites, left_out_text
from jumpduck.stages.show import show as draw


@reads(
    ShowOptions,
    {
        CHOOSE: (*CHOICE, "channels", "sites", "controls"),
        DRAW: ("stretch", "colours", "composite"),
        PLACES: ("out", "remote", "catalog"),
        OUTPUT: ("path",),
    },
    positional="perturbations",
    flags={"path": "--picture", "colours": "--colour"},
)
def show(
    options: ShowOptions, *, dry_run: DryRun = False, json: Json = False, quiet: Quiet = False
) -> None:
    """Draw a picture of a perturbation beside negative controls of the same plates.

    A row is a site, a column a channel; the last column has them in colour. Without a perturbation,
    well or role it is one site of each well. The picture is also drawn in a terminal that can show
    pictures, if it is installed with: pip install 'jumpduck[terminal]'

    With --remote, the images that are shown are fetched from where the catalog has them, and not
    kept; --dry-run says how many these are.

    For example:

    ```
    jumpduck show TP53
    jumpduck show --compound AMG900 --source 3 --sites 4 --controls 4
    jumpduck show --well A02 --channel dna,er --stretch image
    jumpduck show TP53 --remote --picture tp53.png
    ```
    """
    printer = Printer(as_json=json, quiet=quiet)
    if dry_run:
        _foresee(options, printer)
        return
    shown = draw(**vars(options))
    if printer.for_reader and not quiet:
        draw_in_terminal(printer.console, shown.path)
    sites = shown.images.unique(SITE_KEY, maintain_order=True)
    _say(printer, sites["is_control"].to_list(), shown.notes, shown.left_out_text)
    faults = shown.images.filter(~pl.col("status").is_in(DONE))["status"].value_counts(sort=True)
    if faults.height:
        counts = ", ".join(f"{status} {count:,}" for status, count in faults.rows())
        printer.line(f"Hatched tiles have no image: {counts}")
    printer.line(f"-> {shown.path}")
    printer.json(
        {
            "picture": shown.path,
            "shown": shown.images.to_dicts(),
            "left_out": shown.left_out,
            "controls_left_out": shown.controls_left_out,
            "notes": shown.notes,
        }
    )


def _foresee(options: ShowOptions, printer: Printer) -> None:
    """Say what would be shown, and fetched."""
    found = find_sites(options)
    sites = found.shown.sites
    _say(
        printer,
        sites["is_control"].to_list(),
        found.notes,
        left_out_text(found.shown.left_out, found.shown.controls_left_out),
    )
    size = float(found.rows["estimated_bytes"].sum()) if options.remote else 0.0
    files = (
        f"{counted(found.rows.height, 'file')}, about {size_text(size)} to fetch"
        if options.remote
        else ""
    )
    printer.line(f"{files or 'nothing to fetch'}; nothing drawn (--dry-run)")
    printer.json(
        {
            "picture": None,
            "shown": sites.select(*SITE).to_dicts(),
            "left_out": found.shown.left_out,
            "controls_left_out": found.shown.controls_left_out,
            "files": found.rows.height,
            "estimated_gb": size / 1e9,
            "notes": found.notes,
        }
    )


def _say(printer: Printer, is_control: Sequence[bool], notes: Sequence[str], left_out: str) -> None:
    """Print how many sites are shown, and what a user should know of the choice."""
    controls = sum(is_control)
    named = len(is_control) - controls
    text = counted(named, "site")
    if controls:
        text += f" beside {controls:,} of negative controls of the same plates and modality"
    for line in (text, left_out, *notes):
        if line:
            printer.line(line)
