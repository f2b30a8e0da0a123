"""Sums of functions of phases by runs of rows."""

from __future__ import annotations

from accel_drift_kernels.portable.namespace import namespace, whole, zeros
from accel_drift_kernels.spec import Array

_AT_ONCE = 1 << 21
"""Entries of the table read at a time."""


def phase_totals(z: Array, turns: Array, table: Array, ends: Array, /) -> Array:
    """See `spec.OPS["phase_totals"]`."""
    xp, rows, count, size = namespace(z), z.shape[0], turns.shape[1], table.shape[0]
    starts = xp.concat([zeros((1,), ends, xp.int64), ends[:-1]]) if ends.shape[0] else ends
    out = zeros((ends.shape[0], 2 * count), z, xp.float64)
    step = max(1, _AT_ONCE // max(2 * count, 1))
    for lo in range(0, rows, step):
        part = z[lo : min(lo + step, rows), :]
        phase = xp.astype(xp.round((part @ turns) * size), xp.int64)
        place = xp.concat([phase, phase - size // 4], axis=1) & (size - 1)
        values = xp.astype(xp.reshape(xp.take(table, xp.reshape(place, (-1,)), axis=0), place.shape), xp.float64)
        row = whole(lo, lo + part.shape[0], z, xp.int64)[None, :]
        ones = xp.astype((row >= starts[:, None]) & (row < ends[:, None]), xp.float64)
        # Whole numbers below 2^53: exact in any order.
        out = out + ones @ values
    return xp.astype(out, xp.int64)
