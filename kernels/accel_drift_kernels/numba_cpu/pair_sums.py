"""Sums of kernel matrices by rows, by runs of rows and over subsets; nothing of size N x N.

See `pair_tiles` for how the work is cut up. A triangle's part is made with `same`: strips then meet the rows from
their own on, and a tile above the diagonal stands for its mirror image, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu import pair_tiles as tiles
from accel_drift_kernels.numba_cpu.lanes import BYTES, aligned, dot_lanes, masked_sum
from accel_drift_kernels.numba_cpu.pair_tiles import (
    STRIP,
    Packed,
    Values,
    add_columns,
    kernel_values,
    panel_end,
    products,
)
from accel_drift_kernels.numba_cpu.threads import compiled, on_threads, thread_count

Floats = npt.NDArray[Any]
T = TypeVar("T")

_TALL = 96
"""Rows of a panel: with those of a strip, a tile that stays in the nearest cache."""


class _Room:
    """Memory of a thread's tiles: products, kernel values (the same where one scale is made of them), column sums."""

    def __init__(self, dtype: Any, scales: int) -> None:
        self.products = tiles.room(_TALL, dtype)
        self.values = self.products if scales == 1 else tiles.room(_TALL, dtype)
        self.sums = aligned(STRIP, dtype)


def _weights(w: Any, rows: Packed) -> Floats:
    """Weights as (q, rows), with zeros where rows are filled up."""
    out = aligned(w.shape[1] * rows.half.size, rows.half.dtype).reshape(w.shape[1], rows.half.size)
    out[:, : rows.size] = np.asarray(w).T
    return out


@compiled
def _row_part(
    x: Packed, x_weights: Any, y: Packed, y_weights: Any, same: bool, first: int, last: int, how: Values,
    made: Any, k: Any, sums: Any, part: Any, turned: Any, base: int
) -> None:  # fmt: skip
    """Kernel values of rows first ... last of y with those of x, times weights of either side.

    Added to part (S, rows of y from `first`, q) and turned (S, rows of x from `base`, r), float64.
    """
    for strip in range(first, last, STRIP):
        start = strip if same else 0
        while start < x.size:
            stop = panel_end(start, strip if same else -1, x.size, _TALL)
            products(x.rows, start, stop, y.rows, strip, made)
            diagonal = same and start == strip
            for s in range(how.factors.size):
                kernel_values(made, k, x.half, start, stop, y.half, strip, how, s, diagonal)
                for q in range(x_weights.shape[0]):
                    sums[:] = 0
                    add_columns(k, stop - start, x_weights[q], start, sums)
                    for i in range(min(strip + STRIP, last) - strip):
                        part[s, strip - first + i, q] += sums[i]
                if not diagonal:
                    for q in range(y_weights.shape[0]):
                        _add_across(k, y_weights[q], strip, turned[s, start - base : stop - base, q])
            start = stop


