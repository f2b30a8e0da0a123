"""Counts of fine cells put together to quantile bins."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu.threads import compiled, frozen, on_threads, spans

_LARGE = 100_000
"""Cells from which threads pay."""


@compiled
def _bins(first: int, last: int, reference: Any, batch: Any, bins: int, a: Any, b: Any) -> None:
    cells = reference.shape[1] - 1
    for row in range(first, last):
        total = 0
        for j in range(cells):
            total += reference[row, j]
        n = max(total, 1)
        after, low = 0, 0
        for j in range(cells):
            own = reference[row, j]
            after += own
            passed = low
            # Quantile i lies at or below a count of i n / bins rows: stepped over, not divided out. (With a running
            # sum in the place of this product LLVM 22 crashes.)
            while passed < bins and (passed + 1) * n <= after * bins:
                passed += 1
            quantiles = passed - low + (1 if after == own else 0)
            place = 2 * min(low, bins - 1) + (1 if own >= 2 and quantiles >= 2 else 0)
            a[row, place] += own
            b[row, place] += batch[row, j]
            low = passed
        a[row, 2 * bins] = reference[row, cells]
        b[row, 2 * bins] = batch[row, cells]


def quantile_bins(reference: Any, batch: Any, bins: int, /) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """See `spec.OPS["quantile_bins"]`."""
    lanes, width = reference.shape
    reference, batch = frozen(reference), frozen(batch)
    a, b = (np.zeros((lanes, 2 * bins + 1), dtype=np.int64) for _ in range(2))

    def work(span: tuple[int, int]) -> None:
        _bins(*span, reference, batch, bins, a, b)

    on_threads(work, spans(lanes, 64), large=lanes * width > _LARGE)
    return a, b
