"""Manders' coefficients above the thresholds of Costes, in the numbers of cp_measure.

Costes et al. 2004 (doi:10.1529/biophysj.103.038422): the thresholds of two channels lie on a
regression line, as low as the pixels below them are not correlated. cp_measure takes the line and
the thresholds of each object; CellProfiler takes those of all objects of an image.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jumpduck.profiling.grey_values import GreyValues
from jumpduck.profiling.library_calls import pearson
from jumpduck.profiling.regions import Floats, Integers, Mask, Regions

FLOAT_STEPS = 65535
"""Steps that thresholds of planes of floats are sought in."""

MOST_STEPS = 65535
"""Steps of thresholds of any plane, because thresholds are sorted as numbers of 16 bits."""

ROUNDING = 1e-11
"""Covariances that are a smaller share of the object's spread are computed again, exactly."""

NEAR_STEP = 1e-6
"""Pixels that are nearer to the next step than this are compared with it."""


def costes(first: GreyValues, second: GreyValues) -> tuple[Floats, Floats]:
    """Get the share of each channel's light above its threshold that is above the other's as well.

    Returns
    -------
    tuple of two arrays of shape (objects,)
        NaN where no thresholds are defined, such as for a constant channel or for fewer than
        three pixels.
    """
    line = _line(first, second)
    objects = first.objects
    threshold = _thresholds(first, second, line)
    defined = np.isfinite(threshold)
    one = np.where(defined, threshold, 0)
    other = line.slope * one + line.offset
    one, other = one.repeat(objects.area), other.repeat(objects.area)
    both = (first.grey > one) & (second.grey > other)
    found: list[Floats] = []
    totals = [
        objects.sums(values.grey * (values.grey >= limit))
        for values, limit in ((first, one), (second, other))
    ]
    defined &= (totals[0] > 0) & (totals[1] > 0)
    for values, total in zip((first, second), totals, strict=True):
        share = objects.sums(values.grey * both) / np.where(defined, total, 1)
        found.append(np.where(defined, share, np.nan))
    return found[0], found[1]


@dataclass(frozen=True)
class _Line:
    """The orthogonal regression of the second channel on the first, for each object."""

    slope: Floats
    offset: Floats
    defined: Mask


def _line(first: GreyValues, second: GreyValues) -> _Line:
    """Get the regression line of the pixels that are not black in both channels."""
    objects = first.objects
    lit = (first.grey > 0) | (second.grey > 0)
    count = objects.sums(lit)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = [values.total / count for values in (first, second)]
        x, y = first.centred, second.centred
        if not lit.all():
            x, y = (
                (values.grey - mean.repeat(objects.area)) * lit
                for values, mean in zip((first, second), means, strict=True)
            )
        x_variance, y_variance, z_variance = (
            objects.sums(one * one) / (count - 1) for one in (x, y, x + y)
        )
        covariance = (z_variance - (x_variance + y_variance)) / 2
        apart = y_variance - x_variance
        slope = (apart + np.sqrt(apart * apart + 4 * covariance * covariance)) / (2 * covariance)
        offset = means[1] - slope * means[0]
        steep = np.abs(covariance) > 8 * np.finfo(float).eps * np.maximum(x_variance, y_variance)
    defined = steep & np.isfinite(slope) & np.isfinite(offset) & (count >= 3)
    for values in (first, second):
        least = values.least
        if not lit.all():
            least = objects.smallest(np.where(lit, values.grey, np.inf))
        defined &= least < values.most  # the largest is never among what is black in both
    return _Line(np.where(defined, slope, 1), np.where(defined, offset, 0), defined)


