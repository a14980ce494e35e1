"""Size and shape of objects, by the names and the numbers of CellProfiler."""

import numpy as np
from numpy.typing import NDArray

from jumpduck.profiling.library_calls import holes
from jumpduck.profiling.moments import moment_features, spatial_moments
from jumpduck.profiling.regions import Floats, Integers, Mask, Regions, totals

FOUR = ((-1, 0), (0, -1), (0, 1), (1, 0))
"""The neighbours that share an edge with a pixel."""

DIAGONAL = ((-1, -1), (-1, 1), (1, -1), (1, 1))

_ROOT = float(np.sqrt(2))

STEP_LENGTHS = np.zeros(50)
"""Length of outline by 2 x the neighbours at an edge + 10 x those at a corner + 1, after Benkrid
and Crookes 2000, "Design and FPGA implementation of a perimeter estimator"."""
STEP_LENGTHS[[5, 7, 15, 17, 25, 27]] = 1
STEP_LENGTHS[[21, 33]] = _ROOT
STEP_LENGTHS[[13, 23]] = (1 + _ROOT) / 2

EULER = np.array([0, 0, 0, 0, 0, 0, -1, 0, 1, 0, 0, 0, 0, 0, -1, 0])
"""What each pattern of 2 x 2 pixels adds to the Euler number of an 8-connected object, after
Ohser, Nagel and Schladitz 2002; bit 0 is the lower right pixel, 1 the upper right, 2 the lower
left and 3 the upper left."""

_A, _B = np.pi / 4, np.pi / (4 * _ROOT)
CROFTON = np.array(
    [0, _A + _B, _B, 2 * _B, 0, _A + _B, 0, _B, _A, 2 * _A, _B, _B, _A, 2 * _A, 0, 0]
)
"""What each pattern of 2 x 2 pixels adds to the perimeter by Crofton's formula in four directions;
bits as in `EULER`."""


def shape(objects: Regions) -> dict[str, Floats]:
    """Get what CellProfiler's MeasureObjectSizeShape measures, without Zernike moments.

    Lengths are in pixels, angles in degrees. ``PerimeterCrofton`` and ``FilledArea`` are those
    that cp_measure adds.
    """
    raw, central = spatial_moments(objects)
    found = _boxes(objects) | _axes(central)
    area = objects.area.astype(np.float64)
    box_area = (found["BoundingBoxMaximum_X"] - found["BoundingBoxMinimum_X"]) * (
        found["BoundingBoxMaximum_Y"] - found["BoundingBoxMinimum_Y"]
    )
    outline = perimeters(objects)
    patterns = _patterns(objects).astype(np.float64)
    convex, filled, middle = np.zeros(objects.count), area.copy(), np.zeros(objects.count)
    for row, (part, mask) in enumerate(zip(objects.slices(), objects.crops(), strict=True)):
        convex[row] = convex_area(mask)
        filled[row] += holes(mask)
        middle[row] = np.median(objects.depth[part])
    with np.errstate(divide="ignore"):  # because the perimeter of one pixel is 0
        form_factor = 4 * np.pi * area / outline**2
    return {
        "Area": area,
        "BoundingBoxArea": box_area,
        **found,
        "Center_X": raw[:, 0, 1] / area + found["BoundingBoxMinimum_X"],
        "Center_Y": raw[:, 1, 0] / area + found["BoundingBoxMinimum_Y"],
        "Compactness": outline**2 / (4 * np.pi * area),
        "ConvexArea": convex,
        "EquivalentDiameter": np.sqrt(4 * area / np.pi),
        "EulerNumber": patterns @ EULER,
        "Extent": area / box_area,
        "FilledArea": filled,
        "FormFactor": form_factor,
        "MaximumRadius": objects.largest(objects.depth),
        "MeanRadius": objects.sums(objects.depth) / area,
        "MedianRadius": middle,
        "Perimeter": outline,
        "PerimeterCrofton": patterns @ CROFTON,
        "Solidity": area / convex,
        **moment_features(raw, central),
    }


def edges(objects: Regions) -> Mask:
    """Get which pixels border on another label; the border of the image does not count."""
    edge = np.zeros(objects.at.size, bool)
    flat, own = objects.padded.ravel(), objects.owner + 1
    for step in FOUR:
        other = flat[objects.padded_at + objects.step(*step)]
        edge |= (other != own) & (other >= 0)
    return edge


def perimeters(objects: Regions) -> Floats:
    """Get the length of each object's outline, as scikit-image's ``perimeter`` has it."""
    flat, own = objects.padded.ravel(), objects.owner + 1
    border = np.zeros(objects.at.size, bool)
    for step in FOUR:
        border |= flat[objects.padded_at + objects.step(*step)] != own
    outline = np.zeros(flat.size, np.int32)
    at, own = objects.padded_at[border], own[border]
    outline[at] = own
    code = np.ones(at.size, np.int64)
    for weight, steps in ((2, FOUR), (10, DIAGONAL)):
        for step in steps:
            code += weight * (outline[at + objects.step(*step)] == own)
    return totals(own - 1, STEP_LENGTHS[code], objects.count)


