"""Slow, independent versions of every statistic, written from the definitions and from textbooks.

Nothing here imports the engine. Values are plain Python or NumPy on one column at a time; None and NaN are missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import comb, log, log2, sqrt
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import stats

Cells: TypeAlias = list[tuple[int, int]]
"""Counts of reference and batch, one pair a cell."""

Floats: TypeAlias = npt.NDArray[np.float64]


def is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float | np.floating) and bool(np.isnan(value)))


def known(values: Sequence[Any] | npt.NDArray[Any]) -> list[Any]:
    """The values that are there, as Python numbers: integers stay whole, however large."""
    return [v for v in (v.item() if isinstance(v, np.generic) else v for v in values) if not is_missing(v)]


def quantile_cells(reference: Sequence[Any], batch: Sequence[Any], bins: int) -> Cells:
    """Quantile bins of the reference, open at both ends, repeated cuts merged, missing a cell of its own.

    Cut i of k is the smallest reference value at or below which lies a share of at least i / k of the reference. A
    repeated value that is two or more of minimum, cuts and maximum is a cell of its own.
    """
    a, b = known(reference), known(batch)
    ordered = sorted(a)
    cuts = []
    for i in range(1, bins):
        for place, value in enumerate(ordered, start=1):
            if Fraction(place, len(ordered)) >= Fraction(i, bins):
                cuts.append(value)
                break
    marks = Counter([*ordered[:1], *cuts, *ordered[-1:]])
    atoms = {v for v, times in marks.items() if times >= 2 and ordered.count(v) >= 2}
    cuts = sorted(set(cuts))
    first, second = (Counter((sum(cut < v for cut in cuts), v in atoms) for v in side) for side in (a, b))
    made = [(first[cell], second[cell]) for cell in sorted({*first, *second})]
    made.append((len(reference) - len(a), len(batch) - len(b)))
    return [cell for cell in made if sum(cell)]


def category_cells(reference: Sequence[Any], batch: Sequence[Any]) -> Cells:
    """Every category of either side is a cell, and so is missing."""
    a, b = Counter(known(reference)), Counter(known(batch))
    made = [(a[c], b[c]) for c in sorted({*a, *b})]
    made.append((len(reference) - sum(a.values()), len(batch) - sum(b.values())))
    return [cell for cell in made if sum(cell)]


def psi(cells: Cells, pseudo_count: float = 0.5) -> float:
    """Sum of (q - p) ln(q / p), p from the reference, q from the batch, pseudo-rows in every cell of both."""
    k = len(cells)
    n, m = sum(a for a, _ in cells), sum(b for _, b in cells)
    total = 0.0
    for a, b in cells:
        p = (a + pseudo_count) / (n + k * pseudo_count)
        q = (b + pseudo_count) / (m + k * pseudo_count)
        total += (q - p) * log(q / p)
    return total


def kl(cells: Cells, pseudo_count: float = 0.5) -> float:
    """Sum of q ln(q / p): the batch's divergence from the reference."""
    k = len(cells)
    n, m = sum(a for a, _ in cells), sum(b for _, b in cells)
    total = 0.0
    for a, b in cells:
        q = (b + pseudo_count) / (m + k * pseudo_count)
        total += q * log(q / ((a + pseudo_count) / (n + k * pseudo_count)))
    return total


def jensen_shannon(cells: Cells) -> float:
    """Root of the mean divergence, base 2, of both sides from their mean."""
    n, m = sum(a for a, _ in cells), sum(b for _, b in cells)
    total = 0.0
    for a, b in cells:
        p, q = a / n, b / m
        total += sum(s * log2(2 * s / (p + q)) / 2 for s in (p, q) if s)
    return sqrt(total)


def hellinger(cells: Cells) -> float:
    """From the overlap of the two sides."""
    n, m = sum(a for a, _ in cells), sum(b for _, b in cells)
    return sqrt(max(0.0, 1 - sum(sqrt(a / n * b / m) for a, b in cells)))


def total_variation(cells: Cells) -> float:
    """What the batch has more of, cell by cell."""
    n, m = sum(a for a, _ in cells), sum(b for _, b in cells)
    return float(sum(max(Fraction(0), Fraction(b, m) - Fraction(a, n)) for a, b in cells))


def binned(name: str, cells: Cells) -> float:
    """A binned statistic by its detector's name."""
    return {
        "psi": psi,
        "kl": kl,
        "jensen_shannon": jensen_shannon,
        "hellinger": hellinger,
        "total_variation": total_variation,
        "chi_square": chi_square,
    }[name](cells)


def chi_square(cells: Cells) -> float:
    """Pearson's statistic of the 2 x k table, as SciPy has it."""
    if len(cells) < 2:
        return 0.0
    return float(stats.chi2_contingency(np.array(cells).T, correction=False)[0])


