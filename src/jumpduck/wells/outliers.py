"""Results -> the images and wells that stand out within their plate and channel."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from jumpduck.errors import QueryError
from jumpduck.rows import DONE, PLATE_KEY

THRESHOLD = 5.0
"""Robust z from which on something stands out."""

MIN_COMPARED = 10
"""Images, or wells, of a plate and channel from which on they are compared with one another."""

MAD_TO_DEVIATION = 1.4826
"""Standard deviation of a normal sample by its median absolute deviation."""

CHUNK_ROWS = 1_000_000
"""Rows of whole plates that are looked at together: this bounds memory."""

LOWEST = 1e-6
"""Stands for 0 where a logarithm is taken."""

GROUP = (*PLATE_KEY, "Metadata_Channel")
IMAGE = (*PLATE_KEY, "Metadata_Well", "Metadata_Site", "Metadata_Channel")

CONSTANT = "constant"
"""Column and measure of the rows that name a constant image."""


@dataclass(frozen=True)
class Measure:
    """A column of the results that images are compared by.

    Parameters
    ----------
    column
        Its name.
    least_deviation
        The deviation counts as at least so much, in units of the logarithm if `logarithm`, because
        among images that are nearly equal a difference that nobody sees would stand out; it is the
        deviation where the MAD is 0, too.
    above, below
        What is said of an image that stands out; below None says nothing of it.
    logarithm
        Whether the logarithm is compared, so that a third of the median is as far as its threefold.
    percent
        Whether the values are shares.
    """

    column: str
    least_deviation: float
    above: str
    below: str | None
    logarithm: bool = True
    percent: bool = False

    @property
    def level(self) -> pl.Expr:
        """What is compared; NULL where it is not a number."""
        value = pl.col(self.column)
        finite = pl.when(value.is_finite()).then(value)
        return (finite.clip(lower_bound=LOWEST).log() if self.logarithm else finite).alias(
            self.column
        )

    def value_of(self, level: pl.Expr) -> pl.Expr:
        """Get the value that has this level."""
        return level.exp() if self.logarithm else level

    def said(self, value: float, median: float, z: float) -> str:
        """Get why an image or well stands out."""
        what = self.above if z > 0 else self.below
        return f"{what} than its plate: {self._text(value)}, median {self._text(median)}"

    def _text(self, value: float) -> str:
        if self.percent:
            return f"{value:.2%}"
        return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


MEASURES = (
    Measure("mean", 0.02, "brighter", "darker"),
    Measure("focus", 0.05, "sharper", "less sharp"),
    Measure("saturated", 0.001, "more saturated", None, logarithm=False, percent=True),
)


COLUMNS = ("status", *IMAGE, CONSTANT, *(measure.column for measure in MEASURES))
"""Columns of the results that are read."""


@dataclass(frozen=True)
class Outliers:
    """What stands out in a folder, and what it was compared with.

    Attributes
    ----------
    rows
        One row an image or well, channel and measure that stands out: the key to Metadata_Well,
        Metadata_Site (NULL where the row is about the well), Metadata_Channel, measure (mean,
        focus, saturated, or constant), value (of a well the median of its images), z (NULL of a
        constant image) and reason, in the order of the key.
    plates
        One row a plate and channel: images and wells that were measured, the medians of their mean,
        focus and saturated, outlier_images and outlier_wells that stand out, constant images, and
        compared: whether there are enough images for a z.
    """

    rows: pl.DataFrame
    plates: pl.DataFrame


def find_outliers(results: pl.LazyFrame, threshold: float = THRESHOLD) -> Outliers:
    """Get the images and wells that stand out within their plate and channel.

    They are compared with all images (or wells) of the plate and channel that were measured and are
    not constant, whatever their role. The robust z is ``(x - median) / (1.4826 * MAD)``, where MAD
    is the median of the absolute differences from the median (Iglewicz and Hoaglin 1993, How to
    Detect and Handle Outliers, ASQC; for screens Malo et al. 2006, doi:10.1038/nbt1186). x is the
    logarithm of the mean grey level, the logarithm of the focus, or the share of saturated pixels,
    of which only more stands out. ``1.4826 * MAD`` counts as at least the measure's
    `Measure.least_deviation`; that is the deviation where the MAD is 0. The x of a well is the
    median of its images. Below `MIN_COMPARED` images (or wells) nothing has a z.

    Parameters
    ----------
    results
        Rows of results.parquet, those of a plate together.
    threshold
        Absolute z from which on something stands out. Iglewicz and Hoaglin recommend 3.5 for a
        normal sample; the default is higher because treatments really differ.

    Raises
    ------
    QueryError
        `threshold` is not a positive number.
    """
    check_threshold(threshold)
    found = [_of_plates(rows, threshold) for rows in _whole_plates(results)]
    rows = pl.concat([one.rows for one in found])
    return Outliers(
        rows.sort(*IMAGE, "measure", nulls_last=True),
        pl.concat([one.plates for one in found]).sort(GROUP),
    )


def check_threshold(threshold: float) -> None:
    """Raise QueryError if a threshold is not a positive number."""
    if not 0 < threshold < math.inf:
        raise QueryError(f"threshold {threshold} is not allowed; give a number above 0, such as 5")


def _whole_plates(results: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Get the images that were measured, some plates at a time; one frame at least."""
    sizes = results.group_by(PLATE_KEY, maintain_order=True).len().collect(engine="streaming")
    measured = pl.col("status").is_in(DONE) & pl.col("mean").is_not_null()
    first = rows = 0
    for place, size in enumerate(sizes["len"], 1):
        rows += size
        if rows >= CHUNK_ROWS or place == sizes.height:
            yield results.slice(first, rows).filter(measured).select(COLUMNS).collect()
            first, rows = first + rows, 0
    if not first:
        yield results.filter(measured).select(COLUMNS).collect()


