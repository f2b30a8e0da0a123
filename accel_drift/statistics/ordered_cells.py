"""Distances of distribution functions from counts on cells along a line; the last cell, missing, is no value.

Each function takes counts of any leading shape, so that the observed tables and a thousand relabelled ones go through
the same code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import spread

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def difference(reference: Counts, batch: Counts) -> Floats:
    """Batch's less the reference's distribution function at the upper ends of the cells: (..., k + 1) -> (..., k)."""
    upto = [np.cumsum(side[..., :-1], axis=-1) for side in (reference, batch)]
    f, g = (rows / np.maximum(rows[..., -1:], 1) for rows in upto)
    return np.subtract(g, f, out=g)


def gap(reference: Counts, batch: Counts) -> Floats:
    """Largest difference: (..., k + 1) twice -> (...)."""
    return np.asarray(np.abs(difference(reference, batch)).max(axis=-1, initial=0.0))


def area(reference: Counts, batch: Counts, steps: Floats) -> Floats:
    """Difference times the step from each cell to the next, added up.

    Shapes: counts (C, B, k + 1) twice, steps (C, k - 1) -> (C, B).
    """
    apart = np.abs(difference(reference, batch))[..., :-1]
    return np.asarray(np.matmul(apart, steps[:, :, None])[..., 0])


def square(reference: Counts, batch: Counts) -> Floats:
    """Mean of the squared difference over the pooled rows: (..., k + 1) twice -> (...)."""
    rows = (reference + batch)[..., :-1]
    total = np.maximum(rows.sum(axis=-1), 1)
    return np.asarray((difference(reference, batch) ** 2 * rows).sum(axis=-1) / total)


def chance_square(reference: Counts, batch: Counts) -> Floats:
    """What `square` is on average when chance deals the rows, one by one: (..., k + 1) twice -> (...).

    Of R pooled rows up to a cell's end the share on each side is hypergeometric; the variance of the difference is
    R (N - R) / (n m (N - 1)). Without ties the sum is (N + 1) / (6 n m). Source: Anderson 1962, eq. 8.
    """
    n, m = (s[..., :-1].sum(axis=-1).astype(np.float64) for s in (reference, batch))
    rows = (reference + batch)[..., :-1].astype(np.float64)
    upto, total = np.cumsum(rows, axis=-1), n + m
    spread = (rows * upto * (total[..., None] - upto)).sum(axis=-1)
    return np.asarray(spread / (total * n * m * (total - 1.0)))


def half_steps(middles: npt.NDArray[Any], rows: Counts) -> tuple[Floats, Floats]:
    """Half of the distance from each cell to the next, infinite cells drawn near, and half of the pooled spread.

    Infinite values lie infinitely far out, and a sum over cells with them would be infinite whoever is the
    reference. For such sums they lie one spread beyond the outermost finite cell. Both come from pooled rows alone.

    Args:
        middles: (C, k) a value of each cell, ascending.
        rows: (C, k) pooled rows in each.

    Returns:
        (C, k - 1) steps; (C,) the spread, 0 where all finite values are one.
    """
    steps = spread.half_steps(middles)
    known = np.where(np.isfinite(steps), steps, 0.0)
    place = np.concatenate([np.zeros((len(steps), 1)), np.cumsum(known, axis=1)], axis=1)
    weight = np.cumsum(np.where(np.isfinite(middles), rows, 0), axis=1)
    wanted = np.asarray(spread.QUANTILES)[None, :, None] * weight[:, None, -1:]
    at = np.minimum((weight[:, None, :] < wanted).sum(axis=2), place.shape[1] - 1)
    low, q1, q3, high = np.take_along_axis(place, at, axis=1).T
    half = np.where(q3 > q1, q3 - q1, np.where(high > low, high - low, _deviation(place, middles, rows)))
    return np.where(np.isfinite(steps), steps, np.where(half > 0.0, half, 1.0)[:, None]), half


def _deviation(place: Floats, middles: npt.NDArray[Any], rows: Counts) -> Floats:
    """Standard deviation of the finite values of each column, each at the place of its cell: (C, k) -> (C,)."""
    peak = np.maximum(place[:, -1:], np.finfo(np.float64).tiny)
    weight = np.where(np.isfinite(middles), rows, 0) / 1.0
    total = np.maximum(weight.sum(axis=1, keepdims=True), 1.0)
    share = place / peak  # divided first: squares of large numbers overflow
    mean = (weight * share).sum(axis=1, keepdims=True) / total
    return np.asarray(np.sqrt((weight * (share - mean) ** 2).sum(axis=1) / total[:, 0]) * peak[:, 0])