def cramers_v(cells: Cells) -> float:
    """Bias-corrected Cramer's V (Bergsma 2013)."""
    n = sum(a + b for a, b in cells)
    r, k = 2, len(cells)
    phi2 = max(0.0, chi_square(cells) / n - (r - 1) * (k - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    return sqrt(phi2 / min(rows - 1, columns - 1))


def ks_distance(reference: Sequence[Any], batch: Sequence[Any]) -> float:
    """Largest gap between the two distribution functions, tried at every value."""
    a, b = known(reference), known(batch)
    gaps = (
        abs(Fraction(sum(v <= at for v in a), len(a)) - Fraction(sum(v <= at for v in b), len(b)))
        for at in sorted({*a, *b})
    )
    return float(max(gaps, default=Fraction(0)))


def ks_exact(reference: Floats, batch: Floats) -> float:
    """SciPy's exact two-sided p-value."""
    return float(stats.ks_2samp(reference, batch, method="exact")[1])


def ks_limit(distance: float, n: int, m: int) -> float:
    """Kolmogorov's law of one sample of the effective size, as SciPy's asymptotic mode has it."""
    return float(stats.kstwo.sf(distance, round(n * m / (n + m))))


def missing_gap(reference: Sequence[Any], batch: Sequence[Any]) -> float:
    """Share of missing rows in the batch less that in the reference."""
    p, q = (1 - len(known(side)) / len(side) for side in (reference, batch))
    return q - p


def missing_p(a: int, n: int, b: int, m: int) -> float:
    """P(|difference of shares| at least as large) under the hypergeometric law, in whole numbers."""
    pooled = a + b
    line = abs(Fraction(b, m) - Fraction(a, n))
    ways = total = 0
    for x in range(max(0, pooled - m), min(n, pooled) + 1):
        count = comb(n, x) * comb(m, pooled - x)
        total += count
        if abs(Fraction(pooled - x, m) - Fraction(x, n)) >= line:
            ways += count
    return float(Fraction(ways, total))


def unseen_share(reference: Sequence[Any], batch: Sequence[Any]) -> float:
    """Share of all batch rows that lie in categories without a reference row."""
    there = set(known(reference))
    return sum(v not in there for v in known(batch)) / len(batch)


def newcombe(a: int, n: int, b: int, m: int, level: float = 0.95) -> tuple[float, float]:
    """Interval of b / m - a / n from Wilson's limits (Newcombe 1998, method 10)."""
    z = NormalDist().inv_cdf(0.5 + level / 2)

    def wilson(count: int, rows: int) -> tuple[float, float]:
        # The roots of |share - p| = z sqrt(p (1 - p) / rows), a quadratic in p.
        roots = np.roots([1 + z * z / rows, -(2 * count / rows + z * z / rows), (count / rows) ** 2])
        low, high = sorted(float(r.real) for r in roots)
        return low, high

    (p_low, p_high), (q_low, q_high) = wilson(a, n), wilson(b, m)
    p, q = a / n, b / m
    return q - p - sqrt((q - q_low) ** 2 + (p_high - p) ** 2), q - p + sqrt((q_high - q) ** 2 + (p - p_low) ** 2)


def scaled(columns: Sequence[npt.NDArray[Any]]) -> Floats:
    """Pooled numeric columns less their median, over the interquartile range, else 5-95 %, else the deviation."""
    made = []
    for column in columns:
        v = column.astype(np.float64)
        low, q1, q3, high = (float(np.percentile(v, q)) for q in (5, 25, 75, 95))
        width = q3 - q1 or high - low or float(np.std(v))
        if width:
            made.append((v - float(np.median(v))) / width)
    return np.stack(made, axis=1)


def distances(z: Floats) -> Floats:
    return np.asarray(np.sqrt(((z[:, None, :] - z[None, :, :]) ** 2).sum(axis=2)))


def median_distance(z: Floats) -> float:
    """Median distance of different rows."""
    d = distances(z)
    return float(np.median([d[i, j] for i in range(len(z)) for j in range(i + 1, len(z))]))


def mmd2(z: Floats, n: int, bandwidth: float, estimator: str = "unbiased") -> float:
    """MMD^2 from the whole Gram matrix; the first n rows are the reference (Gretton et al. 2012, eqs. 3 and 5)."""
    k = np.exp(-(distances(z) ** 2) / (2 * bandwidth**2))
    x, y, across = k[:n, :n], k[n:, n:], k[:n, n:]
    m = len(z) - n
    if estimator == "biased":
        return float(x.mean() + y.mean() - 2 * across.mean())
    off_x, off_y = (side.sum() - np.trace(side) for side in (x, y))
    return float(off_x / (n * (n - 1)) + off_y / (m * (m - 1)) - 2 * across.mean())


def energy(z: Floats, n: int, estimator: str = "unbiased") -> float:
    """Energy distance from all distances (Székely & Rizzo 2013, eq. 5); the first n rows are the reference."""
    d, m = distances(z), len(z) - n
    less = 1 if estimator == "unbiased" else 0
    within, batch = d[:n, :n].sum() / (n * (n - less)), d[n:, n:].sum() / (m * (m - less))
    return float(2 * d[:n, n:].mean() - within - batch)


def adjusted(p: Sequence[float], correction: str) -> list[float]:
    """Adjusted p-values straight from the definitions, one at a time."""
    k = len(p)
    order = sorted(range(k), key=lambda i: p[i])
    rank = {i: place for place, i in enumerate(order, start=1)}
    if correction == "none":
        return list(p)
    if correction == "bonferroni":
        return [min(1.0, k * v) for v in p]
    if correction == "holm":
        return [min(1.0, max((k - rank[j] + 1) * p[j] for j in range(k) if rank[j] <= rank[i])) for i in range(k)]
    price = sum(1 / i for i in range(1, k + 1)) if correction == "by" else 1.0
    return [min(1.0, *(price * k / rank[j] * p[j] for j in range(k) if rank[j] >= rank[i])) for i in range(k)]
