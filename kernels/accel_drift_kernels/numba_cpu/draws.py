"""Random counts: the words of one counter decide one halving of a run of cells.

The rows of all cells are dealt to the two halves of them, those of each half to its own halves, and so on: `halves`.
A count with a variance of `NORMAL_FORM_VARIANCE` or more is a bent normal number, rounded; a smaller one is found by
adding probabilities up in the order mode, mode + 1, mode - 1, mode + 2, ... until they reach a uniform number. Counts
are carried as float64, which holds them exactly below 2**53.

Draws of one column are made side by side. Where all of them have a large variance the loops over them have no branch
and become vector instructions; where they are small, many draws deal the same number of rows to the same halves, and
one row of sums serves them all.
"""

from __future__ import annotations

import math
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu.pmf import central_quantile, normal_quantile, shoulder_quantile, tail_quantile
from accel_drift_kernels.numba_cpu.threads import compiled, frozen, on_threads, spans
from accel_drift_kernels.numba_cpu.urns import TERMS, fill_sums, likely, look_up, narrow, variance, wide
from accel_drift_kernels.numba_cpu.words import threefry
from accel_drift_kernels.spec import MORE_WORDS, NORMAL_FORM_VARIANCE
from accel_drift_kernels.tables import CENTRAL, halves

_LARGE = 20_000
"""Counts from which threads pay."""

_LANES = 128
"""Draws side by side where each has weights of its own: the arrays of one cell stay in the nearest cache."""

_ALIKE = 1024
"""Draws side by side of one urn: the more, the more of them halve the same number of rows."""


@compiled
def _uniform(w0: Any, w1: Any) -> float:
    """A number strictly between 0 and 1, 52 bits."""
    high, low = np.float64(np.uint32(w0 >> np.uint32(6))), np.float64(np.uint32(w1 >> np.uint32(6)))
    return float((high * 67108864.0 + low + 0.5) * 2.0**-52)


@compiled
def _fill_uniforms(key: Any, first: int, cell: int, u: Any) -> None:
    k0, k1, j = key[0], key[1], np.uint32(cell)
    for b in range(u.size):
        w0, w1 = threefry(k0, k1, np.uint32(first + b), j)
        u[b] = _uniform(w0, w1)


@compiled
def _fill_normals(u: Any, z: Any) -> None:
    for b in range(u.size):
        z[b] = central_quantile(u[b] - 0.5)
    # One in seven lies further out: side by side, all of their quantile but the logarithm is vector instructions.
    place, r, far, many = np.empty(u.size, np.int64), np.empty(u.size), np.empty(u.size), 0
    for b in range(u.size):
        place[many] = b
        many += abs(u[b] - 0.5) > CENTRAL
    for i in range(many):
        out = u[place[i]]
        r[i] = math.sqrt(-math.log(min(out, 1.0 - out)))
    for i in range(many):
        far[i] = shoulder_quantile(r[i])
    for i in range(many):
        out = far[i] if r[i] <= 5.0 else tail_quantile(r[i])
        z[place[i]] = -out if u[place[i]] < 0.5 else out


@compiled
def _deal(again: bool, d: Any, good: float, bad: float, u: Any, x: Any, room: Any) -> None:
    """How many of d rows are good ones, in all lanes of one urn; `again` where rows are put back."""
    lanes, few = d.size, 0
    if good == 0.0 or bad == 0.0:
        for b in range(lanes):
            x[b] = 0.0 if good == 0.0 else d[b]
        return
    z, v, sums, values = room
    for b in range(lanes):
        v[b] = variance(again, d[b], good, bad)
        few += v[b] < NORMAL_FORM_VARIANCE
    if few < lanes:
        _fill_normals(u, z)
        # A loop for each law: with both in one there are no vector instructions.
        if again:
            for b in range(lanes):
                x[b] = wide(True, d[b], good, bad, z[b])
        else:
            for b in range(lanes):
                x[b] = wide(False, d[b], good, bad, z[b])
    if few > 0:
        _deal_few(again, d, good, bad, u, x, v, sums, values)


@compiled
def _deal_few(again: bool, d: Any, good: float, bad: float, u: Any, x: Any, v: Any, sums: Any, values: Any) -> None:
    """The same in the lanes of a small variance alone."""
    lanes, least, most = d.size, int(d[0]), int(d[0])
    for b in range(lanes):
        least, most = min(least, int(d[b])), max(most, int(d[b]))
    close = most - least < lanes
    for i in range(most - least + 1 if close else 0):
        values[i, 0] = -1.0
    for b in range(lanes):
        if v[b] >= NORMAL_FORM_VARIANCE:
            continue
        if close:
            # One row of sums for all draws that deal so many rows.
            i = int(d[b]) - least
            if values[i, 0] < 0.0:
                fill_sums(again, d[b], good, bad, sums[i], values[i])
            x[b] = look_up(u[b], sums[i], values[i])
        if not close or x[b] < 0.0:
            mode, p = likely(again, d[b], good, bad)
            x[b] = narrow(again, d[b], good, bad, mode, p, u[b])


