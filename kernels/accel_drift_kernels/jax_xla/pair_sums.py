"""Sums of kernel matrices: one scan over the tiles of the upper triangle, nothing of size N x N."""

from __future__ import annotations

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import lax

from accel_drift_kernels.jax_xla.buckets import bucket, padded
from accel_drift_kernels.portable.pair_sums import half_distances, kernel_of, unpacked
from accel_drift_kernels.spec import Array

_TILE = 1024
_LEAST = 64
_EXACT = lax.Precision.HIGHEST
"""Said at every product: the default may round operands to 10 bits on a GPU or a TPU."""


def _tile_size(n: int) -> int:
    return min(_TILE, bucket(n, _LEAST))


@cache
def _order(tiles: int) -> npt.NDArray[np.int32]:
    """Pairs (i, j), i <= j, of tiles by rising j: the first t (t + 1) / 2 of them are those of t tiles."""
    return np.array([(i, j) for j in range(tiles) for i in range(j + 1)], dtype=np.int32).reshape(-1, 2)


def _padded_rows(n: int) -> int:
    tile = _tile_size(n)
    return tile if n <= tile else bucket(-(-n // tile), 1) * tile


def _prepared(z: Array, n: Array) -> tuple[Array, Array]:
    """The rows, and half their squared norms (infinite for padding: K = 0)."""
    real = jnp.arange(z.shape[0]) < n
    exact = z.astype(jnp.float64)
    half = jnp.where(real, 0.5 * jnp.sum(exact * exact, axis=1), jnp.inf)
    return z, half.astype(z.dtype)


def _tile(rows: tuple[Array, Array], half: tuple[Array, Array], diagonal: Array, kernel: str) -> Array:
    product = jnp.dot(rows[0], rows[1].T, precision=_EXACT)
    norms = half[0][:, None] + half[1][None, :]
    near = half_distances(product, norms, rows[0].shape[1], kernel)
    k = jnp.where(jnp.isfinite(norms), kernel_of(near, kernel, jnp.ones((), near.dtype)), 0.0)
    return jnp.where(diagonal & jnp.eye(k.shape[0], dtype=bool), jnp.zeros_like(k), k)


@partial(jax.jit, static_argnames="kernel")
def _label_sums(z: Array, labels: Array, n: Array, order: Array, kernel: str) -> tuple[Array, Array, Array]:
    rows, half = _prepared(z, n)
    tile = _tile_size(z.shape[0])
    tiles = z.shape[0] // tile
    blocks, halves = rows.reshape(tiles, tile, z.shape[1]), half.reshape(tiles, tile)
    bits = labels.reshape(tiles, tile, labels.shape[1])
    used = (n + tile - 1) // tile

    def visit(t: Array, sums: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        quad, linear, total = sums
        i, j = order[t, 0], order[t, 1]
        k = _tile((blocks[i], blocks[j]), (halves[i], halves[j]), i == j, kernel)
        y = jnp.dot(k, unpacked(bits[j], z.dtype), precision=_EXACT).astype(jnp.float64)
        mine = unpacked(bits[i], jnp.float64)
        row = jnp.sum(k, axis=1).astype(jnp.float64)
        weight = jnp.where(i == j, 1.0, 2.0)
        quad = quad + weight * jnp.sum(mine * y, axis=0)
        # The mirror tile below the diagonal adds the column sums of the panel's labelled columns.
        linear = linear + jnp.dot(row, mine, precision=_EXACT) + (weight - 1.0) * jnp.sum(y, axis=0)
        return quad, linear, total + weight * jnp.sum(row)

    zero = jnp.zeros(labels.shape[1] * 8)
    # The number of tiles is traced: one compilation serves every N of a bucket.
    sums: tuple[Array, Array, Array] = lax.fori_loop(0, used * (used + 1) // 2, visit, (zero, zero, jnp.zeros(())))
    return sums


def pair_label_sums(z: Array, labels: Array, count: int, kernel: str, scales: Array, /) -> tuple[Array, Array, Array]:
    """See `spec.OPS["pair_label_sums"]`."""
    made = [_label_sums_at((z * jnp.sqrt(s)).astype(z.dtype), labels, count, kernel) for s in scales]
    return jnp.stack([m[0] for m in made]), jnp.stack([m[1] for m in made]), jnp.stack([m[2] for m in made])


def pair_row_sums(z: Array, w: Array, kernel: str, scales: Array, /) -> Array:
    """See `spec.OPS["pair_row_sums"]`."""
    return jnp.stack([_row_sums_at((z * jnp.sqrt(s)).astype(z.dtype), w, kernel) for s in scales])


def _label_sums_at(z: Array, labels: Array, count: int, kernel: str) -> tuple[Array, Array, Array]:
    n = z.shape[0]
    if n == 0:
        return jnp.zeros(count), jnp.zeros(count), jnp.zeros(())
    many = _padded_rows(n)
    order = jnp.asarray(_order(many // _tile_size(many)))
    quad, linear, total = _label_sums(padded(z, many), padded(labels, many), jnp.asarray(n), order, kernel)
    return quad[:count], linear[:count], total


@partial(jax.jit, static_argnames="kernel")
def _row_sums(z: Array, w: Array, n: Array, order: Array, kernel: str) -> Array:
    rows, half = _prepared(z, n)
    tile = _tile_size(z.shape[0])
    tiles = z.shape[0] // tile
    blocks, halves = rows.reshape(tiles, tile, z.shape[1]), half.reshape(tiles, tile)
    weights = w.astype(z.dtype).reshape(tiles, tile, w.shape[1])
    used = (n + tile - 1) // tile

    def visit(t: Array, out: Array) -> Array:
        i, j = order[t, 0], order[t, 1]
        k = _tile((blocks[i], blocks[j]), (halves[i], halves[j]), i == j, kernel)
        out = out.at[i].add(jnp.dot(k, weights[j], precision=_EXACT).astype(jnp.float64))
        # The mirror tile below the diagonal; the diagonal's own has none.
        mirror = jnp.dot(k.T, weights[i], precision=_EXACT).astype(jnp.float64)
        return out.at[j].add(jnp.where(i == j, 0.0, mirror))

    out: Array = lax.fori_loop(0, used * (used + 1) // 2, visit, jnp.zeros((tiles, tile, w.shape[1])))
    return out.reshape(z.shape[0], w.shape[1])


def _row_sums_at(z: Array, w: Array, kernel: str) -> Array:
    n = z.shape[0]
    if n == 0:
        return jnp.zeros((0, w.shape[1]))
    many = _padded_rows(n)
    order = jnp.asarray(_order(many // _tile_size(many)))
    return _row_sums(padded(z, many), padded(w, many), jnp.asarray(n), order, kernel)[:n]
