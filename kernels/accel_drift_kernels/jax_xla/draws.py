"""The portable random counts with a loop that XLA compiles."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from accel_drift_kernels.jax_xla.buckets import bucket, cut, padded
from accel_drift_kernels.portable.draws import Draw, Lanes, draw_binomial, draw_hypergeometric, masses, uniform
from accel_drift_kernels.spec import Array


@partial(jax.jit, static_argnames=("draw", "random"))
def _sequential(lanes: Lanes, cells: Array, size: Array, draw: Draw, *, random: bool) -> Array:
    """Cell by cell, each from what is left; the last cell takes the rest. Cells (L, k) -> counts (L, k).

    `random` masses are Gamma numbers whose shapes the cells are.
    """
    numbers, own = jnp.arange(cells.shape[1], dtype=jnp.uint32), cells.astype(jnp.float64).T
    if random:
        own = lax.map(lambda cell: masses(lanes, cell[0][None], cell[1], lax.while_loop), (numbers, own))

    def add(rest: Array, cell: Array) -> tuple[Array, Array]:
        return rest + cell, rest

    later = lax.scan(add, jnp.zeros_like(own[0]), own, reverse=True)[1]

    def step(left: Array, cell: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        number, weight, rest = cell
        x = draw(left, weight, rest, uniform(lanes, number[None]), lax.while_loop)
        return left - x, x.astype(jnp.int64)

    # A scan over the cells compiles one draw, however many cells there are.
    left, counts = lax.scan(step, size.astype(jnp.float64), (numbers[:-1], own[:-1], later[:-1]))
    return jnp.concatenate([counts, left.astype(jnp.int64)[None, :]]).T


def _lanes(
    keys: Array, first: int, cells: Array, size: Array, count: int, draw: Draw, *, random: bool = False
) -> Array:
    """Cells (C, B or 1, k) and sizes (C, B or 1) -> counts (C, B, k); laid out on the host, which compiles nothing."""
    columns, k = cells.shape[0], cells.shape[2]
    if columns * count * k == 0:
        return jnp.zeros((columns, count, k), dtype=jnp.int64)
    many = bucket(columns * count)
    wide = np.broadcast_to(np.asarray(cells), (columns, count, k)).reshape(-1, k)
    sizes = np.broadcast_to(np.asarray(size), (columns, count)).reshape(-1)
    key = np.repeat(np.asarray(keys), count, axis=0)
    number = np.tile(np.arange(first, first + count, dtype=np.uint32), columns)
    lanes = Lanes(*(padded(part, many) for part in (key[:, 0], key[:, 1], number)))
    made = _sequential(lanes, padded(wide, many), padded(sizes, many), draw, random=random)
    return jnp.reshape(cut(made, np.s_[: columns * count]), (columns, count, k))


def hypergeometric(keys: Array, first: int, count: int, pooled: Array, n: Array, /) -> Array:
    """See `spec.OPS["hypergeometric"]`."""
    return _lanes(keys, first, np.asarray(pooled)[:, None], np.asarray(n)[:, None], count, draw_hypergeometric)


def dirichlet_multinomial(keys: Array, first: int, weights: Array, m: Array, /) -> Array:
    """See `spec.OPS["dirichlet_multinomial"]`."""
    return _lanes(keys, first, weights, m, m.shape[1], draw_binomial, random=True)


def multinomial(keys: Array, first: int, count: int, weights: Array, m: Array, /) -> Array:
    """See `spec.OPS["multinomial"]`."""
    return _lanes(keys, first, np.asarray(weights)[:, None], np.asarray(m)[:, None], count, draw_binomial)
