"""P-values from draws under the null, with further rounds for the columns that need them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ENOUGH = 10
"""Exceedances after which a test stops (Besag & Clifford 1991)."""

_TIE = 1e-12
"""Relative slack within which two statistics are one: sums of the same terms in another order still tie."""


@dataclass(frozen=True, slots=True)
class Tail:
    """What the draws said of each column.

    Shapes: p_value, draws, mean, variance (d,); first (d, permutations), the first round, kept for pictures.
    """

    p_value: Floats
    draws: npt.NDArray[np.int64]
    mean: Floats
    first: Floats


def at_least(null: Floats, observed: Floats) -> npt.NDArray[np.int64]:
    """How many of null (d, B) reach observed (d,); ties count against drift."""
    line = observed - _TIE * np.abs(observed)
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
) -> Tail:
    """Monte-Carlo p-values (1 + #{T_b >= T_obs}) / (1 + B), never 0.

    A column with fewer than `ENOUGH` exceedances goes on to the next round, on the same stream of draws. Stopping
    only where the p-value is already above ENOUGH / (1 + B) keeps it valid: Besag & Clifford 1991, section 3.

    Args:
        observed: (d,) statistics, computed by the code that computes the draws.
        draw: draw(column, first, count) -> (count,) statistics of relabellings first ... first + count of a column.
        permutations: size of the first round.
        smallest_p: what the correction may need; decides how many rounds there are.
    """
    d = len(observed)
    hits = np.zeros(d, dtype=np.int64)
    done = np.zeros(d, dtype=np.int64)
    total = np.zeros(d)
    first = np.empty((d, permutations))
    for upto in rounds(permutations, smallest_p):
        for j in range(d):
            if done[j] and hits[j] >= ENOUGH:
                continue
            null = draw(j, int(done[j]), upto - int(done[j]))
            hits[j] += at_least(null[None, :], observed[j : j + 1])[0]
            total[j] += null.sum()
            if not done[j]:
                first[j] = null
            done[j] = upto
    return Tail((1 + hits) / (1 + done), done, total / np.maximum(done, 1), first)