@compiled
def _spread(d: Any, w: Any, rest: Any, u: Any, z: Any, x: Any, v: Any) -> None:
    """Binomial counts of all lanes, each with weights of its own; weights that are all 0 give 0."""
    lanes, many = d.size, 0
    for b in range(lanes):
        v[b] = variance(True, d[b], w[b], rest[b])  # NaN where all weights are 0
        many += v[b] >= NORMAL_FORM_VARIANCE
    if many > 0:
        _fill_normals(u, z)
        for b in range(lanes):
            x[b] = wide(True, d[b], w[b], rest[b], z[b])
    if many == lanes:
        return
    for b in range(lanes):
        if not v[b] >= NORMAL_FORM_VARIANCE:
            mode, p = likely(True, d[b], w[b], rest[b])
            x[b] = narrow(True, d[b], w[b], rest[b], mode, p, u[b])


@compiled
def _depth(runs: Any) -> int:
    """Halves that wait at a time, at most."""
    most = 0
    for r in range(runs.shape[0]):
        most = max(most, runs[r, 3])
    return int(most) + 2


@compiled
def _part(d: Any, x: Any, run: Any, waiting: Any, out: Any) -> None:
    """Keep what has come to the halves of a run of cells: single cells are done."""
    first, middle, end, depth = run
    for b in range(d.size):
        d[b] -= x[b]
    if middle - first == 1:
        for b in range(d.size):
            out[b, first] = int(x[b])
    else:
        waiting[depth + 1] = x
    if end - middle == 1:
        for b in range(d.size):
            out[b, middle] = int(d[b])
    else:
        waiting[depth] = d


@compiled
def _alike_lanes(again: bool, key: Any, first: int, cells: Any, size: int, runs: Any, out: Any) -> None:
    lanes, k = out.shape
    # Rows of one array may overlap for all that LLVM knows: each is an array of its own.
    d, u, x, z, v = np.empty(lanes), np.empty(lanes), np.empty(lanes), np.empty(lanes), np.empty(lanes)
    room = z, v, np.empty((lanes, TERMS)), np.empty((lanes, TERMS))
    waiting = np.full((_depth(runs), lanes), float(size))
    before = np.zeros(k + 1)
    for j in range(k):
        before[j + 1] = before[j] + cells[j]
    out[:, 0] = size
    for r in range(runs.shape[0]):
        start, middle, end, depth = runs[r]
        d[:] = waiting[depth]
        _fill_uniforms(key, first, middle, u)
        good, bad = float(before[middle] - before[start]), float(before[end] - before[middle])
        _deal(again, d, good, bad, u, x, room)
        _part(d, x, (start, middle, end, depth), waiting, out)


@compiled
def _accepted(w: float, z: float, u: float) -> bool:
    d = w - 1.0 / 3.0
    v = 1.0 + z / math.sqrt(9.0 * d)
    v = v * v * v
    return v > 0.0 and math.log(u) < 0.5 * z * z + d - d * v + d * math.log(v)


@compiled
def _gamma_again(key: Any, number: int, cell: int, w: float, z: float, u: float) -> float:
    """A Gamma(w) number whose first normal number may not be the one to take; w >= 1."""
    d = w - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    place = np.uint32(cell + 2 * MORE_WORDS)
    while not _accepted(w, z, u):
        place = np.uint32(place + np.uint32(2 * MORE_WORDS))
        w0, w1 = threefry(key[0], key[1], np.uint32(number), np.uint32(place - np.uint32(MORE_WORDS)))
        z = normal_quantile(_uniform(w0, w1))
        w0, w1 = threefry(key[0], key[1], np.uint32(number), place)
        u = _uniform(w0, w1)
    v = 1.0 + c * z
    return d * (v * v * v)


