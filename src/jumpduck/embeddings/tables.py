"""Tables of embeddings, part by part: the samples, their embeddings, and why some have none."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import polars as pl

from jumpduck.embeddings.applied import Embedded, apply
from jumpduck.embeddings.inputs import Inputs
from jumpduck.embeddings.models import Model
from jumpduck.embeddings.networks import Batches
from jumpduck.embeddings.parts import PlatePart
from jumpduck.errors import ModelError
from jumpduck.rows import SITE_KEY
from jumpduck.samples.samples import Samples

REASON = "reason"
"""Column of the samples that are left out."""

NOT_FINITE = "the model gave nan or infinity"

CHANNEL = "Metadata_Channel"

MIN_DIGITS = 4
"""Of the number in the name of a column, so that names sort as numbers do."""


def tables_of(
    model: Model,
    inputs: Inputs,
    samples: Samples,
    parts: Sequence[PlatePart],
    *,
    batches: Batches,
    threads: int | None,
    dimensions: int,
    computed: Callable[[int], object],
) -> Iterator[tuple[PlatePart, pl.DataFrame]]:
    """Get the table of each part when it is done.

    It has a row for each sample: its columns ``Metadata_*``, `REASON` where it has no embedding,
    and ``emb0000`` and so on.

    Parameters
    ----------
    dimensions
        Values of an embedding.
    computed
        Called with the number of samples of each batch that is done.
    """
    rows = [part.rows for part in parts]
    waiting = deque(parts)
    held: list[Embedded] = []

    def first() -> tuple[PlatePart, pl.DataFrame]:
        part = waiting.popleft()
        frame = _table(samples, part, held, dimensions)
        held.clear()
        return part, frame

    for found in apply(model, inputs, samples, rows, batches=batches, threads=threads):
        # parts come in their order; one whose last images cannot be read ends without a last batch
        while found.indices[0] >= waiting[0].rows.stop:
            yield first()
        if found.values.shape[1] != dimensions:
            raise ModelError(
                f"the model gives {found.values.shape[1]} values for some images and {dimensions} "
                "for others; say the size that it takes in the description, so that all images are "
                "given in one size"
            )
        held.append(found)
        computed(len(found.indices))
        if found.indices[-1] == waiting[0].rows[-1]:
            yield first()
    while waiting:
        yield first()


def with_reason(skipped: pl.DataFrame) -> pl.DataFrame:
    """Get the images that sites lack, with the reason in the place of status and error."""
    why = pl.coalesce(pl.col("error").replace("", None), "status")
    of_site = pl.col(CHANNEL).is_null()
    reason = pl.when(of_site).then(why).otherwise(pl.format("channel {}: {}", CHANNEL, why))
    return skipped.select(*SITE_KEY, CHANNEL, reason.alias(REASON))


def reason_last(left_out: pl.DataFrame) -> pl.DataFrame:
    """Get the same rows with the reason as the last column."""
    return left_out.select(pl.all().exclude(REASON), REASON)


def left_out_of(frame: pl.DataFrame) -> pl.DataFrame:
    """Get the rows of a part that have no embedding."""
    names = [name for name in frame.columns if name.startswith("Metadata_")]
    if REASON not in frame.columns:  # of an earlier table
        return frame.clear().select(names).with_columns(pl.lit(None, pl.String).alias(REASON))
    return frame.filter(pl.col(REASON).is_not_null()).select(*names, REASON)


def kept_of(frame: pl.DataFrame) -> pl.DataFrame:
    """Get the rows of a part that have an embedding."""
    if REASON not in frame.columns:
        return frame
    return frame.filter(pl.col(REASON).is_null()).drop(REASON)


def _table(
    samples: Samples, part: PlatePart, held: Sequence[Embedded], dimensions: int
) -> pl.DataFrame:
    values = np.full((len(part.rows), dimensions), np.nan, np.float32)
    read = np.zeros(len(part.rows), np.bool_)
    for one in held:
        read[one.indices - part.rows.start] = True
        values[one.indices - part.rows.start] = one.values
    table = samples.table[part.rows.start : part.rows.stop]
    # because columns of numbers beside these would be taken for features
    table = table.select(name for name in table.columns if name.startswith("Metadata_"))
    reasons: list[str | None] = [None] * table.height
    if lost := np.flatnonzero(~np.isfinite(values).all(axis=1)).tolist():
        why = _why_not_read(samples, table)
        for row in lost:
            reasons[row] = NOT_FINITE if read[row] else why[row]
    digits = max(MIN_DIGITS, len(str(dimensions - 1)))
    columns = [
        pl.Series(f"emb{number:0{digits}}", values[:, number]) for number in range(dimensions)
    ]
    return pl.DataFrame([*table.get_columns(), pl.Series(REASON, reasons, pl.String), *columns])


def _why_not_read(samples: Samples, table: pl.DataFrame) -> list[str]:
    """Get for each row of a table of samples why its images could not be read."""
    why = with_reason(samples.skipped).unique(SITE_KEY, keep="last").select(*SITE_KEY, REASON)
    reasons = table.select(SITE_KEY).join(why, on=SITE_KEY, how="left", maintain_order="left")
    return reasons[REASON].fill_null("its images cannot be read").to_list()
