"""Sums of kernel matrices between runs of rows."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import lax

from accel_drift_kernels.jax_xla.buckets import bucket, padded
from accel_drift_kernels.jax_xla.pair_tiles import (
    Plan,
    halves_at,
    handed,
    in_blocks,
    product,
    room,
    share_out,
    tile_of,
    upper,
    used,
    used_pairs,
    visit_all,
    wide,
)
from accel_drift_kernels.spec import Array

_FEW = 64
"""Runs in a tile up to which they are added up in float64: more are short, and it would cost more than the tile."""


class Runs(NamedTuple):
    """Runs that are not empty: that of each row (T, b), -1 for padding, and that of each tile's first row (T,)."""

    of_row: Array
    first: Array


def _runs(ends: Array, rows: int, tile: int) -> tuple[Runs, npt.NDArray[np.int64], int]:
    """Runs of rows padded to `rows`, the numbers of those that are not empty, and the most of them in one tile.

    The most is rounded up to 8, 32, 128 ...: it decides shapes.
    """
    stops = np.asarray(ends, dtype=np.int64)
    lengths = stops - np.append(0, stops[:-1])
    kept = np.flatnonzero(lengths)
    of_row = np.full((rows // tile, tile), -1, dtype=np.int32)
    of_row.reshape(-1)[: int(lengths.sum())] = np.repeat(np.arange(len(kept), dtype=np.int32), lengths[kept])
    first = np.maximum(of_row[:, 0], 0)
    here, most = int(np.max(of_row.max(axis=1) - first)) + 1, 8
    while most < here:
        most *= 4
    return Runs(of_row, first), kept, min(most, tile)


def _members(runs: Runs, place: Array, most: int, dtype: Any) -> Array:
    """Indicators of the runs that a tile meets, from that of its first row on: (most, b)."""
    return (runs.of_row[place] - runs.first[place] == jnp.arange(most)[:, None]).astype(dtype)


def _between(k: Array, mine: Array, theirs: Array) -> Array:
    """The product mine k theirs' in float64, of a tile k (a, b) and indicators (p, a) and (q, b)."""
    rows = product(mine, k)
    kind = jnp.float64 if theirs.shape[0] <= _FEW else rows.dtype
    return product(rows.astype(kind), theirs.T.astype(kind)).astype(jnp.float64)


def _added(out: Array, part: Array, row: Array, column: Array) -> Array:
    """`out` (S, G, H) with `part` (S, p, q) added from that row and column on."""
    place = (jnp.zeros_like(row), row, column)
    held = lax.dynamic_slice(out, place, part.shape)
    return lax.dynamic_update_slice(out, held + part, place)


@partial(jax.jit, static_argnames=("plan", "most", "count"))
def _group_sums(
    z: Array, runs: Runs, n: Array, scales: Array, order: Array, plan: Plan, most: int, count: int
) -> Array:
    rows, kind, tile = in_blocks(z, plan.tile), wide(z.dtype), plan.tile

    def visit(held: Any, t: Array, out: Array) -> Array:
        rows, runs, scales, order = held
        i, j = order[t, 0], order[t, 1]
        half = halves_at(rows, i, rows, j, plan.kernel)
        mine, theirs = _members(runs, i, most, kind), _members(runs, j, most, kind)
        made = lax.map(lambda s: _between(tile_of(half, plan.kernel, s, (i - j) * tile), mine, theirs), scales)
        # The mirror is added at the end, to every tile: of one on the diagonal half is enough.
        return _added(out, jnp.where(i == j, 0.5, 1.0) * made, runs.first[i], runs.first[j])

    # Room for the last tile's runs that are not there.
    start = jnp.zeros((scales.shape[0], count + most, count + most))
    out = visit_all(used_pairs(n, tile), visit, (rows, runs, scales, order), start, plan.devices)
    return out + jnp.swapaxes(out, 1, 2)


def pair_group_sums(z: Array, ends: Array, kernel: str, scales: Array, /) -> Array:
    """See `spec.OPS["pair_group_sums"]`."""
    n, groups, many = z.shape[0], ends.shape[0], scales.shape[0]
    if n == 0:
        return jnp.zeros((many, groups, groups))
    tile, rows = room(z)
    order = upper(rows // tile)
    plan = Plan(tile, kernel, share_out(len(order)))
    runs, kept, most = _runs(ends, rows, tile)
    args = handed((padded(z, rows), runs, np.int32(n), scales, order), plan.devices)
    return _placed(_group_sums(*args, plan=plan, most=most, count=bucket(len(kept))), (kept, kept), (groups, groups))


@partial(jax.jit, static_argnames=("plan", "tile", "most", "count"))
def _cross_sums(
    x: Array,
    y: Array,
    runs: tuple[Runs, Runs],
    n: tuple[Array, Array],
    scales: Array,
    plan: Plan,
    tile: int,
    most: tuple[int, int],
    count: tuple[int, int],
) -> Array:
    """Tiles of plan.tile rows of x and `tile` of y; n real rows of each."""
    rows, others, kind = in_blocks(x, plan.tile), in_blocks(y, tile), wide(x.dtype)
    across = used(n[1], tile)

    def visit(held: Any, t: Array, out: Array) -> Array:
        rows, others, runs, across, scales = held
        i, j = t // across, t % across
        half = halves_at(rows, i, others, j, plan.kernel)
        mine, theirs = _members(runs[0], i, most[0], kind), _members(runs[1], j, most[1], kind)
        made = lax.map(lambda s: _between(tile_of(half, plan.kernel, s), mine, theirs), scales)
        return _added(out, made, runs[0].first[i], runs[1].first[j])

    start = jnp.zeros((scales.shape[0], count[0] + most[0], count[1] + most[1]))
    out: Array = visit_all(
        used(n[0], plan.tile) * across, visit, (rows, others, runs, across, scales), start, plan.devices
    )
    return out


def cross_group_sums(x: Array, x_ends: Array, y: Array, y_ends: Array, kernel: str, scales: Array, /) -> Array:
    """See `spec.OPS["cross_group_sums"]`."""
    groups = x_ends.shape[0], y_ends.shape[0]
    if x.shape[0] == 0 or y.shape[0] == 0:
        return jnp.zeros((scales.shape[0], *groups))
    (a, tall), (b, broad) = room(x), room(y)
    plan = Plan(a, kernel, share_out((tall // a) * (broad // b)))
    mine, theirs = _runs(x_ends, tall, a), _runs(y_ends, broad, b)
    n = np.int32(x.shape[0]), np.int32(y.shape[0])
    args = handed((padded(x, tall), padded(y, broad), (mine[0], theirs[0]), n, scales), plan.devices)
    kept = mine[1], theirs[1]
    count = bucket(len(kept[0])), bucket(len(kept[1]))
    return _placed(_cross_sums(*args, plan=plan, tile=b, most=(mine[2], theirs[2]), count=count), kept, groups)


def _placed(sums: Array, kept: tuple[Any, Any], groups: tuple[int, int]) -> Array:
    """Sums of the runs that are not empty where those runs stand among all: (S, G, H)."""
    out = np.zeros((sums.shape[0], *groups))
    out[:, kept[0][:, None], kept[1]] = np.asarray(sums)[:, : len(kept[0]), : len(kept[1])]
    return jax.device_put(out)
