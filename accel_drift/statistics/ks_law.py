"""The law of the two-sample Kolmogorov-Smirnov distance when no values tie."""

from __future__ import annotations

from math import sqrt

import numpy as np

from accel_drift.statistics.tail import SMALLEST

EXACT_ROWS = 20_000
"""n + m up to which the exact law is counted; ten thousand rows a side take a third of a second."""


def tail(distance: float, n: int, m: int) -> tuple[float, str]:
    """P(D >= distance) for n and m rows from one continuous law, and how it was found.

    Exact by counting lattice paths up to `EXACT_ROWS`, else the limit law with the half-step correction of
    Kolmogorov's law for finite samples (Vrbik 2018, z + 1 / (6 sqrt(n))).
    """
    if n + m <= EXACT_ROWS:
        return max(_exact(distance, n, m), SMALLEST), "exact"
    from scipy.special import kolmogorov

    root = sqrt(n / (n + m) * m)
    return max(float(kolmogorov(root * distance + 1.0 / (6.0 * root))), SMALLEST), "asymptotic"


def _exact(distance: float, n: int, m: int) -> float:
    """Share of the lattice paths from (0, 0) to (n, m) that touch |i / n - j / m| >= distance.

    left[i] is the share of paths to (i, t - i) that have touched it, diagonal by diagonal: a mean of its two
    neighbours, so it neither overflows nor loses the digits of a tiny p-value, as counts of paths, and one minus the
    share that stayed inside, would. Outside the band it is 1. The band is decided in whole numbers, so no distance
    falls on its wrong side by rounding. Source: the law is Hodges 1958, section 2.
    """
    rows, width = n + m, round(distance * n * m)
    if width <= 0:
        return 1.0
    left = np.ones(n + 1)
    left[0] = 0.0
    index = np.arange(n + 1, dtype=np.float64)
    before = 0
    for t in range(1, rows + 1):
        # inside: |i m - (t - i) n| = |i (n + m) - t n| < width
        low = max(0, t - m, (t * n - width) // rows + 1)
        high = min(n, t, -((-t * n - width) // rows) - 1)
        if low > high:  # no cell of this diagonal is inside: every path touches
            return 1.0
        i = index[low : high + 1]
        row = left[low : high + 1] * ((t - i) / t)
        if low:
            row += left[low - 1 : high] * (i / t)
        else:
            row[1:] += left[:high] * (i[1:] / t)
        left[low : high + 1] = row
        left[before:low] = 1.0
        before = low
    return float(min(1.0, left[n]))
