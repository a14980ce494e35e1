"""Moments of the area of objects: spatial, central, normalized, Hu's, and the inertia tensor."""

import numpy as np

from jumpduck.profiling.regions import Floats, Regions

ORDERS = 4
"""Moments have orders 0 to 3."""


def spatial_moments(objects: Regions) -> tuple[Floats, Floats]:
    """Get the raw moments, about the bounding box's corner, and those about the centroid.

    Returns
    -------
    tuple of two arrays of shape (n, 4, 4)
        The order in rows, then the order in columns.
    """
    raw = np.zeros((objects.count, ORDERS, ORDERS))
    central = np.zeros_like(raw)
    for number, mask in enumerate(objects.crops()):
        image = mask.astype(np.float64)
        rows, columns = (np.arange(size, dtype=np.float64) for size in mask.shape)
        raw[number] = powers(rows, ORDERS).T @ image @ powers(columns, ORDERS)
        area = raw[number, 0, 0]
        rows, columns = rows - raw[number, 1, 0] / area, columns - raw[number, 0, 1] / area
        central[number] = powers(rows, ORDERS).T @ image @ powers(columns, ORDERS)
    return raw, central


def powers(values: Floats, count: int) -> Floats:
    """Get the powers 0 to count - 1 of values, of shape (values, count)."""
    found = np.ones((values.size, count))
    for power in range(1, count):
        found[:, power] = found[:, power - 1] * values
    return found


def moment_features(raw: Floats, central: Floats) -> dict[str, Floats]:
    """Get the moments that CellProfiler records, by its names."""
    area = central[:, 0, 0]
    normalized = np.full(central.shape, np.nan)
    for p in range(ORDERS):
        for q in range(ORDERS):
            if p + q >= 2:
                normalized[:, p, q] = central[:, p, q] / area ** ((p + q) / 2 + 1)
    some = [(p, q) for p in range(ORDERS - 1) for q in range(ORDERS)]
    all_ = [(p, q) for p in range(ORDERS) for q in range(ORDERS)]
    return {
        **{f"CentralMoment_{p}_{q}": central[:, p, q] for p, q in some},
        **{f"HuMoment_{n}": one for n, one in enumerate(_hu(normalized))},
        **_inertia(central),
        **{f"NormalizedMoment_{p}_{q}": normalized[:, p, q] for p, q in all_},
        **{f"SpatialMoment_{p}_{q}": raw[:, p, q] for p, q in some},
    }


def _hu(normalized: Floats) -> list[Floats]:
    """Get the seven invariants of Hu 1962 (doi:10.1109/TIT.1962.1057692)."""
    n20, n02, n11, n30, n03, n21, n12 = (
        normalized[:, p, q] for p, q in ((2, 0), (0, 2), (1, 1), (3, 0), (0, 3), (2, 1), (1, 2))
    )
    a, b, c, d = n30 + n12, n21 + n03, n30 - 3 * n12, 3 * n21 - n03
    return [
        n20 + n02,
        (n20 - n02) ** 2 + 4 * n11**2,
        c**2 + d**2,
        a**2 + b**2,
        c * a * (a**2 - 3 * b**2) + d * b * (3 * a**2 - b**2),
        (n20 - n02) * (a**2 - b**2) + 4 * n11 * a * b,
        d * a * (a**2 - 3 * b**2) - c * b * (3 * a**2 - b**2),
    ]


def _inertia(central: Floats) -> dict[str, Floats]:
    rows, both, columns = (central[:, p, q] / central[:, 0, 0] for p, q in ((2, 0), (1, 1), (0, 2)))
    half = np.sqrt(((columns - rows) / 2) ** 2 + both**2)
    middle = (rows + columns) / 2
    return {
        "InertiaTensorEigenvalues_0": np.maximum(middle + half, 0),
        "InertiaTensorEigenvalues_1": np.maximum(middle - half, 0),
        "InertiaTensor_0_0": columns,
        "InertiaTensor_0_1": -both,
        "InertiaTensor_1_0": -both,
        "InertiaTensor_1_1": rows,
    }
