"""Distances of chosen pairs of rows."""

from __future__ import annotations

from accel_drift_kernels.portable.namespace import namespace, zeros
from accel_drift_kernels.spec import Array

_AT_ONCE = 1 << 21
"""Numbers of one temporary array."""


def pair_distances(z: Array, first: Array, second: Array, /) -> Array:
    """See `spec.OPS["pair_distances"]`."""
    xp = namespace(z)
    step = max(1, _AT_ONCE // max(z.shape[1], 1))
    squared = [zeros((0,), z, xp.float64)]
    for lo in range(0, first.shape[0], step):
        part = slice(lo, min(lo + step, first.shape[0]))
        one, other = (xp.take(z, rows[part], axis=0) for rows in (first, second))
        difference = xp.astype(one, xp.float64) - xp.astype(other, xp.float64)
        squared.append(xp.sum(difference * difference, axis=1))
    return xp.sqrt(xp.concat(squared, axis=0))
