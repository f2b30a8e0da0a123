"""Confidence intervals of effects: the basic bootstrap from counts, and Newcombe's for shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from accel_drift.statistics.pairs import Table
from accel_drift.statistics.scores import Whole

if TYPE_CHECKING:
    from accel_drift.statistics.binned_scores import Terms

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]
Ends = tuple[Floats, Floats]

RESAMPLES = 500
LEVEL = 0.95
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Scores of C columns, and how far resampling says that they lie from the truth.

    Attributes:
        observed: (C,) scores.
        errors: (C, R) by how much each resample's score lies above the observed one; of a band how far, either way, a
            score may lie from the truth.
        band: whether the errors bound the distance from the truth both ways: for scores that are not smooth where
            nothing drifts.
        estimate: (C,) scores less what chance adds to them, where that is no matter of the score's own law without
            drift.
    """

    observed: Floats
    errors: Floats
    band: bool = False
    estimate: Floats | None = None

    def interval(self) -> Ends:
        """95 % intervals of the true scores."""
        tail = (1 - LEVEL) if self.band else (1 - LEVEL) / 2
        # No interpolation: without a pseudo-count some scores are infinite.
        if self.band:
            high = np.quantile(self.errors, 1 - tail, axis=-1, method="lower")
            return self.observed - high, self.observed + high
        low, high = np.quantile(self.errors, [tail, 1 - tail], axis=-1, method="lower")
        return self.observed - high, self.observed - low

    def p_beyond(self, tolerance: Floats | float) -> Floats:
        """P-values of the hypothesis that the true score is at most `tolerance`.

        The share of resamples whose error is as large as the observed excess, so that it is at most alpha exactly
        where the lower end of the one-sided interval at 1 - alpha lies above the tolerance. Beyond all resamples the
        tail is fitted.
        """
        return share_beyond(self.errors, self.observed - tolerance)

    def p_beyond_either(self, tolerance: float) -> Floats:
        """P-values of the hypothesis that the true score, which may be negative, is at most `tolerance` in size."""
        sign = np.where(self.observed < 0, -1.0, 1.0)
        near, far = (
            Bootstrap(np.abs(self.observed), (side * sign)[:, None] * self.errors).p_beyond(side * tolerance)
            for side in (1.0, -1.0)
        )
        return np.minimum(1.0, near + far)


def share_beyond(drawn: Floats, observed: Floats) -> Floats:
    """(1 + how many draws reach the observed number) / (1 + R), or a fitted tail beyond all: (C, R), (C,) -> (C,)."""
    from accel_drift.statistics.tail import fitted_tail

    hits = (drawn >= observed[:, None]).sum(axis=1)
    p = (1 + hits) / (1 + drawn.shape[1])
    none = hits == 0
    p[none] = np.minimum(p[none], fitted_tail(drawn[none], observed[none]))
    return np.asarray(p)


def of_quadratic(made: Bootstrap, chance: Floats, null: Floats) -> Ends:
    """95 % intervals of quadratic scores, whose variance grows with the truth: v + c * truth.

    Resampling shows the variance where the truth is the observed score, and draws without drift show v, so c is known.
    The interval holds the truths from which the observed score less `chance` is at most 1.96 deviations away. The
    basic bootstrap gives every truth the variance at the observed score, and where few directions carry the noise, as
    with whole blocks, it ends too low: coverage 83 % of 95 %. Source: the first two moments of the noncentral
    chi-squared law.

    Args:
        made: the bootstrap of the scores.
        chance: (C,) means of the scores without drift.
        null: (C, B) draws of the scores without drift.
    """
    low, high = made.interval()
    smooth = np.isfinite(made.errors).all(axis=1) & (made.observed > 0) & (np.isfinite(null).sum(axis=1) >= 2)
    if not smooth.any():
        return low, high
    least = variances(null[smooth])
    observed = made.observed[smooth]
    slope = np.maximum(0.0, made.errors[smooth].var(axis=1) - least) / observed
    truth = observed - chance[smooth]
    low[smooth], high[smooth] = growing(truth, least + slope * truth, slope)
    return low, high


def variances(null: Floats) -> Floats:
    """Variance of the finite draws of each column, (C, B) -> (C,); infinite where there are fewer than two."""
    known = np.isfinite(null)
    if known.all():
        return np.asarray(null.var(axis=1))
    many = known.sum(axis=1)
    mean = np.where(known, null, 0.0).sum(axis=1) / np.maximum(many, 1)
    squares = np.where(known, null - mean[:, None], 0.0) ** 2
    return np.where(many < 2, np.inf, squares.sum(axis=1) / np.maximum(many, 1))


