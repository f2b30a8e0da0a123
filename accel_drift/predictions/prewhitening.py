"""What of a series neither its trend nor its own past tells: only that can tell of a lead."""

from __future__ import annotations

from typing import TypeAlias

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


def prewhitened(values: Floats, period: int | None = None) -> tuple[Floats, int] | str:
    """A series less what a parabola in time, a season and its own past foretell (Box & Jenkins 1970).

    A parabola and the season are fitted so that outliers count for little (Huber 1964), and the distances from them
    become ranks. From these what all three foretell is taken, by least squares. How many steps of the past enter is
    chosen by the corrected Akaike criterion (Hurvich & Tsai 1989), up to 10 and to a tenth of the points.

    Args:
        values: (n,) NaN where there is none.
        period: steps after which a season comes again.

    Returns:
        (n,) what is left, of mean 0, NaN where a value or one of the past that enters is missing, and how many steps
        entered; or why nothing is left.
    """
    there = ~np.isnan(values)
    known = values[there]
    if len(known) < FEWEST_POINTS:
        return f"fewer than {FEWEST_POINTS} points have a value on both sides ({len(known)})"
    if known.min() == known.max():
        return "it is constant"
    fixed = _fixed(len(values), period)
    centred = known - np.median(known)
    rest = centred - _course(fixed[there], centred)
    rounding = 4 * float(np.finfo(np.float64).eps * np.abs(known).max())
    if np.abs(rest).max() <= max(_NOTHING * float(np.abs(centred).max()), rounding):
        return "nothing is left of it beside its trend and its season"
    ranks = np.full(len(values), np.nan)
    ranks[there] = (rankdata(rest) - (len(known) + 1) / 2) / len(known)
    most = min(MOST_STEPS, len(known) // 10)
    while most >= 0:
        terms = np.column_stack([fixed, *(_earlier(ranks, step) for step in range(1, most + 1))])
        rows = there & ~np.isnan(terms).any(axis=1)
        if np.count_nonzero(rows) >= max(FEWEST_POINTS, _ROWS_A_TERM * terms.shape[1]):
            order = _order(terms[rows], ranks[rows], fixed.shape[1])
            return _left(terms[:, : fixed.shape[1] + order], ranks, order)
        most -= 1
    return f"{len(known)} points are too few to take out a season of {period} steps"


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


def _order(terms: Floats, values: Floats, fixed: int) -> int:
    """Steps of the past for which the criterion is smallest, all on the same rows."""
    n, found = len(values), []
    for count in range(fixed, terms.shape[1] + 1):
        rest = _rest(terms[:, :count], values)
        spread = float(rest @ rest) / n
        if spread <= _NOTHING**2:
            return count - fixed
        found.append(n * np.log(spread) + 2 * count * n / (n - count - 1))
    return int(np.argmin(found))


def _left(terms: Floats, values: Floats, order: int) -> tuple[Floats, int] | str:
    rows = ~np.isnan(values) & ~np.isnan(terms).any(axis=1)
    rest = _rest(terms[rows], values[rows])
    if np.abs(rest).max() <= _NOTHING:
        return "nothing is left of it beside its trend, its season and its own past"
    out = np.full(len(values), np.nan)
    out[rows] = rest - rest.mean()
    return out, order
