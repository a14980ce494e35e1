"""Values by well -> a map of the plate in its true shape.

This module is imported when a chart is made, after `check_charts`, because Altair belongs to an
extra.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import altair as alt
import polars as pl

from jumpduck.counts import counted
from jumpduck.wells.plate_shape import row_letters
from jumpduck.wells.well_values import WellValues

COLOURS = (
    "#56B4E9", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#0072B2", "#F0E442",
)  # fmt: skip
"""Of Okabe and Ito (2008, Color Universal Design), without black: colour-blind people tell them
apart, also on a dark page."""

OWN_COLOURS: Mapping[str, str] = {
    "trt": COLOURS[0], "negcon": COLOURS[1], "poscon": COLOURS[2], "empty": COLOURS[4],
    "bad_construct": COLOURS[3], "unknown": COLOURS[6],
    "fetched": COLOURS[2], "present": COLOURS[2], "failed": COLOURS[1], "missing": COLOURS[4],
    "corrupt": COLOURS[3],
}  # fmt: skip
"""Colours of roles and statuses: the same on all plates."""

OTHERS_COLOUR = "#9AA0A6"
LINE_COLOUR = "#8A8F98"
"""Seen on light and on dark."""

NO_VALUE, NO_IMAGE = "no value", "no image"

PATHS = {
    NO_VALUE: "M-1,1L1,-1M-1,0L0,-1M0,1L1,0M-1,-1L1,-1L1,1L-1,1Z",
    NO_IMAGE: "M-1,-1L1,-1L1,1L-1,1Z",
}
"""A hatched square and an empty one; Vega itself cannot hatch."""

WELL_PIXELS = {6: 60, 12: 54, 24: 46, 48: 40, 96: 34, 384: 22, 1536: 14}
"""Edge of a well by the number of wells."""

GAP_SHARE = 0.12
"""Of a well's edge, between two wells."""

MAX_TEXT_PIXELS, MIN_TEXT_PIXELS = 12, 8

LEGEND_TEXT_PIXELS, LEGEND_SYMBOL_PIXELS = 230, 12


def plate_map(
    values: WellValues,
    title: str,
    subtitle: Sequence[str] = (),
    *,
    categories: Sequence[str] | None = None,
    domain: tuple[float, float] | None = None,
    ink: str = "#1D2026",
    background: str = "white",
) -> alt.LayerChart:
    """Get the chart of a plate: each well where it is, in the colour of its value.

    Numbers are coloured by viridis. Of text, as many as there are `COLOURS` are told apart; all
    others are grey, and the legend says how many they are. A well without a value is hatched, one
    that is not known is an empty square.

    Parameters
    ----------
    title, subtitle
        Lines above it.
    categories
        The texts to tell apart; by default those of the most wells. The same for several plates
        give them the same colours.
    domain
        Numbers at the ends of the scale; by default the lowest and highest of this plate.
    ink
        Colour of texts; ``currentColor`` in an SVG is that of the page.
    background
        Colour behind the chart.
    """
    shape = values.shape
    edge = WELL_PIXELS[shape.wells]
    wells = _all_wells(values)
    rows = [row_letters(row) for row in range(1, shape.rows + 1)]
    place: dict[str, Any] = {
        "x": alt.X("column:O", **_axis(range(1, shape.columns + 1), edge, "top")),
        "y": alt.Y("row:O", **_axis(rows, edge, "left")),
        "description": "said:N",
        "tooltip": alt.Tooltip("said:N", title="well"),
    }
    if values.is_number:
        colour = _of_numbers(values.by, wells["value"].drop_nulls(), domain)
    else:
        labels = _labels(wells["value"], categories)
        wells = wells.with_columns(pl.col("value").replace(labels))
        colour = _of_texts(values.by, list(dict.fromkeys(labels.values())))
    filled, absent = wells.filter(state="value"), wells.filter(pl.col("state") != "value")
    layers = [
        alt.Chart(filled)
        .mark_rect(stroke=LINE_COLOUR, strokeWidth=0.5)
        .encode(color=colour, **place)
    ]
    if absent.height:
        kinds = [kind for kind in (NO_VALUE, NO_IMAGE) if kind in absent["state"]]
        kind = alt.Shape(
            "state:N",
            title=None,
            scale=alt.Scale(domain=kinds, range=[PATHS[one] for one in kinds]),
            legend=alt.Legend(symbolSize=LEGEND_SYMBOL_PIXELS**2),
        )
        layers.append(
            alt.Chart(absent)
            .mark_point(
                size=(edge * (1 - GAP_SHARE)) ** 2,
                stroke=LINE_COLOUR,
                strokeWidth=0.8,
                filled=False,
            )
            .encode(shape=kind, **place)
        )
    return alt.LayerChart(
        layer=layers,
        width=alt.Step(edge),
        height=alt.Step(edge),
        title=alt.TitleParams(title, subtitle=list(subtitle)),
        background=background,
        config={
            "font": "sans-serif",
            "view": {"stroke": None},
            "title": {
                "anchor": "start",
                "color": ink,
                "subtitleColor": ink,
                "fontSize": 15,
                "offset": 12,
            },
            "axis": {"labelColor": ink},
            "legend": {
                "labelColor": ink,
                "titleColor": ink,
                "labelLimit": LEGEND_TEXT_PIXELS,
                "titleLimit": LEGEND_TEXT_PIXELS,
            },
        },
    )


