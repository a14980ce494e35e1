"""How large the pixels of a kept image are, which a recipe may have resized."""

import json
import math

from jumpduck.imaging.transforms import crop_slices


def kept_pixel_size_um(
    published_um: float | None,
    parameters: str,
    published: tuple[int, int],
    kept: tuple[int, int],
) -> float | None:
    """Get the edge of a pixel of a kept image in micrometres; None if it is not known.

    Parameters
    ----------
    published_um
        Edge of a pixel of the published image.
    parameters
        Those of the recipe, as the results have them.
    published, kept
        Height and width in pixels of the published and of the kept image.
    """
    if published_um is None or not math.isfinite(published_um) or published_um <= 0:
        return None
    options = json.loads(parameters)
    edge = options.get("crop") or 0
    if options.get("crop_um") is not None:
        edge = max(1, round(min(options["crop_um"] / published_um, max(published) + 1)))
    rows, columns = crop_slices(published, edge)
    cropped = rows.stop - rows.start, columns.stop - columns.start
    factor = max(cropped) / max(kept)
    # a recipe of another's may crop by options that are not known here
    if not options.get("resize") and factor != 1:
        return None
    return published_um * factor
