"""Sums of kernel matrices by rows, by runs of rows and over subsets; nothing of size N x N.

See `pair_tiles` for how the work is cut up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu import pair_tiles as tiles
from accel_drift_kernels.numba_cpu.lanes import aligned
from accel_drift_kernels.numba_cpu.threads import compiled, on_threads, one_blas_thread, thread_count, vectorised

Floats = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]


def pair_row_sums(z: Any, w: Any, kernel: str, scales: Any, /) -> Floats:
    """See `spec.OPS["pair_row_sums"]`."""
    rows = tiles.pooled(z)
    dtype, how = rows.rows.dtype, tiles.values(kernel, scales, rows)
    weights, out = np.ascontiguousarray(w, dtype=dtype), np.zeros((len(how), len(rows), w.shape[1]))

    def work(strip: slice) -> Floats:
        """What the tiles of one strip add to its rows and to those after it."""
        part, first = np.zeros((len(how), len(rows) - strip.start, w.shape[1])), strip.start
        buffers, mine = tiles.Buffers(dtype, len(how)), slice(0, strip.stop - first)
        for panel, above in tiles.above(strip, rows):
            theirs = slice(panel.start - first, panel.stop - first)
            for s, k in enumerate(buffers.kernels(rows, panel, rows, strip, how, not above)):
                part[s, mine] += k.T @ weights[panel]
                if above:
                    part[s, theirs] += k @ weights[strip]
        return part

    # A few strips at a time bound the memory; added in their order, whatever the number of threads.
    strips, wave = tiles.strips(len(rows)), 4 * thread_count()
    with one_blas_thread:
        for at in range(0, len(strips), wave):
            now = strips[at : at + wave]
            for strip, part in zip(now, on_threads(work, now, large=len(rows) >= tiles.LARGE), strict=True):
                out[:, strip.start :] += part
    return out


def cross_row_sums(x: Any, y: Any, w: Any, kernel: str, scales: Any, /) -> Floats:
    """See `spec.OPS["cross_row_sums"]`."""
    mine, theirs = tiles.pooled(x), tiles.pooled(y)
    dtype, how = mine.rows.dtype, tiles.values(kernel, scales, mine)
    weights, out = np.ascontiguousarray(w, dtype=dtype), np.zeros((len(how), len(mine), w.shape[1]))

    def work(strip: slice) -> None:
        buffers = tiles.Buffers(dtype, len(how))
        for panel in tiles.panels(0, len(theirs), dtype):
            for s, k in enumerate(buffers.kernels(theirs, panel, mine, strip, how, False)):
                out[s, strip] += k.T @ weights[panel]

    with one_blas_thread:
        on_threads(work, tiles.strips(len(mine)), large=len(mine) * len(theirs) >= tiles.LARGE**2)
    return out


@vectorised
def _add_row(sums: Any, row: Any) -> None:
    for i in range(row.size):
        sums[i] += row[i]


@compiled
def _add_run(sums: Any, groups: Any, first: int, group: int, weight: float, out: Any) -> None:
    """Column sums of a tile's rows of one run, added to the runs of its columns; the sums start again at zero."""
    total, mine = 0.0, groups[0]
    for i in range(groups.size):
        if groups[i] != mine:
            out[mine - first, group] += weight * total
            total, mine = 0.0, groups[i]
        total += sums[i]
        sums[i] = 0
    out[mine - first, group] += weight * total


@compiled
def _add_groups(k: Any, panel: Any, strip: Any, first: int, weight: float, sums: Any, out: Any) -> None:
    """Add a tile, rows of runs `panel` and columns of runs `strip`, to out (runs from `first` on, all runs)."""
    now = panel[0]
    for j in range(k.shape[0]):
        if panel[j] != now:
            _add_run(sums, strip, first, now, weight, out)
            now = panel[j]
        _add_row(sums, k[j])
    _add_run(sums, strip, first, now, weight, out)


def _groups(ends: Any, rows: int) -> Ints:
    return np.searchsorted(np.asarray(ends), np.arange(rows), side="right").astype(np.int64)


