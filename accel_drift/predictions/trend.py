"""Whether a series of numbers rises or falls, and how fast: no shape of the noise is assumed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from accel_drift.errors import ConfigError, DataError

Alternative: TypeAlias = Literal["two-sided", "rising", "falling"]
Floats: TypeAlias = npt.NDArray[np.float64]

FEWEST_POINTS = 3
MOST_POINTS = 3_000
"""All pairs of points are looked at."""

EXACT_POINTS = 60
"""Up to so many the law of the statistic is counted out."""

_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Trend:
    """What a series does over time.

    Attributes:
        slope: median of the slopes of all pairs of points at different times (Theil 1950, Sen 1968).
        low: lower end of its 95 % interval; None where all points have one time.
        high: upper end, or None.
        intercept: median of the values less the slope times the time.
        p_value: chance of such a Mann-Kendall statistic where values come in any order.
        p_method: exact, or asymptotic: more than 60 points, or ties among times as well as among values.
        kendall: pairs that rise less pairs that fall: the statistic.
        tau: the same over the pairs that could do either (Kendall's tau b), from -1 to 1; None where none could.
        points: points that entered.
        missing: points without a value, left out.
        autocorrelation: of neighbours' distances from the line, lag 1; None below 4 points or where all lie on it. Much
            above 0 (2 / sqrt(points), say) means that the p-value and the interval promise too much.
    """

    slope: float | None
    low: float | None
    high: float | None
    intercept: float | None
    p_value: float
    p_method: str
    kendall: int
    tau: float | None
    points: int
    missing: int
    autocorrelation: float | None


def trend(values: Any, at: Any = None, *, alternative: Alternative = "two-sided") -> Trend:
    """Theil-Sen slope of a series with its interval, and the Mann-Kendall test of whether there is a trend.

    The test takes points for independent but for the trend. Points that hang together, as those of overlapping windows
    or of one week do, make it alarm too often: with an autocorrelation of 0.5 in some 25 % of cases instead of 5 %.
    Look at `autocorrelation`, and take means of longer windows where it is large. For the same reason a change from one
    level to another counts as a trend.

    Args:
        values: (n,) numbers; NaN and None are left out and counted.
        at: (n,) their times as numbers, in any order; by default 0, 1, 2, ...
        alternative: what to look for: "two-sided", "rising" or "falling".

    Raises:
        DataError: there are fewer than 3 points or more than 3,000, or they are no numbers.
        ConfigError: there is no such alternative.

    Source: Mann 1945; Kendall 1975 (ties); Sen 1968; exact law with ties: the Gaussian multinomial coefficients.

    >>> found = trend([1.0, 2.0, 2.5, 3.5, 4.0])
    >>> found.slope, round(found.p_value, 4), found.p_method
    (0.75, 0.0167, 'exact')
    """
    if alternative not in get_args(Alternative):
        raise ConfigError(f"alternative is {alternative!r}; it is one of {', '.join(map(repr, get_args(Alternative)))}")
    x, y, missing = _series(values, at)
    first, second = np.triu_indices(len(x), 1)
    steps_x, steps_y = x[second] - x[first], y[second] - y[first]
    signs = np.sign(steps_x) * np.sign(steps_y)
    kendall = int(signs.sum())
    ties = _ties(x), _ties(y)
    p_value, method = _tail(kendall, len(x), ties, alternative)
    apart = steps_x != 0
    untied = [len(steps_x) - int((t * (t - 1) // 2).sum()) for t in ties]
    tau = kendall / sqrt(untied[0] * untied[1]) if min(untied) else None
    slope = low = high = intercept = autocorrelation = None
    if apart.any():
        slope, low, high = _slope(np.sort(steps_y[apart] / steps_x[apart]), len(x), ties)
        rest = y - slope * x
        intercept = float(np.median(rest))
        autocorrelation = _autocorrelation(rest - rest.mean(), float(np.abs(y).max()))
    return Trend(
        slope, low, high, intercept, p_value, method, kendall, tau, len(x), missing, autocorrelation=autocorrelation
    )


def _series(values: Any, at: Any) -> tuple[Floats, Floats, int]:
    """Times in ascending order, values, and how many points have none."""
    y = numbers("values", values)
    x = np.arange(len(y), dtype=np.float64) if at is None else numbers("at", at)
    if len(x) != len(y):
        raise DataError(f"values have {len(y):,} points, and at has {len(x):,}; give a time for each")
    there = ~np.isnan(x) & ~np.isnan(y)
    x, y = x[there], y[there]
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise DataError("values or times are infinite; give NaN, or null, where there is none")
    if not FEWEST_POINTS <= len(x) <= MOST_POINTS:
        raise DataError(
            f"there are {len(x):,} points with a value; a trend takes {FEWEST_POINTS} to {MOST_POINTS:,}: of more give "
            "the latest, or means of longer windows"
        )
    order = np.argsort(x, kind="stable")
    return x[order], y[order], int(there.size - np.count_nonzero(there))


def numbers(name: str, given: Any) -> Floats:
    """A series (n,), NaN where there is no number.

    Raises:
        DataError: it is none.
    """
    try:
        found = np.asarray(given)
        if found.dtype.kind == "O":
            found = np.asarray([np.nan if value is None else value for value in found.tolist()])
        if found.ndim == 1 and (found.dtype.kind in "biuf" or not found.size):
            return found.astype(np.float64)
    except (TypeError, ValueError):
        pass
    raise DataError(f"{name} is no series of numbers; give one number for each point, (n,)")


def _ties(v: Floats) -> npt.NDArray[np.int64]:
    """Sizes of the groups of equal numbers."""
    return np.unique(v, return_counts=True)[1].astype(np.int64)


def _variance(n: int, ties: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]) -> float:
    """Of the statistic, where values come in any order. Source: Kendall 1975, eq. 4.4."""
    t, u = (group.astype(np.float64) for group in ties)
    whole = n * (n - 1) * (2 * n + 5)
    of_one = [float((g * (g - 1) * (2 * g + 5)).sum()) for g in (t, u)]
    pairs = [float((g * (g - 1)).sum()) for g in (t, u)]
    threes = [float((g * (g - 1) * (g - 2)).sum()) for g in (t, u)]
    both = pairs[0] * pairs[1] / (2 * n * (n - 1)) + threes[0] * threes[1] / (9 * n * (n - 1) * (n - 2))
    return (whole - sum(of_one)) / 18 + both


def _tail(
    kendall: int, n: int, ties: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]], alternative: Alternative
) -> tuple[float, str]:
    """P-value and how it was found; by symmetry only rises are looked at."""
    s = -kendall if alternative == "falling" else kendall
    if alternative == "two-sided":
        s = abs(s)
    once = [bool((group == 1).all()) for group in ties]
    if n <= EXACT_POINTS and any(once):
        p, method = _exact(s, n, ties[1] if once[0] else ties[0]), "exact"
    else:
        deviation = sqrt(_variance(n, ties))
        # Steps are 2 without ties; half of one is taken off.
        p, method = float(ndtr((1 - s) / deviation)) if deviation else 1.0, "asymptotic"
    return min(1.0, 2 * p) if alternative == "two-sided" else p, method


def _exact(s: int, n: int, ties: npt.NDArray[np.int64]) -> float:
    """Chance of a statistic of s or more."""
    counts = _inversions(n, tuple(sorted(ties.tolist())))
    # The statistic is the number of pairs that may differ less twice the inversions.
    return sum(counts[: (len(counts) - 1 - s) // 2 + 1]) / sum(counts)


@lru_cache(maxsize=64)
def _inversions(n: int, ties: tuple[int, ...]) -> tuple[int, ...]:
    """How many orders of n values with these ties have 0, 1, 2, ... inversions.

    The coefficients of [n]! / ([t1]! [t2]! ...) in q (MacMahon 1916): products and quotients of factors 1 - q^i, in
    whole numbers.
    """
    top = n * (n - 1) // 2 - sum(size * (size - 1) // 2 for size in ties)
    counts = [1] + [0] * top
    for i in range(1, n + 1):
        for place in range(top, i - 1, -1):
            counts[place] -= counts[place - i]
    for i in (j for size in ties for j in range(1, size + 1)):
        for place in range(i, top + 1):
            counts[place] += counts[place - i]
    return tuple(counts)


def _slope(
    slopes: Floats, n: int, ties: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
) -> tuple[float, float, float]:
    """Median of the slopes, ascending, and the two between which the true one lies. Source: Sen 1968, eq. 2.6."""
    count = len(slopes)
    half = -float(ndtri((1 - _LEVEL) / 2)) * sqrt(max(_variance(n, ties), 0.0))
    first, last = max(round((count - half) / 2) - 1, 0), min(round((count + half) / 2), count - 1)
    return float(np.median(slopes)), float(slopes[first]), float(slopes[last])


def _autocorrelation(rest: Floats, largest: float) -> float | None:
    # Where all points lie on the line the rest is rounding.
    if len(rest) < 4 or np.abs(rest).max() <= 1e-12 * largest:
        return None
    return float((rest[1:] * rest[:-1]).sum() / (rest * rest).sum())
