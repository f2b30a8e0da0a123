"""Columns in order, and what two sorted samples have in common: distances, cells of the pooled rows, the law of a gap.

Pooled rows are met by four merges at once, each over its own share of them: one merge waits for its last comparison
before the next can begin, four do not. Where a share begins is found by halving (Odeh, Green, Mwassi, Shmueli & Birk
2012, "Merge path").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu import radix
from accel_drift_kernels.numba_cpu.threads import compiled, compiled_in_any_order, frozen, on_threads, spans

_LARGE = 200_000
"""Values from which threads pay."""

_PIECE = 1 << 18
"""Pooled rows that are added up as one; the same pieces for any number of threads, so that sums are the same."""

_BLOCK = 512
"""Rows of each merge between two additions: both buffers stay in the nearest cache."""


def sort_columns(parts: Sequence[tuple[Any, Any]], dtype: Any, /) -> npt.NDArray[Any]:
    """See `spec.OPS["sort_columns"]`."""
    columns = [
        (values if values.ndim == 1 else values[:, k], valid if valid is None or valid.ndim == 1 else valid[:, k])
        for values, valid in parts
        for k in range(1 if values.ndim == 1 else values.shape[1])
    ]
    rows, wanted = len(parts[0][0]), np.dtype(dtype)
    out = np.empty((len(columns), rows), wanted)
    last = np.inf if wanted.kind == "f" else np.iinfo(wanted).max

    def work(span: tuple[int, int]) -> None:
        room = radix.room(rows)
        for j in range(*span):
            out[j, radix.sort_into(*columns[j], out[j], room) :] = last

    on_threads(work, spans(len(columns), 1), large=out.size > _LARGE)
    return out.T


@compiled
def _upto(x: Any, n: int, value: Any) -> int:
    """How many of n sorted numbers are <= value."""
    low, high = 0, n
    while low < high:
        i = (low + high) >> 1
        if x[i] <= value:
            low = i + 1
        else:
            high = i
    return low


@compiled
def _below(x: Any, n: int, value: Any) -> int:
    """How many of n sorted numbers are < value."""
    low, high = 0, n
    while low < high:
        i = (low + high) >> 1
        if x[i] < value:
            low = i + 1
        else:
            high = i
    return low


@compiled
def _share(x: Any, n: int, y: Any, m: int, t: int) -> int:
    """How many of the first t pooled rows are x's; of equal rows x's come first."""
    low, high = max(0, t - m), min(t, n)
    while low < high:
        i = (low + high) >> 1
        if x[i] <= y[t - 1 - i]:
            low = i + 1
        else:
            high = i
    return low


@compiled
def _row(x: Any, n: int, y: Any, m: int, i: int, t: int) -> Any:
    """Pooled row t after i rows of x: how many rows of x there are then, and its value."""
    j = t - i
    a, b = x[min(i, n - 1)], y[min(j, m - 1)]
    mine = (j >= m) | ((i < n) & (a <= b))
    return i + int(mine), a if mine else b


@compiled
def _met(x: Any, n: int, y: Any, m: int, at: Any, mine: Any, steps: int, values: Any, counts: Any) -> None:
    """The next rows of four merges: their values, one more to look ahead, and how many rows of x there are with each.

    Shapes: at and mine (4,), pooled rows and rows of x before; values (4, steps + 1), counts (4, steps).
    """
    i0, i1, i2, i3 = mine[0], mine[1], mine[2], mine[3]
    t0, t1, t2, t3 = at[0], at[1], at[2], at[3]
    for s in range(steps):
        i0, v0 = _row(x, n, y, m, i0, t0 + s)
        i1, v1 = _row(x, n, y, m, i1, t1 + s)
        i2, v2 = _row(x, n, y, m, i2, t2 + s)
        i3, v3 = _row(x, n, y, m, i3, t3 + s)
        values[0, s], values[1, s], values[2, s], values[3, s] = v0, v1, v2, v3
        counts[0, s], counts[1, s], counts[2, s], counts[3, s] = i0, i1, i2, i3
    mine[0], mine[1], mine[2], mine[3] = i0, i1, i2, i3
    for c in range(4):
        left = n + m - at[c]
        at[c] += steps
        if left > steps:
            values[c, steps] = _row(x, n, y, m, mine[c], at[c])[1]
        elif left > 0:
            # The last row of all looks like the middle of a tie: its gap is 0, and it has no step.
            values[c, left] = values[c, left - 1]


@compiled
def _half_step(low: Any, high: Any, whole: bool) -> float:
    """Half of high - low: the difference of two floats may overflow, that of two whole numbers wraps round."""
    if whole:
        return 0.5 * np.float64(np.uint64(np.int64(high) - np.int64(low)))
    return 0.5 * np.float64(high) - 0.5 * np.float64(low)


@compiled_in_any_order
def _added(values: Any, counts: Any, t: int, steps: int, n: int, m: int, whole: bool, gaps: Any) -> Any:
    """Widest gap, half the area, sum of squares and number of ends of ties of rows t ... t + steps.

    The squares are right where no rows tie. A gap is a whole number over n m, so that equal ones stay equal; products
    that wrap round do no harm, as their difference is below n m.
    """
    widest, ends = 0, 0
    half_area, square = 0.0, 0.0
    pairs, total = 1.0 / (float(n) * float(m)), n + m
    for s in range(steps):
        end = values[s] != values[s + 1]
        gap = abs(counts[s] * total - (t + s + 1) * n) if end else 0
        widest = max(widest, gap)
        share = float(gap) * pairs
        gaps[s] = share
        # Not where the gap is 0: a step to infinity counts for nothing there.
        half_area += share * _half_step(values[s], values[s + 1], whole) if gap > 0 else 0.0
        square += share * share
        ends += int(end)
    return widest, half_area, square, ends


@compiled
def _tied_squares(values: Any, gaps: Any, t: int, steps: int, first: int) -> Any:
    """Sum of squares over all rows of the gap at the end of their tie; the tie going on after them began at `first`."""
    square = 0.0
    for s in range(steps):
        if values[s] != values[s + 1]:
            square += gaps[s] * gaps[s] * (t + s + 1 - first)
            first = t + s + 1
    return square, first


@compiled
def _piece(x: Any, n: int, y: Any, m: int, start: int, stop: int, whole: bool, out: Any) -> int:
    """Gap, half the area and squares of pooled rows start ... stop to `out`; how many ends of ties there are."""
    each = -(-(stop - start) // 4)
    at, mine, first = np.empty(4, np.int64), np.empty(4, np.int64), np.empty(4, np.int64)
    values, counts = np.empty((4, _BLOCK + 1), x.dtype), np.empty((4, _BLOCK), np.int64)
    gaps = np.empty(_BLOCK)
    for c in range(4):
        at[c] = min(start + c * each, stop)
        mine[c] = _share(x, n, y, m, at[c])
        if at[c] < stop:
            value = _row(x, n, y, m, mine[c], at[c])[1]
            first[c] = _below(x, n, value) + _below(y, m, value)
    limit = np.array([at[1], at[2], at[3], stop])
    widest, ends = 0, 0
    for done in range(0, each, _BLOCK):
        steps = min(_BLOCK, each - done)
        _met(x, n, y, m, at, mine, steps, values, counts)
        for c in range(4):
            t = at[c] - steps
            inside = min(steps, limit[c] - t)
            if inside <= 0:
                continue
            gap, area, square, ended = _added(values[c], counts[c], t, inside, n, m, whole, gaps)
            if ended < inside or first[c] < t:
                square, first[c] = _tied_squares(values[c], gaps, t, inside, first[c])
            else:
                first[c] = t + inside
            widest = max(widest, gap)
            out[1] += area
            out[2] += square
            ends += ended
    out[0] = widest
    return ends


@compiled
def _pieces(
    x: Any, n: Any, y: Any, m: Any, columns: Any, starts: Any, stops: Any, whole: bool, out: Any, ends: Any
) -> None:
    for p in range(columns.size):
        j = columns[p]
        ends[p] = _piece(x[j], n[j], y[j], m[j], starts[p], stops[p], whole, out[p])


def _cut(rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], ...]:
    """Pieces of the pooled rows of each column: its number, the first row and the end."""
    count = -(-rows // _PIECE)
    columns = np.repeat(np.arange(len(rows)), count)
    number = np.arange(len(columns)) - np.repeat(np.cumsum(count) - count, count)
    each = -(-rows // np.maximum(count, 1))[columns]
    return columns, number * each, np.minimum((number + 1) * each, rows[columns])


def cdf_distances(x: Any, n: Any, y: Any, m: Any, /) -> tuple[Any, Any, Any, Any]:
    """See `spec.OPS["cdf_distances"]`."""
    columns, starts, stops = _cut(np.where((n > 0) & (m > 0), n + m, 0))
    rows, n, m = (frozen(x.T), frozen(y.T)), frozen(n), frozen(m)
    out, ends = np.zeros((len(columns), 3)), np.zeros(len(columns), np.int64)

    def work(span: tuple[int, int]) -> None:
        some = slice(*span)
        where = (columns[some], starts[some], stops[some])
        _pieces(rows[0], n, rows[1], m, *where, x.dtype.kind in "iu", out[some], ends[some])

    on_threads(work, spans(len(columns), 1), large=int((stops - starts).sum()) > _LARGE)
    gap, half_area, square = np.zeros((3, len(n)))
    distinct = _distinct_alone(rows[0], n, rows[1], m)
    np.maximum.at(gap, columns, out[:, 0])
    for total, part in ((half_area, out[:, 1]), (square, out[:, 2]), (distinct, ends)):
        np.add.at(total, columns, part)
    most = np.finfo(np.float64).max / 2
    area = np.where(np.isinf(half_area), half_area, np.minimum(half_area, most) * 2.0)
    return gap / np.maximum(n.astype(np.float64) * m, 1.0), area, square / np.maximum(n + m, 1), distinct


@compiled
def _distinct_alone(x: Any, n: Any, y: Any, m: Any) -> Any:
    """Of columns with an empty side the distinct values, of others the one at the last row, (d,)."""
    out = np.zeros(n.size, np.int64)
    for j in range(n.size):
        out[j] = 1 if n[j] + m[j] else 0
        if n[j] == 0 or m[j] == 0:
            only = x[j] if n[j] else y[j]
            for i in range(1, max(n[j], m[j])):
                out[j] += int(only[i] != only[i - 1])
    return out


@compiled
def _pooled_value(x: Any, n: int, y: Any, m: int, t: int) -> Any:
    """The value of pooled row t."""
    i = _share(x, n, y, m, t)
    if i == n or (t - i < m and y[t - i] < x[i]):
        return y[t - i]
    return x[i]


@compiled
def _cells(x: Any, n: Any, y: Any, m: Any, distinct: Any, cuts: Any, middles: Any) -> None:
    limit = middles.shape[1]
    for j in range(n.size):
        total = n[j] + m[j]
        if total == 0:
            continue
        if distinct[j] > limit:
            for c in range(limit):
                if c > 0:
                    cuts[j, c - 1] = _pooled_value(x[j], n[j], y[j], m[j], -(-c * total // limit) - 1)
                middles[j, c] = _pooled_value(x[j], n[j], y[j], m[j], (2 * c + 1) * total // (2 * limit))
            continue
        t, value = 0, x[j, 0] if n[j] else y[j, 0]
        for c in range(limit):
            if t < total:
                value = _pooled_value(x[j], n[j], y[j], m[j], t)
                t = _upto(x[j], n[j], value) + _upto(y[j], m[j], value)
            middles[j, c] = value
            if c < limit - 1:
                cuts[j, c] = value


def pooled_cells(x: Any, n: Any, y: Any, m: Any, distinct: Any, limit: int, /) -> tuple[Any, Any]:
    """See `spec.OPS["pooled_cells"]`."""
    d = x.shape[1]
    cuts, middles = np.zeros((d, limit - 1), x.dtype), np.zeros((d, limit), x.dtype)
    _cells(frozen(x.T), frozen(n), frozen(y.T), frozen(m), frozen(distinct), cuts, middles)
    return cuts, middles


@compiled
def _sorted_counts(x: Any, n: Any, cuts: Any, out: Any) -> None:
    for j in range(n.size):
        before = 0
        for c in range(cuts.shape[1]):
            here = _upto(x[j], n[j], cuts[j, c])
            out[j, c] = here - before
            before = here
        out[j, cuts.shape[1]] = n[j] - before


def sorted_counts(x: Any, n: Any, cuts: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["sorted_counts"]`."""
    out = np.zeros((x.shape[1], cuts.shape[1] + 1), np.int64)
    _sorted_counts(frozen(x.T), frozen(n), frozen(cuts), out)
    return out


