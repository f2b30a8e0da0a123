"""Rules that run down many streams of values at once: time is a loop of XLA, streams lie side by side."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from accel_drift_kernels.jax_xla.buckets import bucket
from accel_drift_kernels.spec import Array, Rule

_STEPS = 4096
"""Moments that go through the loop at once: what each of them says of each stream is kept until then."""


@partial(jax.jit, static_argnames=("rule",))
def _scan(rule: Rule, values: Array, state: Array, options: Array) -> tuple[Array, Array, Array, Array]:
    step = rule(jnp)

    def moment(fields: tuple[Array, ...], x: Array) -> tuple[tuple[Array, ...], tuple[Array, Array, Array]]:
        there = x == x
        event, before, after, *new = step(x, *fields, options)
        kept = tuple(jnp.where(there, one, old) for one, old in zip(new, fields, strict=True))
        number = jnp.where(there, event, 0).astype(jnp.int8)
        return kept, (number, jnp.broadcast_to(before, x.shape), jnp.broadcast_to(after, x.shape))

    fields, (events, before, after) = lax.scan(moment, tuple(state), values)
    return jnp.stack(fields), events, before, after


def scan_streams(rule: Rule, values: Array, state: Array, options: tuple[float, ...], /) -> tuple[Array, Array, Array]:
    """See `spec.OPS["scan_streams"]`."""
    moments, streams = values.shape
    wide, given = bucket(streams), jnp.asarray(options, dtype=jnp.float64)
    fields = np.zeros((state.shape[0], wide))
    fields[:, :streams] = state
    where, told, state = [np.empty((0, 3), np.int64)], [np.empty((0, 2))], jax.device_put(fields)
    for start in range(0, moments, _STEPS):
        some = min(_STEPS, moments - start)
        # NaN: nothing happens in the moments and streams that fill the bucket.
        tile = np.full((bucket(some), wide), np.nan)
        tile[:some, :streams] = np.asarray(values[start : start + some])
        state, events, before, after = _scan(rule, jax.device_put(tile), state, given)
        t, s = np.nonzero(np.asarray(events))
        where.append(np.stack([t + start, s, np.asarray(events)[t, s]], axis=1).astype(np.int64))
        told.append(np.stack([np.asarray(before)[t, s], np.asarray(after)[t, s]], axis=1))
    return (
        jax.device_put(np.asarray(state)[:, :streams]),
        jax.device_put(np.concatenate(where)),
        jax.device_put(np.concatenate(told)),
    )
