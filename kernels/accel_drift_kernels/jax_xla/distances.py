"""Distances of chosen pairs of rows."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from accel_drift_kernels.jax_xla.buckets import bucket, cut, padded
from accel_drift_kernels.spec import Array

_AT_ONCE = 1 << 14
"""Pairs whose differences are held at a time."""


@jax.jit
def _distances(z: Array, pairs: Array) -> Array:
    def some(part: Array) -> Array:
        difference = z[part[:, 0]].astype(jnp.float64) - z[part[:, 1]].astype(jnp.float64)
        return jnp.sqrt(jnp.sum(difference * difference, axis=1))

    made: Array = lax.map(some, pairs.reshape(-1, _AT_ONCE, 2)).reshape(-1)
    return made


def pair_distances(z: Array, first: Array, second: Array, /) -> Array:
    """See `spec.OPS["pair_distances"]`."""
    count = first.shape[0]
    if count == 0:
        return jnp.zeros(0)
    many = bucket(-(-count // _AT_ONCE), 1)
    pairs = np.zeros((many * _AT_ONCE, 2), dtype=first.dtype)
    pairs[:count, 0], pairs[:count, 1] = np.asarray(first), np.asarray(second)
    return cut(_distances(padded(z, bucket(z.shape[0])), pairs), np.s_[:count])