@compiled
def _add_across(k: Any, weights: Any, strip: int, out: Any) -> None:
    """Add to out the sums of a tile's rows, each column times its weight."""
    like, size = k[0, 0], k.itemsize
    for j in range(out.size):
        row = k.ctypes.data + j * k.strides[0]
        out[j] += dot_lanes(like, row, weights.ctypes.data + strip * size, STRIP * size // BYTES)


def _row_sums(x: Packed, y: Packed, w: Any, v: Any, same: bool, kernel: str, scales: Any) -> tuple[Floats, Floats]:
    """Kernel values of the rows of y with those of x, times w, and turned, times v; in a triangle both are one sum."""
    how, many, x_weights, y_weights = tiles.values(kernel, scales, y), len(scales), _weights(w, x), _weights(v, y)
    out = np.zeros((many, y.size, w.shape[1]))
    below = out if same else np.zeros((many, x.size, v.shape[1]))

    def work(piece: tuple[int, int]) -> tuple[Floats, Floats]:
        held, (first, last) = _Room(y.rows.dtype, many), piece
        part = np.zeros((many, (y.size if same else last) - first, w.shape[1]))
        turned = part if same else np.zeros_like(below)
        _row_part(x, x_weights, y, y_weights, same, first, last, how, held.products, held.values, held.sums, part,
                  turned, first if same else 0)  # fmt: skip
        return part, turned

    # A few pieces at a time bound the memory; added in their order, whatever the number of threads.
    todo, wave = tiles.pieces(y.size, x.size * y.size), 4 * thread_count()
    for at in range(0, len(todo), wave):
        now = todo[at : at + wave]
        for (first, _), (part, turned) in zip(now, _pairwise(work, now, x, y), strict=True):
            out[:, first : first + part.shape[1]] += part
            if not same:
                below += turned
    return out, below


def _pairwise(work: Callable[[tuple[int, int]], T], pieces: list[tuple[int, int]], x: Packed, y: Packed) -> list[T]:
    """The work on every piece, on threads where there are enough pairs."""
    return on_threads(work, pieces, large=x.size * y.size >= tiles.LARGE**2)


def pair_row_sums(z: Any, w: Any, kernel: str, scales: Any, /) -> Floats:
    """See `spec.OPS["pair_row_sums"]`."""
    rows = tiles.packed(z)
    return _row_sums(rows, rows, w, w, True, kernel, scales)[0]


def cross_row_sums(x: Any, y: Any, w: Any, v: Any, kernel: str, scales: Any, /) -> tuple[Floats, Floats]:
    """See `spec.OPS["cross_row_sums"]`."""
    if len(x) < len(y):
        # Strips of the longer side: more pieces of work, and the rows of the shorter one stay in the cache.
        turned, made = cross_row_sums(y, x, v, w, kernel, scales)
        return made, turned
    return _row_sums(tiles.packed(y), tiles.packed(x), w, v, False, kernel, scales)


@compiled
def _group_part(
    x: Packed, x_ends: Any, y: Packed, y_ends: Any, same: bool, first: int, last: int, how: Values, ones: Any,
    made: Any, k: Any, sums: Any, part: Any
) -> None:  # fmt: skip
    """Sums over runs of x and the runs of rows first ... last of y: part (S, those runs, all runs of x) float64."""
    base = int(np.searchsorted(y_ends, first, side="right"))
    for strip in range(first, last, STRIP):
        start, run = strip if same else 0, int(np.searchsorted(y_ends, strip, side="right"))
        group = np.searchsorted(x_ends, start, side="right")
        while start < x.size:
            stop = panel_end(start, strip if same else -1, x.size, _TALL)
            products(x.rows, start, stop, y.rows, strip, made)
            diagonal = same and start == strip
            for s in range(how.factors.size):
                kernel_values(made, k, x.half, start, stop, y.half, strip, how, s, diagonal)
                # A tile on the diagonal holds every pair twice, one above it once.
                weight, at, g = 0.5 if diagonal else 1.0, start, group
                while at < stop:
                    end = min(x_ends[g], stop)
                    add_columns(k[at - start :], end - at, ones, 0, sums)
                    _add_runs(sums, strip, min(strip + STRIP, last), y_ends, run, base, weight, part[s, :, g])
                    at = end
                    g += x_ends[g] == at
            start = stop
            group = np.searchsorted(x_ends, start, side="right")


@compiled
def _add_runs(sums: Any, strip: int, last: int, ends: Any, run: int, base: int, weight: float, out: Any) -> None:
    """Add column sums to the runs of a strip, from `run` on; out begins with `base`. The sums start again at zero."""
    like, lanes, at = sums[0], BYTES // sums.itemsize, strip
    while at < last:
        block = (at - strip) // lanes
        edge = strip + block * lanes
        end = min(ends[run], edge + lanes, last)
        mask = (1 << (end - edge)) - (1 << (at - edge))
        out[run - base] += weight * masked_sum(like, sums.ctypes.data + block * BYTES, mask)
        at = end
        while run < ends.size and ends[run] <= at:
            run += 1
    sums[:] = 0


def _group_sums(x: Packed, x_ends: Any, y: Packed, y_ends: Any, same: bool, kernel: str, scales: Any) -> Floats:
    """Sums between the runs of y and those of x: (S, runs of y, runs of x)."""
    how, many = tiles.values(kernel, scales, y), len(scales)
    x_ends, y_ends = (np.ascontiguousarray(ends, dtype=np.int64) for ends in (x_ends, y_ends))
    ones, out = np.ones(_TALL, dtype=y.rows.dtype), np.zeros((many, len(y_ends), len(x_ends)))

    def work(piece: tuple[int, int]) -> tuple[slice, Floats]:
        held, (first, last) = _Room(y.rows.dtype, many), piece
        runs = np.searchsorted(y_ends, (first, last - 1), side="right")
        part = np.zeros((many, runs[1] + 1 - runs[0], len(x_ends)))
        _group_part(x, x_ends, y, y_ends, same, first, last, how, ones, held.products, held.values, held.sums, part)
        return slice(runs[0], runs[1] + 1), part

    for runs, part in _pairwise(work, tiles.pieces(y.size, x.size * y.size), x, y):
        out[:, runs] += part
    return out


def pair_group_sums(z: Any, ends: Any, kernel: str, scales: Any, /) -> Floats:
    """See `spec.OPS["pair_group_sums"]`."""
    rows = tiles.packed(z)
    out = _group_sums(rows, ends, rows, ends, True, kernel, scales)
    return np.asarray(out + out.swapaxes(1, 2))


def cross_group_sums(x: Any, x_ends: Any, y: Any, y_ends: Any, kernel: str, scales: Any, /) -> Floats:
    """See `spec.OPS["cross_group_sums"]`."""
    if len(x) < len(y):
        # As for the sums of rows.
        return np.ascontiguousarray(cross_group_sums(y, y_ends, x, x_ends, kernel, scales).swapaxes(1, 2))
    return _group_sums(tiles.packed(y), y_ends, tiles.packed(x), x_ends, False, kernel, scales)


@compiled
def _gathered(rows: Packed, chosen: Any, made: Any, half: Any) -> None:
    """Some of the rows, packed; rows behind them keep what they held."""
    lanes = made.shape[2]
    for i in range(chosen.size):
        row = chosen[i]
        half[i] = rows.half[row]
        for j in range(made.shape[1]):
            made[i // lanes, j, i % lanes] = rows.rows[row // lanes, j, row % lanes]


@compiled
def _subset_part(
    rows: Packed, chosen: Any, how: Values, own: Any, half: Any, ones: Any, made: Any, k: Any, sums: Any, out: Any
) -> None:
    """The sum over all pairs of each subset (P, m): out (S, P) float64; `ones` has m ones, then zeros."""
    many = chosen.shape[1]
    for p in range(chosen.shape[0]):
        _gathered(rows, chosen[p], own, half)
        for strip in range(0, many, STRIP):
            start = strip
            while start < many:
                stop = panel_end(start, strip, many, _TALL)
                products(own, start, stop, own, strip, made)
                diagonal = start == strip
                for s in range(how.factors.size):
                    kernel_values(made, k, half, start, stop, half, strip, how, s, diagonal)
                    sums[:] = 0
                    add_columns(k, stop - start, ones, start, sums)
                    valid = ones.ctypes.data + strip * k.itemsize
                    total = dot_lanes(k[0, 0], sums.ctypes.data, valid, STRIP * k.itemsize // BYTES)
                    out[s, p] += total if diagonal else 2.0 * total
                start = stop


def subset_pair_sums(z: Any, subsets: Any, kernel: str, scales: Any, /) -> Floats:
    """See `spec.OPS["subset_pair_sums"]`."""
    rows, chosen = tiles.packed(z), np.ascontiguousarray(subsets, dtype=np.int64)
    how, many, dtype = tiles.values(kernel, scales, rows), len(scales), rows.rows.dtype
    out, (count, size) = np.zeros((many, len(chosen))), chosen.shape
    full = -(-size // STRIP) * STRIP

    def work(some: range) -> None:
        held, lanes = _Room(dtype, many), rows.rows.shape[2]
        own = aligned(full * rows.rows.shape[1], dtype).reshape(full // lanes, rows.rows.shape[1], lanes)
        half, ones = aligned(full, dtype), aligned(full, dtype)
        ones[:size] = 1
        part = np.zeros((many, len(some)))
        _subset_part(rows, chosen[some.start : some.stop], how, own, half, ones, held.products, held.values,
                     held.sums, part)  # fmt: skip
        out[:, some.start : some.stop] = part

    step = max(1, -(-count // (8 * thread_count())))
    on_threads(work, [range(at, min(at + step, count)) for at in range(0, count, step)],
               large=count * size**2 >= tiles.LARGE**2)  # fmt: skip
    return out
