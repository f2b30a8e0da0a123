"""Sums of functions of phases, and of their products: a product, then one pass that reads a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu import pair_tiles as tiles
from accel_drift_kernels.numba_cpu.lanes import BYTES, aligned
from accel_drift_kernels.numba_cpu.pair_tiles import STRIP, Packed, products
from accel_drift_kernels.numba_cpu.threads import compiled, on_threads, spans

_TALL = 32
"""Rows whose phases are made at a time: with a strip of frequencies they stay in the nearest cache."""

_LARGE = 1 << 18
"""Phases from which threads pay."""

_LONG = 512
"""Rows whose products are summed at a time, exactly: sums of so many squares of 2^7 are below 2^24."""

_LANES = BYTES // 4
"""Entries of a lane vector of float32."""


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


@compiled
def _spread(phases: Any, table: Any, places: Any, line: Any) -> None:
    """The entries at one row's phases, then those a quarter turn earlier."""
    count, mask, quarter = phases.size, np.int32(table.size - 1), np.int32(table.size // 4)
    for j in range(count):
        places[j] = np.int32(np.int64(np.rint(phases[j])) & np.int64(mask))
    for j in range(count):
        line[j] = table[places[j]]
    for j in range(count):
        line[count + j] = table[np.int32(places[j] - quarter) & mask]


@compiled
def _entries(
    x: Packed, turns: Packed, added: Any, codes: Any, table: Any, first: int, last: int, k: Any, phases: Any, out: Any
) -> None:
    """All entries of rows first ... last, into lane vectors, 1 behind them."""
    count = turns.size
    places, line = np.empty(count, np.int32), np.zeros(out.shape[0] * _LANES, np.float32)
    line[2 * count] = 1.0
    for start in range(first, last, _TALL):
        stop = min(start + _TALL, last)
        for strip in range(0, count, STRIP):
            products(x.rows, start, stop, turns.rows, strip, k)
            some = min(STRIP, count - strip)
            for i in range(start, stop):
                phases[i - start, strip : strip + some] = k[i - start, :some]
        for i in range(start, stop):
            mine = phases[i - start]
            for c in range(codes.shape[1]):
                theirs = added[codes[i, c]]
                for j in range(count):
                    mine[j] += theirs[j]
            _spread(mine, table, places, line)
            for b in range(out.shape[0]):
                for v in range(_LANES):
                    out[b, i - first, v] = line[b * _LANES + v]
    # What an earlier, longer run has left behind.
    out[:, last - first :, :] = 0.0


@compiled
def _add_products(entries: Any, width: int, k: Any, out: Any) -> None:
    """Add the products of columns of entries at and after the strip of the first."""
    for strip in range(0, width, STRIP):
        for first in range(strip, width, _TALL):
            last = min(first + _TALL, width)
            products(entries, first, last, entries, strip, k)
            for i in range(first, last):
                for j in range(strip, min(strip + STRIP, i + 1)):
                    out[i, j] += np.int64(k[i - first, j - strip])


def phase_products(z: Any, turns: Any, codes: Any, added: Any, table: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["phase_products"]`."""
    turn, width = float(len(table)), 2 * turns.shape[1] + 1
    rows, steps = tiles.packed(z), tiles.packed((turns * turn).T)
    more, which = np.ascontiguousarray(added * turn), np.ascontiguousarray(codes, dtype=np.int64)
    held, blocks = np.ascontiguousarray(table, dtype=np.float32), -(-width // STRIP) * (STRIP // _LANES)

    def work(piece: tuple[int, int]) -> npt.NDArray[np.int64]:
        entries = aligned(blocks * _LONG * _LANES, np.float32).reshape(blocks, _LONG, _LANES)
        entries[...] = 0.0
        part, phases = np.zeros((width, width), np.int64), np.zeros((_TALL, steps.size))
        k, tile = tiles.room(_TALL, np.float64), tiles.room(_TALL, np.float32)
        # Whole runs of so many rows: a product begins at a lane vector of packed rows, not within one.
        for first in range(piece[0] * _LONG, min(piece[1] * _LONG, rows.size), _LONG):
            last = min(first + _LONG, rows.size)
            _entries(rows, steps, more, which, held, first, last, k, phases, entries)
            _add_products(entries, width, tile, part)
        return part

    below = np.zeros((width, width), np.int64)
    for part in on_threads(work, spans(-(-rows.size // _LONG), 1), large=rows.size * steps.size >= _LARGE):
        below += part
    return np.asarray(below + np.tril(below, -1).T, dtype=np.int64)
