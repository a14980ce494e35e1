"""The charts of the report as Vega-Lite; its script gives them data and a width.

This module needs the extra ``report``.
"""

import functools
from typing import Any

import altair as alt
import vl_convert

from jumpduck.figures.plate_map import (
    COLOURS,
    GAP_SHARE,
    LINE_COLOUR,
    OTHERS_COLOUR,
    OWN_COLOURS,
    PATHS,
)

ROWS = "rows"
"""Name of the data of each chart."""

OUTLIER = "#e8590c"
"""Colour of what stands out; it has enough contrast with black and with white."""


@functools.cache
def libraries() -> str:
    """Get Vega, Vega-Lite and Vega-Embed as one script."""
    return vl_convert.javascript_bundle()  # pyright: ignore


def charts() -> dict[str, dict[str, Any]]:
    """Get the charts by their names.

    ``quality`` has a point and a bar for each plate, one row of the chart for each channel; its
    rows are plate (number), name, source, channel, kind (plate or outlier), low, middle and high.
    ``numbers`` and ``words`` are plate maps; their rows are row, column, well, value, said, state
    (value, or what `jumpduck.figures.plate_map.PATHS` has a mark for), found and outlier. ``marks``
    is what the script needs to make a plate map as `jumpduck.figures.plate_map` does.
    """
    done = {"done": OWN_COLOURS["fetched"], "yes": OUTLIER, "no": OTHERS_COLOUR}
    return {
        "marks": {
            "own": {**OWN_COLOURS, **done},
            "colours": COLOURS,
            "others": OTHERS_COLOUR,
            "states": list(PATHS),
            "gap": GAP_SHARE,
        },
        "quality": _quality(),
        "numbers": _plate_map(
            alt.Color("value:Q").scale(scheme="viridis").legend(orient="bottom", gradientLength=160)
        ),
        "words": _plate_map(
            alt.Color("value:N", title=None).legend(orient="bottom", columns=3, labelLimit=160)
        ),
    }


def _quality() -> dict[str, Any]:
    plate = alt.X("plate:O", title="Plate (number in the table)").axis(
        labelOverlap=True, labelAngle=0, ticks=False, grid=False
    )
    source = alt.Color("source:N", title="Source").legend(orient="bottom", columns=4)
    outlier = "datum.kind == 'outlier'"
    rows: Any = alt.Chart()  # because its methods have no types
    spread = rows.mark_rule(strokeWidth=3, opacity=0.4).encode(
        x=plate,
        y=alt.Y("low:Q", title=None).scale(zero=False, nice=True),
        y2="high:Q",
        color=source,
    )
    middle = rows.mark_point(filled=True, opacity=1).encode(
        x=plate,
        y="middle:Q",
        color=alt.condition(outlier, alt.value(OUTLIER), source),
        shape=alt.condition(outlier, alt.value("triangle-up"), alt.value("circle")),
        size=alt.condition(outlier, alt.value(50), alt.value(40)),
        tooltip=["name:N", "channel:N", "middle:Q", "low:Q", "high:Q"],
    )
    channel = alt.Row("channel:N", title=None, sort=None).header(orient="top")
    layers: Any = alt.layer(spread, middle, data=alt.NamedData(ROWS)).properties(height=90)
    return layers.facet(row=channel, spacing=8).resolve_scale(y="independent").to_dict()


def _plate_map(colour: alt.Color) -> dict[str, Any]:
    place = {
        "x": alt.X("column:O", title=None)
        .axis(orient="top", labelAngle=0, ticks=False, domain=False, labelOverlap=True)
        .scale(paddingInner=GAP_SHARE),
        "y": alt.Y("row:O", title=None)
        .axis(ticks=False, domain=False, labelOverlap=True)
        .scale(paddingInner=GAP_SHARE),
        "opacity": alt.condition("datum.found", alt.value(1), alt.value(0.15)),
        "tooltip": ["well:N", "said:N"],
    }
    plates: Any = alt.Chart()  # because its methods have no types
    outlier = "datum.outlier"
    filled = plates.transform_filter("datum.state == 'value'").mark_rect()
    absent = plates.transform_filter("datum.state != 'value'").mark_point(
        stroke=LINE_COLOUR, strokeWidth=0.8, filled=False
    )
    kind = (
        alt.Shape("state:N", title=None)
        .scale(domain=list(PATHS), range=list(PATHS.values()))
        .legend(orient="bottom")
    )
    layers = [
        filled.encode(
            color=colour,
            stroke=alt.condition(outlier, alt.value(OUTLIER), alt.value(LINE_COLOUR)),
            strokeWidth=alt.condition(outlier, alt.value(2), alt.value(0.5)),
            **place,
        ),
        absent.encode(shape=kind, **place),
    ]
    return alt.layer(*layers, data=alt.NamedData(ROWS)).to_dict()
