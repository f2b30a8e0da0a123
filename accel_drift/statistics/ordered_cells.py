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
    f, g = (
        np.cumsum(s[..., :-1], axis=-1) / np.maximum(s[..., :-1].sum(axis=-1, keepdims=True), 1)
        for s in (reference, batch)
    )
    return np.asarray(g - f)


def gap(reference: Counts, batch: Counts) -> Floats:
    """Largest difference: (..., k + 1) twice -> (...)."""
    return np.asarray(np.abs(difference(reference, batch)).max(axis=-1, initial=0.0))


def area(reference: Counts, batch: Counts, steps: Floats) -> Floats:
    """Difference times the step (k - 1,) from each cell to the next, added up: (..., k + 1) twice -> (...)."""
    return np.asarray(np.abs(difference(reference, batch))[..., :-1] @ steps)


def square(reference: Counts, batch: Counts) -> Floats:
    """Mean of the squared difference over the pooled rows: (..., k + 1) twice -> (...)."""
    rows = (reference + batch)[..., :-1]
    total = np.maximum(rows.sum(axis=-1), 1)
    return np.asarray((difference(reference, batch) ** 2 * rows).sum(axis=-1) / total)


def chance_square(reference: Counts, batch: Counts) -> float:
    """What `square` is on average when chance deals the rows, one by one: (k + 1,) twice.

    Of R pooled rows up to a cell's end the share on each side is hypergeometric; the variance of the difference is
    R (N - R) / (n m (N - 1)). Without ties the sum is (N + 1) / (6 n m). Source: Anderson 1962, eq. 8.
    """
    n, m = (float(s[:-1].sum()) for s in (reference, batch))
    rows = (reference + batch)[:-1].astype(np.float64)
    upto, total = np.cumsum(rows), n + m
    return float((rows * upto * (total - upto)).sum() / (total * n * m * (total - 1.0)))


def half_steps(middles: npt.NDArray[Any], rows: Counts) -> tuple[Floats, float]:
    """Half of the distance from each cell to the next, infinite cells drawn near, and half of the pooled spread.

    Infinite values lie infinitely far out, and a sum over cells with them would be infinite whoever is the
    reference. For such sums they lie one spread beyond the outermost finite cell. Both come from pooled rows alone.

    Args:
        middles: (k,) a value of each cell, ascending.
        rows: (k,) pooled rows in each.

    Returns:
        (k - 1,) steps; the spread, 0 where all finite values are one.
    """
    steps = spread.half_steps(middles)
    finite = np.isfinite(middles)
    place = np.concatenate([[0.0], np.cumsum(np.where(np.isfinite(steps), steps, 0.0))])[finite]
    weight = np.cumsum(np.where(finite, rows, 0))[finite]
    half = 0.0
    if len(weight) and weight[-1]:
        at = np.searchsorted(weight, np.asarray(spread.QUANTILES) * weight[-1])
        low, q1, q3, high = place[np.minimum(at, len(place) - 1)]
        half = float(q3 - q1) or float(high - low) or float(place[-1] - place[0])
    return np.where(np.isfinite(steps), steps, half or 1.0), half
