"""Features centred and scaled, each by itself."""

from collections.abc import Sequence

import numpy as np

from jumpduck.normalization.affine import Affine, Values
from jumpduck.normalization.moments import Moments
from jumpduck.normalization.quantiles import median_and_mad, quantiles

MAD_TO_SD = 1.4826
"""Standard deviation of a normal distribution, in median absolute deviations."""

MAD_EPSILON = 1e-18
"""What pycytominer adds to the median absolute deviation."""


def standardize(moments: Moments) -> Affine:
    """Get ``(x - mean) / sd`` with the population standard deviation; an sd of 0 counts as 1."""
    return _scaled(moments.mean, np.sqrt(moments.variance), moments.rows)


def robustize(x: Values | Sequence[Values]) -> Affine:
    """Get ``(x - median) / (q75 - q25)``; a distance of quartiles of 0 counts as 1."""
    low, middle, high = quantiles(x, (0.25, 0.5, 0.75))
    return _scaled(middle, high - low, _height(x))


def mad_robustize(x: Values | Sequence[Values], epsilon: float = MAD_EPSILON) -> Affine:
    """Get ``(x - median) / (1.4826 MAD + epsilon)``, MAD the median of ``|x - median|``.

    Where the MAD is 0, values beside the median become huge: `facts` counts such features.
    """
    middle, deviation = median_and_mad(x)
    facts = {"rows": float(_height(x)), "flat": float((deviation == 0).sum())}
    scale = MAD_TO_SD * deviation + epsilon
    if epsilon == 0:
        scale = np.where(deviation == 0, 1.0, scale)
    return Affine(center=middle, scale=scale, facts=facts)


def subtract_mean(moments: Moments) -> Affine:
    """Get ``x - mean``."""
    return Affine(center=moments.mean, facts={"rows": float(moments.rows)})


def _height(x: Values | Sequence[Values]) -> int:
    return len(x) if isinstance(x, np.ndarray) else sum(map(len, x))


def _scaled(center: Values, scale: Values, rows: int) -> Affine:
    flat = scale <= 10 * np.finfo(float).eps * np.abs(center)
    facts = {"rows": float(rows), "flat": float(flat.sum())}
    return Affine(center=center, scale=np.where(flat, 1.0, scale), facts=facts)
