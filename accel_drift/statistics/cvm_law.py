"""The law of the two-sample Cramér-von Mises statistic when no values tie."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accel_drift.statistics.tail import SMALLEST

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_NODES = 64
_TERMS = 24
_LOWEST = 0.02
"""Below, all but 3 in 1,000 of the limit law lie above: the p-value is 1."""


def tails(statistics: Floats, n: Counts, m: Counts) -> Floats:
    """P(T >= statistic) for n and m rows from one continuous law, by the limit law with T's own mean and variance.

    T is moved and stretched to the mean 1/6 and the variance 1/45 of the limit. Source: Anderson 1962, eqs. 8 to 14.

    Shapes: (d,) each; every n and m at least 1.
    """
    rows = (n + m).astype(np.float64)
    mean = (1.0 + 1.0 / rows) / 6.0
    variance = (rows + 1.0) / (45.0 * rows**2) * (4.0 * rows - 3.0 * (n / m + m / n) - 2.0) / 4.0
    # Devices add up in different orders; to 36 bits the sums are one number, and so are the p-values.
    digits, exponent = np.frexp(statistics)
    statistics = np.ldexp(np.round(digits * 2.0**36), exponent - 36)
    return limit_tail(1.0 / 6.0 + (statistics - mean) / np.sqrt(45.0 * np.maximum(variance, 1e-12)))


def limit_tail(x: Floats) -> Floats:
    """P(W > x) of the limit, the integral of a squared Brownian bridge; accurate however small it is.

    Smirnov's alternating sum of integrals over y from ((2j - 1) pi)^2 to (2j pi)^2 of
    sqrt(-sqrt(y) / sin(sqrt(y))) exp(-x y / 2) / (pi y). With y = s^2 and s running as a cosine, both ends are smooth
    and the plain sum over equally spaced angles converges fast. Source: Smirnov 1936; Anderson & Darling 1952.
    """
    angle = (np.arange(_NODES) + 0.5) * np.pi / _NODES
    total = np.zeros(len(x))
    at = np.maximum(x, _LOWEST)
    for j in range(1, _TERMS + 1):
        s = np.pi * (2 * j - 1 + (1.0 - np.cos(angle)) / 2.0)
        weight = 2.0 / s * np.sqrt(s / np.abs(np.sin(s))) * (np.pi / 2.0) * np.sin(angle) * (np.pi / _NODES)
        # The first exponent is taken out, or small tails would vanish.
        powers = np.exp(-0.5 * at[:, None] * (s * s - np.pi**2)[None, :])
        total -= (-1.0) ** j * (powers @ weight)
    p = total / np.pi * np.exp(-0.5 * at * np.pi**2)
    return np.where(x < _LOWEST, 1.0, np.clip(p, SMALLEST, 1.0))
