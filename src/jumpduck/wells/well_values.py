"""Rows of images or sites of one plate -> one value a well, by a stated rule."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from jumpduck.errors import QueryError
from jumpduck.rows import DONE, FAULTS, ROLE
from jumpduck.schema import NAMES, name_columns
from jumpduck.selection.suggestions import check_names
from jumpduck.wells.plate_shape import PlateShape, place_of, shape_of

OWN = "Metadata_"

WORDS: Mapping[str, str] = {"role": ROLE}
"""Words for columns that have another name."""

PERTURBATION = "perturbation"

TEXTS = (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Null)
"""Types whose values are shown as text."""

MAX_DIFFERENT = 3
"""Values of a well that are written out where it has several."""

STATUSES = (*DONE, *FAULTS)
"""What became of an image, the worst last."""


@dataclass(frozen=True)
class WellValues:
    """One value a well of a plate.

    Attributes
    ----------
    wells
        One row a well that is known, in the order of the plate: Metadata_Well, row and column from
        1, value (a number or a text; NULL where there is none) and rows (of how many it is made).
    by
        What was asked for.
    rule
        How a value is made of several rows: median, worst, or all that differ.
    shape
        Rows and columns of the plate.
    unplaced
        Names that are not written as those of wells, as A01; `wells` does not have them.
    """

    wells: pl.DataFrame
    by: str
    rule: str
    shape: PlateShape
    unplaced: tuple[str, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers."""
        return self.wells.schema["value"].is_numeric()


def well_values(
    rows: pl.DataFrame, by: str, *, known: Iterable[str] = (), wells: int | None = None
) -> WellValues:
    """Get the values of a plate by well.

    Numbers of the rows of a well become their median, and statuses the worst of them; of other
    values, all that differ are joined by commas. What is not finite does not count.

    Parameters
    ----------
    rows
        Images or sites of one plate, with Metadata_Well.
    by
        ``role``, ``perturbation``, or a column of `rows`, which may be written without Metadata_
        and in another case.
    known
        Wells that the plate has, beside those of `rows`.
    wells
        How many wells the plate has; by default it is the smallest that holds those known.

    Raises
    ------
    QueryError
        There is no such column, with the nearest ones; its values are neither numbers nor text; or
        the plate does not hold its wells.
    """
    value = value_of(by, rows.schema)
    found = rows.select("Metadata_Well", value.alias("value"))
    rule, together = _rule(by, found.schema["value"])
    others = pl.DataFrame({"Metadata_Well": list(known)}, schema={"Metadata_Well": pl.String})
    names = pl.concat([found["Metadata_Well"], others["Metadata_Well"]]).unique().drop_nulls()
    places = {name: place for name in names.sort() if (place := place_of(name))}
    placed = pl.DataFrame(
        [(name, *place) for name, place in places.items()],
        schema={"Metadata_Well": pl.String, "row": pl.Int64, "column": pl.Int64},
        orient="row",
    )
    return WellValues(
        placed.join(found.with_columns(rows=1), on="Metadata_Well", how="left")
        .group_by("row", "column")
        .agg(pl.col("Metadata_Well").min(), value=together, rows=pl.col("rows").count())
        .select("Metadata_Well", "row", "column", "value", "rows")
        .sort("row", "column"),
        by,
        rule,
        shape_of(places.values(), wells),
        tuple(name for name in names.sort() if name not in places),
    )


def value_of(by: str, columns: Mapping[str, pl.DataType]) -> pl.Expr:
    """Get the values that a user asks for by a word or the name of a column.

    Raises
    ------
    QueryError
        There is no such column, with the nearest ones, or its values are neither numbers nor text.
    """
    name = column_of(by, columns)
    if name == PERTURBATION:
        return _perturbation(columns)
    dtype = columns[name]
    if dtype.is_numeric():
        return pl.col(name)
    if dtype.is_temporal() or isinstance(dtype, TEXTS):
        return pl.col(name).cast(pl.String)
    raise QueryError(
        f"by {by!r} is a column of type {dtype}; give one of numbers or text, or cast it"
    )


def column_of(by: str, columns: Collection[str]) -> str:
    """Get the column that a user means, or `PERTURBATION`, which several may name.

    Raises
    ------
    QueryError
        There is no such column, with the nearest ones.
    """
    word = by.lower()
    if by in columns:
        return by
    if word == PERTURBATION:
        return PERTURBATION
    asked = WORDS.get(word, word).lower()
    for name in columns:
        if asked in (name.lower(), name.removeprefix(OWN).lower()):
            return name
    short = {name.removeprefix(OWN) for name in columns}
    words = {word for word, name in WORDS.items() if name in columns} | {PERTURBATION}
    check_names("column", [by], short | words)
    raise AssertionError(by)  # because the names were compared above


def _perturbation(columns: Mapping[str, pl.DataType]) -> pl.Expr:
    """The name of the perturbation, else another text that the collection gives a site."""
    names = name_columns(columns)
    if not names:
        raise QueryError(
            f"by {PERTURBATION!r} is not known here: there is no {NAMES[0]}; name a column"
        )
    return pl.coalesce(names)


def _rule(by: str, dtype: pl.DataType) -> tuple[str, pl.Expr]:
    """Get how the values of a well become one: in a word, and as an expression."""
    value = pl.col("value")
    if dtype.is_numeric():
        number = value.cast(pl.Float64)
        return "median", number.filter(number.is_finite()).median()
    if by.lower() == "status":
        worst = value.replace_strict(
            STATUSES, range(len(STATUSES)), default=len(STATUSES), return_dtype=pl.Int64
        )
        return "worst", value.sort_by(worst).drop_nulls().last()
    different = value.drop_nulls().unique().sort()
    first = different.head(MAX_DIFFERENT).str.join(", ")
    more = different.len().cast(pl.Int64) - MAX_DIFFERENT
    return "all that differ", (
        pl.when(more > 0)
        .then(pl.format("{} and {} more", first, more))
        .when(different.len() > 0)
        .then(first)
    )
