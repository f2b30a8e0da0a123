"""P-values from draws under the null, with further rounds for the columns that need them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

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
"""Numbers drawn for one column at most: a tenth of a second or two. Ten thousand draws of a table of 128 cells."""


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
    draw: Callable[[int, int, int], Floats],
    permutations: int,
    smallest_p: float,
    width: int = 1,
) -> Tail:
    """Monte-Carlo p-values (1 + #{T_b >= T_obs}) / (1 + B), never 0.

    A column with fewer than `ENOUGH` exceedances goes on to the next round, on the same stream of draws. Stopping
    only where the p-value is already above ENOUGH / (1 + B) keeps it valid: Besag & Clifford 1991, section 3. Where a
    round would be too dear and nothing has reached the observed statistic, the tail is fitted instead.

    Args:
        observed: (d,) statistics, computed by the code that computes the draws.
        draw: draw(column, first, count) -> (count,) statistics of relabellings first ... first + count of a column.
        permutations: size of the first round.
        smallest_p: what the correction may need; decides how many rounds there are.
        width: numbers behind one draw, cells of a table for example: what a round costs.
    """
    d = len(observed)
    hits = np.zeros(d, dtype=np.int64)
    done = np.zeros(d, dtype=np.int64)
    total = np.zeros(d)
    first = np.empty((d, permutations))
    fitted = np.full(d, np.inf)
    for upto in rounds(permutations, smallest_p):
        for j in range(d):
            if done[j] and hits[j] >= ENOUGH:
                continue
            if done[j] and upto * width > _AFFORDABLE:
                fitted[j] = fitted_tail(first[j], float(observed[j])) if hits[j] == 0 else np.inf
                continue
            null = draw(j, int(done[j]), upto - int(done[j]))
            hits[j] += at_least(null[None, :], observed[j : j + 1])[0]
            total[j] += null.sum()
            if not done[j]:
                first[j] = null
            done[j] = upto
    counted = (1 + hits) / (1 + done)
    return Tail(np.minimum(counted, fitted), done, total / np.maximum(done, 1), first, fitted < counted)


def fitted_tail(null: Floats, observed: float) -> float:
    """P(T >= observed) from a gamma law with the mean, variance and skewness of the draws.

    For a statistic beyond all draws where more of them would be too dear; approximate, and to be named so. Quadratic
    statistics of counts and degenerate U-statistics are sums of squares in the limit, which a gamma law follows.
    Source: Pearson type III; Gretton et al. 2009, section 2, for the latter.
    """
    spread = float(null.std())
    if spread == 0.0:
        return 1.0 / (1 + len(null))
    z = (observed - float(null.mean())) / spread
    skew = float((((null - null.mean()) / spread) ** 3).mean())
    return max(float(skewed_tail(np.array(z), np.array(skew))), FITTED)


def skewed_tail(z: Floats, skew: Floats) -> Floats:
    """P(Z >= z) of the gamma law with mean 0, deviation 1 and this skewness; of the normal one where that is 0 or less.

    Source: Pearson type III.
    """
    from scipy.special import gammaincc, ndtr

    shape = 4.0 / np.maximum(skew, 1e-3) ** 2
    gamma = gammaincc(shape, np.maximum(0.0, shape + z * np.sqrt(shape)))
    return np.asarray(np.where(skew < 1e-3, ndtr(-z), gamma))
