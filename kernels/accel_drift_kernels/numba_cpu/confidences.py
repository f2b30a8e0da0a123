"""How sure each row of probabilities is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu.threads import compiled, frozen, on_threads, spans


@compiled
def _rows(p: Any, valid: Any, facts: Any, place: Any) -> None:
    for i in range(place.size):
        best, top, second, entropy, total = 0, -1.0, 0.0, 0.0, 0.0
        good = valid[i]
        for j in range(p.shape[1]):
            value = np.float64(p[i, j])
            good = good and value >= 0.0 and value < np.inf
            if not good:
                break
            total += value
            if value > 0.0:
                entropy -= value * math.log(value)
            if value > top:
                second, top, best = max(top, 0.0), value, j
            elif value > second:
                second = value
        if good:
            facts[i, 0], facts[i, 1], facts[i, 2], facts[i, 3] = top, entropy, top - second, total
            place[i] = best
        else:
            facts[i, :] = np.nan
            place[i] = -1


def confidence_rows(
    probabilities: npt.NDArray[Any], valid: npt.NDArray[Any], /
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """See `spec.OPS["confidence_rows"]`."""
    p, there = frozen(probabilities), frozen(valid)
    facts, place = np.empty((len(p), 4)), np.empty(len(p), dtype=np.int64)

    def work(span: tuple[int, int]) -> None:
        part = slice(*span)
        _rows(p[part], there[part], facts[part], place[part])

    on_threads(work, spans(len(p), 1 << 12), large=p.size > 1 << 15)
    return facts, place
