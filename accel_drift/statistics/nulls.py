"""Relabelled tables: what the counts would be if chance had dealt the rows to reference and batch.

Nothing here looks at which rows are the reference, except through quantities found again in every relabelling.
"""

from __future__ import annotations

from math import comb

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import cells, draws, tail
from accel_drift.statistics.pairs import Table

Counts = npt.NDArray[np.int64]
Streams = npt.NDArray[np.uint32]


def labellings(ones: int, total: int) -> int:
    """How many ways there are to call `ones` of `total` things the reference, counted up to 10**9."""
    small = min(ones, total - ones)
    return 0 if small < 0 else (10**9 if small > 30 else min(10**9, comb(total, small)))


def relabel(table: Table, blocked: bool, streams: Streams, first: int, count: int) -> tuple[Counts, Counts]:
    """Counts of both sides under relabellings first ... first + count: (C, count, k) twice.

    Rows one by one: exact multivariate hypergeometric draws from the pooled counts, each column's on its own stream.
    Whole blocks: the counts of the blocks that the labelling calls reference, so the sides' row totals vary and every
    score must divide by its own. The labelling is one for all columns, those of the first stream: as blocks of rows
    are, and one product of the labels with all columns' counts.

    Args:
        table: counts of C columns, shapes (g, C, k).
        blocked: whether whole blocks are relabelled.
        streams: words that decide the draws, (C, 2), or one row of them with blocks.
        first: number of the first relabelling.
        count: how many.
    """
    if blocked:
        by_block = np.concatenate([table.reference, table.batch])
        # Labelling 0 is the observed one; relabellings start at 1.
        e = draws.labels(streams[0], first + 1, count, len(by_block), len(table.reference))
        a = _times(e, by_block)
        return a, by_block.sum(axis=0)[:, None] - a
    reference, batch = table.sides
    pooled = reference + batch
    a = draws.hypergeometric(streams, first, count, pooled, reference.sum(axis=1))
    return a, pooled[:, None] - a


def resample(table: Table, blocked: bool, streams: Streams, count: int) -> tuple[Counts, Counts]:
    """Counts of both sides drawn again from themselves, row by row or block by block: (C, count, k) twice.

    Arguments as in `relabel`.
    """
    made = []
    for i, side in enumerate(table, start=1):
        own = streams ^ np.uint32(i)
        if blocked:
            g = len(side)
            times = draws.multinomial(own[:1], 0, count, np.ones((1, g), np.int64), np.array([g]))[0]
            made.append(_times(times, side))
        else:
            total = side.sum(axis=0)
            made.append(draws.multinomial(own, 0, count, total, total.sum(axis=1)))
    return made[0], made[1]


def _times(weights: Counts, by_block: Counts) -> Counts:
    """Weights (B, g) times the counts of the blocks (g, C, k), in floats that hold them exactly: (C, B, k)."""
    g, columns, k = by_block.shape
    made = weights.astype(np.float64) @ by_block.reshape(g, columns * k).astype(np.float64)
    return np.ascontiguousarray(made.astype(np.int64).reshape(len(weights), columns, k).transpose(1, 0, 2))


def untied_bins(
    rows: tuple[int, int], missing: Counts, bins: int, streams: Streams, first: int, count: int
) -> tuple[Counts, Counts]:
    """Relabelled counts in quantile bins of values that never tie, without looking at them: (C, count, bins + 1) twice.

    The mass between two of n order statistics that lie r apart is Beta(r, n + 1 - r); all bins together are Dirichlet
    and the batch's counts multinomial given the masses. Exact for every n and m. Missing rows are dealt first.

    Args:
        rows: all rows of the reference and of the batch, missing ones included.
        missing: (C,) missing rows of both sides together.
        bins: quantile bins.
        streams: words that decide the draws, (C, 2).
        first: number of the first relabelling.
        count: how many.
    """
    n, m = rows
    pooled = np.stack([missing, n + m - missing], axis=1)
    there = draws.hypergeometric(streams, first, count, pooled, np.full(len(missing), n))
    absent = np.stack([there[:, :, 0], missing[:, None] - there[:, :, 0]], axis=2)
    a = cells.bin_sizes(n - absent[:, :, 0], bins)
    weights = a.copy()
    weights[:, :, -1] += 1  # beyond the last order statistic there is mass, too
    b = draws.dirichlet_multinomial(streams ^ np.uint32(0x9E3779B9), first, weights, m - absent[:, :, 1])
    return np.concatenate([a, absent[:, :, :1]], axis=2), np.concatenate([b, absent[:, :, 1:]], axis=2)


