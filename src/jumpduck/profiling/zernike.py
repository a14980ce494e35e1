"""Zernike moments of objects' area and of the light in them, in CellProfiler's numbers."""

from collections.abc import Sequence
from functools import cache
from math import comb, factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jumpduck.profiling.grey_values import shares
from jumpduck.profiling.library_calls import enclosing_circles
from jumpduck.profiling.moments import powers
from jumpduck.profiling.regions import Floats, Mask, Regions

DEGREE = 9
"""Zernike polynomials have degrees up to this; CellProfiler's default."""

ORDERS = [(n, m) for n in range(DEGREE + 1) for m in range(n % 2, n + 1, 2)]
"""Radial and azimuthal orders."""


def zernike(
    objects: Regions,
    hulls: tuple[NDArray[Any], NDArray[Any]],
    planes: Sequence[NDArray[Any]],
) -> tuple[dict[str, Floats], list[dict[tuple[str, str], Floats]]]:
    """Get the Zernike moments of the area, and the magnitudes and phases of those of each plane.

    The polynomials are taken in the smallest circle around an object. A corner of it that lies
    beyond the circle by rounding does not count, as in CellProfiler; an object of one pixel, whose
    circle has the radius 0, has NaN.

    Parameters
    ----------
    hulls
        Convex hulls by `jumpduck.profiling.library_calls.convex_hulls`.

    Returns
    -------
    tuple of dict and list of dict
        Of the area by name; of each plane by name and order, such as ``("ZernikePhase", "1_1")``.
    """
    centres, radii = enclosing_circles(objects.labels, hulls)
    found = np.full((1 + len(planes), objects.count, len(ORDERS)), np.nan, np.complex128)
    for number, (box, mask) in enumerate(zip(objects.boxes, objects.crops(), strict=True)):
        if radii[number] == 0:
            continue
        top, left = (int(edge.start) for edge in box)
        rows = (np.arange(top, int(box[0].stop)) - centres[number, 0]) / radii[number]
        columns = (np.arange(left, int(box[1].stop)) - centres[number, 1]) / radii[number]
        inside: Mask = mask & ((columns * columns)[None] + (rows * rows)[:, None] <= 1)
        light = np.stack([inside * 1.0, *(shares(plane[box]) * inside for plane in planes)])
        products = powers(rows, DEGREE + 1).T @ light @ powers(columns, DEGREE + 1)
        found[:, number] = products.reshape(len(light), -1) @ _polynomials()
    with np.errstate(invalid="ignore", divide="ignore"):
        area = np.abs(found[0]) / (np.pi * radii**2)[:, None]
    names = [f"{n}_{m}" for n, m in ORDERS]
    of_planes: list[dict[tuple[str, str], Floats]] = []
    for moments in found[1:]:
        magnitude = np.abs(moments) / objects.area[:, None]
        phase = np.arctan2(
            moments.real, moments.imag
        )  # as in CellProfiler: from the imaginary axis
        of_planes.append(
            {("ZernikeMagnitude", name): magnitude[:, k] for k, name in enumerate(names)}
            | {("ZernikePhase", name): phase[:, k] for k, name in enumerate(names)}
        )
    return {f"Zernike_{name}": area[:, k] for k, name in enumerate(names)}, of_planes


@cache
def _polynomials() -> NDArray[np.complex128]:
    """Get the polynomials' coefficients, of shape (100, 30).

    A row is a power of the rows' coordinate y and one of the columns' x, a column one of `ORDERS`:
    the radial part, which has powers of x^2 + y^2, times (y + ix)^m.
    """
    found = np.zeros((DEGREE + 1, DEGREE + 1, len(ORDERS)), np.complex128)
    for number, (n, m) in enumerate(ORDERS):
        half = (n - m) // 2
        for k in range(half + 1):
            radial = (-1) ** k * factorial(n - k)
            radial /= factorial(k) * factorial((n + m) // 2 - k) * factorial(half - k)
            for of_rows in range(half - k + 1):
                for times_x in range(m + 1):
                    y = 2 * of_rows + m - times_x
                    x = 2 * (half - k - of_rows) + times_x
                    weight = radial * comb(half - k, of_rows) * comb(m, times_x)
                    found[y, x, number] += weight * 1j**times_x
    return found.reshape(-1, len(ORDERS))
