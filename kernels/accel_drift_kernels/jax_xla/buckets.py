"""Padding to a few sizes, so that a new number of rows seldom means a new compilation."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from accel_drift_kernels.spec import Array

_THROUGH_HOST = 1 << 26
"""Bytes up to which an accelerator's array goes through the host to be padded or cut.

An eager operation on the device would be compiled for every shape, which takes longer than the way there and back;
for larger arrays the compilation is lost in the work.
"""


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
    if _by_host(x):
        return jax.device_put(np.concatenate([np.asarray(x), tail]))
    return jnp.concatenate([x, tail])


def cut(x: Array, place: Any) -> Array:
    """x[place] for a slice or a tuple of slices."""
    # Unlike jnp.asarray, device_put compiles nothing.
    return jax.device_put(np.asarray(x)[place]) if _by_host(x) else x[place]


def _by_host(x: Array) -> bool:
    # On the CPU the host sees a JAX array's own memory.
    return bool(x.nbytes <= _THROUGH_HOST or jax.default_backend() == "cpu")
