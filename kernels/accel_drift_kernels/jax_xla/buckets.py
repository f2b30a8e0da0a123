"""Padding to a few sizes, so that a new number of rows seldom means a new compilation."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from accel_drift_kernels.spec import Array


def bucket(n: int, least: int = 64) -> int:
    """The next of 64, 96, 128, 192, 256, ...: at most half as much again."""
    size = least
    while size < n:
        if size * 3 // 2 >= n:
            return size * 3 // 2
        size *= 2
    return size


def padded(x: Array, rows: int, fill: float | bool = 0) -> Array:
    """`x` with rows of `fill` below it, `rows` in all."""
    missing = rows - x.shape[0]
    if missing == 0:
        return x
    # Built on the host: an eager jnp.full would itself be compiled for every shape.
    tail = np.full((missing, *x.shape[1:]), fill, dtype=x.dtype)
    return jnp.concatenate([x, tail])
