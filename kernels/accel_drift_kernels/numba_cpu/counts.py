"""The bins of single values."""

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


def _block_rows(d: int) -> int:
    """Rows of a block that stays in the second-level cache."""
    return int(np.clip(65_536 // max(d, 1), 256, 8_192))


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
