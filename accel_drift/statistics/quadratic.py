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
    """Observed squared distances of C columns, and what resampling would make of any true one.

    The observed difference of the functions is the true one and an error. If the true one has a given shape and the
    square t, a resample's square is scale t + 2 cross sqrt(t) + size. The interval holds the t under which the
    observed square is neither large nor small. A plain bootstrap around the observed value is too narrow after a
    small one: it takes the small difference for the truth, and so the cross term for small.

    Attributes:
        observed: (C,) the squares observed, with what chance adds to them.
        scale: (C, R) the square of the shape, made 1, over the resample's own rows: about 1.
        cross: (C, R) product of that shape and the resample's error.
        size: (C, R) square of the resample's error: what chance adds.
    """

    observed: Floats
    scale: Floats
    cross: Floats
    size: Floats

    def interval(self) -> intervals.Ends:
        """95 % intervals of the true squares, between 0 and 1."""
        tail = (1 - intervals.LEVEL) / 2
        return self._where(1 - tail), self._where(tail)

    def p_beyond(self, tolerance: float) -> Floats:
        """P-values of the hypothesis that the true square is at most `tolerance`; beyond all resamples fitted."""
        return intervals.share_beyond(self._squares(np.full(len(self.observed), tolerance)), self.observed)

    @property
    def chance(self) -> Floats:
        """What chance adds to the squares on average."""
        return np.asarray(self.size.mean(axis=1))

    def _squares(self, true: Floats) -> Floats:
        t = true[:, None]
        return np.asarray(self.scale * t + 2.0 * np.sqrt(t) * self.cross + self.size)

    def _where(self, level: float) -> Floats:
        """The true squares, 0 ... 1, at which the observed ones are this quantile."""
        low, high = np.zeros_like(self.observed), np.ones_like(self.observed)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = np.quantile(self._squares(middle), level, axis=1) < self.observed
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return low


def around(table: Table, again: tuple[Counts, Counts]) -> Quadratic:
    """What resamples of columns' counts say of their squares.

    Args:
        table: counts of C columns on cells, missing last.
        again: both sides drawn again from themselves, shapes (C, R, k) twice.
    """
    sides = table.sides
    there = ordered_cells.difference(*sides)
    a, b = again
    error = ordered_cells.difference(a, b) - there[:, None]
    weight = _weights(a + b)
    size = (weight * error**2).sum(axis=2)
    shape = _shape(there, error, _weights(sides[0] + sides[1]), size.mean(axis=1))
    scale, cross = np.matmul(weight, (shape**2)[:, :, None]), np.matmul(weight * error, shape[:, :, None])
    return Quadratic(ordered_cells.square(*sides), scale[:, :, 0], cross[:, :, 0], size)


def _weights(rows: Counts) -> Floats:
    """The cells' shares of the rows with a value."""
    known = rows[..., :-1]
    return np.asarray(known / np.maximum(known.sum(axis=-1, keepdims=True), 1))


def _shape(there: Floats, error: Floats, weight: Floats, chance: Floats) -> Floats:
    """The shapes (C, k) of the true differences, of square 1: the observed ones, as far as they are not chance.

    What is chance is taken to lie where errors are largest, their first principal component, which for distribution
    functions is about what a shift makes. No shape has wider errors, so that the interval errs on the wide side.
    """
    root = np.sqrt(weight)
    errors = error * root[:, None]
    seen = there * root
    widest = root
    for _ in range(_POWERS):
        products = np.matmul(errors, widest[:, :, None])
        widest = _unit(np.matmul(errors.transpose(0, 2, 1), products)[:, :, 0])
    square = (seen**2).sum(axis=1, keepdims=True)
    noise = np.minimum(1.0, chance[:, None] / np.where(square > 0.0, square, 1.0))
    sign = np.where((seen * widest).sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
    mixed = np.sqrt((1 - noise) / np.where(square > 0.0, square, 1.0)) * seen + np.sqrt(noise) * sign * widest
    made = np.where(square > 0.0, _unit(mixed), widest)
    return np.where(weight > 0, made / np.where(weight > 0, root, 1.0), 0.0)


def _unit(rows: Floats) -> Floats:
    length = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    return np.asarray(rows / np.where(length > 0.0, length, 1.0))