def _all_wells(values: WellValues) -> pl.DataFrame:
    """Get each well of the shape: its row and column, value, state, and what is said of it."""
    shape = values.shape
    every = pl.DataFrame(
        [
            (row, column, f"{row_letters(row)}{column:02d}")
            for row in range(1, shape.rows + 1)
            for column in range(1, shape.columns + 1)
        ],
        schema={"row": pl.Int64, "column": pl.Int64, "name": pl.String},
        orient="row",
    )
    value = pl.col("value")
    state = pl.when(value.is_not_null()).then(pl.lit("value")).otherwise(pl.lit(NO_VALUE))
    wells = every.join(values.wells.with_columns(state=state), on=["row", "column"], how="left")
    wells = wells.with_columns(pl.col("state").fill_null(NO_IMAGE))
    said = [
        f"{name}: {state if value is None else _text(value)}"
        for name, value, state in wells.select("name", "value", "state").iter_rows()
    ]
    row = pl.col("name").str.strip_chars_end("0123456789").alias("row")
    return wells.select(row, "column", "value", "state").with_columns(pl.Series("said", said))


def _text(value: str | float) -> str:
    """Get a value as it is said of a well."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _axis(names: Iterable[str | int], edge: int, side: Literal["top", "left"]) -> dict[str, Any]:
    """Get the names of all rows or columns at one side, and their bands."""
    text = max(MIN_TEXT_PIXELS, min(MAX_TEXT_PIXELS, round(edge * 0.6)))
    axis = alt.Axis(
        orient=side,
        title=None,
        domain=False,
        ticks=False,
        labelAngle=0,
        labelFontSize=text,
        labelOverlap=False,
    )
    scale = alt.Scale(domain=list(names), paddingInner=GAP_SHARE, paddingOuter=GAP_SHARE / 2)
    return {"axis": axis, "scale": scale}


def _of_numbers(by: str, numbers: pl.Series, domain: tuple[float, float] | None) -> alt.Color:
    ends: list[Any] = [numbers.min(), numbers.max()] if domain is None else list(domain)
    scale = alt.Scale(scheme="viridis", domain=ends)
    legend = alt.Legend(tickCount=5, format=",.4~r")
    return alt.Color("value:Q", title=by, scale=scale, legend=legend)


def _of_texts(by: str, labels: Sequence[str]) -> alt.Color:
    own = {OWN_COLOURS.get(label) for label in labels}
    free = iter([one for one in COLOURS if one not in own])
    colours = [OWN_COLOURS.get(label) or next(free, OTHERS_COLOUR) for label in labels]
    return alt.Color(
        "value:N",
        title=by,
        scale=alt.Scale(domain=list(labels), range=colours),
        legend=alt.Legend(symbolType="square", symbolSize=LEGEND_SYMBOL_PIXELS**2),
    )


def _labels(texts: pl.Series, categories: Sequence[str] | None) -> dict[str, str]:
    """Get the label of each text, those with a colour of their own in the order of the legend."""
    shown = most_frequent(texts) if categories is None else list(categories[: len(COLOURS)])
    others = sorted(set(texts.drop_nulls()) - set(shown))
    label = counted(len(others), "other")
    return {**{text: text for text in shown}, **dict.fromkeys(others, label)}


def most_frequent(texts: pl.Series) -> list[str]:
    """Get as many of the most frequent texts as there are colours; of equal ones the first."""
    counts = texts.drop_nulls().alias("text").value_counts(name="wells")
    return (
        counts.sort("wells", "text", descending=[True, False])["text"].head(len(COLOURS)).to_list()
    )
