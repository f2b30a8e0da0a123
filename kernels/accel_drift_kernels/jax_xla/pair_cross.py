"""Sums of kernel matrices between two sets of rows."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from accel_drift_kernels.jax_xla.buckets import cut, padded
from accel_drift_kernels.jax_xla.pair_tiles import (
    Plan,
    halves_at,
    handed,
    in_blocks,
    product,
    room,
    share_out,
    tile_of,
    used,
    visit_all,
    wide,
)
from accel_drift_kernels.spec import Array


@partial(jax.jit, static_argnames=("plan", "tile"))
def _cross_sums(x: Array, y: Array, w: Array, n: tuple[Array, Array], scales: Array, plan: Plan, tile: int) -> Array:
    """Tiles of plan.tile rows of x and `tile` of y; n real rows of each."""
    mine, theirs = in_blocks(x, plan.tile), in_blocks(y, tile)
    # Padding rows of y weigh nothing.
    weights = w.astype(wide(x.dtype)).reshape(y.shape[0] // tile, tile, w.shape[1])
    across = used(n[1], tile)

    def visit(held: Any, t: Array, out: Array) -> Array:
        mine, theirs, weights, across, scales = held
        i, j = t // across, t % across
        half = halves_at(mine, i, theirs, j, plan.kernel)
        made = lax.map(lambda scale: product(tile_of(half, plan.kernel, scale), weights[j]), scales)
        return out.at[:, i].add(made.astype(jnp.float64))

    start = jnp.zeros((scales.shape[0], *mine.norms.shape, w.shape[1]))
    out = visit_all(used(n[0], plan.tile) * across, visit, (mine, theirs, weights, across, scales), start, plan.devices)
    return out.reshape(scales.shape[0], x.shape[0], w.shape[1])


def cross_row_sums(x: Array, y: Array, w: Array, kernel: str, scales: Array, /) -> Array:
    """See `spec.OPS["cross_row_sums"]`."""
    n, m = x.shape[0], y.shape[0]
    if n == 0 or m == 0:
        return jnp.zeros((scales.shape[0], n, w.shape[1]))
    (a, tall), (b, broad) = room(x), room(y)
    plan = Plan(a, kernel, share_out((tall // a) * (broad // b)))
    args = padded(x, tall), padded(y, broad), padded(w, broad), (np.int32(n), np.int32(m)), scales
    return cut(_cross_sums(*handed(args, plan.devices), plan=plan, tile=b), np.s_[:, :n])
