"""Threefry-2x32-20 words and the random labellings made of them."""

from __future__ import annotations

from accel_drift_kernels.portable.namespace import namespace, whole, zeros
from accel_drift_kernels.spec import Array

_PARITY = 0x1BD11BDA
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_CHUNK = 32
"""Labellings sorted at a time (a multiple of 8): bounds the memory for their words."""


def random_words(key: Array, i: Array, j: Array, /) -> Array:
    """See `spec.OPS["random_words"]`.

    Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
    """
    xp = namespace(key)
    x0, x1 = threefry(key, i[:, None], j[None, :])
    return xp.stack([x0, x1])


def threefry(key: Array, x0: Array, x1: Array) -> tuple[Array, Array]:
    """Both words of one key, for counters of two dimensions that broadcast."""
    # Keys stay arrays: NumPy warns of a scalar that wraps and not of an array.
    return mixed((key[0:1][None, :], key[1:2][None, :]), x0, x1)


def mixed(key: tuple[Array, Array], x0: Array, x1: Array) -> tuple[Array, Array]:
    """Both words for keys and counters of shapes that broadcast. uint32 arithmetic wraps, as it should."""
    k0, k1 = key
    ks = (k0, k1, k0 ^ k1 ^ _PARITY)
    x0, x1 = x0 + k0, x1 + k1
    for block in range(5):
        for r in _ROTATIONS[block % 2]:
            x0 = x0 + x1
            x1 = ((x1 << r) | (x1 >> (32 - r))) ^ x0
        x0 = x0 + ks[(block + 1) % 3]
        x1 = x1 + ks[(block + 2) % 3] + (block + 1)
    return x0, x1


def permutation_labels(key: Array, perms: Array, rows: Array, n: int, /) -> Array:
    """See `spec.OPS["permutation_labels"]`."""
    xp = namespace(key)
    total, count = rows.shape[0], perms.shape[0]
    if count == 0 or total == 0:
        return zeros((total, -(-count // 8)), key, xp.uint8)
    parts = [label_bits(key, perms[p : min(p + _CHUNK, count)], rows, n) for p in range(0, count, _CHUNK)]
    return xp.concat(parts, axis=1)


def label_bits(key: Array, perms: Array, rows: Array, n: int) -> Array:
    """The bits of a few labellings: (N, ceil(count / 8)) bytes."""
    xp = namespace(key)
    total, count = rows.shape[0], perms.shape[0]
    observed = (rows < n)[:, None]
    if 0 < n < total:
        w0, w1 = threefry(key, perms[None, :], rows[:, None])
        words = w0 ^ w1
        threshold = xp.sort(words, axis=0)[n - 1 : n, :]
        below, tied = words < threshold, words == threshold
        room = n - xp.sum(xp.astype(below, xp.int64), axis=0, keepdims=True)
        drawn = below | (tied & (xp.cumulative_sum(xp.astype(tied, xp.int64), axis=0) <= room))
        ones = (drawn & (perms != 0)[None, :]) | (observed & (perms == 0)[None, :])
    else:
        ones = observed & (perms >= 0)[None, :]
    bits = xp.astype(ones, xp.uint8)
    padding = -count % 8
    if padding:
        bits = xp.concat([bits, zeros((total, padding), key, xp.uint8)], axis=1)
    bits = xp.reshape(bits, (total, -1, 8))
    shifts = whole(0, 8, key, xp.uint8)
    return xp.sum(bits << shifts, axis=2, dtype=xp.uint8)
