"""Charts as PNG and SVG files, by Altair and vl-convert, which belong to the extra report."""

import io
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jumpduck.errors import QueryError, needs_extra
from jumpduck.storage.atomic_files import atomic_write
from jumpduck.storage.replaced_files import is_png, refuse_other_file

if TYPE_CHECKING:
    import altair as alt

SUFFIXES = (".png", ".svg")

SCALE = 2
"""Pixels of a PNG by one of the chart, so that its text is sharp."""

_FIRST_BYTES = 1000

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def check_charts(path: Path | None = None) -> None:
    """Check that charts can be made, and written to a path.

    Raises
    ------
    QueryError
        The extra is not installed, or the name ends with neither .png nor .svg.
    StoreError
        `path` is a file of another kind.
    """
    if any(find_spec(name) is None for name in ("altair", "vl_convert")):
        raise QueryError(needs_extra("a chart", "Altair and vl-convert", "report"))
    if path is None:
        return
    if path.suffix.lower() not in SUFFIXES:
        raise QueryError(f"path {path} is neither PNG nor SVG; give a name that ends with one")
    one, what = (is_png, "a picture") if path.suffix.lower() == ".png" else (_is_svg, "an SVG file")
    refuse_other_file(path, what, one)


def write_chart(chart: "alt.TopLevelMixin", path: Path) -> None:
    """Write a chart as PNG or SVG, by the suffix of the name.

    Raises
    ------
    QueryError, StoreError
        As `check_charts`.
    """
    check_charts(path)
    # because vl-convert ends the process at a character that XML does not have
    of_kind: Any = type(chart)
    drawn = of_kind.from_dict(_as_xml_has(chart.to_dict()))
    if path.suffix.lower() == ".png":
        pixels = io.BytesIO()
        drawn.save(pixels, format="png", scale_factor=SCALE)
        data = pixels.getvalue()
    else:
        text = io.StringIO()
        drawn.save(text, format="svg")
        data = text.getvalue().encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, data)


def _as_xml_has(part: object) -> object:
    """Get a part of JSON with a mark in place of each character that XML does not have."""
    if isinstance(part, str):
        return _NOT_IN_XML.sub("\ufffd", part)
    if isinstance(part, list):
        return [_as_xml_has(one) for one in cast("list[object]", part)]
    if isinstance(part, dict):
        return {name: _as_xml_has(one) for name, one in cast("dict[str, object]", part).items()}
    return part


def _is_svg(file: Path) -> bool:
    """Get whether a file is an SVG, by its first element."""
    with file.open("rb") as opened:
        return b"<svg" in opened.read(_FIRST_BYTES)
