"""Which objects touch and which are near, by the names and the numbers of CellProfiler."""

import numpy as np

from jumpduck.profiling.library_calls import nearest_points
from jumpduck.profiling.regions import Floats, Integers, Regions
from jumpduck.profiling.shape import DIAGONAL, FOUR


def neighbours(objects: Regions, numbers: Integers, x: Floats, y: Floats) -> dict[str, Floats]:
    """Get what CellProfiler's MeasureObjectNeighbors measures with the setting "Adjacent".

    Objects are neighbours if pixels of theirs share an edge. ``PercentTouching`` is the share of
    an object's outline that touches another object at an edge or a corner. The closest objects are
    those with the closest centres; numbers, distances and angles of what is not there are 0.

    Parameters
    ----------
    numbers
        The number of each object in the table.
    x, y
        Centres.
    """
    flat, own = objects.padded.ravel(), objects.owner + 1
    outline, touching = np.zeros(own.size, bool), np.zeros(own.size, bool)
    pairs: list[Integers] = []
    for step in (*FOUR, *DIAGONAL):
        other = flat[objects.padded_at + objects.step(*step)]
        different = other != own
        outline |= different
        touches = different & (other > 0)
        touching |= touches
        if step in FOUR:
            pairs.append(own[touches] * np.int64(objects.count + 1) + other[touches])
    touched = np.unique(np.concatenate(pairs)) // (objects.count + 1)
    count = np.bincount(touched - 1, minlength=objects.count)
    order = _closest(x, y)
    right, down = x[order] - x[:, None], y[order] - y[:, None]
    distance: Floats = np.hypot(right, down)
    first, second = (order.shape[1] > rank for rank in range(2))
    nothing: Floats = np.zeros(objects.count)
    angle = nothing
    if second:
        with np.errstate(invalid="ignore", divide="ignore"):
            cosine = (right * right[:, ::-1] + down * down[:, ::-1])[:, 0] / distance.prod(axis=1)
        angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return {
        "AngleBetweenNeighbors": angle,
        "FirstClosestDistance": distance[:, 0] if first else nothing,
        "FirstClosestObjectNumber": numbers[order[:, 0]].astype(np.float64) if first else nothing,
        "NumberOfNeighbors": count.astype(np.float64),
        "PercentTouching": 100 * objects.sums(touching) / objects.sums(outline),
        "SecondClosestDistance": distance[:, 1] if second else nothing,
        "SecondClosestObjectNumber": numbers[order[:, 1]].astype(np.float64) if second else nothing,
    }


def _closest(x: Floats, y: Floats) -> Integers:
    """Get the two closest other points of each point, of shape (points, 2 or fewer)."""
    nearest = nearest_points(np.stack([x, y], axis=1), 3)
    others = nearest != np.arange(x.size)[:, None]
    # of points at one place, the point itself may be none of the three
    others[others.all(axis=1), -1] = False
    return nearest[others].reshape(x.size, -1)
