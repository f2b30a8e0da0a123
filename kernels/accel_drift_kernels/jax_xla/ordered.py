"""Sorted columns, and what two of them have in common; values are compared as in `counts.ordered`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from accel_drift_kernels.jax_xla.buckets import bucket, cut, padded
from accel_drift_kernels.jax_xla.counts import histogram, ordered
from accel_drift_kernels.portable import ordered as portable
from accel_drift_kernels.spec import Array


def sort_columns(parts: Sequence[tuple[Array, Array | None]], dtype: Any, /) -> Array:
    """See `spec.OPS["sort_columns"]`."""
    made = []
    for values, valid in parts:
        n = values.shape[0]
        there = np.ones(values.shape, bool) if valid is None else valid
        rows = bucket(n)
        made.append(cut(_sorted(padded(values, rows), padded(there, rows, False), np.dtype(dtype).name), np.s_[:n]))
    return made[0] if len(made) == 1 else jnp.concatenate(made, axis=1)


@partial(jax.jit, static_argnames="dtype")
def _sorted(values: Array, valid: Array, dtype: str) -> Array:
    x = values.astype(dtype)
    top = jnp.inf if jnp.issubdtype(x.dtype, jnp.floating) else jnp.iinfo(x.dtype).max
    x = jnp.where(valid, x, jnp.asarray(top, x.dtype))
    x = x if x.ndim == 2 else x[:, None]
    return jnp.take_along_axis(x, jnp.argsort(ordered(x), axis=0), axis=0)


@jax.jit
def _distances(x: Array, n: Array, y: Array, m: Array) -> tuple[Array, Array, Array, Array]:
    return portable.distances(x, n, y, m, _tied_sum, ordered)


def _tied_sum(value: Array, seen: Array, last: Array) -> Array:
    """As in `portable`, without its second sort: counts only grow, so a running maximum carries the last end along."""
    ends = lax.cummax(jnp.where(last, seen, 0), axis=0)
    before = jnp.concatenate([jnp.zeros_like(ends[:1]), ends[:-1]])
    return jnp.sum(jnp.where(last, value * (seen - before), 0.0), axis=0)


def cdf_distances(x: Array, n: Array, y: Array, m: Array, /) -> tuple[Array, Array, Array, Array]:
    """See `spec.OPS["cdf_distances"]`."""
    made = _distances(padded(x, bucket(x.shape[0])), n, padded(y, bucket(y.shape[0])), m)
    return made[0], made[1], made[2], made[3]


@partial(jax.jit, static_argnames="limit")
def _cells(x: Array, n: Array, y: Array, m: Array, distinct: Array, limit: int) -> tuple[Array, Array]:
    return portable.cells(x, n, y, m, distinct, limit, ordered)


def pooled_cells(x: Array, n: Array, y: Array, m: Array, distinct: Array, limit: int, /) -> tuple[Array, Array]:
    """See `spec.OPS["pooled_cells"]`."""
    made = _cells(padded(x, bucket(x.shape[0])), n, padded(y, bucket(y.shape[0])), m, distinct, limit)
    return made[0], made[1]


def sorted_counts(x: Array, n: Array, cuts: Array, /) -> Array:
    """See `spec.OPS["sorted_counts"]`."""
    there = np.arange(x.shape[0])[:, None] < np.asarray(n)[None, :]
    return cut(histogram(x, cuts, jax.device_put(there)), np.s_[:, :-1])
