"""Distances of chosen pairs of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu.threads import compiled_in_any_order, frozen, on_threads, spans


@compiled_in_any_order
def _distances(z: Any, first: Any, second: Any, out: Any) -> None:
    for p in range(out.size):
        i, j = first[p], second[p]
        total = 0.0
        for c in range(z.shape[1]):
            difference = np.float64(z[i, c]) - np.float64(z[j, c])
            total += difference * difference
        out[p] = np.sqrt(total)


def pair_distances(z: Any, first: Any, second: Any, /) -> npt.NDArray[np.float64]:
    """See `spec.OPS["pair_distances"]`."""
    out = np.empty(first.shape[0])
    rows, i, j = frozen(z), frozen(first), frozen(second)

    def work(span: tuple[int, int]) -> None:
        part = slice(*span)
        _distances(rows, i[part], j[part], out[part])

    on_threads(work, spans(out.size, 1 << 14), large=out.size * max(z.shape[1], 1) > 1 << 18)
    return out
