"""Pictures in a terminal that can show them, through textual-image."""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console

SHOWING = ("SixelImage", "TGPImage")
"""Classes of textual-image for terminals that draw pixels, as kitty, iTerm2 and xterm do."""


def draw_in_terminal(console: Console, picture: Path) -> None:
    """Draw a picture, if textual-image is installed and the terminal answers that it can."""
    # when it is imported, it asks the terminal, which answers on standard input
    if find_spec("textual_image") is None or not sys.stdin.isatty():
        return
    renderable: Any = import_module("textual_image.renderable")
    if renderable.Image in [getattr(renderable, name) for name in SHOWING]:
        console.print(renderable.Image(picture))
