"""What of two series neither trend nor own past tells: only that can tell of a lead."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.linalg import orth
from scipy.stats import rankdata

Floats: TypeAlias = npt.NDArray[np.float64]

FEWEST_POINTS = 20

MOST_STEPS = 10
"""Of its own past that a series is freed from."""

_ROWS_A_TERM = 3
_NOTHING = 1e-9
_ROUNDS = 100
_DEVIATIONS = 3.0
_MEDIAN = 0.6745
"""Of the distance of a normal law from its mean, in deviations."""


def prewhitened(first: Floats, second: Floats, period: int | None = None) -> tuple[Floats, int] | str:
    """Two series less what a parabola in time, a season and their own pasts foretell (Box & Jenkins 1970).

    A parabola and the season are fitted so that outliers count for little (Huber 1964), and the distances from them
    become ranks. From these what all three foretell is taken, by least squares. As many steps of the past enter for
    both, since another number for each makes one side look ahead; how many is chosen by the sum of both corrected
    Akaike criteria (Hurvich & Tsai 1989), up to 10 and to a tenth of the points.

    Args:
        first: (n,) NaN where there is none.
        second: (n,) NaN at the same times.
        period: steps after which a season comes again.

    Returns:
        (2, n) what is left, of mean 0, NaN where a value or one of the past that enters is missing, and how many steps
        entered; or why nothing is left.
    """
    there = ~np.isnan(first)
    points = int(np.count_nonzero(there))
    if points < FEWEST_POINTS:
        return f"fewer than {FEWEST_POINTS} points have a value on both sides ({points})"
    fixed = _fixed(len(there), period)
    sides = [_levelled(values, there, fixed) for values in (first, second)]
    for name, made in zip(("first", "second"), sides, strict=True):
        if isinstance(made, str):
            return f"of the {name} series, {made}"
    ranks = [made for made in sides if not isinstance(made, str)]
    for most in range(min(MOST_STEPS, points // 10), -1, -1):
        terms = [np.column_stack([fixed, *(_earlier(side, step) for step in range(1, most + 1))]) for side in ranks]
        rows = there & ~np.isnan(terms[0]).any(axis=1)
        if np.count_nonzero(rows) >= max(FEWEST_POINTS, _ROWS_A_TERM * terms[0].shape[1]):
            counts = range(fixed.shape[1], fixed.shape[1] + most + 1)
            found = [sum(_criterion(t[rows, :k], r[rows]) for t, r in zip(terms, ranks, strict=True)) for k in counts]
            order = int(np.argmin(found))
            left = [_left(t[:, : counts[order]], side) for t, side in zip(terms, ranks, strict=True)]
            flat = [name for name, one in zip(("first", "second"), left, strict=True) if one is None]
            if flat:
                return f"of the {flat[0]} series, nothing is left beside its trend, its season and its own past"
            return np.array(left), order
    return f"{points} points are too few to take out a season of {period} steps"


def _levelled(values: Floats, there: Any, fixed: Floats) -> Floats | str:
    """Ranks of the distances from the course of time, NaN where there is no value; or why there are none."""
    known = values[there]
    if known.min() == known.max():
        return "it is constant"
    centred = known - np.median(known)
    rest = centred - _course(fixed[there], centred)
    rounding = 4 * float(np.finfo(np.float64).eps * np.abs(known).max())
    if np.abs(rest).max() <= max(_NOTHING * float(np.abs(centred).max()), rounding):
        return "nothing is left beside its trend and its season"
    out = np.full(len(values), np.nan)
    out[there] = (rankdata(rest) - (len(known) + 1) / 2) / len(known)
    return out


def _fixed(n: int, period: int | None) -> Floats:
    """(n, 3 or more) powers of time, and which step of the season it is."""
    time = np.linspace(-1, 1, n)
    powers = [time**power for power in range(3)]
    # The last step of a season is what all others and the constant leave.
    steps = [] if period is None else [np.arange(n) % period == step for step in range(period - 1)]
    return np.column_stack([*powers, *steps]).astype(np.float64)


def _course(terms: Floats, values: Floats) -> Floats:
    """The fit of values that lie at most three deviations from it: each time those beyond are moved to there."""
    basis, moved = orth(terms), values
    fit: Floats = basis @ (basis.T @ moved)
    for _ in range(_ROUNDS):
        rest = values - fit
        most = _DEVIATIONS * float(np.median(np.abs(rest))) / _MEDIAN
        before, moved = moved, fit + np.clip(rest, -most, most)
        if most == 0 or np.abs(moved - before).max() <= _NOTHING * most:
            break
        fit = basis @ (basis.T @ moved)
    return fit


def _rest(terms: Floats, values: Floats) -> Floats:
    out: Floats = values - terms @ np.linalg.lstsq(terms, values, rcond=None)[0]
    return out


def _earlier(values: Floats, steps: int) -> Floats:
    out = np.full(len(values), np.nan)
    out[steps:] = values[:-steps]
    return out


def _criterion(terms: Floats, values: Floats) -> float:
    n, count = terms.shape
    rest = _rest(terms, values)
    spread = max(float(rest @ rest) / n, _NOTHING**2)
    return float(n * np.log(spread) + 2 * count * n / (n - count - 1))


def _left(terms: Floats, values: Floats) -> Floats | None:
    rows = ~np.isnan(values) & ~np.isnan(terms).any(axis=1)
    rest = _rest(terms[rows], values[rows])
    if np.abs(rest).max() <= _NOTHING:
        return None
    out = np.full(len(values), np.nan)
    out[rows] = rest - rest.mean()
    return out
