"""Tiles that show cells: the rule of CellPaintSSL, on the channel that marks nuclei."""

import numpy as np
from numpy.typing import NDArray

from jumpduck.imaging.tiff_reader import Plane
from jumpduck.imaging.transforms import histogram, otsu_threshold
from jumpduck.samples.pieces import grid

FACTOR = 0.7
"""Of Otsu's threshold; what is brighter counts as a nucleus."""

MIN_SHARE = 0.01
"""Of the pixels of a tile that are a nucleus."""


def foreground(plane: Plane, edge: int, stride: int) -> NDArray[np.int64]:
    """Get the corners (n, 2) of the tiles of a grid that show cells.

    They are those of which at least 1 % of the pixels are brighter than 0.7 of the threshold of
    Otsu of the whole image; the middle one where there is none, as in CellPaintSSL's inference.
    """
    corners = grid(plane.shape, edge, stride)
    bright = plane > FACTOR * otsu_threshold(histogram(plane))
    # sums of all pixels above and left of each, so that a tile takes four of them
    sums = np.zeros((plane.shape[0] + 1, plane.shape[1] + 1), np.int64)
    np.cumsum(np.cumsum(bright, axis=0, dtype=np.int64), axis=1, out=sums[1:, 1:])
    top, left = corners.T
    end, right = top + edge, left + edge
    count = sums[end, right] - sums[top, right] - sums[end, left] + sums[top, left]
    shown = corners[count >= MIN_SHARE * edge**2]
    return shown if len(shown) or not len(corners) else _middle(plane.shape, edge, stride)


def _middle(shape: tuple[int, ...], edge: int, stride: int) -> NDArray[np.int64]:
    rows, columns = ((side - edge) // stride + 1 for side in shape)
    return grid(shape, edge, stride).reshape(rows, columns, 2)[rows // 2, columns // 2][None]
