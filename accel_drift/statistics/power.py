"""What could have been found: the mean shift, in reference standard deviations, found with power 0.8."""

from __future__ import annotations

from math import log, pi, sqrt

POWER = 0.8
_POWER_Z = 0.8416212335729143
"""Standard normal quantile of POWER."""


def ks_shift(n: int, m: int, alpha: float) -> float:
    """Smallest normal mean shift that a Kolmogorov-Smirnov test at `alpha` finds with power 0.8.

    A shift of s opens a gap of 2 Phi(s / 2) - 1, nearly s phi(0), at the middle, where the gap's standard deviation
    is half of sqrt(1/n + 1/m); the test rejects from sqrt(ln(2 / alpha) / 2) of it on.
    """
    spread = sqrt(1 / n + 1 / m)
    return (sqrt(log(2 / alpha) / 2) + _POWER_Z / 2) * spread * sqrt(2 * pi)


def binned_shift(n: int, m: int, alpha: float, bins: int) -> float:
    """The same for a quadratic score (PSI, chi-square) on `bins` quantile bins.

    The score over (1/n + 1/m) is close to a non-central chi-square whose non-centrality is the squared shift times
    the share of the information about a normal mean that the bins keep: k times the sum of (phi(e_i) - phi(e_{i-1}))^2.
    """
    import numpy as np
    from scipy.special import chdtri, chndtrinc, ndtri

    density = np.exp(-(ndtri(np.arange(1, bins) / bins) ** 2) / 2) / sqrt(2 * pi)
    kept = bins * float((np.diff(np.concatenate([[0.0], density, [0.0]])) ** 2).sum())
    noncentrality = float(chndtrinc(float(chdtri(bins - 1, alpha)), bins - 1, 1 - POWER))
    return sqrt(noncentrality * (1 / n + 1 / m) / kept)
