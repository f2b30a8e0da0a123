"""Sums of functions of phases by runs of rows, and of their products."""

from __future__ import annotations

from accel_drift_kernels.portable.namespace import namespace, whole, zeros
from accel_drift_kernels.spec import Array

_AT_ONCE = 1 << 21
"""Entries of the table read at a time."""


def phase_totals(z: Array, turns: Array, table: Array, ends: Array, /) -> Array:
    """See `spec.OPS["phase_totals"]`."""
    xp, rows, count = namespace(z), z.shape[0], turns.shape[1]
    starts = xp.concat([zeros((1,), ends, xp.int64), ends[:-1]]) if ends.shape[0] else ends
    out = zeros((ends.shape[0], 2 * count), z, xp.float64)
    step = max(1, _AT_ONCE // max(2 * count, 1))
    for lo in range(0, rows, step):
        part = z[lo : min(lo + step, rows), :]
        values = _entries(part @ turns, table)
        row = whole(lo, lo + part.shape[0], z, xp.int64)[None, :]
        ones = xp.astype((row >= starts[:, None]) & (row < ends[:, None]), xp.float64)
        # Whole numbers below 2^53: exact in any order.
        out = out + ones @ values
    return xp.astype(out, xp.int64)


def phase_products(z: Array, turns: Array, codes: Array, added: Array, table: Array, /) -> Array:
    """See `spec.OPS["phase_products"]`."""
    xp, rows, width = namespace(z), z.shape[0], 2 * turns.shape[1] + 1
    out = zeros((width, width), z, xp.float64)
    step = max(1, _AT_ONCE // width)
    for lo in range(0, rows, step):
        hi = min(lo + step, rows)
        phases = z[lo:hi, :] @ turns
        for c in range(codes.shape[1]):
            phases = phases + xp.take(added, codes[lo:hi, c], axis=0)
        ones = zeros((hi - lo, 1), z, xp.float64) + 1.0
        values = xp.concat([_entries(phases, table), ones], axis=1)
        # Whole numbers below 2^53: exact in any order.
        out = out + xp.matrix_transpose(values) @ values
    return xp.astype(out, xp.int64)


def _entries(turns: Array, table: Array) -> Array:
    """The table's entries at phases given in turns, then a quarter turn earlier, as float64."""
    xp, size = namespace(turns), table.shape[0]
    phase = xp.astype(xp.round(turns * size), xp.int64)
    place = xp.concat([phase, phase - size // 4], axis=1) & (size - 1)
    return xp.astype(xp.reshape(xp.take(table, xp.reshape(place, (-1,)), axis=0), place.shape), xp.float64)
