"""Random numbers and random tables of counts, all decided by one seed through Threefry counters."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import get_backend

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def key(seed: int, *purpose: str | int) -> npt.NDArray[np.uint32]:
    """Two words that start an independent stream for one purpose ("psi", "column", ...) under one seed."""
    text = "\x1f".join([str(int(seed)), *map(str, purpose)])
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return np.frombuffer(digest, dtype="<u4").astype(np.uint32)


def keys(seed: int, purpose: str, names: Iterable[str]) -> npt.NDArray[np.uint32]:
    """A stream for each name, (C, 2): it depends on the seed, the purpose and that name alone."""
    return np.array([key(seed, purpose, name) for name in names], dtype=np.uint32).reshape(-1, 2)


def hashed(text: str, seed: int, buckets: int) -> int:
    """The bucket, 0 ... buckets - 1, that a text falls into under a seed."""
    digest = hashlib.blake2b(f"{seed}\x1f{text}".encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest, "little") % buckets


def words(stream: npt.NDArray[np.uint32], first: int, rows: int, width: int) -> npt.NDArray[np.uint32]:
    """Threefry words of counters (first ... first + rows) x (0 ... width); shape (2, rows, width)."""
    i = np.arange(first, first + rows, dtype=np.uint32)
    return np.asarray(host_kernels().random_words(stream, i, np.arange(width, dtype=np.uint32)))


def uniforms(stream: npt.NDArray[np.uint32], first: int, rows: int, width: int) -> Floats:
    """Numbers strictly between 0 and 1, 53 bits each; shape (rows, width)."""
    high, low = words(stream, first, rows, width)
    bits = (high.astype(np.uint64) >> np.uint64(5)) * np.uint64(1 << 26) + (low >> np.uint32(6))
    return np.asarray((bits.astype(np.float64) + 0.5) / float(1 << 53))


def subset(stream: npt.NDArray[np.uint32], total: int, size: int) -> npt.NDArray[np.intp]:
    """`size` of `total` row numbers, every subset equally likely, in ascending order."""
    if size >= total:
        return np.arange(total)
    w = words(stream, 0, 1, total)[:, 0, :]
    rank = (w[0].astype(np.uint64) << np.uint64(32)) | w[1]
    return np.sort(np.argpartition(rank, size)[:size])


def labels(stream: npt.NDArray[np.uint32], first: int, count: int, total: int, ones: int) -> npt.NDArray[np.int64]:
    """Labellings first ... first + count of `total` things; number 0 is the observed one. Shape (count, total)."""
    perms = np.arange(first, first + count, dtype=np.uint32)
    packed = host_kernels().permutation_labels(stream, perms, np.arange(total, dtype=np.uint32), ones)
    bits = np.unpackbits(np.asarray(packed), axis=1, bitorder="little")[:, :count]
    return bits.T.astype(np.int64)


def marked(stream: npt.NDArray[np.uint32], first: int, count: int, total: int, ones: int) -> npt.NDArray[np.int64]:
    """The things on the smaller side of the same labellings, ascending: (count, min(ones, total - ones))."""
    perms = np.arange(first, first + count, dtype=np.uint32)
    packed = np.asarray(host_kernels().permutation_labels(stream, perms, np.arange(total, dtype=np.uint32), ones))
    if 2 * ones > total:
        packed = ~packed
    if count % 8:
        packed[:, -1] &= (1 << count % 8) - 1  # padding
    # Most bytes are 0 where one side is small, so only the others are unpacked.
    row, byte = np.nonzero(packed)
    at, bit = np.nonzero(np.unpackbits(packed[row, byte][:, None], axis=1, bitorder="little"))
    labelling = byte[at] * 8 + bit
    order = np.argsort(labelling.astype(np.uint16) if count <= 1 << 16 else labelling, kind="stable")
    return row[at][order].reshape(count, min(ones, total - ones)).astype(np.int64)


def hypergeometric(streams: npt.NDArray[np.uint32], first: int, count: int, pooled: Counts, rows: Counts) -> Counts:
    """What falls on the first side of every column when `rows` of its pooled rows are dealt to it.

    Shapes: streams (C, 2), pooled (C, k), rows (C,); draws first ... first + count of each: (C, count, k).
    """
    return np.asarray(host_kernels().hypergeometric(streams, first, count, pooled, rows), dtype=np.int64)


def hypergeometric_rows(stream: npt.NDArray[np.uint32], first: int, pooled: Counts, rows: Counts) -> Counts:
    """The same for a table and a number of rows of each draw's own. Shapes (L, k), (L,) -> (L, k)."""
    # Every draw is a column of one draw, whose key the words of its number make.
    own = np.ascontiguousarray(words(stream, first, len(pooled), 1)[:, :, 0].T)
    return hypergeometric(own, 0, 1, pooled, rows)[:, 0]


def dirichlet_multinomial(streams: npt.NDArray[np.uint32], first: int, weights: Counts, rows: Counts) -> Counts:
    """Counts of rows[c, b] new rows in cells of unknown mass Dirichlet(weights[c, b]).

    Shapes: streams (C, 2), weights (C, B, k), rows (C, B); (C, B, k).
    """
    return np.asarray(host_kernels().dirichlet_multinomial(streams, first, weights, rows), dtype=np.int64)


def multinomial(streams: npt.NDArray[np.uint32], first: int, count: int, weights: Counts, rows: Counts) -> Counts:
    """`rows` rows of every column drawn with replacement from its cells in proportion to weights.

    Shapes: streams (C, 2), weights (C, k), rows (C,); (C, count, k).
    """
    return np.asarray(host_kernels().multinomial(streams, first, count, weights, rows), dtype=np.int64)


def host_kernels() -> Any:
    """The kernels that work on counts: the host's, whatever backend the rows are on."""
    return get_backend("numpy").kernels
