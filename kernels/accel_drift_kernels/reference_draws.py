"""What the random words and counts mean: the part of `reference` that is about chance.

Probabilities come from exact binomial coefficients where the numbers allow it, the normal quantile from the standard
library.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.spec import MORE_WORDS, NORMAL_FORM_VARIANCE

_WORD = 0xFFFFFFFF
_EXACT = 5_000
"""Totals up to here go through whole-number binomial coefficients, larger ones through log-gamma."""


def threefry(k0: int, k1: int, x0: int, x1: int) -> tuple[int, int]:
    """Both words of Threefry-2x32-20."""
    ks = (k0, k1, k0 ^ k1 ^ 0x1BD11BDA)
    rotations = ((13, 15, 26, 6), (17, 29, 16, 24))
    x0, x1 = (x0 + k0) & _WORD, (x1 + k1) & _WORD
    for block in range(5):
        for r in rotations[block % 2]:
            x0 = (x0 + x1) & _WORD
            x1 = (((x1 << r) | (x1 >> (32 - r))) & _WORD) ^ x0
        x0 = (x0 + ks[(block + 1) % 3]) & _WORD
        x1 = (x1 + ks[(block + 2) % 3] + block + 1) & _WORD
    return x0, x1


def _outward(low: int, mode: int, high: int) -> Iterator[int]:
    """Count from mode as mode, mode + 1, mode - 1, ... without leaving the support."""
    yield mode
    for step in range(1, high - low + 1):
        if mode + step <= high:
            yield mode + step
        if mode - step >= low:
            yield mode - step


def _invert(support: tuple[int, int, int], chance: Callable[[int], float], u: float) -> int:
    reached = 0.0
    for x in _outward(*support):
        reached += chance(x)
        if reached >= u:
            return x
    return support[1]


def _bent(cumulants: tuple[float, float, float, float, float], u: float) -> int:
    """The rounded Cornish-Fisher quantile of a law with these five cumulants, the first three orders added up.

    The variance loses the 1/12 that rounding adds. Source: Cornish & Fisher 1938.
    """
    mean, variance, *higher = cumulants
    variance -= 1 / 12
    sd = math.sqrt(variance)
    z = NormalDist().inv_cdf(u)
    k3, k4, k5 = (k / sd**order for order, k in enumerate(higher, start=3))
    first = k3 * (z**2 - 1) / 6
    second = k4 * (z**3 - 3 * z) / 24 - k3**2 * (2 * z**3 - 5 * z) / 36
    third = (
        k5 * (z**4 - 6 * z**2 + 3) / 120
        - k3 * k4 * (z**4 - 5 * z**2 + 2) / 24
        + k3**3 * (12 * z**4 - 53 * z**2 + 17) / 324
    )
    return round(mean + sd * (z + first + second + third))


def _log_comb(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def draw_hypergeometric(good: int, bad: int, draws: int, u: float) -> int:
    """Good ones among `draws` taken without replacement."""
    total, low, high = good + bad, max(0, draws - bad), min(draws, good)
    if low == high:
        return low
    p, f = good / total, draws / total
    s, r = p * (1 - p), f * (1 - f)
    variance, lean = draws * s * (total - draws) / (total - 1), (1 - 2 * p) * (1 - 2 * f)
    if variance >= NORMAL_FORM_VARIANCE:
        # For a large urn: terms of one over its size are left out of the higher cumulants.
        peak, third = 1 - 6 * (s + r) + 30 * s * r, 1 - 12 * (s + r) + 84 * s * r
        x = _bent((draws * p, variance, variance * lean, variance * peak, variance * lean * third), u)
        return min(max(x, low), high)

    def chance(x: int) -> float:
        if total <= _EXACT:
            return math.comb(good, x) * math.comb(bad, draws - x) / math.comb(total, draws)
        return math.exp(_log_comb(good, x) + _log_comb(bad, draws - x) - _log_comb(total, draws))

    mode = min(max((draws + 1) * (good + 1) // (total + 2), low), high)
    return _invert((low, mode, high), chance, u)


def draw_binomial(m: int, w: float, rest: float, u: float) -> int:
    """Successes among m when the chance of one is w / (w + rest)."""
    if w == 0 or m == 0:
        return 0
    if rest == 0:
        return m
    p, q = w / (w + rest), rest / (w + rest)
    variance = m * p * q
    if variance >= NORMAL_FORM_VARIANCE:
        lean, peak, third = q - p, 1 - 6 * p * q, 1 - 12 * p * q
        x = _bent((m * p, variance, variance * lean, variance * peak, variance * lean * third), u)
        return min(max(x, 0), m)

    def chance(x: int) -> float:
        return math.exp(_log_comb(m, x) + x * math.log(p) + (m - x) * math.log(q))

    return _invert((0, min(int((m + 1) * p), m), m), chance, u)


def _uniform(key: Any, number: int, cell: int) -> float:
    high, low = threefry(int(key[0]), int(key[1]), number, cell)
    return (((high >> 6) << 26) + (low >> 6) + 0.5) / 2**52


def _mass(key: Any, number: int, cell: int, weight: int) -> float:
    """A Gamma(weight) number. Source: Marsaglia & Tsang 2000."""
    if weight == 0:
        return 0.0
    d = weight - 1 / 3
    place = cell
    while True:
        z = NormalDist().inv_cdf(_uniform(key, number, place + MORE_WORDS))
        u = _uniform(key, number, place + 2 * MORE_WORDS)
        v = (1 + z / math.sqrt(9 * d)) ** 3
        if v > 0 and (u < 1 - 0.0331 * z**4 or math.log(u) < z * z / 2 + d - d * v + d * math.log(v)):
            return d * v
        place += 2 * MORE_WORDS


def _dealt(
    key: Any, number: int, cells: Sequence[Any], size: int, draw: Callable[[int, Any, Any, float], int], first: int = 0
) -> list[int]:
    """Rows dealt to the two halves of the cells, then those of each half to its own halves, down to single cells."""
    if len(cells) < 2:
        return [size] * len(cells)
    half = len(cells) // 2
    left, right = cells[:half], cells[half:]
    x = draw(size, sum(left), sum(right), _uniform(key, number, first + half))
    return [*_dealt(key, number, left, x, draw, first), *_dealt(key, number, right, size - x, draw, first + half)]


def _of_columns(
    keys: Any, first: int, count: int, cells: Any, size: Any, draw: Callable[[int, Any, Any, float], int]
) -> npt.NDArray[np.int64]:
    out = np.zeros((len(cells), count, cells.shape[1]), dtype=np.int64)
    for c, b in np.ndindex(len(cells), count):
        out[c, b] = _dealt(keys[c], first + b, cells[c].tolist(), int(size[c]), draw)
    return out


def hypergeometric(keys: Any, first: int, count: int, pooled: Any, n: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["hypergeometric"]`."""
    return _of_columns(
        keys, first, count, pooled, n, lambda left, good, bad, u: draw_hypergeometric(good, bad, left, u)
    )


def dirichlet_multinomial(keys: Any, first: int, weights: Any, m: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["dirichlet_multinomial"]`."""
    out = np.zeros(weights.shape, dtype=np.int64)
    for c, b in np.ndindex(*m.shape):
        masses = [_mass(keys[c], first + b, j, w) for j, w in enumerate(weights[c, b].tolist())]
        out[c, b] = _dealt(keys[c], first + b, masses, int(m[c, b]), draw_binomial)
    return out


def multinomial(keys: Any, first: int, count: int, weights: Any, m: Any, /) -> npt.NDArray[np.int64]:
    """See `spec.OPS["multinomial"]`."""
    return _of_columns(keys, first, count, weights, m, draw_binomial)
