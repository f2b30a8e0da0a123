"""Confidence intervals of effects: the basic bootstrap from counts, and Newcombe's for shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import draws
from accel_drift.statistics.pairs import Table

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]

RESAMPLES = 500
LEVEL = 0.95
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A score, and how far resampling says that it lies from the truth.

    Attributes:
        observed: the score.
        errors: (R,) by how much each resample's score lies above the observed one; of a band how far, either way, a
            score may lie from the truth.
        band: whether the errors bound the distance from the truth both ways: for scores that are not smooth where
            nothing drifts.
        estimate: the score less what chance adds to it, where that is no matter of the score's own law without drift.
    """

    observed: float
    errors: Floats
    band: bool = False
    estimate: float | None = None

    def interval(self) -> Interval:
        """95 % interval of the true score."""
        tail = (1 - LEVEL) if self.band else (1 - LEVEL) / 2
        # No interpolation: without a pseudo-count some scores are infinite.
        high = float(np.quantile(self.errors, 1 - tail, method="lower"))
        low = -high if self.band else float(np.quantile(self.errors, tail, method="lower"))
        return self.observed - high, self.observed - low

    def p_beyond(self, tolerance: float) -> float:
        """P-value of the hypothesis that the true score is at most `tolerance`.

        The share of resamples whose error is as large as the observed excess, so that it is at most alpha exactly
        where the lower end of the one-sided interval at 1 - alpha lies above the tolerance. Beyond all resamples the
        tail is fitted.
        """
        from accel_drift.statistics.tail import fitted_tail

        excess = self.observed - tolerance
        hits = int((self.errors >= excess).sum())
        p = (1 + hits) / (1 + len(self.errors))
        return min(p, fitted_tail(self.errors, excess)) if hits == 0 else p

    def p_beyond_either(self, tolerance: float) -> float:
        """P-value of the hypothesis that the true score, which may be negative, is at most `tolerance` in size."""
        sign = -1.0 if self.observed < 0 else 1.0
        near = Bootstrap(abs(self.observed), sign * self.errors).p_beyond(tolerance)
        far = Bootstrap(abs(self.observed), -sign * self.errors).p_beyond(-tolerance)
        return min(1.0, near + far)


def of_quadratic(made: Bootstrap, chance: float, null: Floats) -> Interval:
    """95 % interval of a quadratic score, whose variance grows with the truth: v + c * truth.

    Resampling shows the variance where the truth is the observed score, and draws without drift show v, so c is known.
    The interval holds the truths from which the observed score less `chance` is at most 1.96 deviations away. The
    basic bootstrap gives every truth the variance at the observed score, and where few directions carry the noise, as
    with whole blocks, it ends too low: coverage 83 % of 95 %. Source: the first two moments of the noncentral
    chi-squared law.

    Args:
        made: the bootstrap of the score.
        chance: mean of the score without drift.
        null: draws of the score without drift.
    """
    finite = null[np.isfinite(null)]
    if not np.isfinite(made.errors).all() or made.observed <= 0 or len(finite) < 2:
        return made.interval()
    least = float(finite.var())
    slope = max(0.0, float(made.errors.var()) - least) / made.observed
    truth = made.observed - chance
    return growing(truth, least + slope * truth, slope)


def growing(estimate: float, variance: float, slope: float) -> Interval:
    """95 % interval of a truth whose estimate has a variance that grows with it.

    The truths from which the estimate is at most 1.96 deviations away, each with its own: Wilson (1927) does so for a
    share.

    Args:
        estimate: of the truth, without bias.
        variance: of the estimate where the truth is what was estimated.
        slope: by how much the variance grows with the truth.
    """
    middle, lean = estimate + _Z * _Z * slope / 2, _Z * slope / 2
    half = _Z * sqrt(max(0.0, variance + lean * lean))
    return middle - half, middle + half


def less_chance(score: float, errors: Floats) -> float:
    """A score with a corner at 0 less what chance adds to it, taken off in squares and never below 0.

    Far from the corner chance adds nothing to such a score and all of its error is spread; at the corner all of the
    score is error. The mean square of the score is close to that of the truth plus that of the errors in both cases,
    as it is for the length of a vector whose coordinates have errors.

    Args:
        score: the largest of, or the sum of the sizes of, some differences.
        errors: (R,) the same of the differences' errors.
    """
    return sqrt(max(0.0, score * score - float(np.mean(errors * errors))))


