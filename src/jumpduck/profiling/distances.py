"""Distances inside of objects: to the edge, and along paths to a centre."""

import numpy as np

from jumpduck.profiling.library_calls import distance_to_background
from jumpduck.profiling.regions import Floats, Integers, Regions

STEPS = [
    (row, column, float(np.hypot(row, column)))
    for row in (-1, 0, 1)
    for column in (-1, 0, 1)
    if row or column
]
"""Rows, columns and lengths of the steps to the eight neighbours."""


def distance_in_image(objects: Regions) -> Floats:
    """Get `Regions.depth`, but with distances to pixels of the image alone, as in CellProfiler."""
    found = objects.depth.copy()
    height, width = objects.labels.shape
    for part, box, mask in zip(objects.slices(), objects.boxes, objects.crops(), strict=True):
        rows, columns = box
        sides = (
            (int(rows.start > 0), int(rows.stop < height)),
            (int(columns.start > 0), int(columns.stop < width)),
        )
        if sides != ((1, 1), (1, 1)):
            padded = np.pad(mask, sides)
            found[part] = distance_to_background(padded)[padded]
    return found


def distance_to_centre(objects: Regions, centre: Integers) -> Floats:
    """Get the length of each pixel's shortest path to the centre inside of its object.

    A step is 1 to a neighbour at an edge and the square root of 2 to one at a corner.

    Parameters
    ----------
    centre
        Index of the pixel that is the centre, for each object.

    Returns
    -------
    array of shape (pixels,)
        Infinity for pixels that are not connected with the centre.
    """
    straight = _straight_distance(objects, centre)
    found = np.full(objects.padded.size, np.inf)
    found[objects.padded_at] = straight
    owner = objects.padded.ravel()
    # From here on a pixel is looked at again whenever a neighbour's path has become shorter; at
    # first those are the pixels with a path that border on one without.
    without = objects.padded_at[~np.isfinite(straight)]
    steps = [(objects.step(row, column), length) for row, column, length in STEPS]
    changed = without[:0]
    if without.size:
        near = np.concatenate([without + step for step, _ in steps])
        changed = np.unique(near[np.isfinite(found[near])])
    while changed.size:
        moved: list[Integers] = []
        for step, length in steps:
            to = changed + step
            path = found[changed] + length
            shorter = (owner[to] == owner[changed]) & (path < found[to] - 1e-9)
            found[to[shorter]] = path[shorter]
            moved.append(to[shorter])
        changed = np.unique(np.concatenate(moved))
    return found[objects.padded_at]


def _straight_distance(objects: Regions, centre: Integers) -> Floats:
    """Get the length of the path to the centre of pixels that have one as short as can be.

    Without obstacles the shortest path has as many steps as the larger of the two differences of
    rows and of columns, and each of them makes that difference smaller by one. So pixels are taken
    by that difference, from the centre on: one has such a path if one of the neighbours that are
    nearer has it. Others get infinity.
    """
    down = (objects.rows - objects.rows[centre][objects.owner]).astype(np.int32)
    right = (objects.columns - objects.columns[centre][objects.owner]).astype(np.int32)
    high, wide = np.abs(down), np.abs(right)
    far, near = np.maximum(high, wide), np.minimum(high, wide)
    width = objects.padded.shape[1]
    diagonal = -(np.sign(down) * width + np.sign(right))
    along = np.where(high > wide, -np.sign(down) * width, -np.sign(right))
    # a step along the longer side keeps the shorter difference, so it must be smaller already
    along = np.where(high == wide, diagonal, along)
    order = np.argsort(far, kind="stable")
    ends = np.cumsum(np.bincount(far))
    reached = np.zeros(objects.padded.size, bool)
    owner = objects.padded.ravel()
    at = objects.padded_at[order]
    by_diagonal, by_along = at + diagonal[order], at + along[order]
    own = owner[at]
    # a path may not leave the object, so a neighbour counts only if it is of the same object
    diagonal_counts = (owner[by_diagonal] == own) & (near[order] > 0)
    along_counts = owner[by_along] == own
    start = 0
    for end in ends.tolist():
        part = slice(start, end)
        if start == 0:
            reached[at[part]] = True
        else:
            reached[at[part]] = (diagonal_counts[part] & reached[by_diagonal[part]]) | (
                along_counts[part] & reached[by_along[part]]
            )
        start = end
    straight = far + near * (np.sqrt(2) - 1)
    return np.where(reached[objects.padded_at], straight, np.inf)