def _of_plates(images: pl.DataFrame, threshold: float) -> Outliers:
    """Get what stands out on some plates."""
    compared = images.filter(~pl.col(CONSTANT)).select(
        *IMAGE, *(measure.level for measure in MEASURES)
    )
    wells = compared.group_by(*GROUP, "Metadata_Well").agg(
        pl.lit(None, images.schema["Metadata_Site"]).alias("Metadata_Site"),
        *(pl.col(measure.column).median() for measure in MEASURES),
    )
    of_images = _middles(compared)
    found = [
        _standing_out(rows, middles, measure, threshold)
        for rows, middles in ((compared, of_images), (wells, _middles(wells)))
        for measure in MEASURES
    ]
    constant = images.filter(CONSTANT).select(
        *IMAGE,
        measure=pl.lit(CONSTANT),
        value="mean",
        z=pl.lit(None, pl.Float64),
        reason=pl.lit("all pixels are equal"),
    )
    rows = pl.concat([*found, constant])
    about_well = pl.col("Metadata_Site").is_null()
    place = pl.struct("Metadata_Well", "Metadata_Site")
    counted = rows.group_by(GROUP).agg(
        outlier_images=place.filter(~about_well & (pl.col("measure") != CONSTANT)).n_unique(),
        outlier_wells=place.filter(about_well).n_unique(),
    )
    plates = (
        images.group_by(GROUP)
        .agg(
            images=pl.len(),
            wells=pl.col("Metadata_Well").n_unique(),
            constant=pl.col(CONSTANT).sum(),
        )
        .join(of_images, on=GROUP, how="left")
        .join(counted, on=GROUP, how="left")
        .select(
            *GROUP,
            "images",
            "wells",
            *(
                measure.value_of(pl.col(f"{measure.column} median")).alias(measure.column)
                for measure in MEASURES
            ),
            pl.col("outlier_images", "outlier_wells").fill_null(0),
            CONSTANT,
            compared=pl.col("compared").fill_null(0) >= MIN_COMPARED,
        )
    )
    return Outliers(rows, plates)


def _middles(rows: pl.DataFrame) -> pl.DataFrame:
    """Get of each plate and channel the number of rows; of each measure median and deviation."""
    middles: list[pl.Expr] = []
    for measure in MEASURES:
        level = pl.col(measure.column)
        deviation = (level - level.median()).abs().median() * MAD_TO_DEVIATION
        middles += [
            level.median().alias(f"{measure.column} median"),
            deviation.clip(lower_bound=measure.least_deviation).alias(
                f"{measure.column} deviation"
            ),
        ]
    return rows.group_by(GROUP).agg(pl.len().alias("compared"), *middles)


def _standing_out(
    rows: pl.DataFrame, middles: pl.DataFrame, measure: Measure, threshold: float
) -> pl.DataFrame:
    """Get the images or wells of which one measure stands out."""
    level, median = pl.col(measure.column), pl.col(f"{measure.column} median")
    z = (level - median) / pl.col(f"{measure.column} deviation")
    found = (
        rows.join(middles.filter(pl.col("compared") >= MIN_COMPARED), on=GROUP)
        .select(
            *IMAGE,
            measure=pl.lit(measure.column),
            value=measure.value_of(level),
            z=z,
            median=measure.value_of(median),
        )
        .filter((pl.col("z") if measure.below is None else pl.col("z").abs()) >= threshold)
    )
    said = found.select("value", "median", "z").iter_rows()
    reasons = pl.Series("reason", [measure.said(*values) for values in said], pl.String)
    return found.drop("median").with_columns(reasons)
