"""Confidence in a squared distance between distribution functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import intervals, ordered_cells
from accel_drift.statistics.pairs import Counts, Table

Floats = npt.NDArray[np.float64]

_HALVINGS = 30
"""Ends are found to 1e-9."""

_POWERS = 12


@dataclass(frozen=True, slots=True)
class Quadratic:
    """An observed squared distance, and what resampling would make of any true one.

    The observed difference of the functions is the true one and an error. If the true one has a given shape and the
    square t, a resample's square is scale t + 2 cross sqrt(t) + size. The interval holds the t under which the
    observed square is neither large nor small. A plain bootstrap around the observed value is too narrow after a
    small one: it takes the small difference for the truth, and so the cross term for small.

    Attributes:
        observed: the square observed, with what chance adds to it.
        scale: (R,) the square of the shape, made 1, over the resample's own rows: about 1.
        cross: (R,) product of that shape and the resample's error.
        size: (R,) square of the resample's error: what chance adds.
    """

    observed: float
    scale: Floats
    cross: Floats
    size: Floats

    def interval(self) -> intervals.Interval:
        """95 % interval of the true square, between 0 and 1."""
        tail = (1 - intervals.LEVEL) / 2
        return self._where(1 - tail), self._where(tail)

    def p_beyond(self, tolerance: float) -> float:
        """P-value of the hypothesis that the true square is at most `tolerance`; beyond all resamples a fitted tail."""
        from accel_drift.statistics.tail import fitted_tail

        drawn = self._squares(tolerance)
        hits = int((drawn >= self.observed).sum())
        p = (1 + hits) / (1 + len(drawn))
        return min(p, fitted_tail(drawn, self.observed)) if hits == 0 else p

    @property
    def chance(self) -> float:
        """What chance adds to the square on average."""
        return float(self.size.mean())

    def _squares(self, true: float) -> Floats:
        return np.asarray(self.scale * true + 2.0 * np.sqrt(true) * self.cross + self.size)

    def _where(self, level: float) -> float:
        """The true square, 0 ... 1, at which the observed one is this quantile."""
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = float(np.quantile(self._squares(middle), level)) < self.observed
            low, high = (middle, high) if below else (low, middle)
        return low


def around(column: Table, again: tuple[Counts, Counts]) -> Quadratic:
    """What resamples of a column's counts say of its square.

    Args:
        column: counts of one column on cells, missing last.
        again: both sides drawn again from themselves, shapes (R, k) twice.
    """
    there = ordered_cells.difference(*column.sides)
    observed = float(ordered_cells.square(*column.sides))
    a, b = again
    error = ordered_cells.difference(a, b) - there
    rows = (a + b)[:, :-1]
    weight = rows / np.maximum(rows.sum(axis=1, keepdims=True), 1)
    size = (weight * error**2).sum(axis=1)
    reference, batch = column.sides
    pooled = (reference + batch)[:-1]
    shape = _shape(there, error, pooled / max(int(pooled.sum()), 1), float(size.mean()))
    return Quadratic(observed, weight @ shape**2, (weight * error) @ shape, size)


def _shape(there: Floats, error: Floats, weight: Floats, chance: float) -> Floats:
    """The shape (k,) of the true difference, of square 1: the observed one, as far as that is not chance.

    What is chance is taken to lie where errors are largest, their first principal component, which for distribution
    functions is about what a shift makes. No shape has wider errors, so that the interval errs on the wide side.
    """
    root = np.sqrt(weight)
    errors = error * root
    seen = there * root
    widest = np.where(weight > 0, root, 0.0)
    for _ in range(_POWERS):
        widest = errors.T @ (errors @ widest)
        widest /= np.sqrt((widest**2).sum()) or 1.0
    square = float((seen**2).sum())
    if square == 0.0:
        return np.where(weight > 0, widest / np.where(weight > 0, root, 1.0), 0.0)
    noise = min(1.0, chance / square)
    sign = -1.0 if float(seen @ widest) < 0 else 1.0
    mixed = np.sqrt((1 - noise) / square) * seen + np.sqrt(noise) * sign * widest
    mixed /= np.sqrt((mixed**2).sum()) or 1.0
    return np.where(weight > 0, mixed / np.where(weight > 0, root, 1.0), 0.0)
