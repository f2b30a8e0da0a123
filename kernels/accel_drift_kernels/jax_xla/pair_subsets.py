"""Sums of kernel matrices within subsets of the rows."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from accel_drift_kernels.jax_xla.buckets import bucket, cut, padded
from accel_drift_kernels.jax_xla.pair_tiles import (
    Plan,
    halves_between,
    handed,
    in_blocks,
    product,
    real,
    share_out,
    tile_of,
    tile_rows,
    tile_slots,
    upper,
    used_pairs,
    visit_all,
)
from accel_drift_kernels.spec import Array

_AT_ONCE = 1 << 20
"""Pairs of rows evaluated together: as many as one tile of the CPU has."""


@partial(jax.jit, static_argnames="plan")
def _subset_sums(z: Array, subsets: Array, n: tuple[Array, Array], scales: Array, order: Array, plan: Plan) -> Array:
    """Subsets (chunks, c, T b), of which n[0] chunks and n[1] places are in use -> (S, chunks c)."""
    norms, tile = in_blocks(z, 1).norms[:, 0], plan.tile
    members = subsets.reshape(*subsets.shape[:2], -1, tile)

    def visit(held: Any, chunk: Array, out: Array) -> Array:
        z, norms, members, n, scales, order = held

        def pair(t: Array, sums: Array) -> Array:
            i, j = order[t, 0], order[t, 1]
            a, b = members[chunk, :, i], members[chunk, :, j]
            half = halves_between((z[a], norms[a]), (z[b], norms[b]), plan.kernel)
            mine, theirs = (real(n[1], tile, place, half.dtype) for place in (i, j))

            def one(scale: Array) -> Array:
                k = tile_of(half, plan.kernel, scale, (i - j) * tile)
                return product(product(k, theirs).astype(jnp.float64), mine.astype(jnp.float64))

            return sums + jnp.where(i == j, 1.0, 2.0) * lax.map(one, scales)

        start = jnp.zeros((scales.shape[0], members.shape[1]))
        return out.at[:, chunk].set(lax.fori_loop(0, used_pairs(n[1], tile), pair, start))

    start = jnp.zeros((scales.shape[0], *members.shape[:2]))
    out: Array = visit_all(n[0], visit, (z, norms, members, n, scales, order), start, plan.devices)
    return out.reshape(scales.shape[0], -1)


def subset_pair_sums(z: Array, subsets: Array, kernel: str, scales: Array, /) -> Array:
    """See `spec.OPS["subset_pair_sums"]`."""
    (count, m), many = subsets.shape, scales.shape[0]
    if count == 0 or m == 0:
        return jnp.zeros((many, count))
    tile = tile_rows(m, z.dtype)
    slots = tile_slots(m, tile)
    at_once = max(1, min(_AT_ONCE // tile**2, 1 << (count - 1).bit_length()))
    chunks = tile_slots(count, at_once)
    # Places that are not in use hold row 0; they weigh nothing.
    places = np.zeros((chunks * at_once, slots * tile), dtype=np.int32)
    places[:count, :m] = np.asarray(subsets)
    order = upper(slots)
    plan = Plan(tile, kernel, share_out(chunks))
    n = np.int32(-(-count // at_once)), np.int32(m)
    held = places.reshape(chunks, at_once, -1)
    args = handed((padded(z, bucket(z.shape[0])), held, n, scales, order), plan.devices)
    return cut(_subset_sums(*args, plan=plan), np.s_[:, :count])
