"""P-values from draws under the null, with further rounds for the columns that need them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

ENOUGH = 10
"""Exceedances after which a test stops (Besag & Clifford 1991)."""

SMALLEST = 1e-300
"""A p-value is never 0, however far out the statistic lies."""

FITTED = 1e-12
"""A p-value from a fitted tail is never below this: a thousand draws say nothing of what lies so far out."""

_TIE = 1e-12
"""Relative slack within which two statistics are one: sums of the same terms in another order still tie."""


@dataclass(frozen=True, slots=True)
class Tail:
    """What the draws said of each column.

    Shapes: p_value, draws, mean, fitted (d,); first (d, permutations), the first round, kept for pictures. `fitted`
    marks p-values from a fitted tail.
    """

    p_value: Floats
    draws: npt.NDArray[np.int64]
    mean: Floats
    first: Floats
    fitted: npt.NDArray[np.bool_]


_AFFORDABLE = 2_500_000
"""Numbers drawn for one column at most: ten thousand draws of a table of 128 cells."""

_AFFORDABLE_ROUND = 50_000_000
"""Numbers of one round of all columns that go on: about a second of one core."""

_CERTAIN = 9_999
"""Draws that every column with few exceedances makes. A tail fitted to a thousand does not know of what happens once in
ten thousand, as a heavy row or a rare category dealt to the small side: such draws are to be seen."""

_BEYOND = 1e-3
"""A fitted p-value of this share of the needed one is small enough, even if it is a thousand times too small."""

_AT_ONCE = 1 << 19
"""Numbers in memory at a time: a few MB."""


def at_least(null: Floats, observed: Floats) -> npt.NDArray[np.int64]:
    """How many of null (d, B) reach observed (d,); ties count against drift."""
    line = observed - np.where(np.isfinite(observed), _TIE * np.abs(observed), 0.0)
    return np.asarray((null >= line[:, None]).sum(axis=1), dtype=np.int64)


def rounds(permutations: int, smallest_p: float) -> list[int]:
    """Totals after each round: ten times more each, until a p-value of `smallest_p` can be reached.

    `permutations` is the first round. B draws reach 1 / (1 + B); 999 cannot reject one of 50 columns at 0.01.
    """
    totals = [permutations]
    while 1.0 / (1 + totals[-1]) > smallest_p and totals[-1] < 10_000_000:
        totals.append(10 * (totals[-1] + 1) - 1)
    return totals


def sequential(
    observed: Floats,
    draw: Callable[[Places, int, int], Floats],
    permutations: int,
    smallest_p: float,
    width: int = 1,
) -> Tail:
    """Monte-Carlo p-values (1 + #{T_b >= T_obs}) / (1 + B), never 0.

    A column with fewer than `ENOUGH` exceedances goes on to the next round, on the same stream of draws. Stopping
    only where the p-value is already above ENOUGH / (1 + B) keeps it valid: Besag & Clifford 1991, section 3. Where
    nothing has reached the observed statistic the tail is fitted instead of a round that would be too dear, or, from
    `_CERTAIN` draws on, that could only say what the fitted tail says by far.

    Args:
        observed: (d,) statistics, computed by the code that computes the draws.
        draw: draw(columns, first, count) -> statistics (len(columns), count) of relabellings first ... first + count.
        permutations: size of the first round.
        smallest_p: what the correction may need; decides how many rounds there are.
        width: numbers behind one draw, cells of a table for example: what a round costs.
    """
    d = len(observed)
    hits, total, first = np.zeros(d, dtype=np.int64), np.zeros(d), np.empty((d, permutations))
    done = np.full(d, permutations, dtype=np.int64)
    for columns, lo, hi in _pieces(np.arange(d), 0, permutations, width):
        first[columns, lo:hi] = draw(columns, lo, hi - lo)
    if d:
        hits, total = at_least(first, observed), first.sum(axis=1)
    going, fitted = np.flatnonzero(hits < ENOUGH), np.full(d, np.inf)
    for upto in rounds(permutations, smallest_p)[1:]:
        if not len(going):
            break
        before, none = int(done[going[0]]), going[hits[going] == 0]
        tails = fitted_tail(first[none], observed[none])
        beyond = (before >= _CERTAIN) & (tails <= _BEYOND * smallest_p)
        going = np.setdiff1d(going, none[beyond])
        dear = upto * width > _AFFORDABLE or len(going) * (upto - before) * width > _AFFORDABLE_ROUND
        fitted[none[beyond | dear]] = tails[beyond | dear]
        if dear:
            break
        for columns, lo, hi in _pieces(going, before, upto, width):
            null = draw(columns, lo, hi - lo)
            hits[columns] += at_least(null, observed[columns])
            total[columns] += null.sum(axis=1)
        done[going] = upto
        going = going[hits[going] < ENOUGH]
    counted = (1 + hits) / (1 + done)
    return Tail(np.minimum(counted, fitted), done, total / np.maximum(done, 1), first, fitted < counted)


def _pieces(columns: Places, lo: int, hi: int, width: int) -> Iterator[tuple[Places, int, int]]:
    """Columns and draws lo ... hi, in pieces of so few numbers that they stay in memory at a time."""
    step = max(1, min(hi - lo, _AT_ONCE // width))
    side = max(1, _AT_ONCE // (width * step))
    for at in range(0, len(columns), side):
        for first in range(lo, hi, step):
            yield columns[at : at + side], first, min(first + step, hi)


def fitted_tail(null: Floats, observed: Floats | float) -> Floats:
    """P(T >= observed) from a gamma law with the mean, variance and skewness of the draws: (..., B), (...) -> (...).

    For a statistic beyond all draws where more of them would be too dear; approximate, and to be named so. Quadratic
    statistics of counts and degenerate U-statistics are sums of squares in the limit, which a gamma law follows.
    Source: Pearson type III; Gretton et al. 2009, section 2, for the latter.
    """
    mean, spread = null.mean(axis=-1), null.std(axis=-1)
    spread = np.where(spread > _TIE * np.abs(mean), spread, 0.0)  # draws that tie have none
    unit = np.where(spread > 0.0, spread, 1.0)
    skew = (((null - mean[..., None]) / unit[..., None]) ** 3).mean(axis=-1)
    fitted = np.maximum(skewed_tail((observed - mean) / unit, skew), FITTED)
    return np.asarray(np.where(spread > 0.0, fitted, 1.0 / (1 + null.shape[-1])))


def skewed_tail(z: Floats, skew: Floats) -> Floats:
    """P(Z >= z) of the gamma law with mean 0, deviation 1 and this skewness; of the normal one where that is 0 or less.

    Source: Pearson type III.
    """
    from scipy.special import gammaincc, ndtr

    shape = 4.0 / np.maximum(skew, 1e-3) ** 2
    gamma = gammaincc(shape, np.maximum(0.0, shape + z * np.sqrt(shape)))
    return np.asarray(np.where(skew < 1e-3, ndtr(-z), gamma))
