"""The law of the two-sample Kolmogorov-Smirnov distance when no values tie."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import draws
from accel_drift.statistics.tail import SMALLEST

EXACT_ROWS = 5_000
"""n + m up to which paths are counted: the cost of a column grows with the power 1.5 of it, to about a millisecond
here. Beyond it the limit law is within some 2 % of the exact one for p-values down to 1e-5."""

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def tails(distances: Floats, n: Counts, m: Counts) -> tuple[Floats, list[str]]:
    """P(D >= distance) for n and m rows from one continuous law, column by column, and how each was found.

    Exact for two sides of one size (Gnedenko & Korolyuk 1951), and by counting lattice paths up to `EXACT_ROWS`; else
    the limit law with the half-step correction of Kolmogorov's law for finite samples (Vrbik 2018,
    z + 1 / (6 sqrt(n))).

    Shapes: (d,) each; every n and m at least 1.
    """
    from scipy.special import kolmogorov

    even, few = n == m, n + m <= EXACT_ROWS
    root = np.sqrt(n / (n + m) * m)
    p = np.asarray(kolmogorov(root * distances + 1.0 / (6.0 * root)))
    if even.any():
        p[even] = _even(np.round(distances[even] * n[even]), n[even])
    if (paths := few & ~even).any():
        # In whole numbers no distance falls on the wrong side of the band by rounding.
        width = np.round(distances * (n * m)).astype(np.int64)
        p[paths] = draws.host_kernels().lattice_tail(width[paths], n[paths], m[paths])
    return np.maximum(p, SMALLEST), ["exact" if exact else "asymptotic" for exact in even | few]


def on_cells(distances: Floats, rows: Counts, n: Counts, m: Counts) -> Floats:
    """P(D >= distance) where D is taken at the ends of many small cells, by the limit law.

    Between two ends the functions' difference goes a little further than at them. A random walk overshoots a line by
    0.58 of a step on average (Chernoff 1965; Siegmund 1979); half a step, which errs on the safe side, is added to the
    distance here. For cells of at most 2 % of the rows and thousands of rows it gives 0 to 12 % more than drawn
    relabellings do, down to 0.01.

    Args:
        distances: (d,) the largest difference at the ends of cells.
        rows: (d, k) pooled rows of the cells.
        n: (d,) rows of the reference.
        m: (d,) rows of the batch.
    """
    from scipy.special import kolmogorov

    share = rows / rows.sum(axis=1, keepdims=True)
    step = (share * np.sqrt(share)).sum(axis=1)
    p = np.asarray(kolmogorov(np.sqrt(n / (n + m) * m) * distances + 0.5 * step))
    return np.maximum(np.where(distances > 0.0, p, 1.0), SMALLEST)


def errors(n: Counts, m: Counts, count: int) -> Floats:
    """How far an observed difference of two distribution functions lies from the true one, where that is furthest.

    The limit law where both sides come from one continuous law, as `count` quantiles in place of as many draws. Two
    different laws, whose differences are largest in different places, and laws with atoms err less.

    Args:
        n: (d,) rows of the reference.
        m: (d,) rows of the batch.
        count: quantiles wanted.

    Returns:
        (d, count), ascending.
    """
    from scipy.special import kolmogi

    law = kolmogi(1.0 - (np.arange(count) + 0.5) / count)
    return np.asarray(np.sqrt(1.0 / n + 1.0 / m)[:, None] * law)


def _even(steps: Floats, n: Counts) -> Floats:
    """Chance of a gap of `steps` / n or more between two samples of n rows, from the reflections of their path.

    Source: Gnedenko & Korolyuk 1951: 2 sum (-1)^(k - 1) C(2 n, n - k steps) / C(2 n, n) over k = 1, 2, ...
    """
    from scipy.special import gammaln

    p, terms, sign = np.zeros(len(n)), np.ones(len(n)), 2.0
    step = np.where(steps > 0, steps, n + 1.0)
    far, centre = step, 2 * gammaln(n + 1.0)
    # The terms fall as exp(-(k steps)^2 / n): those that would leave the sum as it is are not asked for.
    while (terms > 1e-17 * p).any():
        terms = np.exp(centre - gammaln(np.maximum(n - far, 0.0) + 1.0) - gammaln(n + far + 1.0)) * (far <= n)
        p += sign * terms
        sign, far = -sign, far + step
    return np.where(steps > 0, np.clip(p, 0.0, 1.0), 1.0)