def _thresholds(first: GreyValues, second: GreyValues, line: _Line) -> Floats:
    """Get the first channel's threshold for each object, by the search of CellProfiler.

    The search looks at a sixth of what is left, from the top on, for the lowest step of a threshold
    whose pixels below it, in one of the channels, are correlated by 0 or more.
    """
    steps = max(_steps(first), _steps(second))
    search = _Search(first, second, line, steps)
    left, right = np.ones(line.slope.size), np.full(line.slope.size, float(steps))
    middle = (right - left) // (6 / 5) + left
    last, valid = np.zeros_like(middle), np.full(middle.size, np.nan)
    active = line.defined.copy()
    for _ in range(256):
        active &= last != middle
        if not active.any():
            break
        positive = search.correlations(middle, active) >= 0  # False for NaN
        right = np.where(active & positive, middle + 1, right)
        valid = np.where(active & positive, middle, valid)
        left = np.where(active & ~positive, middle - 1, left)
        last = np.where(active, middle, last)
        share = np.where(right - left > 6, 6 / 5, 2)
        middle = np.where(active, (right - left) // share + left, middle)
    valid = np.where(last == middle, valid, np.nan)  # the search did not end
    found = np.isfinite(valid)
    below = search.correlations(np.where(found, valid - 1, 0), found)
    return np.where(found & np.isfinite(below), (valid - 1) / steps, np.nan)


def _steps(values: GreyValues) -> int:
    if values.levels.dtype.kind == "f":
        return FLOAT_STEPS
    return min(int(np.iinfo(values.levels.dtype).max), MOST_STEPS)


class _Search:
    """The correlation of the pixels below any step of the thresholds, for all objects at once.

    For each pixel the steps at which it is below a threshold are found once. Then the pixels are
    sorted by them, so that sums of what is below a step are differences of sums that are there.
    """

    def __init__(self, first: GreyValues, second: GreyValues, line: _Line, steps: int) -> None:
        self.first, self.second, self.line, self.steps = first, second, line, steps
        objects = first.objects
        slope, offset = (one.repeat(objects.area) for one in (line.slope, line.offset))
        from_ = _first_step(first, steps)
        with np.errstate(over="ignore"):
            at = np.clip((second.grey - offset) / slope * steps, -1, steps + 1)
        rising = slope > 0
        step = np.where(rising, np.floor(at) + 1, np.ceil(at) - 1)
        # near a whole number, rounding may have moved a step by one: the comparison decides
        near = np.flatnonzero(np.abs(at - np.rint(at)) < NEAR_STEP)
        step[near] = _exact_steps(second.grey[near], slope[near], offset[near], step[near], steps)
        from_ = np.where(rising, np.minimum(from_, step), from_)
        # where the line falls, a pixel is below it up to a step, and below the other threshold
        # from a step on; if no step is left between, it always is
        until = np.where(rising, -1, step)
        always = ~rising & (until >= from_ - 1)
        from_[always] = 0
        self.rising_sums = _Sums(first, second, from_, np.arange(from_.size))
        twice = np.flatnonzero(~rising & ~always)
        self.falling_sums = _Sums(first, second, until[twice] + 1, twice)

    def correlations(self, step: Floats, wanted: Mask) -> Floats:
        """Get a number with the sign of the correlation of what is below a step, for each object.

        NaN for fewer than three pixels and for a constant channel, and where it is not `wanted`.
        """
        falling = self.falling_sums
        count, x, y, xy = self.rising_sums.up_to(step) + falling.all - falling.up_to(step)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = xy - x * y / count
        few = ~wanted | (count < 3)
        found[few] = np.nan
        doubtful = np.abs(found) < ROUNDING * np.sqrt(self.first.squares * self.second.squares)
        for number in np.flatnonzero(doubtful).tolist():
            found[number] = self._exactly(number, float(step[number]))
        return found

    def _exactly(self, number: int, step: float) -> float:
        """Get the correlation of one object from its pixels, as cp_measure computes it."""
        objects = self.first.objects
        part = slice(objects.starts[number], objects.starts[number] + objects.area[number])
        x, y = self.first.grey[part], self.second.grey[part]
        threshold = step / self.steps
        other = self.line.slope[number] * threshold + self.line.offset[number]
        below = (x < threshold) | (y < other)
        x, y = x[below], y[below]
        if np.ptp(x) == 0 or np.ptp(y) == 0:
            return np.nan
        return pearson(x, y)


def _first_step(values: GreyValues, steps: int) -> Floats:
    """Get the first step s, a whole number, with grey < s / steps."""
    if values.levels.dtype.kind == "u" and np.iinfo(values.levels.dtype).max == steps:
        return values.levels.astype(np.float64) + 1
    step = np.floor(values.grey * steps) + 1
    step -= values.grey < (step - 1) / steps
    step += values.grey >= step / steps
    return step


def _exact_steps(grey: Floats, slope: Floats, offset: Floats, step: Floats, steps: int) -> Floats:
    """Get the step at which grey < slope x s / steps + offset begins, or ends if it falls."""
    before, after = step - np.sign(slope), step + np.sign(slope)
    too_far = grey < slope * (before / steps) + offset
    too_near = grey >= slope * (step / steps) + offset
    return np.where(too_far, before, np.where(too_near, after, step))


class _Sums:
    """Sums of pixels of each object up to any step."""

    def __init__(
        self, first: GreyValues, second: GreyValues, steps: Floats, pixels: Integers
    ) -> None:
        objects: Regions = first.objects
        owner = objects.owner[pixels]
        self.area = np.bincount(owner, minlength=objects.count)
        self.ends = np.cumsum(self.area)
        self.starts = self.ends - self.area
        short: NDArray[np.uint16] = np.clip(steps, 0, MOST_STEPS).astype(np.uint16)
        # the last row has zeros, which is what objects without pixels up to a step get
        self.sums = np.zeros((3, pixels.size + 1))
        for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True):
            order = np.argsort(short[start:end], kind="stable")  # 16 bits: a radix sort
            short[start:end] = short[start:end][order]
            chosen = pixels[start:end][order]
            x, y = first.centred[chosen], second.centred[chosen]
            for row, values in enumerate((x, y, x * y)):
                np.cumsum(values, out=self.sums[row, start:end])
        self.keys = (owner.astype(np.int64) << 16) + short
        self.all = self.up_to(np.full(objects.count, float(MOST_STEPS)))

    def up_to(self, step: Floats) -> Floats:
        """Get the count and the sums of x, y and xy of each object's pixels up to a step."""
        keys = (np.arange(step.size) << 16) + step.astype(np.int64)
        position = np.searchsorted(self.keys, keys, side="right")
        count = position - self.starts
        sums: Floats = self.sums[:, np.where(count > 0, position - 1, -1)]
        return np.vstack([count.astype(np.float64), sums])
