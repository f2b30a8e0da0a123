"""Sums of functions of phases by runs of rows: a scan over chunks of rows."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from accel_drift_kernels.jax_xla.buckets import bucket, padded
from accel_drift_kernels.spec import Array

_AT_ONCE = 1 << 18
"""Phases held at a time."""


@partial(jax.jit, static_argnames="chunk")
def _totals(z: Array, turns: Array, table: Array, ends: Array, chunk: int) -> Array:
    size = table.shape[0]
    starts = jnp.concatenate([jnp.zeros(1, ends.dtype), ends[:-1]])

    def add(out: Array, part: tuple[Array, Array]) -> tuple[Array, None]:
        rows, first = part
        phase = jnp.round((rows @ turns) * size).astype(jnp.int64)
        place = jnp.concatenate([phase, phase - size // 4], axis=1) & (size - 1)
        row = (first + jnp.arange(chunk))[None, :]
        ones = ((row >= starts[:, None]) & (row < ends[:, None])).astype(jnp.float64)
        # Whole numbers below 2^53: exact in any order.
        return out + ones @ jnp.take(table, place).astype(jnp.float64), None

    pieces = z.shape[0] // chunk
    out = jnp.zeros((ends.shape[0], 2 * turns.shape[1]))
    out, _ = lax.scan(add, out, (z.reshape(pieces, chunk, z.shape[1]), jnp.arange(pieces) * chunk))
    return out.astype(jnp.int64)


def phase_totals(z: Array, turns: Array, table: Array, ends: Array, /) -> Array:
    """See `spec.OPS["phase_totals"]`."""
    rows, groups, count = z.shape[0], ends.shape[0], turns.shape[1]
    if not rows or not groups:
        return jnp.zeros((groups, 2 * count), jnp.int64)
    chunk = bucket(min(rows, max(64, _AT_ONCE // max(count, 1))))
    whole = padded(z, bucket(-(-rows // chunk), 1) * chunk)
    # Runs after the last are empty, and rows after the last are in none.
    return _totals(whole, turns, table, padded(ends, bucket(groups, 2), rows), chunk)[:groups]
