"""What a kept image shows, from its row of the results."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from jumpduck.errors import QueryError
from jumpduck.imaging.transforms import resized_shape
from jumpduck.recipes.preprocessing import (
    MAX_PIXEL_UM,
    MIN_PIXEL_UM,
    PIXEL_SIZE_UM,
    Preprocessing,
)
from jumpduck.recipes.registry import BUILT_IN
from jumpduck.rows import Row

RAW = "raw"


@dataclass(frozen=True, slots=True)
class KeptArea:
    """The part of a published image that a kept image shows.

    Attributes
    ----------
    rows, columns
        Of the published image.
    shape
        Height and width of the kept image, which may have been resized.
    """

    rows: slice
    columns: slice
    shape: tuple[int, int]

    @property
    def edges(self) -> tuple[int, int]:
        """Height and width of the part, in pixels of the published image."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


def kept_area(row: Row) -> KeptArea | None:
    """Get which part of the published image a kept image shows.

    None if the recipe is none of jumpduck's, of which the crop is not known.
    """
    name, parameters = _recipe_of(row)
    width, height = row.get("width"), row.get("height")
    if not isinstance(width, int) or not isinstance(height, int) or min(width, height) < 1:
        return None
    if name not in BUILT_IN:
        return None
    if name == RAW:
        return KeptArea(slice(0, height), slice(0, width), (height, width))
    try:
        crop, crop_um, resize = (parameters[one] for one in ("crop", "crop_um", "resize"))
        steps = Preprocessing(crop, crop_um, illum=False, resize=resize)
        rows, columns = steps.crop_of((height, width), _pixel_um(row))
        edges = rows.stop - rows.start, columns.stop - columns.start
        return KeptArea(rows, columns, resized_shape(edges, resize) if resize else edges)
    except (KeyError, TypeError, QueryError):  # parameters that no recipe of jumpduck has
        return None


def kept_edges_um(row: Row) -> tuple[float, float] | None:
    """Get the height and width of the specimen in a kept image, in micrometres.

    They are those of the crop, whatever the image was resized to. None if the size of the published
    pixels is not known, or the recipe is none of jumpduck's, of which the crop is not known.
    """
    pixel_um, area = _pixel_um(row), kept_area(row)
    if pixel_um is None or area is None:
        return None
    height, width = area.edges
    return height * pixel_um, width * pixel_um


def stretched_levels(row: Row) -> tuple[float, float] | None:
    """Get the grey levels that 0 and 255 of a kept image stand for.

    None if it has the grey levels that were published, as those of 16 bit do.
    """
    _, parameters = _recipe_of(row)
    low, high = row.get("low"), row.get("high")
    if "percentile" not in parameters or parameters.get("bits", 8) != 8:
        return None
    return (low, high) if isinstance(low, float) and isinstance(high, float) else None


def _pixel_um(row: Row) -> float | None:
    """Get the size of the published pixels in micrometres; None if it is not known."""
    value = row.get(PIXEL_SIZE_UM)
    if isinstance(value, float) and MIN_PIXEL_UM <= value <= MAX_PIXEL_UM:
        return value
    return None


def _recipe_of(row: Row) -> tuple[str, Mapping[str, Any]]:
    """Get the name of the recipe and its parameters."""
    try:
        parameters: object = json.loads(str(row.get("parameters") or "{}"))
    except ValueError:
        parameters = None
    name = str(row.get("recipe") or "").partition(" ")[0]
    return name, cast("dict[str, Any]", parameters) if isinstance(parameters, dict) else {}
