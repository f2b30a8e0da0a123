"""How well scores put rows in order: the area under the ROC curve, with its interval."""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.stats import rankdata

from accel_drift.predictions.counted import Z
from accel_drift.predictions.estimates import Estimate

Floats = npt.NDArray[np.float64]

FEWEST = 10
"""Rows of a side from which on its placements tell the variance."""


def area(scores: Floats, positive: npt.NDArray[np.bool_]) -> Estimate:
    """Chance that a row of the class has a higher score than one of the others, equal ones by half.

    The variance is that of DeLong, DeLong & Clarke-Pearson 1988 (doi:10.2307/2531595), by ranks; the interval is
    symmetric on the scale of the logit, so that it stays within 0 and 1. Where a side has fewer than
    10 rows, or no pair is out of order, that variance says little, and the interval is Newcombe's (2006,
    doi:10.1002/sim.2324).

    Args:
        scores: (n,) higher where a row is more likely to be of the class.
        positive: (n,) which are; at least one row, and not all.
    """
    return mean_area(scores[:, None], positive[:, None])


def mean_area(scores: Floats, positive: npt.NDArray[np.bool_]) -> Estimate:
    """Mean over C classes of the area of each against all others; scores and positive are (n, C)."""
    moves, areas = np.zeros(len(scores)), []
    sizes = [(int(one.sum()), int((~one).sum())) for one in positive.T]
    for one, mine in zip(scores.T, positive.T, strict=True):
        value, placed = _placements(one, mine)
        areas.append(value)
        for side in (mine, ~mine):
            m = int(side.sum())
            moves[side] += (placed[side] - value) / m * sqrt(m / max(m - 1, 1))
    value, variance = float(np.mean(areas)), float((moves**2).sum()) / len(areas) ** 2
    if variance == 0.0 or min(map(min, sizes)) < FEWEST or not 0.0 < value < 1.0:
        ends = np.array([_newcombe(one, *size) for one, size in zip(areas, sizes, strict=True)]).mean(axis=0)
        return Estimate(value, float(ends[0]), float(ends[1]))
    centre, half = log(value / (1 - value)), Z * sqrt(variance) / (value * (1 - value))
    return Estimate(value, _expit(centre - half), _expit(centre + half))


def _placements(scores: Floats, positive: npt.NDArray[np.bool_]) -> tuple[float, Floats]:
    """The area, and (n,) of each row the share of the other side that it stands right to."""
    m, n = int(positive.sum()), int((~positive).sum())
    among: Any = rankdata(scores)
    own = np.empty(len(scores))
    for side in (positive, ~positive):
        own[side] = rankdata(scores[side])
    below = among - own
    placed = np.where(positive, below / n, 1 - below / m)
    return float(placed[positive].mean()), placed


def _newcombe(value: float, m: int, n: int) -> tuple[float, float]:
    """The areas from which the one that was seen is no further than their own error allows; method 5."""
    more = (m + n) / 2 - 1

    def beyond(area: float) -> float:
        inner = 1 + more * ((1 - area) / (2 - area) + area / (1 + area))
        return (area - value) ** 2 - Z * Z * area * (1 - area) / (m * n) * inner

    # A seen area of 0 or 1 is a root of its own.
    low = float(brentq(beyond, 0.0, min(value, 1 - 1e-9))) if value > 0 else 0.0
    high = float(brentq(beyond, max(value, 1e-9), 1.0)) if value < 1 else 1.0
    return low, high


def _expit(x: float) -> float:
    return 1 / (1 + exp(-x)) if x > -700 else 0.0
