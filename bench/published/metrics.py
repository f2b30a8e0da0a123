"""What a table of detectors is made of: rates, areas, effect sizes, and intervals over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy import stats

from bench.published.protocol import Floats

_LEVEL = 0.95


def auc(clean: Floats, drifted: Floats) -> float:
    """The chance that a drifted batch scores higher than a clean one; a tie is half."""
    ranks = stats.rankdata(np.concatenate([clean, drifted]))[len(clean) :]
    n, m = len(clean), len(drifted)
    return float((ranks.sum() - m * (m + 1) / 2) / (n * m))


def cohens_d(before: Floats, after: Floats) -> float:
    """Difference of means in pooled deviations."""
    n, m = len(before), len(after)
    pooled = sqrt(((n - 1) * before.var(ddof=1) + (m - 1) * after.var(ddof=1)) / (n + m - 2))
    return float(after.mean() - before.mean()) / max(pooled, 1e-10)


def stability(scores: Floats) -> float:
    """1 / (1 + coefficient of variation) of all scores, drifted ones included, as published."""
    return 1.0 / (1.0 + float(scores.std()) / max(float(scores.mean()), 1e-10))


def first(alarms: npt.NDArray[np.bool_]) -> int | None:
    """Batches before the first alarm; None without one."""
    return int(alarms.argmax()) if alarms.any() else None


def f1(clean: Floats, drifted: Floats, threshold: float) -> float:
    """Harmonic mean of precision and recall of alarms above a threshold."""
    right, wrong = int((drifted > threshold).sum()), int((clean > threshold).sum())
    return 2 * right / max(right + wrong + len(drifted), 1)


def best_f1(clean: Floats, drifted: Floats, threshold: float) -> tuple[float, float]:
    """The largest F1 over 100 thresholds and the given one, with its threshold, as published: on the data scored."""
    every = np.concatenate([clean, drifted])
    low = min(float(np.percentile(every, 2)), threshold * 0.5)
    high = max(float(np.percentile(every, 98)), threshold * 2.0)
    tried = sorted({*np.linspace(low, high, 100).tolist(), threshold})
    return max(((f1(clean, drifted, at), at) for at in tried), key=lambda found: found[0])


def mean_over_seeds(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and the published half width: 1.96 standard errors."""
    mean = float(np.mean(values))
    return mean, float(1.96 * np.std(values, ddof=1) / sqrt(len(values))) if len(values) > 1 else 0.0


def rate(hits: Sequence[int], trials: Sequence[int]) -> tuple[float, float, float]:
    """A rate with its 95 % interval, seed by seed.

    The interval is the wider one, on each side, of Student's over the seeds' own rates, which holds where batches of
    one seed are alike, and of the exact binomial one, which holds where no seed differs from another.
    """
    k, n = sum(hits), sum(trials)
    share = k / n
    tail = (1 - _LEVEL) / 2
    low = float(stats.beta.ppf(tail, k, n - k + 1)) if k else 0.0
    high = float(stats.beta.ppf(1 - tail, k + 1, n - k)) if k < n else 1.0
    if len(hits) > 1:
        own = np.array(hits) / np.array(trials)
        off = float(stats.t.ppf(1 - tail, len(own) - 1) * own.std(ddof=1) / sqrt(len(own)))
        low, high = max(min(low, share - off), 0.0), min(max(high, share + off), 1.0)
    return share, low, high
