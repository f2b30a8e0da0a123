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
def _cross_sums(
    x: Array, y: Array, w: Array, v: Array, n: tuple[Array, Array], scales: Array, plan: Plan, tile: int
) -> tuple[Array, Array]:
    """Tiles of plan.tile rows of x and `tile` of y; n real rows of each."""
    rows = in_blocks(x, plan.tile), in_blocks(y, tile)
    # Padding rows weigh nothing. Columns as rows for the turned product, as in `pair_sums`.
    along = jnp.swapaxes(v.astype(wide(x.dtype)).reshape(x.shape[0] // plan.tile, plan.tile, v.shape[1]), 1, 2)
    weights = w.astype(wide(x.dtype)).reshape(y.shape[0] // tile, tile, w.shape[1]), along
    broad = used(n[1], tile)

    def visit(held: Any, t: Array, out: tuple[Array, Array]) -> tuple[Array, Array]:
        (mine, theirs), (across, along), broad, scales = held
        i, j = t // broad, t % broad
        half = halves_at(mine, i, theirs, j, plan.kernel)

        def one(scale: Array) -> tuple[Array, Array]:
            k = tile_of(half, plan.kernel, scale)
            return product(k, across[j]).astype(jnp.float64), product(along[i], k).astype(jnp.float64)

        rows, columns = lax.map(one, scales)
        return out[0].at[:, i].add(rows), out[1].at[:, j].add(jnp.swapaxes(columns, 1, 2))

    many = scales.shape[0]
    start = tuple(jnp.zeros((many, *r.norms.shape, m.shape[1])) for r, m in zip(rows, (w, v), strict=True))
    out = visit_all(used(n[0], plan.tile) * broad, visit, (rows, weights, broad, scales), start, plan.devices)
    return out[0].reshape(many, x.shape[0], w.shape[1]), out[1].reshape(many, y.shape[0], v.shape[1])


def cross_row_sums(x: Array, y: Array, w: Array, v: Array, kernel: str, scales: Array, /) -> tuple[Array, Array]:
    """See `spec.OPS["cross_row_sums"]`."""
    n, m, many = x.shape[0], y.shape[0], scales.shape[0]
    if n == 0 or m == 0:
        return jnp.zeros((many, n, w.shape[1])), jnp.zeros((many, m, v.shape[1]))
    (a, tall), (b, broad) = room(x), room(y)
    plan = Plan(a, kernel, share_out((tall // a) * (broad // b)))
    sizes = np.int32(n), np.int32(m)
    args = padded(x, tall), padded(y, broad), padded(w, broad), padded(v, tall), sizes, scales
    rows, columns = _cross_sums(*handed(args, plan.devices), plan=plan, tile=b)
    return cut(rows, np.s_[:, :n]), cut(columns, np.s_[:, :m])
