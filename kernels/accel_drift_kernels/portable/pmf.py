"""Probabilities of count distributions, accurate for counts up to 2e9, and the normal quantile.

A log-factorial of 2e9 is about 4e10, so a difference of log-factorials keeps no more than five digits there.
Loader's saddle-point form never makes such numbers: what is left of ln x! beyond Stirling's main term is
small, and the main terms join to deviances that are computed without cancellation.

Source: C. Loader, "Fast and accurate computation of binomial probabilities" (2000).
Every argument is a float64 array. `numba_cpu.pmf` has the same formulas, in the same order, for one number.
"""

from __future__ import annotations

import math

from accel_drift_kernels.portable.namespace import constants, namespace
from accel_drift_kernels.spec import Array
from accel_drift_kernels.tables import CENTRAL, CENTRE, SHOULDER, STIRLING_ERROR, TAIL

_TAU = 2.0 * math.pi


def stirling_error(x: Array) -> Array:
    """Return ln x! less Stirling's main term, ln(root(x) (x / e)^x)."""
    xp = namespace(x)
    small = x < 16.0
    place = xp.astype(xp.where(small, x, xp.zeros_like(x)), xp.int64)
    table = constants(STIRLING_ERROR, x)
    listed = xp.reshape(xp.take(table, xp.reshape(place, (-1,))), x.shape)
    i = 1.0 / xp.where(small, xp.full_like(x, 16.0), x)
    r = i * i
    series = (1.0 / 12.0 - r * (1.0 / 360.0 - r * (1.0 / 1260.0 - r * (1.0 / 1680.0)))) * i
    return xp.where(small, listed, series)


def square(x: Array) -> Array:
    """The square of the root in Stirling's main term; 1 for 0, which has none."""
    xp = namespace(x)
    return xp.where(x > 0.0, _TAU * x, xp.ones_like(x))


def deviance(x: Array, mu: Array) -> Array:
    """Return x ln(x / mu) + mu - x, without cancellation near x = mu; anything finite where mu = 0."""
    xp = namespace(x)
    one = xp.ones_like(x)
    mean = xp.where(mu > 0.0, mu, one)
    positive = xp.where(x > 0.0, x, mean)
    v = (positive - mean) / (positive + mean)
    far = positive * xp.log(positive / mean) + mean - positive
    v2 = v * v
    tail = xp.zeros_like(x)
    for j in range(19, 1, -2):
        tail = (tail + 1.0 / j) * v2
    near = (positive - mean) * v + 2.0 * positive * v * tail
    return xp.where(x > 0.0, xp.where(xp.abs(v) >= 0.1, far, near), mu)


def hypergeometric_pmf(x: Array, good: Array, bad: Array, draws: Array) -> Array:
    """Chance of x good ones among `draws` taken without replacement; x inside the support."""
    xp = namespace(x)
    total = good + bad
    kept = total - draws
    p, q = draws / total, kept / total
    a, b, c = good - x, draws - x, bad - draws + x
    squares = square(good) * square(bad) * square(draws) * square(kept)
    squares = squares / (square(x) * square(a) * square(b) * square(c) * square(total))
    errors = stirling_error(good) + stirling_error(bad) + stirling_error(draws) + stirling_error(kept)
    errors = errors - (stirling_error(x) + stirling_error(a) + stirling_error(b) + stirling_error(c))
    errors = errors - stirling_error(total)
    deviances = deviance(x, good * p) + deviance(a, good * q) + deviance(b, bad * p) + deviance(c, bad * q)
    return xp.sqrt(squares) * xp.exp(errors - deviances)


def binomial_pmf(x: Array, m: Array, p: Array, q: Array) -> Array:
    """Chance of x successes among m."""
    xp = namespace(x)
    a = m - x
    errors = stirling_error(m) - (stirling_error(x) + stirling_error(a))
    deviances = deviance(x, m * p) + deviance(a, m * q)
    return xp.sqrt(square(m) / (square(x) * square(a))) * xp.exp(errors - deviances)


def _ratio(r: Array, table: tuple[tuple[float, ...], tuple[float, ...]]) -> Array:
    xp = namespace(r)
    top, bottom = xp.full_like(r, table[0][7]), xp.full_like(r, table[1][7])
    for i in range(6, -1, -1):
        top = top * r + table[0][i]
        bottom = bottom * r + table[1][i]
    return top / bottom


def normal_quantile(u: Array) -> Array:
    """The z below which a standard normal lies with chance u; 0 < u < 1."""
    xp = namespace(u)
    h = u - 0.5
    central = xp.abs(h) <= CENTRAL
    near = xp.where(central, h, xp.zeros_like(h))
    middle = near * _ratio(0.180625 - near * near, CENTRE)
    r = xp.sqrt(-xp.log(xp.where(u < 0.5, u, 1.0 - u)))
    z = xp.where(r <= 5.0, _ratio(r - 1.6, SHOULDER), _ratio(r - 5.0, TAIL))
    return xp.where(central, middle, xp.where(h < 0.0, -z, z))
