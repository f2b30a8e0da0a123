"""Sums of functions of phases by runs of rows: a product, then one pass that reads a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu import pair_tiles as tiles
from accel_drift_kernels.numba_cpu.pair_tiles import STRIP, Packed, products
from accel_drift_kernels.numba_cpu.threads import compiled, on_threads

_TALL = 32
"""Rows whose phases are made at a time: with a strip of frequencies they stay in the nearest cache."""

_LARGE = 1 << 18
"""Phases from which threads pay."""


@compiled
def _add(phases: Any, count: int, table: Any, mine: Any, quarter: Any) -> None:
    """Add the entries at one row's phases, and those a quarter turn earlier."""
    mask, turn = table.size - 1, table.size // 4
    for j in range(count):
        place = np.int64(np.rint(phases[j]))
        mine[j] += table[place & mask]
        quarter[j] += table[(place - turn) & mask]


@compiled
def _part(x: Packed, turns: Packed, table: Any, ends: Any, first: int, last: int, k: Any, out: Any) -> None:
    """The sums of rows first ... last, by their runs."""
    base = np.searchsorted(ends, first, side="right")
    for start in range(first, last, _TALL):
        stop = min(start + _TALL, last)
        for strip in range(0, turns.size, STRIP):
            products(x.rows, start, stop, turns.rows, strip, k)
            run = np.searchsorted(ends, start, side="right")
            for i in range(start, stop):
                while ends[run] <= i:
                    run += 1
                mine = out[run - base, strip : turns.size]
                _add(k[i - start], min(STRIP, mine.size), table, mine, out[run - base, turns.size + strip :])


def phase_totals(z: Any, turns: Any, table: Any, ends: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["phase_totals"]`."""
    rows, steps = tiles.packed(z), tiles.packed((turns * float(len(table))).T)
    held, ends = np.ascontiguousarray(table), np.ascontiguousarray(ends, dtype=np.int64)
    out = np.zeros((len(ends), 2 * steps.size), np.int64)

    def work(piece: tuple[int, int]) -> tuple[slice, npt.NDArray[np.int64]]:
        first, last = np.searchsorted(ends, (piece[0], piece[1] - 1), side="right")
        part = np.zeros((last + 1 - first, 2 * steps.size), np.int64)
        _part(rows, steps, held, ends, *piece, tiles.room(_TALL, np.float64), part)
        return slice(first, last + 1), part

    for runs, part in on_threads(
        work, tiles.pieces(rows.size, rows.size * steps.size), large=rows.size * steps.size >= _LARGE
    ):
        out[runs] += part
    return out
