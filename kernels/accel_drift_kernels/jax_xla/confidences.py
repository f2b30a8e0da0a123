"""How sure each row of probabilities is."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from accel_drift_kernels.jax_xla.buckets import bucket, cut, padded
from accel_drift_kernels.spec import Array


@jax.jit
def _rows(p: Array, valid: Array) -> tuple[Array, Array]:
    p = p.astype(jnp.float64)
    good = valid & jnp.all((p >= 0.0) & (p < jnp.inf), axis=1)
    top, number = jnp.max(p, axis=1), jnp.arange(p.shape[1])
    # On CPUs XLA's argmax is slower than two passes that vector instructions can make.
    place = jnp.min(jnp.where(p == top[:, None], number, p.shape[1]), axis=1)
    second = jnp.max(jnp.where(number == place[:, None], 0.0, p), axis=1)
    entropy = -jnp.sum(p * jnp.log(jnp.where(p > 0.0, p, 1.0)), axis=1)
    facts = jnp.stack([top, entropy, top - second, jnp.sum(p, axis=1)], axis=1)
    return jnp.where(good[:, None], facts, jnp.nan), jnp.where(good, place, -1).astype(jnp.int64)


def confidence_rows(probabilities: Array, valid: Array, /) -> tuple[Array, Array]:
    """See `spec.OPS["confidence_rows"]`."""
    n = probabilities.shape[0]
    rows = bucket(n)
    facts, place = _rows(padded(probabilities, rows), padded(valid, rows, False))
    return cut(facts, np.s_[:n]), cut(place, np.s_[:n])