@compiled
def _fill_masses(key: Any, first: int, cell: int, weights: Any, u: Any, z: Any, mass: Any) -> None:
    """Gamma(w) numbers, 0 where w is 0. Source: Marsaglia & Tsang 2000."""
    _fill_uniforms(key, first, cell + MORE_WORDS, u)
    _fill_normals(u, z)
    _fill_uniforms(key, first, cell + 2 * MORE_WORDS, u)
    for b in range(mass.size):
        d = max(weights[b], 1.0) - 1.0 / 3.0
        v = 1.0 + z[b] / math.sqrt(9.0 * d)
        mass[b] = d * (v * v * v) if weights[b] > 0.0 else 0.0
    for b in range(mass.size):
        # Accepted without a logarithm in nearly all cases: with t = z / sqrt(9 d) the exact bound is the exponential of
        # 3 d (-t^4 / 4 + t^5 / 5 - ...), which is more than 1 - 3 d t^4 / 2 as long as |t| <= 1/2.
        d, z2 = max(weights[b], 1.0) - 1.0 / 3.0, z[b] * z[b]
        if weights[b] > 0.0 and not (z2 <= 2.25 * d and (1.0 - u[b]) * d > 0.0186 * z2 * z2):
            mass[b] = _gamma_again(key, first + b, cell, weights[b], z[b], u[b])


@compiled
def _dirichlet_lanes(key: Any, first: int, weights: Any, m: Any, runs: Any, out: Any) -> None:
    lanes, k = out.shape
    d, u, z, x, v = np.empty(lanes), np.empty(lanes), np.empty(lanes), np.empty(lanes), np.empty(lanes)
    w, rest, mass, near = np.empty(lanes), np.empty(lanes), np.empty((k, lanes)), np.empty((k, lanes))
    for j in range(k):
        for b in range(lanes):
            rest[b] = float(weights[b, j])
        _fill_masses(key, first, j, rest, u, z, w)
        mass[j] = w
    # From the smallest runs up: what stays in `mass` is that of the right halves.
    for r in range(runs.shape[0] - 1, -1, -1):
        start, middle, _, _ = runs[r]
        near[middle] = mass[start]
        mass[start] += mass[middle]
    waiting = np.empty((_depth(runs), lanes))
    for b in range(lanes):
        waiting[0, b], out[b, 0] = float(m[b]), m[b]
    for r in range(runs.shape[0]):
        start, middle, end, depth = runs[r]
        d[:], w[:], rest[:] = waiting[depth], near[middle], mass[middle]
        _fill_uniforms(key, first, middle, u)
        _spread(d, w, rest, u, z, x, v)
        _part(d, x, (start, middle, end, depth), waiting, out)


@compiled
def _alike_blocks(
    again: bool, start: int, stop: int, keys: Any, first: int, cells: Any, size: Any, runs: Any, out: Any
) -> None:
    count = out.shape[1]
    each = -(-count // _ALIKE)
    for block in range(start, stop):
        c, b = block // each, block % each * _ALIKE
        _alike_lanes(again, keys[c], first + b, cells[c], size[c], runs, out[c, b : min(b + _ALIKE, count)])


@compiled
def _dirichlet_blocks(start: int, stop: int, keys: Any, first: int, weights: Any, m: Any, runs: Any, out: Any) -> None:
    count = out.shape[1]
    each = -(-count // _LANES)
    for block in range(start, stop):
        c, b = block // each, block % each * _LANES
        e = min(b + _LANES, count)
        _dirichlet_lanes(keys[c], first + b, weights[c, b:e], m[c, b:e], runs, out[c, b:e])


@cache
def _runs(k: int) -> npt.NDArray[np.int64]:
    return frozen(np.array(list(halves(k)), dtype=np.int64).reshape(-1, 4))


def _drawn(
    blocks: Any, lanes: int, count: int, keys: Any, first: int, weights: Any, size: Any
) -> npt.NDArray[np.int64]:
    """All draws of all columns, on threads where they are many."""
    columns, k = len(weights), weights.shape[-1]
    out = np.zeros((columns, count, k), dtype=np.int64)
    if out.size == 0:
        return out
    args = frozen(keys), first, frozen(weights), frozen(size), _runs(k), out
    pieces = spans(columns * -(-count // lanes), max(1, _LARGE // (min(count, lanes) * k)))
    on_threads(lambda span: blocks(*span, *args), pieces, large=out.size > _LARGE)
    return out


def hypergeometric(keys: Any, first: int, count: int, pooled: Any, n: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["hypergeometric"]`."""
    return _drawn(partial(_alike_blocks, False), _ALIKE, count, keys, first, pooled, n)


def dirichlet_multinomial(keys: Any, first: int, weights: Any, m: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["dirichlet_multinomial"]`."""
    return _drawn(_dirichlet_blocks, _LANES, m.shape[1], keys, first, weights, m)


def multinomial(keys: Any, first: int, count: int, weights: Any, m: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["multinomial"]`."""
    return _drawn(partial(_alike_blocks, True), _ALIKE, count, keys, first, weights, m)
