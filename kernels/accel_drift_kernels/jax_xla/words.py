"""Threefry words, and the random labellings made of them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from accel_drift_kernels.jax_xla.buckets import bucket, cut
from accel_drift_kernels.portable.words import random_words as _words
from accel_drift_kernels.portable.words import threefry
from accel_drift_kernels.spec import Array

_CHUNK = 32
"""Labellings dealt at a time (a multiple of 8): bounds the memory for their words."""

_jitted_words = jax.jit(_words)


def random_words(key: Array, i: Array, j: Array, /) -> Array:
    """See `spec.OPS["random_words"]`."""
    return _jitted_words(key, i, j)


def _nth(words: Array, n: Array) -> Array:
    """The n-th smallest word of each column, (1, columns): bit by bit, in a fraction of the time of a sort."""

    def bit(place: Array, least: Array) -> Array:
        tried = least | (jnp.uint32(1 << 31) >> place.astype(jnp.uint32))
        # Every bucket is a multiple of 32 rows. Counting those in bytes takes a fifth of the time on a CPU.
        few = jnp.sum((words < tried).reshape(-1, 32, words.shape[1]), axis=1, dtype=jnp.uint8)
        below = jnp.sum(few, axis=0, keepdims=True, dtype=jnp.int32)
        return jnp.where(below < n, tried, least)

    start = jnp.zeros((1, words.shape[1]), dtype=jnp.uint32)
    found: Array = lax.fori_loop(0, 32, bit, start)
    return found


@jax.jit
def _labels(key: Array, perms: Array, count: Array, total: Array, rows: Array, n: Array) -> Array:
    """Bytes of labels for chunks of permutations: perms (chunks, 32) of which `count` are real -> (rows, 4 chunks)."""
    real = rows < total
    shifts = jnp.arange(8, dtype=jnp.uint8)

    def chunk(part: tuple[Array, Array]) -> Array:
        perm, number = part
        w0, w1 = threefry(key, perm[None, :], rows[:, None])
        words = w0 ^ w1
        # Padding rows come last: a word is at most the fill, and ties go to the lower row.
        threshold = _nth(jnp.where(real[:, None], words, jnp.uint32(0xFFFFFFFF)), jnp.maximum(n, 1))
        below = (words < threshold) & real[:, None]
        tied = (words == threshold) & real[:, None]
        room = n - jnp.sum(below, axis=0, keepdims=True)
        # Ties beyond the n-th row are rare, and counting them in order is slow.
        spare = jnp.any(jnp.sum(tied, axis=0, keepdims=True) > room)
        first = lax.cond(spare, lambda: tied & (jnp.cumsum(tied, axis=0) <= room), lambda: tied)
        drawn = below | first
        ones = jnp.where((perm == 0)[None, :], (rows < n)[:, None], drawn)
        bits = (ones & real[:, None] & (number < count)).astype(jnp.uint8).reshape(rows.shape[0], -1, 8)
        return jnp.sum(bits << shifts, axis=2, dtype=jnp.uint8)

    numbers = jnp.arange(perms.size).reshape(perms.shape)
    return jnp.moveaxis(lax.map(chunk, (perms, numbers)), 0, 1).reshape(rows.shape[0], -1)


def permutation_labels(key: Array, perms: Array, rows: Array, n: int, /) -> Array:
    """See `spec.OPS["permutation_labels"]`."""
    total, count = rows.shape[0], perms.shape[0]
    if total == 0 or count == 0:
        return jnp.zeros((total, -(-count // 8)), dtype=jnp.uint8)
    chunks = np.zeros((-(-count // _CHUNK), _CHUNK), dtype=np.uint32)
    chunks.reshape(-1)[:count] = np.asarray(perms)
    span = np.arange(bucket(total), dtype=np.uint32)
    size = np.int64(min(max(n, 0), total))
    out = _labels(key, chunks, np.int64(count), np.uint32(total), span, size)
    return cut(out, np.s_[:total, : -(-count // 8)])
