"""What of which site each sample is: the whole field, or a square of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jumpduck.errors import ImageError
from jumpduck.imaging.tiff_reader import Plane

TILE_Y, TILE_X, TILE = "Metadata_Tile_Y", "Metadata_Tile_X", "Metadata_Tile"


@dataclass(frozen=True)
class Pieces:
    """A piece of a site for each sample.

    Attributes
    ----------
    sites
        Number of its site.
    columns
        What the table of samples has beside the columns of the sites, a row a piece.
    edge
        Edge of a square in pixels; None for whole fields.
    corners
        Top and left of each square, in pixels of the kept image; None where each epoch draws them.
    shapes
        Height and width of each site (n, 2) for which the corners were chosen, 0 where they were
        not known; None where the image of each site was looked at.
    beyond
        Squares may reach beyond the image, as those of cells near its border do.
    """

    sites: NDArray[np.int64]
    columns: pl.DataFrame
    edge: int | None = None
    corners: NDArray[np.int64] | None = None
    shapes: NDArray[np.int64] | None = None
    beyond: bool = False

    def check_shape(self, site: int, shape: tuple[int, ...]) -> None:
        """Raise ImageError if the image of a site is not of the size that was expected."""
        if self.shapes is None or not self.shapes[site].any():
            return
        height, width = self.shapes[site].tolist()
        if shape != (height, width):
            raise ImageError(
                f"the image has {shape[0]} x {shape[1]} pixels, and those of its plate that were "
                f"made in the same way {height} x {width}"
            )


def fields(sites: int) -> Pieces:
    """Get the whole field of each site."""
    return Pieces(np.arange(sites), pl.DataFrame())


def tiles(
    corners: Sequence[NDArray[np.int64]], edge: int, shapes: NDArray[np.int64] | None
) -> Pieces:
    """Get tiles, of which each site has some corners: an array (n, 2) of top and left."""
    counts = np.array([len(one) for one in corners], np.int64)
    every = np.concatenate([np.empty((0, 2), np.int64), *corners])
    columns = pl.DataFrame({TILE_Y: every[:, 0], TILE_X: every[:, 1]})
    return Pieces(np.repeat(np.arange(len(corners)), counts), columns, edge, every, shapes)


def random_tiles(sites: int, count: int, edge: int) -> Pieces:
    """Get tiles of each site that each epoch draws: `count`, numbered from 0."""
    numbers = pl.DataFrame({TILE: np.tile(np.arange(count), sites)})
    return Pieces(np.repeat(np.arange(sites), count), numbers, edge)


def grid(shape: tuple[int, ...], edge: int, stride: int) -> NDArray[np.int64]:
    """Get the corners of all tiles that fit into an image, row by row from the top left."""
    lines = [np.arange(0, side - edge + 1, stride) for side in shape]
    return np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 2)


def random_corner(
    shape: tuple[int, ...], edge: int, seed: int, epoch: int, key: bytes
) -> tuple[int, int]:
    """Get the corner of a tile anywhere in an image, by SHA-256 of seed, epoch and key."""
    digest = hashlib.sha256(f"{seed}\n{epoch}\n".encode() + key).digest()
    # 128 bits, so that no corner is likelier than another by anything that matters
    top, left = (int.from_bytes(digest[at : at + 16], "big") for at in (0, 16))
    height, width = shape
    if min(shape) < edge:
        raise ImageError(f"the image has {height} x {width} pixels, and a tile {edge} x {edge}")
    return top % (height - edge + 1), left % (width - edge + 1)


def as_floats(
    planes: Sequence[Plane], edge: int | None, corner: tuple[int, int], *, beyond: bool
) -> NDArray[np.float32]:
    """Get planes, or a square of them, as one array (C, H, W) of values from 0 to 1.

    What lies beyond the image is 0.

    Raises
    ------
    ImageError
        The square reaches beyond the image, and `beyond` does not allow it.
    """
    shape = planes[0].shape
    if edge is None:
        image = np.empty((len(planes), *shape), np.float32)
        source = inside = (slice(None), slice(None))
    else:
        starts = [max(0, at) for at in corner]
        ends = [min(side, at + edge) for side, at in zip(shape, corner, strict=True)]
        source = tuple(
            slice(start, max(start, end)) for start, end in zip(starts, ends, strict=True)
        )
        inside = tuple(
            slice(one.start - at, one.stop - at) for one, at in zip(source, corner, strict=True)
        )
        is_inside = all(one.stop - one.start == edge for one in source)
        if not beyond and not is_inside:
            raise ImageError(
                f"the tile at {corner[0]}, {corner[1]} of {edge} x {edge} pixels is not inside of "
                f"the image, which has {shape[0]} x {shape[1]}"
            )
        make = np.empty if is_inside else np.zeros
        image = make((len(planes), edge, edge), np.float32)
    for channel, plane in enumerate(planes):
        # in two steps, because numpy would convert in blocks, which takes twice the time
        np.copyto(image[(channel, *inside)], plane[source])
        image[channel] /= np.iinfo(plane.dtype).max
    return image
