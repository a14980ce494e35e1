"""Text in pictures: its font, and how it is made to fit."""

import functools
from bisect import bisect_right
from pathlib import Path

from PIL import ImageFont

FONT = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
"""Comes along, because the font of Pillow lacks the letter of micrometres, Greek and accents."""


@functools.cache
def font(size_pixels: int) -> ImageFont.FreeTypeFont:
    """Get the font of labels."""
    return ImageFont.truetype(FONT, size_pixels, layout_engine=ImageFont.Layout.BASIC)


def shortened(text: str, size_pixels: int, width_pixels: float) -> str:
    """Get the text, or as much of its beginning as fits, with an ellipsis."""
    face = font(size_pixels)
    if face.getlength(text) <= width_pixels:
        return text
    left = width_pixels - face.getlength("…")
    return text[: _fitting(text, size_pixels, left)].rstrip() + "…"


def wrapped(text: str, size_pixels: int, width_pixels: float, most_lines: int) -> list[str]:
    """Get the lines of a text, broken at blanks, or anywhere in a word that is wider than a line.

    Parameters
    ----------
    most_lines
        The last of so many lines ends with an ellipsis if more would follow.
    """
    lines: list[str] = []
    rest = " ".join(text.split())
    while rest and len(lines) < most_lines - 1:
        end = _fitting(rest, size_pixels, width_pixels)
        if end < len(rest) and (blank := rest.rfind(" ", 0, end + 1)) > 0:
            end = blank
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*lines, shortened(rest, size_pixels, width_pixels)] if rest else lines


def _fitting(text: str, size_pixels: int, width_pixels: float) -> int:
    """Get how many letters fit, at least one.

    The number is searched by halves, because a name may have any length.
    """
    length = font(size_pixels).getlength
    return max(
        1, bisect_right(range(len(text) + 1), width_pixels, key=lambda n: length(text[:n])) - 1
    )
