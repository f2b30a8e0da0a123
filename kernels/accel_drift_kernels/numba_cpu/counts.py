"""Binning, counting, and the distances of distribution functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu.threads import compiled, frozen, on_threads, spans

_FEW_CUTS = 512
"""Up to here comparing with every cut, in vector registers, beats a binary search."""

_LARGE = 200_000
"""Values from which threads pay."""


@compiled
def _below(cuts: Any, value: Any) -> int:
    """Number of cuts that are < value, by halving; without a branch that depends on the value."""
    base, left = 0, cuts.size
    while left > 1:
        half = left >> 1
        base += half * int(cuts[base + half - 1] < value)
        left -= half
    return base + int(cuts[base] < value)


@compiled
def _index_block(x: Any, mask: Any, rows: int, cuts: Any, out: Any) -> None:
    c = cuts.shape[1]
    for j in range(x.shape[0]):
        if c <= _FEW_CUTS:
            for i in range(rows):
                out[j, i] = 0
            for k in range(c):
                cut = cuts[j, k]
                for i in range(rows):
                    out[j, i] += np.int32(x[j, i] > cut)
        else:
            for i in range(rows):
                out[j, i] = _below(cuts[j], x[j, i])
        for i in range(rows):
            if not mask[j, i]:
                out[j, i] = c + 1


@compiled
def _count_block(x: Any, mask: Any, rows: int, lowest: Any, cuts: Any, out: Any) -> None:
    """Add one block to `out`: how many values are present (column 0) and above each cut (the others)."""
    c = cuts.shape[1]
    for j in range(x.shape[0]):
        present = np.int32(0)
        for i in range(rows):
            # The lowest value of the dtype is above no cut: a masked-out row then counts nowhere.
            present += np.int32(mask[j, i])
            x[j, i] = x[j, i] if mask[j, i] else lowest[0]
        out[j, 0] += present
        if c <= _FEW_CUTS:
            _count_above(x[j], rows, cuts[j], out[j])
        else:
            for i in range(rows):
                if mask[j, i]:
                    out[j, 1 + c + _below(cuts[j], x[j, i])] += 1


@compiled
def _count_above(x: Any, rows: int, cuts: Any, out: Any) -> None:
    c = cuts.size
    # Four cuts at a time: four counters stay in registers while the block passes once.
    for k in range(0, c - 3, 4):
        t0, t1, t2, t3 = cuts[k], cuts[k + 1], cuts[k + 2], cuts[k + 3]
        s0, s1, s2, s3 = np.int32(0), np.int32(0), np.int32(0), np.int32(0)
        for i in range(rows):
            v = x[i]
            s0 += np.int32(v > t0)
            s1 += np.int32(v > t1)
            s2 += np.int32(v > t2)
            s3 += np.int32(v > t3)
        out[1 + k] += s0
        out[2 + k] += s1
        out[3 + k] += s2
        out[4 + k] += s3
    for k in range(c - c % 4, c):
        t = cuts[k]
        s = np.int32(0)
        for i in range(rows):
            s += np.int32(x[i] > t)
        out[1 + k] += s


def _block_rows(d: int) -> int:
    """Rows of a block that stays in the second-level cache."""
    return int(np.clip(65_536 // max(d, 1), 256, 8_192))


def _lowest(dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    value = -np.inf if dtype.kind == "f" else np.iinfo(dtype).min
    return frozen(np.full(1, value, dtype=dtype))


def bin_index(x: Any, cuts: Any, mask: Any, /) -> npt.NDArray[np.int32]:
    """See `spec.OPS["bin_index"]`."""
    n, d = x.shape
    cuts = frozen(cuts)
    out = np.empty((n, d), dtype=np.int32)
    step = _block_rows(d)

    def work(span: tuple[int, int]) -> None:
        block = np.empty((d, step), dtype=x.dtype)
        inside = np.empty((d, step), dtype=np.bool_)
        index = np.empty((d, step), dtype=np.int32)
        for start in range(*span, step):
            rows = min(step, span[1] - start)
            block[:, :rows] = x[start : start + rows].T
            inside[:, :rows] = mask[start : start + rows].T
            _index_block(block, inside, rows, cuts, index)
            out[start : start + rows] = index[:, :rows].T

    on_threads(work, spans(n, step), large=n * d > _LARGE)
    return out


def histogram(x: Any, cuts: Any, mask: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["histogram"]`."""
    n, d = x.shape
    c = cuts.shape[1]
    cuts = frozen(cuts)
    few = c <= _FEW_CUTS
    step, lowest = _block_rows(d), _lowest(x.dtype)

    def work(span: tuple[int, int]) -> npt.NDArray[np.int64]:
        block = np.empty((d, step), dtype=x.dtype)
        inside = np.empty((d, step), dtype=np.bool_)
        sums = np.zeros((d, 1 + c if few else 2 + 2 * c), dtype=np.int64)
        for start in range(*span, step):
            rows = min(step, span[1] - start)
            block[:, :rows] = x[start : start + rows].T
            inside[:, :rows] = mask[start : start + rows].T
            _count_block(block, inside, rows, lowest, cuts, sums)
        return sums

    parts = on_threads(work, spans(n, step), large=n * d > _LARGE)
    out = np.zeros((d, c + 2), dtype=np.int64)
    if not parts:
        return out
    sums = np.zeros_like(parts[0])
    for part in parts:
        sums += part
    if few:
        above = np.concatenate([sums, np.zeros((d, 1), dtype=np.int64)], axis=1)
        out[:, : c + 1] = above[:, :-1] - above[:, 1:]
    else:
        out[:, : c + 1] = sums[:, 1 + c :]
    out[:, c + 1] = n - sums[:, 0]
    return out


@compiled
def _count_codes(codes: Any, out: Any) -> None:
    for i in range(codes.size):
        code = codes[i]
        if code >= 0:
            out[code] += 1


def count_codes(codes: Any, total: int, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["count_codes"]`."""
    out = np.zeros(total, dtype=np.int64)
    _count_codes(frozen(codes), out)
    return out
