"""Does one series lead another? The published rule, and a permutation test of the same correlations.

`accel_drift.predictions.lead_lag` is another test: it frees each series from its own past, divides each correlation by
its own error, and says that one leads only where both sides differ. This one stays as the committed results were made
with it. Batches of that study are drawn each on its own, so permuting them is right; of series that remember their past
it sees leads where there are none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from bench.published.protocol import Floats

MOST = 9
"""Lags 1 to 9, as published."""

MARGIN = 1.1
PERMUTATIONS = 999


@dataclass(frozen=True, slots=True)
class Correlations:
    """Correlations of two series of n.

    Attributes:
        lead: (L,) of the first at t with the second at t + 1, ..., t + L.
        together: at one time.
        lag: (L,) of the second with the first at t + 1, ..., t + L.
    """

    lead: Floats
    together: float
    lag: Floats


def correlations(first: Floats, second: Floats, most: int = MOST) -> Correlations:
    """At every lag, each over the values that both have."""
    lags = range(1, most + 1)
    lead = np.array([_correlation(first[:-k], second[k:]) for k in lags])
    return Correlations(
        lead, _correlation(first, second), np.array([_correlation(first[k:], second[:-k]) for k in lags])
    )


def _correlation(x: Floats, y: Floats) -> float:
    return float(np.corrcoef(x, y)[0, 1])


def published_lead(found: Correlations, margin: float = MARGIN) -> int:
    """The lag by which the first is said to lead: that of its largest correlation; 0 where it is not said to."""
    lead, lag = np.abs(found.lead), np.abs(found.lag).max()
    leads = lead.max() > lag and lead.max() > margin * abs(found.together)
    return int(lead.argmax()) + 1 if leads else 0


@dataclass(frozen=True, slots=True)
class Tested:
    """P-values: of a lead of the first, of a lead of the second, and of a difference between these two."""

    lead: float
    lag: float
    asymmetry: float


def permuted(first: Floats, second: Floats, rng: np.random.Generator, permutations: int = PERMUTATIONS) -> Tested:
    """A permutation test of the largest correlation over all lags.

    Both series become ranks less a parabola in time, since two series that share a trend correlate at every lag.
    Pairs of one time are then permuted together: what holds at one time stays, and leads and lags are destroyed.
    """
    x, y = _level(first), _level(second)
    n = len(x)
    orders = np.vstack([np.arange(n), rng.permuted(np.tile(np.arange(n), (permutations, 1)), axis=1)])
    a, b = x[orders], y[orders]
    lead, lag = _largest(a, b), _largest(b, a)
    return Tested(*(_p_value(values) for values in (lead, lag, np.abs(lead - lag))))


def _level(values: Floats) -> Floats:
    ranks, time = rankdata(values), np.linspace(-1, 1, len(values))
    return np.asarray(ranks - np.polyval(np.polyfit(time, ranks, 2), time), dtype=np.float64)


def _largest(a: Floats, b: Floats) -> Floats:
    """The largest correlation, without its sign, of a at t with b later, for each row of (P, n)."""
    best = np.zeros(len(a))
    for k in range(1, MOST + 1):
        x, y = a[:, :-k], b[:, k:]
        x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
        r = (x * y).sum(axis=1) / np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
        best = np.maximum(best, np.abs(r))
    return best


def _p_value(values: Floats) -> float:
    """Of the first among all: none is ever 0."""
    return float((values >= values[0] - 1e-12).mean())
