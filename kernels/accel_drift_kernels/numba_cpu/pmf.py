"""Probabilities of count distributions, accurate for counts up to 2e9.

A log-factorial of 2e9 is about 4e10, so a difference of log-factorials keeps no more than five digits there.
Loader's saddle-point form never makes such numbers: what is left of ln x! beyond Stirling's main term is
small, and the main terms join to deviances that are computed without cancellation.

Source: C. Loader, "Fast and accurate computation of binomial probabilities" (2000).
Everything is float64; `portable.pmf` has the same formulas in the same order for arrays.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from accel_drift_kernels.numba_cpu.threads import compiled
from accel_drift_kernels.tables import CENTRE, SHOULDER, STIRLING_REST, TAIL

_TABLE = np.array(STIRLING_REST)
_CENTRE, _SHOULDER, _TAIL = np.array(CENTRE), np.array(SHOULDER), np.array(TAIL)
_TAU = 2.0 * math.pi


@compiled
def stirling_rest(x: float) -> float:
    """Return ln x! - (x ln x - x)."""
    if x < 16.0:
        return float(_TABLE[int(x)])
    r = 1.0 / (x * x)
    series = (1.0 / 12.0 - r * (1.0 / 360.0 - r * (1.0 / 1260.0 - r / 1680.0))) / x
    return 0.5 * math.log(_TAU * x) + series


@compiled
def deviance(x: float, mu: float) -> float:
    """Return x ln(x / mu) + mu - x, without cancellation near x = mu."""
    if x == 0.0:
        return mu
    v = (x - mu) / (x + mu)
    if abs(v) >= 0.1:
        return x * math.log(x / mu) + mu - x
    v2 = v * v
    tail = 0.0
    # Nine terms of the series of atanh(v): the next is below 1e-18 of the sum.
    for j in range(19, 1, -2):
        tail = (tail + 1.0 / j) * v2
    return (x - mu) * v + 2.0 * x * v * tail


@compiled
def log_choose(k: float, c: float, p: float, q: float) -> float:
    """Return ln of the binomial probability of k successes and c failures."""
    n = k + c
    rest = stirling_rest(n) - stirling_rest(k) - stirling_rest(c)
    return rest - deviance(k, n * p) - deviance(c, n * q)


@compiled
def hypergeometric_pmf(x: float, good: float, bad: float, draws: float) -> float:
    """Chance of x good ones among `draws` taken without replacement; x inside the support."""
    total = good + bad
    p, q = draws / total, (total - draws) / total
    top = log_choose(x, good - x, p, q) + log_choose(draws - x, bad - draws + x, p, q)
    return math.exp(top - log_choose(draws, total - draws, p, q))


@compiled
def beta_binomial_pmf(x: float, m: float, a: float, b: float) -> float:
    """Chance of x among m when the success probability is Beta(a, b); whole a, b >= 1."""
    s = a + b - 1.0
    p, q = m / (m + s), s / (m + s)
    top = log_choose(x, a - 1.0, p, q) + log_choose(m - x, b - 1.0, p, q)
    return q * math.exp(top - log_choose(m, s, p, q))


@compiled
def binomial_pmf(x: float, m: float, p: float, q: float) -> float:
    """Chance of x successes among m."""
    return math.exp(log_choose(x, m - x, p, q))


@compiled
def _ratio(r: float, table: Any) -> float:
    top, bottom = table[0, 7], table[1, 7]
    for i in range(6, -1, -1):
        top = top * r + table[0, i]
        bottom = bottom * r + table[1, i]
    return float(top / bottom)


@compiled
def normal_quantile(u: float) -> float:
    """The z below which a standard normal lies with chance u; 0 < u < 1."""
    h = u - 0.5
    if abs(h) <= 0.425:
        return h * _ratio(0.180625 - h * h, _CENTRE)
    r = math.sqrt(-math.log(min(u, 1.0 - u)))
    z = _ratio(r - 1.6, _SHOULDER) if r <= 5.0 else _ratio(r - 5.0, _TAIL)
    return -z if h < 0.0 else z
