"""jumpduck quality"""

from collections.abc import Sequence

import polars as pl

from jumpduck.cli.flags import OUTPUT, PLACES, WORK, Csv, Json, reads
from jumpduck.cli.printer import Printer
from jumpduck.stages.quality import QualityOptions
from jumpduck.stages.quality import quality as look
from jumpduck.wells.outliers import CONSTANT, MIN_COMPARED

SHOWN_ROWS = 20
"""Rows of each table that are printed."""

WIDE_LETTERS = 100
"""Letters of a terminal that has space for a reason in one line beside the keys."""


@reads(
    QualityOptions,
    {PLACES: ("out",), WORK: ("threshold",), OUTPUT: ("path",)},
    positional="out",
    flags={"path": "--outliers"},
)
def quality(options: QualityOptions, *, csv: Csv = False, json: Json = False) -> None:
    """List the images and wells that stand out within their plate and channel.

    Mean intensity, focus and saturation are compared with those of all images of the plate and
    channel, treatments and controls together: a strong treatment may stand out, too. The robust z
    is (x - median) / (1.4826 MAD), where MAD is the median absolute deviation; x is the logarithm
    of intensity and focus, and the share of saturated pixels, of which only more stands out. The
    deviation counts as 2% of the intensity, 5% of the focus and 0.1% of the pixels at least, also
    where the MAD is 0. A well is compared with all wells, by the median of its images.

    For example:

    ```
    jumpduck quality images
    jumpduck quality images --threshold 3.5 --outliers outliers.parquet
    jumpduck manifest --exclude outliers.parquet
    ```
    """
    printer = Printer(as_json=json, as_csv=csv)
    found = look(**vars(options))
    if csv:
        printer.table(found.rows)
        return
    strongest = found.rows.sort(pl.col("z").abs(), descending=True, nulls_last=True)
    _table(printer, strongest.drop("value"), ("Metadata_Well", "Metadata_Site"), folded="reason")
    counts = ("outlier_images", "outlier_wells", CONSTANT)
    most = found.plates.sort(pl.sum_horizontal(counts), descending=True, maintain_order=True)
    _table(printer, most.drop("compared"), counts)
    images, wells, constant = (int(found.plates[name].sum()) for name in counts)
    printer.line(
        f"images that stand out within their plate and channel: {images:,}; wells: {wells:,} "
        f"(robust z of {options.threshold:g} or more); constant images: {constant:,}"
    )
    for what, compared in (("images", "compared"), ("wells", pl.col("wells") >= MIN_COMPARED)):
        if few := found.plates.filter(~pl.any_horizontal(compared)).height:
            printer.line(
                f"{what} of {few:,} of {found.plates.height:,} plates and channels are not "
                f"compared, because there are fewer than {MIN_COMPARED}"
            )
    if options.path:
        printer.line(
            f"-> {options.path}; `jumpduck manifest --exclude {options.path}` leaves them out"
        )
    printer.json({"outliers": found.rows.to_dicts(), "plates": found.plates.to_dicts()})


def _table(printer: Printer, rows: pl.DataFrame, kept: Sequence[str], folded: str = "") -> None:
    """Print the first rows with plate, channel and `kept`; a narrow terminal folds `folded`."""
    if rows.is_empty():
        return
    keys = ["Metadata_Plate", "Metadata_Channel", *kept]
    least = [name for name in rows.columns if name not in (*keys, folded)]
    if folded and printer.console.width >= WIDE_LETTERS:
        keys.append(folded)
    printer.table(rows.head(SHOWN_ROWS), keys=keys, least=least)
    if rows.height > SHOWN_ROWS:
        printer.remark(f"and {rows.height - SHOWN_ROWS:,} more, which --json lists")
