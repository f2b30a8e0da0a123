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
from accel_drift_kernels.tables import halves


@partial(jax.jit, static_argnames=("draw", "random"))
def _dealt(lanes: Lanes, cells: Array, size: Array, draw: Draw, *, random: bool) -> Array:
    """Rows dealt to halves of the cells, and so on down to single cells: cells (L, k) -> counts (L, k).

    `random` masses are Gamma numbers whose shapes the cells are.
    """
    k, own = cells.shape[1], cells.astype(jnp.float64).T
    if random:
        numbers = jnp.arange(k, dtype=jnp.uint32)
        own = lax.map(lambda cell: masses(lanes, cell[0][None], cell[1], lax.while_loop), (numbers, own))
    runs = jnp.asarray(np.array(list(halves(k)), dtype=np.int32).reshape(-1, 4)[:, :2])

    def add(mass: Array, run: Array) -> tuple[Array, tuple[Array, Array]]:
        left, right = mass[run[0]], mass[run[1]]
        return mass.at[run[0]].add(right), (left, right)

    # From the smallest runs up; a run's mass stands in the place of its first cell.
    left, right = lax.scan(add, own, runs, reverse=True)[1]

    def step(counts: Array, run: tuple[Array, Array, Array]) -> tuple[Array, None]:
        (first, middle), near, far = run
        here = counts[first]
        x = draw(here, near, far, uniform(lanes, middle.astype(jnp.uint32)[None]), lax.while_loop)
        return counts.at[first].set(x).at[middle].set(here - x), None

    # A scan over the runs compiles one draw, however many cells there are.
    counts = jnp.zeros_like(own).at[0].set(size.astype(jnp.float64))
    return lax.scan(step, counts, (runs, left, right))[0].astype(jnp.int64).T


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
    made = _dealt(lanes, padded(wide, many), padded(sizes, many), draw, random=random)
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