def pair_group_sums(z: Any, ends: Any, kernel: str, scales: Any, /) -> Floats:
    """See `spec.OPS["pair_group_sums"]`."""
    rows, groups = tiles.pooled(z), _groups(ends, z.shape[0])
    dtype, how, many = rows.rows.dtype, tiles.values(kernel, scales, rows), len(ends)
    out = np.zeros((len(how), many, many))

    def work(strip: slice) -> tuple[slice, Floats]:
        first, last = int(groups[strip.start]), int(groups[strip.stop - 1]) + 1
        part, sums = np.zeros((len(how), last - first, many)), aligned(tiles.STRIP, dtype)
        buffers = tiles.Buffers(dtype, len(how))
        for panel, above in tiles.above(strip, rows):
            for s, k in enumerate(buffers.kernels(rows, panel, rows, strip, how, not above)):
                # A tile on the diagonal holds every pair twice, one above it once.
                _add_groups(k, groups[panel], groups[strip], first, 1.0 if above else 0.5, sums, part[s])
        return slice(first, last), part

    with one_blas_thread:
        parts = on_threads(work, tiles.strips(len(rows)), large=len(rows) >= tiles.LARGE)
    for held, part in parts:
        out[:, held] += part
    return np.asarray(out + out.swapaxes(1, 2))


def cross_group_sums(x: Any, x_ends: Any, y: Any, y_ends: Any, kernel: str, scales: Any, /) -> Floats:
    """See `spec.OPS["cross_group_sums"]`."""
    if len(x) < len(y):
        # Strips of the longer side: more pieces of work, and the panels of the shorter one stay in the cache.
        return np.ascontiguousarray(cross_group_sums(y, y_ends, x, x_ends, kernel, scales).swapaxes(1, 2))
    mine, theirs = tiles.pooled(x), tiles.pooled(y)
    x_groups, y_groups = _groups(x_ends, len(mine)), _groups(y_ends, len(theirs))
    dtype, how = mine.rows.dtype, tiles.values(kernel, scales, mine)
    out = np.zeros((len(how), len(x_ends), len(y_ends)))

    def work(strip: slice) -> tuple[slice, Floats]:
        first, last = int(x_groups[strip.start]), int(x_groups[strip.stop - 1]) + 1
        part, sums = np.zeros((len(how), last - first, len(y_ends))), aligned(tiles.STRIP, dtype)
        buffers = tiles.Buffers(dtype, len(how))
        for panel in tiles.panels(0, len(theirs), dtype):
            for s, k in enumerate(buffers.kernels(theirs, panel, mine, strip, how, False)):
                _add_groups(k, y_groups[panel], x_groups[strip], first, 1.0, sums, part[s])
        return slice(first, last), part

    with one_blas_thread:
        parts = on_threads(work, tiles.strips(len(mine)), large=len(mine) * len(theirs) >= tiles.LARGE**2)
    for held, part in parts:
        out[:, held] += part
    return out


@vectorised
def _add_all(k: Any, sums: Any) -> float:
    sums[:] = 0
    for j in range(k.shape[0]):
        for i in range(k.shape[1]):
            sums[i] += k[j, i]
    total = 0.0
    for i in range(k.shape[1]):
        total += sums[i]
    return total


def subset_pair_sums(z: Any, subsets: Any, kernel: str, scales: Any, /) -> Floats:
    """See `spec.OPS["subset_pair_sums"]`."""
    rows, chosen = tiles.pooled(z), np.asarray(subsets)
    dtype, how = rows.rows.dtype, tiles.values(kernel, scales, rows)
    out = np.zeros((len(how), len(chosen)))

    def work(some: range) -> None:
        buffers, sums = tiles.Buffers(dtype, len(how)), aligned(tiles.STRIP, dtype)
        for p in some:
            mine = rows.take(chosen[p])
            for strip in tiles.strips(len(mine)):
                for panel, above in tiles.above(strip, mine):
                    for s, k in enumerate(buffers.kernels(mine, panel, mine, strip, how, not above)):
                        out[s, p] += (1.0 + above) * _add_all(k, sums)

    count, size = chosen.shape
    step = max(1, -(-count // (8 * thread_count())))
    pieces = [range(at, min(at + step, count)) for at in range(0, count, step)]
    with one_blas_thread:
        on_threads(work, pieces, large=count * size**2 >= tiles.LARGE**2)
    return out
