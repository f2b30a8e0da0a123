"""The law of the two-sample Kolmogorov-Smirnov distance when no values tie."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt

from accel_drift.statistics.tail import SMALLEST

EXACT_ROWS = 20_000
"""n + m up to which the exact law is counted; ten thousand rows a side take a third of a second."""

Floats = npt.NDArray[np.float64]


def tails(distances: Floats, n: int, m: int) -> tuple[Floats, str]:
    """P(D >= distance) for n and m rows from one continuous law, for many distances at once, and how it was found.

    Exact by counting lattice paths up to `EXACT_ROWS`, else the limit law with the half-step correction of
    Kolmogorov's law for finite samples (Vrbik 2018, z + 1 / (6 sqrt(n))).
    """
    if n + m <= EXACT_ROWS:
        return np.maximum(_exact(distances, n, m), SMALLEST), "exact"
    from scipy.special import kolmogorov

    root = sqrt(n / (n + m) * m)
    return np.maximum(np.asarray(kolmogorov(root * distances + 1.0 / (6.0 * root))), SMALLEST), "asymptotic"


def _exact(distances: Floats, n: int, m: int) -> Floats:
    """Share of the lattice paths from (0, 0) to (n, m) that touch |i / n - j / m| >= distance, for each distance.

    left[k, i] is the share of paths to (i, t - i) that have touched it, diagonal by diagonal: a mean of its two
    neighbours, so it neither overflows nor loses the digits of a tiny p-value, as counts of paths, and one minus the
    share that stayed inside, would. Outside the band it is 1. Bands are decided in whole numbers, so no distance
    falls on the wrong side of its own by rounding. Source: the law is Hodges 1958, section 2.
    """
    rows, width = n + m, np.round(distances * (n * m)).astype(np.int64)
    widest = int(width.max(initial=0))
    left = np.ones((len(width), n + 1))
    left[:, 0] = np.where(width > 0, 0.0, 1.0)
    index = np.arange(n + 1, dtype=np.int64)
    before = 0
    for t in range(1, rows + 1):
        # inside: |i m - (t - i) n| = |i (n + m) - t n| < width; low ... high hold the widest band
        low = max(0, t - m, (t * n - widest) // rows + 1)
        high = min(n, t, -((-t * n - widest) // rows) - 1)
        if low > high:  # no cell of this diagonal is inside any band: every path touches
            return np.ones(len(width))
        i = index[low : high + 1]
        row = left[:, low : high + 1] * ((t - i) / t)
        if low:
            row += left[:, low - 1 : high] * (i / t)
        else:
            row[:, 1:] += left[:, :high] * (i[1:] / t)
        left[:, low : high + 1] = np.where(np.abs(i * rows - t * n) < width[:, None], row, 1.0)
        left[:, before:low] = 1.0
        before = low
    return np.minimum(1.0, left[:, n])
