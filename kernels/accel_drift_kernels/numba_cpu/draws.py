"""Random counts: the words of one counter decide one cell.

Cell by cell, each from what is left. A count with a variance of `NORMAL_FORM_VARIANCE` or more is a bent normal number,
rounded; a smaller one is found by adding probabilities up in the order mode, mode + 1, mode - 1, mode + 2, ... until
they reach a uniform number. Counts are carried as float64, which holds them exactly below 2**53.

Draws of one column are made side by side, `_LANES` at a time: where all of them have a large variance, as for most
columns in most cells, the loops over them have no branch and become vector instructions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu.pmf import binomial_pmf, central_quantile, hypergeometric_pmf, normal_quantile
from accel_drift_kernels.numba_cpu.threads import compiled, frozen, on_threads, spans
from accel_drift_kernels.numba_cpu.words import threefry
from accel_drift_kernels.spec import MORE_WORDS, NORMAL_FORM_VARIANCE
from accel_drift_kernels.tables import CENTRAL

_NEGLIGIBLE = 1e-20
"""Both next probabilities below this: what is left of the support cannot move the sum."""

_LARGE = 20_000
"""Counts from which threads pay."""

_LANES = 128
"""Draws side by side: the arrays of one cell stay in the nearest cache."""


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
    for b in range(u.size):
        if abs(u[b] - 0.5) > CENTRAL:
            z[b] = normal_quantile(u[b])


@compiled
def _bent(mean: float, variance: float, lean: float, peak: float, third: float, z: float) -> float:
    """A number of the law with these cumulants, from a normal one.

    Cumulants: variance V, then V lean, V peak, V lean third. What rounding adds to the variance, 1/12, is taken off
    first (Sheppard 1897). Source: Cornish & Fisher 1938, to the third order.
    """
    v = variance - 1.0 / 12.0
    s, h, z2 = math.sqrt(v), lean * (variance / v), z * z
    z4 = z2 * z2
    second = peak * (z2 - 3.0) / 24.0 - h * h * (2.0 * z2 - 5.0) / 36.0
    a = third * (z4 - 6.0 * z2 + 3.0) / 120.0 - peak * (z4 - 5.0 * z2 + 2.0) / 24.0
    b = h * h * (12.0 * z4 - 53.0 * z2 + 17.0) / 324.0
    return mean + z * (s + second / s) + h * ((z2 - 1.0) / 6.0 + (a + b) / v)


@compiled
def _outward(low: float, mode: float, high: float, p: float, c: Any, u: float) -> float:
    """The value at which probabilities, added up outward from the mode, reach u.

    In both laws P(x + 1) / P(x) = (c0 - x)(c1 - s x) / ((x + 1)(c2 + s x)) with c = (c0, c1, c2, s).
    """
    c0, c1, c2, s = c
    up, down = mode, mode
    p_up, p_down, reached = p, p, p
    while reached < u:
        if up < high:
            p_up *= ((c0 - up) * (c1 - s * up)) / ((up + 1.0) * (c2 + s * up))
            up += 1.0
            reached += p_up
            if reached >= u:
                return up
        else:
            p_up = 0.0
        if down > low:
            p_down *= (down * (c2 + s * (down - 1.0))) / ((c0 - down + 1.0) * (c1 - s * (down - 1.0)))
            down -= 1.0
            reached += p_down
            if reached >= u:
                return down
        else:
            p_down = 0.0
        if p_up < _NEGLIGIBLE and p_down < _NEGLIGIBLE:
            return mode
    return mode


@compiled
def _wide_hypergeometric(draws: float, good: float, bad: float, z: float) -> Any:
    """Good ones among `draws` taken without replacement if that varies much, and the variance."""
    total = good + bad
    p, q = good / total, bad / total
    f, g = draws / total, (total - draws) / total
    s, r = p * q, f * g
    variance = s * r * (total * (total / (total - 1.0)))
    sides, both = s + r, s * r
    peak, third = 1.0 - 6.0 * sides + 30.0 * both, 1.0 - 12.0 * sides + 84.0 * both
    x = np.rint(_bent(draws * p, max(variance, 1.0), (q - p) * (g - f), peak, third, z))
    return min(max(x, 0.0, draws - bad), draws, good), variance


@compiled
def _narrow_hypergeometric(draws: float, good: float, bad: float, u: float) -> float:
    low, high = max(0.0, draws - bad), min(draws, good)
    if low == high:
        return low
    mode = float((int(draws) + 1) * (int(good) + 1) // (int(good + bad) + 2))
    mode = min(max(mode, low), high)
    c = (good, draws, bad - draws + 1.0, 1.0)
    return _outward(low, mode, high, hypergeometric_pmf(mode, good, bad, draws), c, u)


@compiled
def _wide_binomial(m: float, w: float, rest: float, z: float) -> Any:
    """Successes among m when the chance of one is w / (w + rest) if that varies much, and the variance."""
    total = w + rest
    p, q = w / total, rest / total
    s = p * q
    variance = m * s
    x = np.rint(_bent(m * p, max(variance, 1.0), q - p, 1.0 - 6.0 * s, 1.0 - 12.0 * s, z))
    return min(max(x, 0.0), m), variance


@compiled
def _narrow_binomial(m: float, w: float, rest: float, u: float) -> float:
    if w == 0.0 or m == 0.0:
        return 0.0
    if rest == 0.0:
        return m
    total = w + rest
    p, q = w / total, rest / total
    mode = min(math.floor((m + 1.0) * p), m)
    return _outward(0.0, mode, m, binomial_pmf(mode, m, p, q), (m, w, rest, 0.0), u)


@compiled
def _deal(left: Any, good: float, bad: float, u: Any, z: Any, x: Any, variance: Any) -> None:
    """Hypergeometric counts of all lanes."""
    if good == 0.0 or bad == 0.0:
        for b in range(left.size):
            x[b] = 0.0 if good == 0.0 else left[b]
        return
    _fill_normals(u, z)
    # A variance kept in a variable from lane to lane would leave the loop without vector instructions.
    for b in range(left.size):
        x[b], variance[b] = _wide_hypergeometric(left[b], good, bad, z[b])
    for b in range(left.size):
        if variance[b] < NORMAL_FORM_VARIANCE:
            x[b] = _narrow_hypergeometric(left[b], good, bad, u[b])


@compiled
def _spread(left: Any, w: Any, rest: Any, u: Any, z: Any, x: Any, variance: Any) -> None:
    """Binomial counts of all lanes; weights that are all 0 give 0."""
    _fill_normals(u, z)
    for b in range(left.size):
        x[b], variance[b] = _wide_binomial(left[b], w[b], rest[b], z[b])
    for b in range(left.size):
        if not variance[b] >= NORMAL_FORM_VARIANCE:  # NaN where all weights are 0
            x[b] = _narrow_binomial(left[b], w[b], rest[b], u[b])


@compiled
def _hypergeometric_lanes(key: Any, first: int, pooled: Any, n: int, out: Any) -> None:
    lanes, k = out.shape
    # Rows of one array may overlap for all that LLVM knows: each is an array of its own.
    left, u, z, x, v = np.full(lanes, float(n)), np.empty(lanes), np.empty(lanes), np.empty(lanes), np.empty(lanes)
    rest = pooled.sum()
    for j in range(k - 1):
        rest -= pooled[j]
        _fill_uniforms(key, first, j, u)
        _deal(left, float(pooled[j]), float(rest), u, z, x, v)
        for b in range(lanes):
            left[b] -= x[b]
            out[b, j] = int(x[b])
    for b in range(lanes):
        out[b, k - 1] = int(left[b])


@compiled
def _multinomial_lanes(key: Any, first: int, weights: Any, m: int, out: Any) -> None:
    lanes, k = out.shape
    left, u, z, x, v = np.full(lanes, float(m)), np.empty(lanes), np.empty(lanes), np.empty(lanes), np.empty(lanes)
    w, later = np.empty(lanes), np.empty(lanes)
    rest = weights.sum()
    for j in range(k - 1):
        rest -= weights[j]
        w[:], later[:] = float(weights[j]), float(rest)
        _fill_uniforms(key, first, j, u)
        _spread(left, w, later, u, z, x, v)
        for b in range(lanes):
            left[b] -= x[b]
            out[b, j] = int(x[b])
    for b in range(lanes):
        out[b, k - 1] = int(left[b])


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
        w = float(weights[b])
        d = max(w, 1.0) - 1.0 / 3.0
        v = 1.0 + z[b] / math.sqrt(9.0 * d)
        mass[b] = d * (v * v * v) if w > 0.0 else 0.0
    for b in range(mass.size):
        # Accepted without a logarithm in all but a few cases.
        if weights[b] > 0 and not (mass[b] > 0.0 and u[b] < 1.0 - 0.0331 * (z[b] * z[b]) * (z[b] * z[b])):
            mass[b] = _gamma_again(key, first + b, cell, float(weights[b]), z[b], u[b])


@compiled
def _dirichlet_lanes(key: Any, first: int, weights: Any, m: Any, out: Any) -> None:
    lanes, k = out.shape
    left, u, z, x, v = np.empty(lanes), np.empty(lanes), np.empty(lanes), np.empty(lanes), np.empty(lanes)
    w, rest, mass = np.empty(lanes), np.zeros(lanes), np.empty((k, lanes))
    for j in range(k - 1, -1, -1):
        _fill_masses(key, first, j, weights[:, j], u, z, w)
        mass[j] = w
    later = np.zeros((k, lanes))
    for j in range(k - 1, 0, -1):
        later[j - 1] = later[j] + mass[j]
    for b in range(lanes):
        left[b] = float(m[b])
    for j in range(k - 1):
        w[:], rest[:] = mass[j], later[j]
        _fill_uniforms(key, first, j, u)
        _spread(left, w, rest, u, z, x, v)
        for b in range(lanes):
            left[b] -= x[b]
            out[b, j] = int(x[b])
    for b in range(lanes):
        out[b, k - 1] = int(left[b])


@compiled
def _hypergeometric_blocks(start: int, stop: int, keys: Any, first: int, pooled: Any, n: Any, out: Any) -> None:
    count = out.shape[1]
    each = -(-count // _LANES)
    for block in range(start, stop):
        c, b = block // each, block % each * _LANES
        e = min(b + _LANES, count)
        _hypergeometric_lanes(keys[c], first + b, pooled[c], n[c], out[c, b:e])


@compiled
def _multinomial_blocks(start: int, stop: int, keys: Any, first: int, weights: Any, m: Any, out: Any) -> None:
    count = out.shape[1]
    each = -(-count // _LANES)
    for block in range(start, stop):
        c, b = block // each, block % each * _LANES
        e = min(b + _LANES, count)
        _multinomial_lanes(keys[c], first + b, weights[c], m[c], out[c, b:e])


@compiled
def _dirichlet_blocks(start: int, stop: int, keys: Any, first: int, weights: Any, m: Any, out: Any) -> None:
    count = out.shape[1]
    each = -(-count // _LANES)
    for block in range(start, stop):
        c, b = block // each, block % each * _LANES
        e = min(b + _LANES, count)
        _dirichlet_lanes(keys[c], first + b, weights[c, b:e], m[c, b:e], out[c, b:e])


def _drawn(blocks: Any, count: int, keys: Any, first: int, weights: Any, size: Any) -> npt.NDArray[np.int64]:
    """All draws of all columns, on threads where they are many."""
    columns, k = len(weights), weights.shape[-1]
    out = np.zeros((columns, count, k), dtype=np.int64)
    if out.size == 0:
        return out
    keys, weights, size = frozen(keys), frozen(weights), frozen(size)
    pieces = spans(columns * -(-count // _LANES), max(1, _LARGE // (min(count, _LANES) * k)))
    on_threads(lambda span: blocks(*span, keys, first, weights, size, out), pieces, large=out.size > _LARGE)
    return out


def hypergeometric(keys: Any, first: int, count: int, pooled: Any, n: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["hypergeometric"]`."""
    return _drawn(_hypergeometric_blocks, count, keys, first, pooled, n)


def dirichlet_multinomial(keys: Any, first: int, weights: Any, m: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["dirichlet_multinomial"]`."""
    return _drawn(_dirichlet_blocks, m.shape[1], keys, first, weights, m)


def multinomial(keys: Any, first: int, count: int, weights: Any, m: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["multinomial"]`."""
    return _drawn(_multinomial_blocks, count, keys, first, weights, m)