def resampled(
    column: Table,
    blocked: bool,
    score: Callable[[Counts, Counts], Floats],
    stream: npt.NDArray[np.uint32],
) -> Bootstrap:
    """Basic (reflected) bootstrap of a score of counts: T less the truth is taken to be as T* less T.

    Reflection takes off the bootstrap's own upward bias, which for a quadratic score is the bias of the score itself,
    so the interval belongs to the score less its null mean. Rows are drawn again from each side's shares, or whole
    blocks from each side's blocks. Source: Davison & Hinkley 1997, section 5.2.
    """
    return around(column, score, resamples(column, blocked, stream, RESAMPLES))


def around(column: Table, score: Callable[[Counts, Counts], Floats], again: tuple[Counts, Counts]) -> Bootstrap:
    """The bootstrap of `resampled` from resamples at hand, shapes (R, k) twice."""
    there = float(score(*(s[None, :] for s in column.sides))[0])
    return Bootstrap(there, score(*again) - there)


def resamples(column: Table, blocked: bool, stream: npt.NDArray[np.uint32], count: int) -> tuple[Counts, Counts]:
    """Counts of both sides drawn again from themselves, row by row or block by block: (count, k) twice."""
    a, b = (_resample(side, blocked, stream ^ np.uint32(i), count) for i, side in enumerate(column, start=1))
    return a, b


def share_gaps(column: Table, again: tuple[Counts, Counts]) -> Bootstrap:
    """The total variation distance of counts, give or take a band.

    Like the largest gap it has a corner where there is no drift. By the triangle inequality it cannot be further from
    its true value than half the sum of the errors of the cells' differences of shares, and that sum bootstraps well:
    95 % coverage or more.

    Args:
        column: counts of one column.
        again: resamples of both sides, shapes (R, k) twice.
    """
    there, again_there = (
        q / np.maximum(q.sum(axis=-1, keepdims=True), 1) - p / np.maximum(p.sum(axis=-1, keepdims=True), 1)
        for p, q in (column.sides, again)
    )
    score, errors = float(np.abs(there).sum() / 2), np.abs(again_there - there).sum(axis=-1) / 2
    return Bootstrap(score, errors, band=True, estimate=less_chance(score, errors))


def clip(interval: Interval, low: float, high: float = float("inf")) -> Interval:
    """The interval within the bounds of the score."""
    return min(max(interval[0], low), high), min(max(interval[1], low), high)


def share_difference(reference: tuple[int, int], batch: tuple[int, int]) -> Interval:
    """Interval of the batch's share less the reference's, each given as (count, rows).

    Wilson limits of the two shares combined. It keeps its level where counts are 0, where a bootstrap has no spread.
    Source: Newcombe 1998, method 10.
    """
    p, q = reference[0] / reference[1], batch[0] / batch[1]
    (p_low, p_high), (q_low, q_high) = _wilson(*reference), _wilson(*batch)
    down = sqrt((q - q_low) ** 2 + (p_high - p) ** 2)
    up = sqrt((q_high - q) ** 2 + (p - p_low) ** 2)
    return q - p - down, q - p + up


def _wilson(count: int, rows: int) -> Interval:
    p, z2 = count / rows, _Z * _Z
    middle = (p + z2 / (2 * rows)) / (1 + z2 / rows)
    half = _Z / (1 + z2 / rows) * sqrt(p * (1 - p) / rows + z2 / (4 * rows * rows))
    return max(0.0, middle - half), min(1.0, middle + half)


def _resample(side: Counts, blocked: bool, stream: npt.NDArray[np.uint32], count: int) -> Counts:
    if not blocked:
        total = side.sum(axis=0)
        return draws.multinomial(stream, 0, count, total, int(total.sum()))
    times = draws.multinomial(stream, 0, count, np.ones(len(side), np.int64), len(side))
    return np.asarray(times @ side)
