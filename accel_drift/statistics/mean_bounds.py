"""How far from its values' mean the mean of a law on [0, 1] may lie: two bounds that hold for any such law."""

from __future__ import annotations

from math import log, log1p, sqrt

import numpy as np
import numpy.typing as npt


def least_tolerance(values: npt.NDArray[np.float64], chance: float, *, above: bool) -> float:
    """What the true mean lies above (or below) the mean of independent values with at most this chance.

    The smaller of two bounds, each at half the chance: one is near the best for errors, the other where values spread
    much less than errors of their mean.

    Args:
        values: (n,) numbers from 0 to 1, at least two.
        chance: that the true mean is further off.
        above: how far above; else how far below.
    """
    n, mean, spread = len(values), float(np.mean(values)), float(np.var(values, ddof=1))
    cost = log(2.0 / chance)
    return min(_by_mean(mean if above else 1.0 - mean, cost / n), _by_spread(spread, n, cost + log(2.0)))


def _by_mean(mean: float, divergence: float) -> float:
    """How far up the Bernoulli law lies from which that of the mean diverges so much.

    Hoeffding 1963 (doi:10.1080/01621459.1963.10500830), theorem 1, before it is simplified.
    """
    low, high = mean, 1.0
    while low < (middle := (low + high) / 2) < high:
        ones = mean * log(mean / middle) if mean else 0.0
        zeros = (1.0 - mean) * (log1p(-mean) - log1p(-middle)) if mean < 1.0 else 0.0
        low, high = (middle, high) if ones + zeros < divergence else (low, middle)
    return high - mean


def _by_spread(spread: float, n: int, cost: float) -> float:
    """Maurer & Pontil 2009 (arXiv:0907.3740), theorem 4; `spread` is the variance of the values."""
    return sqrt(2.0 * spread * cost / n) + 7.0 * cost / (3.0 * (n - 1))
