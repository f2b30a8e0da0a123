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
from accel_drift_kernels.tables import CENTRAL, CENTRE, SHOULDER, STIRLING_ERROR, TAIL

_ERROR = np.array(STIRLING_ERROR)
_TAU = 2.0 * math.pi


@compiled
def stirling_error(x: float) -> float:
    """Return ln x! less Stirling's main term, ln(root(x) (x / e)^x)."""
    if x < 16.0:
        return float(_ERROR[int(x)])
    i = 1.0 / x
    r = i * i
    return (1.0 / 12.0 - r * (1.0 / 360.0 - r * (1.0 / 1260.0 - r * (1.0 / 1680.0)))) * i


@compiled
def square(x: float) -> float:
    """The square of the root in Stirling's main term; 1 for 0, which has none."""
    return _TAU * x if x > 0.0 else 1.0


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
def hypergeometric_pmf(x: float, good: float, bad: float, draws: float) -> float:
    """Chance of x good ones among `draws` taken without replacement; x inside the support."""
    total = good + bad
    kept = total - draws
    p, q = draws / total, kept / total
    a, b, c = good - x, draws - x, bad - draws + x
    squares = square(good) * square(bad) * square(draws) * square(kept)
    squares /= square(x) * square(a) * square(b) * square(c) * square(total)
    errors = stirling_error(good) + stirling_error(bad) + stirling_error(draws) + stirling_error(kept)
    errors -= stirling_error(x) + stirling_error(a) + stirling_error(b) + stirling_error(c)
    errors -= stirling_error(total)
    deviances = deviance(x, good * p) + deviance(a, good * q) + deviance(b, bad * p) + deviance(c, bad * q)
    return math.sqrt(squares) * math.exp(errors - deviances)


@compiled
def binomial_pmf(x: float, m: float, p: float, q: float) -> float:
    """Chance of x successes among m."""
    a = m - x
    errors = stirling_error(m) - (stirling_error(x) + stirling_error(a))
    deviances = deviance(x, m * p) + deviance(a, m * q)
    return math.sqrt(square(m) / (square(x) * square(a))) * math.exp(errors - deviances)


@compiled
def _ratio(r: float, table: Any) -> float:
    # Written out, a loop over numbers calls no loop over coefficients and becomes vector instructions.
    (a0, a1, a2, a3, a4, a5, a6, a7), (b0, b1, b2, b3, b4, b5, b6, b7) = table
    top = ((((((a7 * r + a6) * r + a5) * r + a4) * r + a3) * r + a2) * r + a1) * r + a0
    bottom = ((((((b7 * r + b6) * r + b5) * r + b4) * r + b3) * r + b2) * r + b1) * r + b0
    return float(top / bottom)


@compiled
def central_quantile(h: float) -> float:
    """The z below which a standard normal lies with chance 1/2 + h; |h| <= CENTRAL."""
    return h * _ratio(0.180625 - h * h, CENTRE)


@compiled
def shoulder_quantile(r: float) -> float:
    """The z above which a standard normal lies with chance exp(-r^2), less than 1/2 - CENTRAL; r <= 5."""
    return _ratio(r - 1.6, SHOULDER)


@compiled
def tail_quantile(r: float) -> float:
    """The same for r > 5."""
    return _ratio(r - 5.0, TAIL)


@compiled
def normal_quantile(u: float) -> float:
    """The z below which a standard normal lies with chance u; 0 < u < 1."""
    h = u - 0.5
    if abs(h) <= CENTRAL:
        return central_quantile(h)
    r = math.sqrt(-math.log(min(u, 1.0 - u)))
    z = shoulder_quantile(r) if r <= 5.0 else tail_quantile(r)
    return -z if h < 0.0 else z