def convex_area(mask: Mask) -> float:
    """Get the pixels in the convex hull of a mask's pixels, whose corners are edges' middles.

    This is ``area_convex`` of scikit-image. The hull of the edges' middles is the hull of the
    pixels' centres, widened by a diamond of half a pixel; a pixel is in it if it is on the inner
    side of each of its edges. Coordinates are doubled, so that all of it is whole numbers.
    """
    corners = hull(mask)
    edge = np.roll(corners, -1, axis=0) - corners
    normals = np.stack([edge[:, 1], -edge[:, 0]], axis=1)
    normals = np.concatenate([normals, -normals, DIAGONAL])
    # 2 x the largest product of a corner and the normal, plus what the diamond adds
    limits = 2 * (normals @ corners.T).max(axis=1) + np.abs(normals).max(axis=1)
    right, left = normals[:, 1] > 0, normals[:, 1] < 0
    reach: Integers = limits[:, None] - 2 * normals[:, :1] * np.arange(int(mask.shape[0]))
    last: Integers = np.min(reach[right] // (2 * normals[right, 1:]), axis=0)
    first: Integers = -np.min(reach[left] // (-2 * normals[left, 1:]), axis=0)
    return float(np.maximum(last - first + 1, 0).sum())


def hull(mask: Mask) -> Integers:
    """Get the corners of the convex hull of a mask's pixels: rows and columns, in order."""
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask.argmax(axis=1)[rows]
    last = mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)[rows]
    left = _chain(rows.tolist(), first.tolist())
    right = _chain(rows.tolist(), (-last).tolist())
    around = [(row, -column) for row, column in reversed(right)] + left
    return np.array(around, np.int64)


def _chain(rows: list[int], columns: list[int]) -> list[tuple[int, int]]:
    """Get the corners that a rubber band has on the side of the smaller columns."""
    found: list[tuple[int, int]] = []
    for row, column in zip(rows, columns, strict=True):
        while len(found) > 1:
            (r, c), (r0, c0) = found[-1], found[-2]
            if (r - r0) * (column - c0) > (c - c0) * (row - r0):
                break
            found.pop()
        found.append((row, column))
    return found


def _boxes(objects: Regions) -> dict[str, Floats]:
    found = np.array(
        [(x.stop, y.stop, x.start, y.start) for y, x in objects.boxes], np.float64
    ).reshape(-1, 4)
    names = ("Maximum_X", "Maximum_Y", "Minimum_X", "Minimum_Y")
    return {f"BoundingBox{name}": found[:, n] for n, name in enumerate(names)}


def _axes(central: Floats) -> dict[str, Floats]:
    """Get the axes of the ellipse with the same second moments, as scikit-image has them."""
    rows, both, columns = (central[:, p, q] / central[:, 0, 0] for p, q in ((2, 0), (1, 1), (0, 2)))
    # rounding must not decide between 90 and -90 degrees
    both = np.where(np.abs(both) < 1e-12 * (rows + columns), 0, both)
    half = np.sqrt(((columns - rows) / 2) ** 2 + both**2)
    major = np.maximum((rows + columns) / 2 + half, 0)
    minor = np.maximum((rows + columns) / 2 - half, 0)
    round_ = rows == columns
    angle = np.where(
        round_,
        np.where(both > 0, np.pi / 4, -np.pi / 4),
        0.5 * np.arctan2(2 * both, rows - columns),
    )
    with np.errstate(invalid="ignore"):
        flat = np.where(major == 0, 0.0, np.sqrt(1 - minor / major))
    return {
        "Eccentricity": flat,
        "MajorAxisLength": 4 * np.sqrt(major),
        "MinorAxisLength": 4 * np.sqrt(minor),
        "Orientation": np.degrees(angle),
    }


def _patterns(objects: Regions) -> NDArray[np.int64]:
    """Get how often each pattern of 2 x 2 pixels lies on the outline, of shape (n, 16)."""
    padded = np.maximum(objects.padded, 0)
    windows = [padded[1:, 1:], padded[:-1, 1:], padded[1:, :-1], padded[:-1, :-1]]
    mixed = (windows[0] != windows[3]) | (windows[1] != windows[0]) | (windows[2] != windows[0])
    four = [one[mixed] for one in windows]
    counts = np.zeros((objects.count + 1) * 16, np.int64)
    for place, owner in enumerate(four):
        new = owner > 0
        pattern = np.zeros(owner.size, np.int64)
        for other_place, other in enumerate(four):
            same = other == owner
            if other_place < place:
                new &= ~same  # because the pattern was counted with the other pixel as its owner
            pattern += same * (1 << other_place)
        counts += np.bincount(owner[new] * 16 + pattern[new], minlength=counts.size)
    return counts.reshape(-1, 16)[1:]
