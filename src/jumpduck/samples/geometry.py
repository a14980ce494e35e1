"""How large the kept image of a site is, and where it lies in the published one."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import ImageError, StoreError
from jumpduck.recipes.kept_images import kept_area
from jumpduck.recipes.preprocessing import PIXEL_SIZE_UM
from jumpduck.rows import PLATE_KEY
from jumpduck.samples.site_images import SiteImages


@dataclass(frozen=True, slots=True)
class Geometry:
    """The kept image of a site.

    Attributes
    ----------
    shape
        Its height and width in pixels.
    top, left
        The first row and column of the published image that it shows; None if that is not known,
        because a recipe of the user's made it.
    scale
        Its pixels for each of the published image, along both axes.
    """

    shape: tuple[int, int]
    top: int | None = 0
    left: int | None = 0
    scale: tuple[float, float] = (1.0, 1.0)

    def position(self, y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Get positions (n, 2) in the kept image for those in the published one.

        The middle of the first pixel is 0, as in CellProfiler.
        """
        assert self.top is not None
        assert self.left is not None
        rows = (y - self.top + 0.5) * self.scale[0] - 0.5
        columns = (x - self.left + 0.5) * self.scale[1] - 0.5
        return np.stack([rows, columns], axis=1)


def geometries(images: SiteImages) -> list[Geometry | None]:
    """Get the geometry of each site; None where no image of its kind can be read.

    That of a kept image follows from its recipe. Of others one is read for each plate and size,
    because the images of a plate have one size.
    """
    alike = (*PLATE_KEY, *images.kept.columns, PIXEL_SIZE_UM)
    rows = pl.concat([images.sites, images.kept], how="horizontal")
    kinds = rows.select(one for one in alike if one in rows.columns)
    known: dict[tuple[object, ...], Geometry | None] = {}
    found: list[Geometry | None] = []
    for site, kind in enumerate(kinds.iter_rows()):
        if known.get(kind) is None:
            known[kind] = _geometry(images, site, dict(zip(kinds.columns, kind, strict=True)))
        found.append(known[kind])
    # a site before the first that could be read has the geometry of its kind, too
    return [one or known[kind] for one, kind in zip(found, kinds.iter_rows(), strict=True)]


def _geometry(images: SiteImages, site: int, row: dict[str, object]) -> Geometry | None:
    if area := kept_area(row):
        scale = area.shape[0] / area.edges[0], area.shape[1] / area.edges[1]
        return Geometry(area.shape, area.rows.start, area.columns.start, scale)
    try:
        plane = images.plane(site, 0)
    except (ImageError, StoreError, FileNotFoundError, PermissionError):
        return None
    shape = plane.shape[0], plane.shape[1]
    is_whole = row["recipe"] is None or shape == (row["height"], row["width"])
    return Geometry(shape) if is_whole else Geometry(shape, None, None)
