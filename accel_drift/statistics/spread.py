"""How wide a column of numbers is: the unit in which distances along it are told.

The interquartile range; where that is 0 the range from the 5 % to the 95 % quantile, then the standard deviation.
Steps between values are halved, since the difference of two floats may overflow and half of it cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend

Floats = npt.NDArray[np.float64]

QUANTILES = (0.05, 0.25, 0.75, 0.95)


def of_columns(backend: Backend, values: Any, known: Any) -> tuple[Any, Any]:
    """Median and spread of the known values of each column, on the device.

    Args:
        backend: whose arrays these are.
        values: (n, d) float64, n > 0.
        known: (n, d) True where a value counts; it is finite there, and below 1e150.

    Returns:
        (median, spread), (d,) each; both 0 where nothing is known, the spread where all is equal.
    """
    xp = backend.xp
    zero = xp.zeros_like(values)
    count = xp.astype(xp.sum(xp.astype(known, xp.int64), axis=0), xp.float64)
    ordered = xp.sort(xp.where(known, values, zero + xp.inf), axis=0)
    ordered = xp.where(count[None, :] > 0.0, ordered, zero)
    at = backend.asarray(np.array([*QUANTILES, 0.5])[:, None]) * (count - xp.astype(count > 0.0, xp.float64))[None, :]
    low, high = (
        xp.take_along_axis(ordered, xp.astype(place, xp.int64), axis=0) for place in (xp.floor(at), xp.ceil(at))
    )
    quantiles = low + (high - low) * (at - xp.floor(at))
    middle = quantiles[4, :]
    quartiles, wide = quantiles[2, :] - quantiles[1, :], quantiles[3, :] - quantiles[0, :]
    # From the median, so that equal values have no deviation at all.
    offset = xp.where(known, values - middle, zero)
    mean = xp.sum(offset, axis=0) / xp.where(count > 0.0, count, xp.ones_like(count))
    square = xp.where(known, (offset - mean) ** 2.0, zero)
    deviation = xp.sqrt(xp.sum(square, axis=0) / xp.where(count > 0.0, count, xp.ones_like(count)))
    return middle, xp.where(quartiles > 0.0, quartiles, xp.where(wide > 0.0, wide, deviation))


def places(count: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The places among `count` sorted values between which each quantile lies: (d,) -> (d, 8), ascending."""
    at = np.asarray(QUANTILES) * np.maximum(count[:, None] - 1, 0)
    both = np.stack([np.floor(at), np.ceil(at)], axis=2)
    return both.reshape(len(count), 2 * len(QUANTILES)).astype(np.int64)


def of_order_statistics(
    taken: npt.NDArray[Any], count: npt.NDArray[np.int64], values: Callable[[int], npt.NDArray[Any]]
) -> Floats:
    """Half of the spread of columns of which the values at `places` are known.

    Args:
        taken: (d, 8) those values.
        count: (d,) how many values each column has; 0 gives 0.
        values: column -> all of them, asked for where both ranges are 0.

    Returns:
        (d,).
    """
    at = np.asarray(QUANTILES) * np.maximum(count[:, None] - 1, 0)
    offset = np.concatenate([np.zeros((len(taken), 1)), np.cumsum(half_steps(taken), axis=1)], axis=1)
    low, high = offset[:, ::2], offset[:, 1::2]
    quantiles = low + (high - low) * (at - np.floor(at))
    return np.array(
        [
            _first(row, lambda j=j: _half_deviation(values(j))) if count[j] else 0.0  # type: ignore[misc]
            for j, row in enumerate(quantiles)
        ],
        dtype=np.float64,
    )


def half_steps(ascending: npt.NDArray[Any]) -> Floats:
    """Half of the distance to the next value, along the last axis; infinite at an infinite value, 0 between equal ones.

    Whole numbers of any size lose nothing before the difference is taken.
    """
    low, high = ascending[..., :-1], ascending[..., 1:]
    if ascending.dtype.kind in "iu":
        # Unsigned, the widest range wraps round to the right difference.
        return np.asarray(0.5 * (high.astype(np.uint64) - low.astype(np.uint64)).astype(np.float64))
    finite = np.isfinite(low) & np.isfinite(high)
    a, b = (0.5 * np.where(finite, side, 0.0).astype(np.float64) for side in (low, high))
    return np.where(finite, b - a, np.where(low == high, 0.0, np.inf))


def _half_deviation(values: npt.NDArray[Any]) -> float:
    if len(values) == 0:
        return 0.0
    ordered = np.sort(values)
    offset = np.concatenate([[0.0], np.cumsum(half_steps(ordered))])
    peak = float(offset[-1])
    # Divided first: squares of large numbers overflow.
    return float((offset / peak).std()) * peak if peak else 0.0


def _first(quantiles: Floats, deviation: Callable[[], float]) -> float:
    low, q1, q3, high = quantiles
    return float(q3 - q1) or float(high - low) or deviation()
