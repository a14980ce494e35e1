"""What becomes of a published file: recipes, by name.

A recipe is a pure function from the bytes of one image, or of all channels of a site, to the bytes
of the file that is kept. Those of the package are in `jumpduck.recipes.builtin`; any other is a
function that gives a `Recipe`, found by its entry point in the group ``jumpduck.recipes`` or as
``module:function``.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Row = Mapping[str, object]
Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Source:
    """One input image: its bytes, and its row of the manifest."""

    data: bytes | memoryview
    """As it came in, without a copy: numpy, struct, hashlib and io.BytesIO take it as it is."""
    row: Row


@dataclass(frozen=True, slots=True)
class Measured:
    """What was seen of one input image: columns of the results.

    `width` and `height` are those of the image as published; `low` and `high` the grey levels
    that became 0 and 255, or would have. The others are those of
    `jumpduck.imaging.quality.quality`, of the crop as published.
    """

    width: int
    height: int
    low: float | None
    high: float | None
    mean: float | None = None
    saturated: float | None = None
    focus: float | None = None
    constant: bool | None = None


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a recipe made of one job: the file to write, and a `Measured` an input, in order."""

    data: bytes | memoryview
    measured: Sequence[Measured]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A named way from published files to a file that is kept."""

    name: str
    version: int
    suffix: str
    parameters: Mapping[str, object]
    """All that shapes the output, beside the name and the version."""
    per_site: bool
    """One file a site, of all its channels; else one file an image."""
    make: Callable[[Sequence[Source], object], Encoded]
    """From the images of a job and what `prepare` gave; no files, no network."""
    prepare: Callable[[Sequence[Row], Fetch], object] | None = None
    """Called once a plate, before its first image, with its rows and a way to read a URL."""

    def note(self, **more: object) -> str:
        """Get name, version, parameters and `more` as JSON text in ASCII: what a file carries."""
        what = {"recipe": self.name, "version": self.version, "parameters": dict(self.parameters)}
        return json.dumps(what | more, sort_keys=True)