def missing_tail(missing: tuple[int, int], rows: tuple[int, int]) -> float:
    """P(|share difference| at least as large) given the pooled count: two-sided and exact.

    Source: Fisher 1935, with the difference of shares as the order.
    """
    from scipy.special import gammaln

    (a, b), (n, m) = missing, rows
    pooled = a + b
    x = np.arange(max(0, pooled - m), min(pooled, n) + 1, dtype=np.float64)
    log_p = (
        gammaln(n + 1)
        - gammaln(x + 1)
        - gammaln(n - x + 1)
        + gammaln(m + 1)
        - gammaln(pooled - x + 1)
        - gammaln(m - pooled + x + 1)
    )
    p = np.exp(log_p - log_p.max())
    gap = np.abs((pooled - x) / m - x / n)
    line = abs(b / m - a / n)
    share = float(p[gap >= line * (1 - 1e-12)].sum() / p.sum())
    return min(1.0, max(share, tail.SMALLEST))


def share_beyond(reference: tuple[int, int], batch: tuple[int, int], tolerance: float) -> float:
    """P-value of the hypothesis that two shares, each given as (count, rows), differ by at most `tolerance`.

    P(|difference of shares| at least as large as observed) by the exact law of two binomial counts, at the most likely
    shares that lie `tolerance` apart in the observed direction. Counts of 0 do it no harm. Source: law at the most
    likely shares: Storer & Kim 1990; those shares: Miettinen & Nurminen 1985.
    """
    (a, n), (b, m) = reference, batch
    gap = b / m - a / n
    if gap < 0:  # the same question with rows and values that are not counted changing their parts
        return share_beyond((n - a, n), (m - b, m), tolerance)
    if tolerance >= 1.0 or gap <= 0:
        return 1.0
    from scipy.special import bdtr, bdtrc

    p = _most_likely(a, n, b, m, tolerance)
    # Beyond nine deviations there is nothing that a double could tell from 0.
    reach = 9 * np.sqrt(n * p * (1 - p)) + 30
    x = np.arange(max(0, int(n * p - reach)), min(n, int(n * p + reach)) + 1, dtype=np.float64)
    weight = _binomial(x, n, p)
    slack = 1e-9 + 1e-12 * m  # ties are ties, whatever the rounding
    above = np.ceil(m * (x / n + gap) - slack) - 1  # the batch's count must be more than this
    below = np.floor(m * (x / n - gap) + slack)
    q = min(1.0, p + tolerance)
    up = np.where(above < 0, 1.0, np.where(above >= m, 0.0, bdtrc(np.clip(above, 0, m), m, q)))
    down = np.where(below < 0, 0.0, bdtr(np.clip(below, 0, m), m, q))
    return float(min(1.0, max((weight * (up + down)).sum(), tail.SMALLEST)))


def share_above(found: tuple[int, int], tolerance: float) -> float:
    """P-value of the hypothesis that a share, given as (count, rows), is at most `tolerance`: binomial, exact."""
    from scipy.special import bdtrc

    count, rows = found
    if not count or tolerance >= 1.0:
        return 1.0
    return float(min(1.0, max(float(bdtrc(count - 1, rows, tolerance)), tail.SMALLEST)))


def _most_likely(a: int, n: int, b: int, m: int, apart: float) -> float:
    """The reference's share p that makes the counts most likely where the batch's is p + apart; by bisection."""
    low, high = 0.0, 1.0 - apart

    def slope(p: float) -> float:
        q = p + apart
        parts = ((a, p, 1), (n - a, 1 - p, -1), (b, q, 1), (m - b, 1 - q, -1))
        # The logarithm of the likelihood is concave, so where a share of 0 has rows its slope is infinite.
        return sum(sign * k / max(share, 1e-300) for k, share, sign in parts if k)

    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return (low + high) / 2


def _binomial(x: npt.NDArray[np.float64], n: int, p: float) -> npt.NDArray[np.float64]:
    """Probabilities of x successes in n."""
    from scipy.special import gammaln, xlog1py, xlogy

    return np.asarray(np.exp(gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1) + xlogy(x, p) + xlog1py(n - x, -p)))