def of_rows(terms: Terms, sides: tuple[Counts, Counts], score: Floats) -> Floats:
    """How much the variance of scores grows with their truth, (C,): for `growing`, where resampling is too dear.

    From how much less the score would be without a row of each cell. The variance that rows have of their own grows
    with the score itself, chance included: that of a quadratic score of many cells is twice the variance without drift
    where nothing drifts. Source: the jackknife; Efron & Stein 1981.

    Args:
        terms: of counts.
        sides: counts (C, k) of both sides.
        score: (C,) their scores, above 0.
    """
    (a, b), whole = sides, Whole.of(*sides)
    there = terms(a, b, whole=whole)
    found = np.zeros(len(a))
    for side, without in ((a, (np.maximum(a - 1, 0), b)), (b, (a, np.maximum(b - 1, 0)))):
        brings = np.where(side > 0, there - terms(*without, whole=whole), 0.0)
        mean = (side * brings).sum(axis=1) / side.sum(axis=1)
        found += (side * (brings - mean[:, None]) ** 2).sum(axis=1)
    return np.asarray(found / score)


def growing(estimate: Floats, variance: Floats, slope: Floats) -> Ends:
    """95 % intervals of truths whose estimates have a variance that grows with them.

    The truths from which the estimate is at most 1.96 deviations away, each with its own: Wilson (1927) does so for a
    share.

    Args:
        estimate: of the truth, without bias.
        variance: of the estimate where the truth is what was estimated.
        slope: by how much the variance grows with the truth.
    """
    middle, lean = estimate + _Z * _Z * slope / 2, _Z * slope / 2
    half = _Z * np.sqrt(np.maximum(0.0, variance + lean * lean))
    return middle - half, middle + half


def less_chance(score: Floats, errors: Floats) -> Floats:
    """Scores with a corner at 0 less what chance adds to them, taken off in squares and never below 0.

    Far from the corner chance adds nothing to such a score and all of its error is spread; at the corner all of the
    score is error. The mean square of the score is close to that of the truth plus that of the errors in both cases,
    as it is for the length of a vector whose coordinates have errors.

    Args:
        score: (C,) the largest of, or the sum of the sizes of, some differences.
        errors: (C, R) the same of the differences' errors.
    """
    return np.asarray(np.sqrt(np.maximum(0.0, score * score - (errors * errors).mean(axis=-1))))


def around(table: Table, score: Callable[[Counts, Counts], Floats], again: tuple[Counts, Counts]) -> Bootstrap:
    """Basic (reflected) bootstrap of a score of counts: T less the truth is taken to be as T* less T.

    Reflection takes off the bootstrap's own upward bias, which for a quadratic score is the bias of the score itself,
    so the interval belongs to the score less its null mean. Source: Davison & Hinkley 1997, section 5.2.

    Args:
        table: counts of C columns.
        score: of counts (..., k) of both sides.
        again: both sides drawn again from themselves, shapes (C, R, k) twice: see `nulls.resample`.
    """
    there = score(*table.sides)
    return Bootstrap(there, score(*again) - there[:, None])


def share_gaps(table: Table, again: tuple[Counts, Counts]) -> Bootstrap:
    """The total variation distance of counts, give or take a band.

    Like the largest gap it has a corner where there is no drift. By the triangle inequality it cannot be further from
    its true value than half the sum of the errors of the cells' differences of shares, and that sum bootstraps well:
    95 % coverage or more.

    Args:
        table: counts of C columns.
        again: resamples of both sides, shapes (C, R, k) twice.
    """
    there, again_there = (
        q / np.maximum(q.sum(axis=-1, keepdims=True), 1) - p / np.maximum(p.sum(axis=-1, keepdims=True), 1)
        for p, q in (table.sides, again)
    )
    score, errors = np.abs(there).sum(axis=-1) / 2, np.abs(again_there - there[:, None]).sum(axis=-1) / 2
    return Bootstrap(score, errors, band=True, estimate=less_chance(score, errors))


def share_difference(reference: tuple[int, int], batch: tuple[int, int]) -> Interval:
    """Interval of the batch's share less the reference's, each given as (count, rows).

    Wilson limits of the two shares combined. It keeps its level where counts are 0, where a bootstrap has no spread.
    Source: Newcombe 1998, method 10.
    """
    p, q = reference[0] / reference[1], batch[0] / batch[1]
    (p_low, p_high), (q_low, q_high) = wilson(*reference), wilson(*batch)
    down = sqrt((q - q_low) ** 2 + (p_high - p) ** 2)
    up = sqrt((q_high - q) ** 2 + (p - p_low) ** 2)
    return q - p - down, q - p + up


def wilson(count: int, rows: int, z: float = _Z) -> Interval:
    """Interval of a share, count of rows, that is z deviations wide either way. Source: Wilson 1927."""
    p, z2 = count / rows, z * z
    middle = (p + z2 / (2 * rows)) / (1 + z2 / rows)
    half = z / (1 + z2 / rows) * sqrt(p * (1 - p) / rows + z2 / (4 * rows * rows))
    return max(0.0, middle - half), min(1.0, middle + half)
