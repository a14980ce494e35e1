"""Images whose size in pixels is not that of the other images of their plate."""

import polars as pl

MIN_SHARE = 0.75
"""Share of a plate's images that must have one size before another size is an error."""


def mark_other_sizes(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Mark images whose size is not their plate's as corrupt; get the paths of their files.

    The plate's size is the one that three in four of its images have; a plate of mixed sizes is
    left as it is. Images are compared with those of the same ``channel_kind``, because brightfield
    may be binned otherwise.
    """
    size = pl.concat_str(pl.col("width"), pl.lit(" x "), pl.col("height"))
    kind = pl.col("channel_kind") if "channel_kind" in rows.columns else pl.lit(None, pl.String)
    # only these columns, because a manifest may have others of any name
    images = rows.filter(pl.col("status") == "fetched").select(
        "path", "Metadata_Channel", size=size, kind=kind.fill_null("")
    )
    usual = (
        images.group_by("kind", "size")
        .len()
        .with_columns(share=pl.col("len") / pl.col("len").sum().over("kind"))
        .filter(pl.col("share") >= MIN_SHARE)
        .select("kind", usual="size")
    )
    other = images.join(usual, on="kind").filter(pl.col("size") != pl.col("usual"))
    if other.is_empty():
        return rows, []
    why = pl.format(
        "{} is {} pixels where the others of its plate are {}",
        "Metadata_Channel", "size", "usual",
    )  # fmt: skip
    reasons = dict(other.group_by("path", maintain_order=True).agg(why.first()).rows())
    is_other = pl.col("path").is_in(list(reasons))
    reason = pl.col("path").replace_strict(reasons, default=None, return_dtype=pl.String)
    return rows.with_columns(
        status=pl.when(is_other).then(pl.lit("corrupt")).otherwise("status"),
        error=pl.coalesce(reason, "error"),
        size=pl.when(is_other).then(None).otherwise("size"),
        checksum=pl.when(is_other).then(None).otherwise("checksum"),
    ), list(reasons)
