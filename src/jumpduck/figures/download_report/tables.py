"""The tables of a folder -> what the report counts, by source, plate, channel and well."""

from collections.abc import Sequence

import polars as pl

from jumpduck.rows import DONE, FAULTS, MODALITY, PLATE_KEY, ROLE, SITE_KEY, WELL_KEY
from jumpduck.schema import name_columns
from jumpduck.transfer.fault_reasons import reason_of_file
from jumpduck.transfer.filled_folder import FilledFolder

WELL = "Metadata_Well"
CHANNEL = "Metadata_Channel"

_ISSUE = "known_issue"

MEASURES = ("mean", "focus", "saturated")
"""Columns of the results that say how good an image is."""

MAX_NAME_CHARACTERS = 100
"""Of what is in a well: it can be a structure of any length."""


def by_source(folder: FilledFolder) -> pl.DataFrame:
    """Get a row a source: plates, wells, sites, images, and what became of them."""
    sums = _counts(folder, PLATE_KEY[:1], plates=pl.struct(PLATE_KEY).n_unique())
    return sums.sort(PLATE_KEY[:1]).collect(engine="streaming")


def by_plate(folder: FilledFolder) -> pl.DataFrame:
    """Get a row a plate: wells, sites, images, and what became of them."""
    return _counts(folder, PLATE_KEY).sort(PLATE_KEY).collect(engine="streaming")


def by_plate_and_channel(folder: FilledFolder) -> pl.DataFrame:
    """Get a row a plate and channel: images, and quartiles of each measure of its images.

    ``mean_25``, ``mean_50`` and ``mean_75`` are the quartiles of ``mean``; the same of the others.
    """
    quartiles = {
        f"{measure}_{percent}": pl.col(measure).quantile(percent / 100, "linear")
        for measure in MEASURES
        for percent in (25, 50, 75)
    }
    order = pl.Enum([one.name for one in folder.channels])
    return (
        folder.results.select(*PLATE_KEY, CHANNEL, "status", *MEASURES)
        .with_columns(pl.col(CHANNEL).cast(order))
        .group_by(*PLATE_KEY, CHANNEL)
        .agg(images=_is_done().sum(), **quartiles)
        .sort(*PLATE_KEY, CHANNEL)
        .collect(engine="streaming")
    )


def wells(folder: FilledFolder) -> pl.DataFrame:
    """Get a row a well: what it is for, its status, and each measure of each channel.

    ``status`` is ``done``, or the worst of `FAULTS` that one of its images has. The columns
    ``mean_0`` and so on, of the first channel, are means over the well's sites.
    """
    rank = pl.col("status").replace_strict(
        dict(zip(FAULTS, range(1, 1 + len(FAULTS)), strict=True)), default=0, return_dtype=pl.Int8
    )
    numbers = {one.name: number for number, one in enumerate(folder.channels)}
    measures = [
        pl.col(measure).filter(pl.col(CHANNEL) == name).mean().alias(f"{measure}_{number}")
        for name, number in numbers.items()
        for measure in MEASURES
    ]
    found = (
        _with_issue(folder)
        .group_by(WELL_KEY)
        .agg(
            *measures,
            sites=pl.col(SITE_KEY[-1]).n_unique(),
            rank=rank.max(),
            issue=pl.col(_ISSUE).is_not_null().any(),
        )
        .with_columns(
            status=pl.col("rank").replace_strict(
                dict(enumerate(("done", *FAULTS))), return_dtype=pl.String
            )
        )
        .drop("rank")
        .collect(engine="streaming")
    )
    return found.join(_contents(folder), on=WELL_KEY, how="left").sort(WELL_KEY)


def faults(folder: FilledFolder, most: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Get why images have no file: a row a reason with its number of images, and these images.

    Parameters
    ----------
    most
        Rows of either.
    """
    bad = folder.results.filter(~_is_done()).with_columns(reason_of_file())
    reasons = (
        bad.group_by("status", "reason")
        .agg(images=pl.len())
        .sort("images", "status", "reason", descending=[True, False, False])
        .head(most)
    )
    rows = bad.select(*SITE_KEY, CHANNEL, "status", "reason").sort(*SITE_KEY, CHANNEL).head(most)
    return reasons.collect(engine="streaming"), rows.collect(engine="streaming")


def known_issues(folder: FilledFolder) -> pl.DataFrame:
    """Get a row a plate and known issue that its images have: images and wells."""
    return (
        _with_issue(folder)
        .with_columns(issue=pl.col(_ISSUE))  # of the user's own, one may have this name
        .drop_nulls("issue")
        .group_by(*PLATE_KEY, "issue")
        .agg(wells=pl.col(WELL).n_unique(), images=pl.len())
        .sort(*PLATE_KEY, "issue")
        .collect(engine="streaming")
    )


def _counts(folder: FilledFolder, key: Sequence[str], **more: pl.Expr) -> pl.LazyFrame:
    done = _is_done()
    return (
        _with_issue(folder)
        .group_by(key)
        .agg(
            **more,
            wells=pl.struct(WELL_KEY).n_unique(),
            sites=pl.struct(SITE_KEY).n_unique(),
            images=pl.len(),
            done=done.sum(),
            **{status: (pl.col("status") == status).sum() for status in FAULTS},
            # a file of several channels has a row for each
            kept_bytes=pl.col("size").filter(done, pl.col("path").is_first_distinct()).sum(),
            issues=pl.col(_ISSUE).count(),
        )
    )


def _is_done() -> pl.Expr:
    return pl.col("status").is_in(DONE)


def _with_issue(folder: FilledFolder) -> pl.LazyFrame:
    """Get the results with a column of known issues: those of a user's own table have none."""
    if _ISSUE in folder.results.collect_schema():
        return folder.results
    return folder.results.with_columns(pl.lit(None, pl.String).alias(_ISSUE))


def _shortened(text: pl.Expr) -> pl.Expr:
    cut = pl.concat_str(text.str.head(MAX_NAME_CHARACTERS - 1), pl.lit("…"))
    return pl.when(text.str.len_chars() > MAX_NAME_CHARACTERS).then(cut).otherwise(text)


def _contents(folder: FilledFolder) -> pl.DataFrame:
    """What is in the wells: role, modality and name, each null where it is not known."""
    types = folder.sites.collect_schema()
    names = name_columns(types)
    role, modality = (
        pl.col(name) if name in types else pl.lit(None, pl.String) for name in (ROLE, MODALITY)
    )
    return (
        folder.sites.select(
            *WELL_KEY,
            role=role,
            modality=modality,
            name=_shortened(pl.coalesce(*names)) if names else pl.lit(None, pl.String),
        )
        .group_by(WELL_KEY)
        .agg(pl.all().drop_nulls().first())
        .collect(engine="streaming")
    )
