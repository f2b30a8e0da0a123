"""Sums of kernel matrices: one loop over tiles, nothing of size N x N."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from accel_drift_kernels.jax_xla.buckets import cut, padded
from accel_drift_kernels.jax_xla.pair_tiles import (
    EXACT,
    Plan,
    halves_at,
    handed,
    in_blocks,
    narrow,
    product,
    real,
    room,
    share_out,
    tile_of,
    upper,
    used,
    used_pairs,
    visit_all,
    wide,
)
from accel_drift_kernels.portable.pair_sums import unpacked
from accel_drift_kernels.spec import Array


@partial(jax.jit, static_argnames="plan")
def _label_sums(
    z: Array, labels: Array, n: Array, scales: Array, order: Array, plan: Plan
) -> tuple[Array, Array, Array]:
    rows, kind, tile = in_blocks(z, plan.tile), narrow(z.dtype, plan.kernel), plan.tile
    bits = labels.reshape(z.shape[0] // tile, tile, labels.shape[1])

    def visit(held: Any, t: Array, sums: tuple[Array, Array]) -> tuple[Array, Array]:
        (rows, bits, n, scales, order), (quad, by_row) = held, sums
        i, j = order[t, 0], order[t, 1]
        half = halves_at(rows, i, rows, j, plan.kernel)
        theirs, mine = unpacked(bits[j], kind), unpacked(bits[i], jnp.bool_)

        def one(scale: Array) -> tuple[Array, Array, Array]:
            # Every sum is of the same rounded values, so that their common error falls out of the statistic.
            k = tile_of(half, plan.kernel, scale, (i - j) * tile).astype(kind)
            within = jnp.where(mine, product(k, theirs).astype(jnp.float64), 0.0)
            across, down = product(k, real(n, tile, j, kind)), product(real(n, tile, i, kind), k)
            return jnp.sum(within, axis=0), across.astype(jnp.float64), down.astype(jnp.float64)

        within, across, down = lax.map(one, scales)
        off = jnp.where(i == j, 0.0, 1.0)
        # The mirror tile below the diagonal: the same quadratic form, and its row sums are this one's column sums.
        return quad + (1.0 + off) * within, by_row.at[:, i].add(across).at[:, j].add(off * down)

    many = scales.shape[0]
    start = jnp.zeros((many, labels.shape[1] * 8)), jnp.zeros((many, *bits.shape[:2]))
    quad, by_row = visit_all(used_pairs(n, tile), visit, (rows, bits, n, scales, order), start, plan.devices)
    linear, total = _marked(by_row, bits, n)
    return quad, linear, total


def _marked(by_row: Array, bits: Array, n: Array) -> tuple[Array, Array]:
    """Sums over the rows that each labelling marks, and over all: of (S, T, b) numbers (S, P) and (S,)."""
    tile = bits.shape[1]

    def visit(t: Array, sums: tuple[Array, Array]) -> tuple[Array, Array]:
        held = by_row[:, t]
        linear = jnp.matmul(held, unpacked(bits[t], jnp.float64), precision=EXACT)
        return sums[0] + linear, sums[1] + jnp.sum(held * real(n, tile, t, jnp.float64), axis=1)

    start = jnp.zeros((by_row.shape[0], bits.shape[2] * 8)), jnp.zeros(by_row.shape[0])
    made: tuple[Array, Array] = lax.fori_loop(0, used(n, tile), visit, start)
    return made


def pair_label_sums(z: Array, labels: Array, count: int, kernel: str, scales: Array, /) -> tuple[Array, Array, Array]:
    """See `spec.OPS["pair_label_sums"]`."""
    n, many = z.shape[0], scales.shape[0]
    if n == 0:
        return jnp.zeros((many, count)), jnp.zeros((many, count)), jnp.zeros(many)
    tile, rows = room(z)
    order = upper(rows // tile)
    plan = Plan(tile, kernel, share_out(len(order)))
    args = handed((padded(z, rows), padded(labels, rows), np.int32(n), scales, order), plan.devices)
    quad, linear, total = _label_sums(*args, plan=plan)
    return cut(quad, np.s_[:, :count]), cut(linear, np.s_[:, :count]), cut(total, np.s_[:])


@partial(jax.jit, static_argnames="plan")
def _row_sums(z: Array, w: Array, n: Array, scales: Array, order: Array, plan: Plan) -> Array:
    rows, tile = in_blocks(z, plan.tile), plan.tile
    # Columns as rows, for XLA's product for the CPU is many times slower with the tile turned than with the weights.
    weights = jnp.swapaxes(w.astype(wide(z.dtype)).reshape(z.shape[0] // tile, tile, w.shape[1]), 1, 2)

    def visit(held: Any, t: Array, out: Array) -> Array:
        rows, weights, scales, order = held
        i, j = order[t, 0], order[t, 1]
        half = halves_at(rows, i, rows, j, plan.kernel)

        def one(scale: Array) -> tuple[Array, Array]:
            k = tile_of(half, plan.kernel, scale, (i - j) * tile)
            return product(weights[j], k.T).astype(jnp.float64), product(weights[i], k).astype(jnp.float64)

        own, mirror = lax.map(one, scales)
        # The tile below the diagonal; the diagonal's own has none.
        return out.at[:, i].add(own).at[:, j].add(jnp.where(i == j, 0.0, mirror))

    start = jnp.zeros((scales.shape[0], *weights.shape))
    out = visit_all(used_pairs(n, tile), visit, (rows, weights, scales, order), start, plan.devices)
    return jnp.swapaxes(out, 2, 3).reshape(scales.shape[0], *w.shape)


def pair_row_sums(z: Array, w: Array, kernel: str, scales: Array, /) -> Array:
    """See `spec.OPS["pair_row_sums"]`."""
    n = z.shape[0]
    if n == 0:
        return jnp.zeros((scales.shape[0], 0, w.shape[1]))
    tile, rows = room(z)
    order = upper(rows // tile)
    plan = Plan(tile, kernel, share_out(len(order)))
    args = handed((padded(z, rows), padded(w, rows), np.int32(n), scales, order), plan.devices)
    return cut(_row_sums(*args, plan=plan), np.s_[:, :n])
