"""Sums of functions of phases by runs of rows: a product, then one pass that reads a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu.threads import compiled, on_threads, one_blas_thread, spans

_STRIP = 32
"""Rows whose phases are made at a time: with a thousand frequencies they stay in the second cache."""

_PIECE = 256
_LARGE = 1 << 18
"""Phases from which threads pay."""


@compiled
def _add(phases: Any, table: Any, groups: Any, first: int, out: Any) -> None:
    mask, quarter, count = len(table) - 1, len(table) // 4, phases.shape[1]
    for i in range(phases.shape[0]):
        mine = out[groups[i] - first]
        for j in range(count):
            place = np.int64(np.rint(phases[i, j]))
            mine[j] += table[place & mask]
            mine[count + j] += table[(place - quarter) & mask]


def phase_totals(z: Any, turns: Any, table: Any, ends: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["phase_totals"]`."""
    rows, steps = np.ascontiguousarray(z), np.ascontiguousarray(turns * float(len(table)))
    count, held = turns.shape[1], np.ascontiguousarray(table)
    groups = np.searchsorted(np.asarray(ends), np.arange(len(rows)), side="right").astype(np.int64)
    out = np.zeros((len(ends), 2 * count), np.int64)

    def work(piece: tuple[int, int]) -> tuple[int, npt.NDArray[np.int64]]:
        lo, hi = piece
        first = int(groups[lo])
        part, buffer = np.zeros((int(groups[hi - 1]) - first + 1, 2 * count), np.int64), np.empty((_STRIP, count))
        for at in range(lo, hi, _STRIP):
            upto = min(at + _STRIP, hi)
            phases = np.matmul(rows[at:upto], steps, out=buffer[: upto - at])
            _add(phases, held, groups[at:upto], first, part)
        return first, part

    with one_blas_thread:
        for first, part in on_threads(work, spans(len(rows), _PIECE), large=len(rows) * count >= _LARGE):
            out[first : first + len(part)] += part
    return out
