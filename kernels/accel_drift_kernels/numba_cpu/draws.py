"""Random counts: one uniform number decides one cell.

A one-dimensional draw adds probabilities up in the order mode, mode + 1, mode - 1, mode + 2, ... and takes
the value at which the sum first reaches u. Counts are carried as float64, which holds them exactly below
2**53.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu.pmf import (
    beta_binomial_pmf,
    binomial_pmf,
    hypergeometric_pmf,
    normal_quantile,
)
from accel_drift_kernels.numba_cpu.threads import compiled, frozen, on_threads, spans
from accel_drift_kernels.spec import NORMAL_FORM_VARIANCE, SMALL_SHAPE

_NEGLIGIBLE = 1e-20
"""Both next probabilities below this: what is left of the support cannot move the sum."""

_LARGE = 20_000
"""Draws from which threads pay."""


@compiled
def _normal_form(mean: float, variance: float, skew: float, u: float, low: float, high: float) -> float:
    z = normal_quantile(u)
    x = np.rint(mean + math.sqrt(variance) * (z + skew * (z * z - 1.0) / 6.0))
    return float(min(max(x, low), high))


@compiled
def _outward(low: float, mode: float, high: float, p: float, c: Any, u: float) -> float:
    """The value at which probabilities, added up outward from the mode, reach u.

    In all three laws P(x + 1) / P(x) = (c0 - x)(c1 + s x) / ((x + 1)(c2 - s x)) with c = (c0, c1, c2, s).
    Every factor is a whole number, so all kernel sets round alike.
    """
    c0, c1, c2, s = c
    up, down = mode, mode
    p_up, p_down, reached = p, p, p
    while reached < u:
        if up < high:
            p_up *= ((c0 - up) * (c1 + s * up)) / ((up + 1.0) * (c2 - s * up))
            up += 1.0
            reached += p_up
            if reached >= u:
                return up
        else:
            p_up = 0.0
        if down > low:
            p_down *= (down * (c2 - s * (down - 1.0))) / ((c0 - down + 1.0) * (c1 + s * (down - 1.0)))
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
def draw_hypergeometric(draws: float, good: float, bad: float, u: float) -> float:
    """Good ones among `draws` taken without replacement."""
    low, high = max(0.0, draws - bad), min(draws, good)
    if low == high:
        return low
    total = good + bad
    variance = draws * (good / total) * (bad / total) * ((total - draws) / (total - 1.0))
    if variance > NORMAL_FORM_VARIANCE:
        skew = (bad - good) / total * ((total - 2.0 * draws) / (total - 2.0)) / math.sqrt(variance)
        return _normal_form(draws * (good / total), variance, skew, u, low, high)
    mode = float((int(draws) + 1) * (int(good) + 1) // (int(total) + 2))
    mode = min(max(mode, low), high)
    c = (good, draws, bad - draws + 1.0, -1.0)
    return _outward(low, mode, high, hypergeometric_pmf(mode, good, bad, draws), c, u)


@compiled
def draw_binomial(m: float, w: float, rest: float, u: float) -> float:
    """Successes among m when the chance of one is w / (w + rest)."""
    if w == 0.0 or m == 0.0:
        return 0.0
    if rest == 0.0:
        return m
    total = w + rest
    p, q = w / total, rest / total
    variance = m * p * q
    if variance > NORMAL_FORM_VARIANCE:
        return _normal_form(m * p, variance, (q - p) / math.sqrt(variance), u, 0.0, m)
    mode = min(float((int(m) + 1) * int(w) // int(total)), m)
    return _outward(0.0, mode, m, binomial_pmf(mode, m, p, q), (m, w, rest, 0.0), u)


@compiled
def _tail_sum(good: float, bad: float, draws: float, first: float) -> float:
    """Chance of at most `first` good ones; a sum over the few values from `first` down."""
    low, high = max(0.0, draws - bad), min(draws, good)
    if first < low:
        return 0.0
    if first >= high:
        return 1.0
    x = first
    p = hypergeometric_pmf(x, good, bad, draws)
    total = p
    while x > low:
        ratio = (x * (bad - draws + x)) / ((good - x + 1.0) * (draws - x + 1.0))
        p *= ratio
        x -= 1.0
        total += p
        if ratio < 1.0 and p < _NEGLIGIBLE:
            break
    return total


@compiled
def _beta_binomial_quantile(m: float, a: float, b: float, u: float) -> float:
    """Smallest x with P(X <= x) >= u, for a small whole a or b.

    X is the number of batch rows below the a-th of a + b - 1 reference rows in a random order of them all, so
    X <= x exactly if the first x + a rows of that order hold at least a reference rows: a hypergeometric tail
    of a terms. The same from the other end has b terms.
    """
    s = a + b - 1.0
    low, high = 0.0, m
    while low < high:
        x = math.floor((low + high) * 0.5)
        tail = _tail_sum(s, m, x + a, a - 1.0) if a <= b else _tail_sum(s, m, m - x - 1.0 + b, b - 1.0)
        at_most = 1.0 - tail if a <= b else tail
        if at_most >= u:
            high = x
        else:
            low = x + 1.0
    return low


@compiled
def draw_beta_binomial(m: float, a: float, b: float, u: float) -> float:
    """Successes among m when the chance of one is Beta(a, b)."""
    if a == 0.0 or m == 0.0:
        return 0.0
    if b == 0.0:
        return m
    s = a + b
    variance = m * (a / s) * (b / s) * ((s + m) / (s + 1.0))
    if variance > NORMAL_FORM_VARIANCE:
        if min(a, b) <= SMALL_SHAPE:
            return _beta_binomial_quantile(m, a, b, u)
        skew = (s + 2.0 * m) / s * ((b - a) / (s + 2.0)) / math.sqrt(variance)
        return _normal_form(m * (a / s), variance, skew, u, 0.0, m)
    mode = 0.0
    if s > 2.0:
        mode = min(float((int(m) + 1) * (int(a) - 1) // (int(s) - 2)), m)
    return _outward(0.0, mode, m, beta_binomial_pmf(mode, m, a, b), (m, a, m - 1.0 + b, 1.0), u)


@compiled
def _hypergeometric_rows(first: int, last: int, pooled: Any, n: Any, u: Any, out: Any) -> None:
    k = pooled.shape[1]
    for i in range(first, last):
        left = float(n[i])
        rest = 0.0
        for j in range(k):
            rest += pooled[i, j]
        for j in range(k - 1):
            rest -= pooled[i, j]
            x = draw_hypergeometric(left, float(pooled[i, j]), rest, u[i, j])
            out[i, j] = int(x)
            left -= x
        out[i, k - 1] = int(left)


@compiled
def _dirichlet_rows(first: int, last: int, weights: Any, m: Any, u: Any, out: Any) -> None:
    k = weights.shape[1]
    for i in range(first, last):
        left = float(m[i])
        rest = 0.0
        for j in range(k):
            rest += weights[i, j]
        for j in range(k - 1):
            rest -= weights[i, j]
            x = draw_beta_binomial(left, float(weights[i, j]), rest, u[i, j])
            out[i, j] = int(x)
            left -= x
        out[i, k - 1] = int(left)


@compiled
def _multinomial_rows(first: int, last: int, weights: Any, m: Any, u: Any, out: Any) -> None:
    k = weights.shape[1]
    for i in range(first, last):
        left = float(m[i])
        rest = 0.0
        for j in range(k):
            rest += weights[i, j]
        for j in range(k - 1):
            rest -= weights[i, j]
            x = draw_binomial(left, float(weights[i, j]), rest, u[i, j])
            out[i, j] = int(x)
            left -= x
        out[i, k - 1] = int(left)


def _rows(loop: Any, weights: Any, size: Any, u: Any) -> npt.NDArray[np.int64]:
    out = np.zeros(weights.shape, dtype=np.int64)
    if out.size == 0:
        return out
    weights, size, u = frozen(weights), frozen(size), frozen(u)

    def work(span: tuple[int, int]) -> None:
        loop(span[0], span[1], weights, size, u, out)

    on_threads(work, spans(out.shape[0], 64), large=out.size > _LARGE)
    return out


def hypergeometric(pooled: Any, n: Any, u: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["hypergeometric"]`."""
    return _rows(_hypergeometric_rows, pooled, n, u)


def dirichlet_multinomial(weights: Any, m: Any, u: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["dirichlet_multinomial"]`."""
    return _rows(_dirichlet_rows, weights, m, u)


def multinomial(weights: Any, m: Any, u: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["multinomial"]`."""
    return _rows(_multinomial_rows, weights, m, u)
