"""How large the kept image of a site is, and where it lies in the published one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import StoreError
from jumpduck.recipes.kept_images import kept_area
from jumpduck.recipes.preprocessing import PIXEL_SIZE_UM
from jumpduck.rows import PLATE_KEY
from jumpduck.samples.files import UNREADABLE
from jumpduck.samples.site_images import SiteImages

MAX_TRIED = 5
"""Sites of a plate whose images cannot be read, after which no other of it is tried."""

NOT_TRIED = f"not tried, because the first {MAX_TRIED} sites of its plate cannot be read"


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


def geometries(images: SiteImages) -> list[Geometry | Exception]:
    """Get the geometry of each site, or why none of its kind can be read.

    That of a kept image follows from its recipe. Of others one is read for each plate and size,
    because the images of a plate have one size; a site of which that is not true is found when it
    is read. After `MAX_TRIED` sites of a plate that cannot be read, no other is tried.

    Raises
    ------
    StoreError
        No image could be read so far, and the last `MAX_TRIED` were not answered.
    """
    alike = (*PLATE_KEY, *images.kept.columns, PIXEL_SIZE_UM)
    rows = pl.concat([images.sites, images.kept], how="horizontal")
    kinds = rows.select(one for one in alike if one in rows.columns)
    known: dict[tuple[object, ...], Geometry] = {}
    tried: dict[tuple[object, ...], list[Exception]] = {}
    found: list[Geometry | Exception] = []
    unanswered = 0
    for site, kind in enumerate(kinds.iter_rows()):
        faults = tried.setdefault(kind, [])
        if kind in known:
            found.append(known[kind])
        elif len(faults) == MAX_TRIED:
            found.append(StoreError(f"{NOT_TRIED}; of the last: {faults[-1]}"))
        else:
            try:
                one = _geometry(images, site, dict(zip(kinds.columns, kind, strict=True)))
            except UNREADABLE as error:
                one = error
                faults.append(error)
                unanswered += isinstance(error, StoreError)
                if unanswered == MAX_TRIED and not known:
                    raise _none(images, site, error) from error
            else:
                known[kind] = one
            found.append(one)
    # a site before the first that could be read has the geometry of its kind, too
    return [known.get(kind, one) for one, kind in zip(found, kinds.iter_rows(), strict=True)]


def shapes_of(geometry: Sequence[Geometry | Exception]) -> NDArray[np.int64]:
    """Get height and width of each site, (n, 2); 0 where they are not known."""
    shapes = [one.shape if isinstance(one, Geometry) else (0, 0) for one in geometry]
    return np.array(shapes, np.int64).reshape(-1, 2)


def _none(images: SiteImages, site: int, error: Exception) -> StoreError:
    where = " ".join(map(str, images.key(site)))
    return StoreError(
        f"none of the first {MAX_TRIED} sites can be read, such as {where}: {error}; the size "
        "of an image is needed to know its tiles and cells; look whether the server or disk "
        "answers, or choose other sites with `where`"
    )


def _geometry(images: SiteImages, site: int, row: dict[str, object]) -> Geometry:
    if area := kept_area(row):
        scale = area.shape[0] / area.edges[0], area.shape[1] / area.edges[1]
        return Geometry(area.shape, area.rows.start, area.columns.start, scale)
    plane = images.plane(site, 0)
    shape = plane.shape[0], plane.shape[1]
    is_whole = row["recipe"] is None or shape == (row["height"], row["width"])
    return Geometry(shape) if is_whole else Geometry(shape, None, None)
