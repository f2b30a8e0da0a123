"""The published scores, each fitted to a reference and held against a fixed threshold.

Small implementations of our own of what the public repository "production-drift-detection" computes, with all that is
odd about it, since its figures follow from that: values outside the reference's range are in no bin; KL is of one
histogram of all columns; the three blocks of MMD have a bandwidth each; and "ADWIN" is a difference of two means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.spatial.distance import cdist

from bench.published.protocol import Floats

Score: TypeAlias = Callable[[Floats], float]
"""A batch (m, d) -> its score; larger is more drift."""

_TINY = 1e-10


def _shares(values: Floats, edges: Floats) -> Floats:
    counts = np.histogram(values, bins=edges)[0] + _TINY
    return np.asarray(counts / counts.sum(), dtype=np.float64)


def _edges(values: Floats, bins: int) -> Floats:
    return np.unique(np.percentile(values, np.linspace(0, 100, bins + 1)))


def psi(reference: Floats) -> Score:
    """Mean PSI of the columns over ten bins of equal reference counts."""
    known = [(edges, _shares(column, edges)) for column in reference.T for edges in [_edges(column, 10)]]

    def score(batch: Floats) -> float:
        total = 0.0
        for column, (edges, p) in zip(batch.T, known, strict=True):
            q = _shares(column, edges)
            total += max(0.0, float(((q - p) * np.log(q / p)).sum()))
        return total / len(known)

    return score


def kl(reference: Floats) -> Score:
    """Divergence of the reference from the batch, over 20 bins of the values of all columns together."""
    edges = _edges(reference.ravel(), 20)
    p = _shares(reference.ravel(), edges)

    def score(batch: Floats) -> float:
        return max(0.0, float((p * np.log(p / _shares(batch.ravel(), edges))).sum()))

    return score


def _kernel(x: Floats, y: Floats) -> Floats:
    """A Gaussian kernel whose bandwidth is the median distance within the first 100 rows of either side."""
    some = np.vstack([x[:100], y[:100]])
    apart = cdist(some, some)
    width = np.median(apart[apart > 0])
    return np.asarray(np.exp(-cdist(x, y, "sqeuclidean") / (2 * width**2)))


def _within(x: Floats) -> float:
    n = len(x)
    return float((_kernel(x, x).sum() - n) / (n * (n - 1)))


def mmd(reference: Floats) -> Score:
    """A difference of kernel means against 200 reference rows, at 0 where it is negative."""
    rows = reference[np.random.default_rng(42).choice(len(reference), 200, replace=False)]
    own = _within(rows)

    def score(batch: Floats) -> float:
        return max(0.0, own + _within(batch) - 2 * float(_kernel(rows, batch).mean()))

    return score


def window(reference: Floats) -> Score:
    """What is published as ADWIN: the batch's mean of row means against that of the last 100 reference rows."""
    last = reference.mean(axis=1)[-100:]
    mean, deviation = float(last.mean()), float(last.std())

    def score(batch: Floats) -> float:
        return abs(mean - float(batch.mean(axis=1).mean())) / deviation

    return score


@dataclass(frozen=True, slots=True)
class Published:
    """A score, the threshold it was published with, and the name it was published under."""

    fit: Callable[[Floats], Score]
    threshold: float
    name: str


SCORES: Mapping[str, Published] = {
    "published_psi": Published(psi, 0.1, "PSI"),
    "published_kl": Published(kl, 0.1, "KLDivergence"),
    "published_mmd": Published(mmd, 0.05, "MMD"),
    "published_adwin": Published(window, 0.1, "ADWIN"),
}
