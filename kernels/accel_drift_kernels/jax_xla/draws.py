"""The portable random counts with a loop that XLA compiles."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from accel_drift_kernels.jax_xla.buckets import bucket, cut, padded
from accel_drift_kernels.portable.draws import (
    Draw,
    draw_beta_binomial,
    draw_binomial,
    draw_hypergeometric,
)
from accel_drift_kernels.spec import Array


@partial(jax.jit, static_argnames="draw")
def _sequential(cells: Array, size: Array, u: Array, draw: Draw) -> Array:
    """Cell by cell, each from what is left; the last cell takes the rest. Cells (L, k) -> counts (L, k)."""
    later = jnp.flip(jnp.cumsum(jnp.flip(cells, 1), axis=1), 1)[:, 1:]

    def cell(left: Array, step: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        own, rest, v = step
        x = draw(left, own.astype(jnp.float64), rest.astype(jnp.float64), v, lax.while_loop)
        return left - x, x.astype(jnp.int64)

    # A scan over the cells compiles one draw, however many cells there are.
    left, counts = lax.scan(cell, size.astype(jnp.float64), (cells[:, :-1].T, later.T, u[:, :-1].T))
    return jnp.concatenate([counts, left.astype(jnp.int64)[None, :]]).T


def _lanes(cells: Array, size: Array, u: Array, draw: Draw) -> Array:
    lanes, k = cells.shape
    if lanes == 0 or k == 0:
        return jnp.zeros((lanes, k), dtype=jnp.int64)
    many = bucket(lanes)
    return cut(_sequential(padded(cells, many), padded(size, many), padded(u, many, 0.5), draw), np.s_[:lanes])


def hypergeometric(pooled: Array, n: Array, u: Array, /) -> Array:
    """See `spec.OPS["hypergeometric"]`."""
    return _lanes(pooled, n, u, draw_hypergeometric)


def dirichlet_multinomial(weights: Array, m: Array, u: Array, /) -> Array:
    """See `spec.OPS["dirichlet_multinomial"]`."""
    return _lanes(weights, m, u, draw_beta_binomial)


def multinomial(weights: Array, m: Array, u: Array, /) -> Array:
    """See `spec.OPS["multinomial"]`."""
    return _lanes(weights, m, u, draw_binomial)
