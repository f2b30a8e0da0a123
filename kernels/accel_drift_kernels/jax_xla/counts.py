"""Binning, counting, and the distances of distribution functions."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from accel_drift_kernels.jax_xla.buckets import bucket, cut, padded
from accel_drift_kernels.portable.counts import distances
from accel_drift_kernels.spec import Array


@jax.jit
def _bin_index(x: Array, cuts: Array, mask: Array) -> Array:
    def one(index: Array, cut: Array) -> tuple[Array, None]:
        return index + (x > cut[None, :]).astype(jnp.int32), None

    index, _ = lax.scan(one, jnp.zeros(x.shape, dtype=jnp.int32), cuts.T)
    return jnp.where(mask, index, jnp.int32(cuts.shape[1] + 1))


def bin_index(x: Array, cuts: Array, mask: Array, /) -> Array:
    """See `spec.OPS["bin_index"]`."""
    rows = bucket(x.shape[0])
    return cut(_bin_index(padded(x, rows), cuts, padded(mask, rows)), np.s_[: x.shape[0]])


@jax.jit
def _histogram(x: Array, cuts: Array, mask: Array, rows: Array) -> Array:
    # Compare and sum, a cut at a time: scatters are slow on every device, and nothing of size n x c is made.
    def one(_: None, cut: Array) -> tuple[None, Array]:
        return None, jnp.sum((x > cut[None, :]) & mask, axis=0, dtype=jnp.int64)

    present = jnp.sum(mask, axis=0, dtype=jnp.int64)
    _, above = lax.scan(one, None, cuts.T)
    reached = jnp.concatenate([present[None, :], above, jnp.zeros_like(present)[None, :]])
    return jnp.concatenate([reached[:-1] - reached[1:], (rows - present)[None, :]]).T


def histogram(x: Array, cuts: Array, mask: Array, /) -> Array:
    """See `spec.OPS["histogram"]`."""
    rows = bucket(x.shape[0])
    return _histogram(padded(x, rows), cuts, padded(mask, rows, False), np.int64(x.shape[0]))


@partial(jax.jit, static_argnames="total")
def _count_codes(codes: Array, total: int) -> Array:
    # Negative codes go to a cell past the end: bincount would clip them into cell 0.
    place = jnp.where(codes < 0, total, codes)
    return jnp.bincount(place, length=total + 1)[:total].astype(jnp.int64)


def count_codes(codes: Array, total: int, /) -> Array:
    """See `spec.OPS["count_codes"]`."""
    return _count_codes(padded(codes, bucket(codes.shape[0]), -1), total)


@jax.jit
def _distances(x: Array, x_mask: Array, y: Array, y_mask: Array) -> tuple[Array, Array, Array]:
    return distances(x, x_mask, y, y_mask, _tied_sum)


def _tied_sum(value: Array, seen: Array, last: Array) -> Array:
    """As in `portable`, without its second sort: counts only grow, so a running maximum carries the last end along."""
    ends = lax.cummax(jnp.where(last, seen, 0), axis=0)
    before = jnp.concatenate([jnp.zeros_like(ends[:1]), ends[:-1]])
    return jnp.sum(jnp.where(last, value * (seen - before), 0.0), axis=0)


def cdf_distances(x: Array, x_mask: Array, y: Array, y_mask: Array, /) -> tuple[Array, Array, Array]:
    """See `spec.OPS["cdf_distances"]`."""
    n, m = bucket(x.shape[0]), bucket(y.shape[0])
    gap, area, square = _distances(padded(x, n), padded(x_mask, n), padded(y, m), padded(y_mask, m))
    return gap, area, square
