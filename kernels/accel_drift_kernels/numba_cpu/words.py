"""Threefry-2x32-20 words and the random labellings made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu.threads import compiled, frozen, on_threads

_PARITY = np.uint32(0x1BD11BDA)


@compiled
def _mix(x0: Any, x1: Any, r: Any) -> Any:
    # Every step is cast: Numba widens uint32 shifts to 64 bits otherwise, which is wrong and 23 times slower.
    x0 = np.uint32(x0 + x1)
    left = np.uint32(x1 << np.uint32(r))
    right = np.uint32(x1 >> np.uint32(np.uint32(32) - np.uint32(r)))
    return x0, np.uint32(np.uint32(left | right) ^ x0)


@compiled
def threefry(k0: Any, k1: Any, x0: Any, x1: Any) -> Any:
    """Both words of Threefry-2x32 with 20 rounds.

    Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
    """
    k2 = np.uint32(np.uint32(k0 ^ k1) ^ _PARITY)
    ks = (k0, k1, k2)
    x0 = np.uint32(x0 + k0)
    x1 = np.uint32(x1 + k1)
    for i in range(5):
        if i & 1 == 0:
            x0, x1 = _mix(x0, x1, 13)
            x0, x1 = _mix(x0, x1, 15)
            x0, x1 = _mix(x0, x1, 26)
            x0, x1 = _mix(x0, x1, 6)
        else:
            x0, x1 = _mix(x0, x1, 17)
            x0, x1 = _mix(x0, x1, 29)
            x0, x1 = _mix(x0, x1, 16)
            x0, x1 = _mix(x0, x1, 24)
        x0 = np.uint32(x0 + ks[(i + 1) % 3])
        x1 = np.uint32(x1 + np.uint32(ks[(i + 2) % 3] + np.uint32(i + 1)))
    return x0, x1


@compiled
def _fill_words(key: Any, i: Any, j: Any, out: Any) -> None:
    for a in range(i.size):
        for b in range(j.size):
            w0, w1 = threefry(key[0], key[1], i[a], j[b])
            out[0, a, b] = w0
            out[1, a, b] = w1


def random_words(key: Any, i: Any, j: Any, /) -> npt.NDArray[np.uint32]:
    """See `spec.OPS["random_words"]`."""
    out = np.empty((2, i.shape[0], j.shape[0]), dtype=np.uint32)
    _fill_words(frozen(key), frozen(i), frozen(j), out)
    return out


_FEW = 1 << 13
"""Rows below which words are sorted by their first 8 bits, and not by 12: one bin of 256 or 4,096 is looked into."""

_AT_ONCE = 1 << 17
"""Words of one piece of work."""


@compiled
def _nth(words: Any, n: int, counts: Any, found: Any) -> Any:
    """The n-th smallest word (n >= 1), and how many are smaller."""
    top = np.uint32(24) if words.size < _FEW else np.uint32(20)
    counts[:] = 0
    for i in range(words.size):
        counts[words[i] >> top] += 1
    chosen, below = 0, 0
    while below + counts[chosen] < n:
        below += counts[chosen]
        chosen += 1
    many = 0
    for i in range(words.size):
        found[many] = words[i]
        many += (words[i] >> top) == chosen
    # Few words: sorted by insertion. NumPy's sort would be compiled for seconds.
    for i in range(1, many):
        word, place = found[i], i
        while place > 0 and found[place - 1] > word:
            found[place] = found[place - 1]
            place -= 1
        found[place] = word
    rank = n - 1 - below
    while rank > 0 and found[rank - 1] == found[n - 1 - below]:
        rank -= 1
    return found[rank], below + rank


@compiled
def _mark(words: Any, n: int, bit: Any, counts: Any, found: Any, marks: Any) -> None:
    """Set the bit in the marks of the n smallest words, of equal ones in the first."""
    threshold, below = _nth(words, n, counts, found)
    for i in range(words.size):
        marks[i] |= bit if words[i] < threshold else np.uint8(0)
    room = n - below
    for i in range(words.size):
        if words[i] == threshold and room > 0:
            marks[i] |= bit
            room -= 1


@compiled
def _fill_labels(key: Any, perms: Any, first: int, last: int, n: int, out: Any) -> None:
    rows = out.shape[0]
    words, marks = np.empty(rows, dtype=np.uint32), np.zeros(rows, dtype=np.uint8)
    counts, found = np.empty(256 if rows < _FEW else 4096, dtype=np.int64), np.empty(rows + 1, dtype=np.uint32)
    for p in range(first, last):
        if p & 7 == 0:
            marks[:] = 0
        bit = np.uint8(1 << (p & 7))
        if perms[p] == 0 or n >= rows:
            for i in range(min(n, rows)):
                marks[i] |= bit
        elif n > 0:
            for i in range(rows):
                w0, w1 = threefry(key[0], key[1], perms[p], np.uint32(i))
                words[i] = np.uint32(w0 ^ w1)
            _mark(words, n, bit, counts, found, marks)
        if p & 7 == 7 or p == last - 1:
            out[:, p >> 3] = marks


def permutation_labels(key: Any, perms: Any, rows: Any, n: int, /) -> npt.NDArray[np.uint8]:
    """See `spec.OPS["permutation_labels"]`."""
    count = perms.shape[0]
    out = np.zeros((rows.shape[0], -(-count // 8)), dtype=np.uint8)
    key, perms = frozen(key), frozen(perms)

    # Eight labellings share the bytes of one column: one thread writes them all, at once.
    step = 8 * max(1, _AT_ONCE // (8 * max(rows.shape[0], 1)))

    def work(first: int) -> None:
        _fill_labels(key, perms, first, min(first + step, count), n, out)

    on_threads(work, range(0, count, step), large=out.size > 20_000)
    return out
