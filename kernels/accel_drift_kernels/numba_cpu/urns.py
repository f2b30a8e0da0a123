"""Rows taken from an urn: how many are good ones, by a normal form or by adding probabilities up.

In every function `again` says whether each row is put back before the next is taken: the law is the binomial one then,
and else the hypergeometric one; and good and bad may be the chances of the two, in any unit, instead of their numbers.
`portable.draws` has the same formulas, in the same order, for arrays.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from accel_drift_kernels.numba_cpu.pmf import binomial_pmf, hypergeometric_pmf
from accel_drift_kernels.numba_cpu.threads import compiled

TERMS = 16
"""Numbers in a row of `fill_sums`: two vectors of eight, and the values that nearly all draws have."""

_NEGLIGIBLE = 1e-20
"""Both next probabilities below this: what is left of the support cannot move the sum."""

_NEVER = 2.0
"""A sum that no uniform number reaches."""


@compiled
def variance(again: bool, draws: float, good: float, bad: float) -> float:
    """Variance of the good ones; NaN where there is nothing in the urn."""
    total = good + bad
    s = (good / total) * (bad / total)
    if again:
        return draws * s
    return s * ((draws / total) * ((total - draws) / total)) * (total * (total / (total - 1.0)))


@compiled
def _bent(mean: float, spread: float, lean: float, peak: float, third: float, z: float) -> float:
    """A whole number of the law with these cumulants, from a normal number.

    Cumulants: mean, variance V = spread or 1 if that is less, then V lean, V peak, V lean third. What rounding adds to
    the variance, 1/12, is taken off first (Sheppard 1897). Source: Cornish & Fisher 1938, to the third order.
    """
    whole = max(spread, 1.0)
    v = whole - 1.0 / 12.0
    s, h, z2 = math.sqrt(v), lean * (whole / v), z * z
    z4 = z2 * z2
    second = peak * (z2 - 3.0) / 24.0 - h * h * (2.0 * z2 - 5.0) / 36.0
    a = third * (z4 - 6.0 * z2 + 3.0) / 120.0 - peak * (z4 - 5.0 * z2 + 2.0) / 24.0
    b = h * h * (12.0 * z4 - 53.0 * z2 + 17.0) / 324.0
    return float(np.rint(mean + z * (s + second / s) + h * ((z2 - 1.0) / 6.0 + (a + b) / v)))


@compiled
def wide(again: bool, draws: float, good: float, bad: float, z: float) -> float:
    """Good ones if they vary much, from a normal number."""
    total = good + bad
    p, q = good / total, bad / total
    s, spread = p * q, variance(again, draws, good, bad)
    if again:
        x = _bent(draws * p, spread, q - p, 1.0 - 6.0 * s, 1.0 - 12.0 * s, z)
        return min(max(x, 0.0), draws)
    f, g = draws / total, (total - draws) / total
    r = f * g
    sides, both = s + r, s * r
    peak, third = 1.0 - 6.0 * sides + 30.0 * both, 1.0 - 12.0 * sides + 84.0 * both
    x = _bent(draws * p, spread, (q - p) * (g - f), peak, third, z)
    return min(max(x, 0.0, draws - bad), draws, good)


@compiled
def likely(again: bool, draws: float, good: float, bad: float) -> Any:
    """The mode, and its probability."""
    if again:
        if good == 0.0 or bad == 0.0 or draws == 0.0:
            return (0.0 if good == 0.0 else draws), 1.0
        p, q = good / (good + bad), bad / (good + bad)
        mode = min(math.floor((draws + 1.0) * p), draws)
        return mode, binomial_pmf(mode, draws, p, q)
    low, high = max(0.0, draws - bad), min(draws, good)
    if low == high:
        return low, 1.0
    mode = float((int(draws) + 1) * (int(good) + 1) // (int(good + bad) + 2))
    mode = min(max(mode, low), high)
    return mode, hypergeometric_pmf(mode, good, bad, draws)


@compiled
def _support(again: bool, draws: float, good: float, bad: float) -> Any:
    """Lowest and highest value, and (c0, c1, c2, s): P(x + 1) / P(x) = (c0 - x)(c1 - s x) / ((x + 1)(c2 + s x))."""
    if again:
        return 0.0, draws, (draws, good, bad, 0.0)
    return max(0.0, draws - bad), min(draws, good), (good, draws, bad - draws + 1.0, 1.0)


@compiled
def _up(p: float, x: float, c: Any) -> float:
    """P(x + 1), if p is P(x)."""
    c0, c1, c2, s = c
    return float(p * (((c0 - x) * (c1 - s * x)) / ((x + 1.0) * (c2 + s * x))))


@compiled
def _down(p: float, x: float, c: Any) -> float:
    """P(x - 1), if p is P(x)."""
    c0, c1, c2, s = c
    return float(p * ((x * (c2 + s * (x - 1.0))) / ((c0 - x + 1.0) * (c1 - s * (x - 1.0)))))


@compiled
def narrow(again: bool, draws: float, good: float, bad: float, mode: float, p: float, u: float) -> float:
    """The value at which probabilities, added up in the order mode, mode + 1, mode - 1, mode + 2, ... reach u."""
    low, high, c = _support(again, draws, good, bad)
    up, down = mode, mode
    p_up, p_down, reached = p, p, p
    while reached < u:
        if up < high:
            p_up = _up(p_up, up, c)
            up += 1.0
            reached += p_up
            if reached >= u:
                return up
        else:
            p_up = 0.0
        if down > low:
            p_down = _down(p_down, down, c)
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
def fill_sums(again: bool, draws: float, good: float, bad: float, sums: Any, values: Any) -> None:
    """The first of the sums that `narrow` makes, and the value reached by each: `TERMS` of both.

    Behind them stands -1 for the value: the rest is not known. Where the support ends before, the rest is the mode.
    """
    mode, p = likely(again, draws, good, bad)
    low, high, c = _support(again, draws, good, bad)
    up, down = mode, mode
    p_up, p_down, reached = p, p, p
    sums[:], values[:] = _NEVER, -1.0
    sums[0], values[0], i = p, mode, 1
    while i < TERMS - 1:
        p_up = _up(p_up, up, c) if up < high else 0.0
        if up < high:
            up += 1.0
            reached += p_up
            sums[i], values[i] = reached, up
            i += 1
        p_down = _down(p_down, down, c) if down > low else 0.0
        if down > low:
            down -= 1.0
            reached += p_down
            sums[i], values[i] = reached, down
            i += 1
        if p_up < _NEGLIGIBLE and p_down < _NEGLIGIBLE:
            values[i:] = mode
            return


@compiled
def look_up(u: float, sums: Any, values: Any) -> float:
    """The value at which the sums reach u; -1 where those of `fill_sums` do not."""
    place = 0
    for i in range(TERMS):
        place += sums[i] < u
    return float(values[place])
