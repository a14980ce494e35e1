"""Metrics of several tables of profiles -> one picture that compares them.

This module is imported when a chart is made, after `check_charts`, because Altair belongs to an
extra.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from jumpduck.figures.plate_map import COLOURS, LINE_COLOUR, OTHERS_COLOUR

INK = "#1D2026"

WIDTH_PIXELS, HEIGHT_PIXELS, ROW_PIXELS = 300, 220, 22

QUANTILES = tuple(number / 100 for number in range(101))
"""Of a distribution that is drawn."""

MAX_POINTS = 4_000
"""Of all projections together: Altair takes 5,000 rows of a table."""

OTHERS = "others"


@dataclass(frozen=True)
class Compared:
    """What is known of several tables of profiles.

    Attributes
    ----------
    names
        What the tables are called, in the order of the picture.
    values
        Columns profiles, metric, value, chance, low, high; the last three may be null.
    precisions
        Queries: columns profiles and average_precision.
    curves
        Columns profiles, k, precision, recall and chance_precision.
    points
        Profiles on a plane: columns profiles, x, y and label.
    projection
        How they came there, such as ``PCA``.
    """

    names: Sequence[str]
    values: pl.DataFrame
    precisions: pl.DataFrame
    curves: pl.DataFrame
    points: pl.DataFrame
    projection: str


def comparison(compared: Compared) -> alt.TopLevelMixin:
    """Get the chart: values with intervals and chance, average precision, curves, projections."""
    names = list(compared.names)
    colour = alt.Color("profiles:N", title=None).scale(
        domain=names, range=[COLOURS[number % len(COLOURS)] for number in range(len(names))]
    )
    beside = [
        chart
        for rows, drawn in (
            (compared.precisions, _distributions),
            (compared.curves, _curves),
        )
        if rows.height
        for chart in [drawn(rows, colour)]
    ]
    parts: list[Any] = [_values(compared.values, colour, names)]
    if beside:
        parts.append(alt.HConcatChart(hconcat=beside))
    parts.append(_projections(compared.points, compared.projection, names))
    drawn: Any = alt.VConcatChart(
        vconcat=parts,
        spacing=30,
        title="Evaluation of profiles",
        background="white",
        config={
            "font": "sans-serif",
            "title": {"anchor": "start", "color": INK, "subtitleColor": INK, "fontSize": 15},
            "axis": {"labelColor": INK, "titleColor": INK},
            "legend": {"labelColor": INK, "titleColor": INK, "labelLimit": 230},
        },
    )
    return drawn.resolve_scale(color="independent")


def _values(rows: pl.DataFrame, colour: alt.Color, names: Sequence[str]) -> alt.ConcatChart:
    """Get a panel a metric: a point for each table, its interval, and a tick where chance is."""
    panels: list[Any] = []
    for metric in rows["metric"].unique(maintain_order=True):
        chart: Any = alt.Chart(rows.filter(metric=metric))
        y = alt.Y("profiles:N", sort=list(names), title=None)
        x = alt.X("value:Q", title=metric).scale(zero=False, padding=12, nice=False)
        layers = [
            chart.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q", y=y, color=colour),
            chart.mark_tick(color=LINE_COLOUR, thickness=2).encode(x="chance:Q", y=y),
            chart.mark_point(filled=True, size=60, opacity=1).encode(x=x, y=y, color=colour),
        ]
        panels.append(alt.layer(*layers, width=WIDTH_PIXELS, height=alt.Step(ROW_PIXELS)))
    return alt.ConcatChart(
        concat=panels,
        columns=2,
        title=alt.TitleParams("Values, with 95 percent intervals; grey: chance", fontSize=12),
    )


def _distributions(rows: pl.DataFrame, colour: alt.Color) -> alt.Chart:
    parts = [
        pl.DataFrame({
            "profiles": [name] * len(QUANTILES),
            "precision": [of["average_precision"].quantile(one, "linear") for one in QUANTILES],
            "share": QUANTILES,
        })
        for (name,), of in rows.group_by("profiles", maintain_order=True)
    ]  # fmt: skip
    chart: Any = alt.Chart(pl.concat(parts))
    return (
        chart.mark_line(interpolate="step-after")
        .encode(
            x=alt.X("precision:Q", title="average precision").scale(domain=[0, 1], clamp=True),
            y=alt.Y("share:Q", title="share of queries up to it"),
            color=colour,
        )
        .properties(width=WIDTH_PIXELS, height=HEIGHT_PIXELS)
    )


def _curves(rows: pl.DataFrame, colour: alt.Color) -> alt.LayerChart | alt.FacetChart:
    chart: Any = alt.Chart(rows)
    recall = alt.X("recall:Q", title="recall among the k nearest")
    line = chart.mark_line(point=True).encode(
        x=recall, y=alt.Y("precision:Q", title="precision"), color=colour, order="k:O"
    )
    expected = chart.mark_line(strokeDash=[4, 4]).encode(
        x=recall, y="chance_precision:Q", color=colour, order="k:O"
    )
    return alt.layer(expected, line, width=WIDTH_PIXELS, height=HEIGHT_PIXELS)


def _projections(rows: pl.DataFrame, how: str, names: Sequence[str]) -> alt.ConcatChart:
    counts = rows["label"].value_counts(sort=True)["label"].drop_nulls()
    told = sorted(counts[: len(COLOURS)].to_list())
    label = pl.when(pl.col("label").is_in(told)).then("label").otherwise(pl.lit(OTHERS))
    colour = alt.Color("label:N", title=None).scale(
        domain=[*told, OTHERS], range=[*COLOURS[: len(told)], OTHERS_COLOUR]
    )
    share = MAX_POINTS // len(names)
    panels: list[Any] = []
    for name in names:
        of = rows.filter(profiles=name).with_columns(label=label)
        chart: Any = alt.Chart(of.sample(min(share, of.height), seed=0))
        bare: dict[str, Any] = {
            "title": None,
            "axis": alt.Axis(labels=False, ticks=False, grid=False),
        }
        panels.append(
            chart.mark_circle(size=18, opacity=0.7)
            .encode(
                x=alt.X("x:Q", **bare).scale(zero=False),
                y=alt.Y("y:Q", **bare).scale(zero=False),
                color=colour,
            )
            .properties(
                width=HEIGHT_PIXELS,
                height=HEIGHT_PIXELS,
                title=alt.TitleParams(f"{name}: {how}", fontSize=12),
            )
        )
    return alt.ConcatChart(concat=panels, columns=3)
