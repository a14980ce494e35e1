"""Images whose shape is not that of their plate's others."""

import polars as pl

from jumpduck.schema import RESULTS

ALIKE = 0.75
"""Share of a plate's images that must have one shape before another shape is wrong."""


def mark_odd_shapes(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Mark images whose shape is not their plate's as corrupt; get the paths of their files.

    The shape is the plate's if three in four images have it; a plate of mixed shapes is left as
    it is. Brightfield is compared with brightfield.
    """
    shape = pl.concat_str(pl.col("width"), pl.lit(" x "), pl.col("height"))
    bright = pl.col("Metadata_Channel").str.starts_with("Brightfield")
    there = pl.col("status") == "fetched"
    known = rows.with_columns(shape=shape, bright=bright)
    usual = (
        known.filter(there)
        .group_by("bright", "shape")
        .len()
        .with_columns(share=pl.col("len") / pl.col("len").sum().over("bright"))
        .filter(pl.col("share") >= ALIKE)
        .select("bright", usual="shape")
    )
    odd = known.join(usual, on="bright").filter(there, pl.col("shape") != pl.col("usual"))
    if odd.is_empty():
        return rows, []
    why = pl.concat_str(
        pl.col("Metadata_Channel"),
        pl.lit(" is "),
        "shape",
        pl.lit(" pixels where its plate's others are "),
        "usual",
    )
    reasons = odd.group_by("path", maintain_order=True).agg(reason=why.first())
    lost = ("size", "checksum")
    marked = rows.join(reasons, on="path", how="left", maintain_order="left")
    is_odd = pl.col("reason").is_not_null()
    return marked.with_columns(
        status=pl.when(is_odd).then(pl.lit("corrupt")).otherwise("status"),
        error=pl.coalesce("reason", "error"),
        **{name: pl.when(is_odd).then(None).otherwise(name) for name in lost},
    ).select(*RESULTS), reasons["path"].to_list()
