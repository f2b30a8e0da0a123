"""The law of the two-sample Kolmogorov-Smirnov distance when no values tie."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import draws
from accel_drift.statistics.tail import SMALLEST

EXACT_ROWS = 20_000
"""n + m up to which the exact law is counted; the cost grows with their square."""

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def tails(distances: Floats, n: Counts, m: Counts) -> tuple[Floats, list[str]]:
    """P(D >= distance) for n and m rows from one continuous law, column by column, and how each was found.

    Exact by counting lattice paths up to `EXACT_ROWS`, else the limit law with the half-step correction of
    Kolmogorov's law for finite samples (Vrbik 2018, z + 1 / (6 sqrt(n))).

    Shapes: (d,) each; every n and m at least 1.
    """
    from scipy.special import kolmogorov

    few = n + m <= EXACT_ROWS
    root = np.sqrt(n / (n + m) * m)
    p = np.asarray(kolmogorov(root * distances + 1.0 / (6.0 * root)))
    if few.any():
        # In whole numbers no distance falls on the wrong side of the band by rounding.
        width = np.round(distances * (n * m)).astype(np.int64)
        p[few] = draws.host_kernels().lattice_tail(width[few], n[few], m[few])
    return np.maximum(p, SMALLEST), ["exact" if exact else "asymptotic" for exact in few]
