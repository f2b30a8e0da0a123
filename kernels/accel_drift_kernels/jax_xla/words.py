"""Threefry words, and the random labellings made of them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from accel_drift_kernels.jax_xla.buckets import bucket, padded
from accel_drift_kernels.portable.words import random_words as _words
from accel_drift_kernels.portable.words import threefry
from accel_drift_kernels.spec import Array

_CHUNK = 32
"""Labellings sorted at a time (a multiple of 8): bounds the memory for their words."""

_jitted_words = jax.jit(_words)


def random_words(key: Array, i: Array, j: Array, /) -> Array:
    """See `spec.OPS["random_words"]`."""
    return _jitted_words(key, i, j)


@jax.jit
def _labels(key: Array, perms: Array, total: Array, rows: Array, n: Array) -> Array:
    """Bytes of labels for chunks of permutations: perms (chunks, 32) -> (chunks, rows, 4)."""
    real = rows < total
    shifts = jnp.arange(8, dtype=jnp.uint8)

    def chunk(perm: Array) -> Array:
        w0, w1 = threefry(key, perm[None, :], rows[:, None])
        words = w0 ^ w1
        # Padding rows sort last: a word is at most the fill, and ties go to the lower row.
        ordered = jnp.sort(jnp.where(real[:, None], words, jnp.uint32(0xFFFFFFFF)), axis=0)
        threshold = lax.dynamic_index_in_dim(ordered, jnp.maximum(n - 1, 0), axis=0)
        below = (words < threshold) & real[:, None]
        tied = (words == threshold) & real[:, None]
        room = n - jnp.sum(below, axis=0, keepdims=True)
        drawn = below | (tied & (jnp.cumsum(tied, axis=0) <= room))
        ones = jnp.where((perm == 0)[None, :], (rows < n)[:, None], drawn)
        bits = (ones & real[:, None]).astype(jnp.uint8).reshape(rows.shape[0], -1, 8)
        return jnp.sum(bits << shifts, axis=2, dtype=jnp.uint8)

    return lax.map(chunk, perms)


def permutation_labels(key: Array, perms: Array, rows: Array, n: int, /) -> Array:
    """See `spec.OPS["permutation_labels"]`."""
    total, count = rows.shape[0], perms.shape[0]
    if total == 0 or count == 0:
        return jnp.zeros((total, -(-count // 8)), dtype=jnp.uint8)
    chunks = padded(perms, -(-count // _CHUNK) * _CHUNK).reshape(-1, _CHUNK)
    span = jnp.arange(bucket(total), dtype=jnp.uint32)
    size = jnp.asarray(min(max(n, 0), total), dtype=jnp.int64)
    out = _labels(key, chunks, jnp.asarray(total, dtype=jnp.uint32), span, size)
    packed = jnp.moveaxis(out, 0, 1).reshape(span.shape[0], -1)[:total, : -(-count // 8)]
    last = count % 8
    if last:
        # Padding bits are 0; the chunk's padding permutations were numbered 0.
        packed = packed.at[:, -1].set(packed[:, -1] & jnp.uint8((1 << last) - 1))
    return packed
