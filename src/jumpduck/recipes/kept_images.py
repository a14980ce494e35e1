"""What a kept image shows, from its row of the results."""

import json
from collections.abc import Mapping
from typing import Any, cast

from jumpduck.errors import QueryError
from jumpduck.recipes.preprocessing import (
    MAX_PIXEL_UM,
    MIN_PIXEL_UM,
    PIXEL_SIZE_UM,
    Preprocessing,
)
from jumpduck.recipes.registry import BUILT_IN
from jumpduck.rows import Row

RAW = "raw"


def kept_edges_um(row: Row) -> tuple[float, float] | None:
    """Get the height and width of the specimen in a kept image, in micrometres.

    They are those of the crop, whatever the image was resized to. None if the size of the published
    pixels is not known, or the recipe is none of jumpduck's, of which the crop is not known.
    """
    name, parameters = _recipe_of(row)
    pixel_um, width, height = row.get(PIXEL_SIZE_UM), row.get("width"), row.get("height")
    if not isinstance(pixel_um, float) or not MIN_PIXEL_UM <= pixel_um <= MAX_PIXEL_UM:
        return None
    if not isinstance(width, int) or not isinstance(height, int) or min(width, height) < 1:
        return None
    if name not in BUILT_IN:
        return None
    if name == RAW:
        return height * pixel_um, width * pixel_um
    try:
        steps = Preprocessing(parameters["crop"], parameters["crop_um"], illum=False, resize=None)
        rows, columns = steps.crop_of((height, width), pixel_um)
    except (KeyError, TypeError, QueryError):  # parameters that no recipe of jumpduck has
        return None
    return (rows.stop - rows.start) * pixel_um, (columns.stop - columns.start) * pixel_um


def stretched_levels(row: Row) -> tuple[float, float] | None:
    """Get the grey levels that 0 and 255 of a kept image stand for.

    None if it has the grey levels that were published, as those of 16 bit do.
    """
    _, parameters = _recipe_of(row)
    low, high = row.get("low"), row.get("high")
    if "percentile" not in parameters or parameters.get("bits", 8) != 8:
        return None
    return (low, high) if isinstance(low, float) and isinstance(high, float) else None


def _recipe_of(row: Row) -> tuple[str, Mapping[str, Any]]:
    """Get the name of the recipe and its parameters."""
    try:
        parameters: object = json.loads(str(row.get("parameters") or "{}"))
    except ValueError:
        parameters = None
    name = str(row.get("recipe") or "").partition(" ")[0]
    return name, cast("dict[str, Any]", parameters) if isinstance(parameters, dict) else {}