@compiled
def _along(old: Any, new: Any, index: Any, low: int, high: int, t: int) -> None:
    step, whole = 1.0 / t, float(t)
    for i in range(low, high + 1):
        new[i + 1] = (old[i + 1] * (whole - index[i]) + old[i] * index[i]) * step


@compiled
def _lattice(first: int, last: int, width: Any, n: Any, m: Any, out: Any) -> None:
    for k in range(first, last):
        w, a, b = width[k], n[k], m[k]
        rows = a + b
        index = np.arange(a + 1).astype(np.float64)
        # old[i + 1]: share of the paths to (i, t - i) that have touched the edge of the band; 1 outside of it. The
        # band moves by one place a step at most, so its two neighbours are all of the outside that is ever asked.
        old, new = np.ones(a + 3), np.ones(a + 3)
        old[1] = 0.0 if w > 0 else 1.0
        touched = w <= 0
        for t in range(1, rows + 1):
            low = max(0, t - b, (t * a - w) // rows + 1)
            high = min(a, t, -((-t * a - w) // rows) - 1)
            if touched or low > high:
                touched = True
                break
            # Apart, and not in place, the step is done by vector instructions.
            _along(old, new, index, low, high, t)
            new[low] = new[high + 2] = 1.0
            old, new = new, old
        out[k] = 1.0 if touched else old[a + 1]


def lattice_tail(width: Any, n: Any, m: Any, /) -> npt.NDArray[np.float64]:
    """See `spec.OPS["lattice_tail"]`."""
    out = np.empty(len(width))
    width, n, m = frozen(width), frozen(n), frozen(m)

    def work(span: tuple[int, int]) -> None:
        _lattice(span[0], span[1], width, n, m, out)

    on_threads(work, spans(len(out), 1), large=len(out) > 8)
    return out
