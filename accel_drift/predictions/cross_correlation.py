"""Correlations of two series at every lag, freed from each one's own past, and what permuted times make of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from accel_drift.predictions.prewhitening import Floats, prewhitened

Sign: TypeAlias = Literal["two-sided", "positive", "negative"]

FEWEST_PAIRS = 10
"""Lags at which fewer points meet are left out."""

_AT_ONCE = 400_000
_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class Draws:
    """Correlations of two series over their errors, as they are and permuted.

    Attributes:
        errors: (lags,) of the correlations.
        pairs: (lags,) points that met.
        steps: (lags,) the lags: ascending, alike on both sides of 0.
        statistics: (lags, 1 + permutations) correlations over their errors, the observed ones first.
        differences: (lags above 0, 1 + permutations) of a lag's sum of products less that of the lag mirrored, over
            its error.
        points: times at which something was left of both.
        order: steps of its own past that each series was freed from.
    """

    errors: Floats
    pairs: Floats
    steps: Floats
    statistics: Floats
    differences: Floats
    points: int
    order: int

    def largest(self, sign: Sign, least: int, most: int) -> Floats:
        """(1 + permutations,) largest statistic of that sign over the lags from `least` to `most`."""
        chosen = self.statistics[(self.steps >= least) & (self.steps <= most)]
        found: Floats = signed(chosen, sign).max(axis=0)
        return found

    def largest_difference(self, sign: Sign, side: int, least: int) -> Floats:
        """(1 + permutations,) by how much the first foretells the second more than the other way round.

        Args:
            sign: of the correlations looked for.
            side: 1, or -1 for by how much less.
            least: steps from which on lags are looked at.
        """
        later = self.steps > 0
        if sign == "two-sided":
            ahead, behind = self.statistics[later], self.statistics[self.steps < 0][::-1]
            values = np.abs(self.differences) * np.sign(np.abs(ahead) - np.abs(behind))
        else:
            values = signed(self.differences, sign)
        found: Floats = (side * values[self.steps[later] >= least]).max(axis=0)
        return found


def signed(values: Floats, sign: Sign) -> Floats:
    """The larger, the more there is of that sign."""
    return np.abs(values) if sign == "two-sided" else values if sign == "positive" else -values


def p_value(values: Floats) -> float:
    """Of the first among all: none is ever 0."""
    return float((values >= values[0] - _SAME).mean())


def drawn(x: Floats, y: Floats, most: int, permutations: int, seed: int, period: int | None) -> Draws | str:
    """Correlations at every lag, as they are and with their times permuted; or why there are none."""
    left = prewhitened(x, y, period)
    if isinstance(left, str):
        return left
    (a, b), order = left
    there = ~np.isnan(a)
    points = int(np.count_nonzero(there))
    later = [step for step in range(1, min(most, len(there) - 1) + 1) if _met(there, step) >= FEWEST_PAIRS]
    if not later:
        return f"at no lag do {FEWEST_PAIRS} points meet"
    steps = np.array([*(-step for step in reversed(later)), 0, *later])
    a, b = a[there], b[there]
    statistics, differences = _permuted(a, b, there, steps, permutations, np.random.default_rng(seed))
    first, second = (_spread(side[None], there)[0] for side in (a, b))
    errors = np.array([_error(first, second, there, int(step)) for step in steps])
    pairs = np.array([_met(there, int(abs(step))) for step in steps])
    return Draws(errors, pairs, steps, statistics, differences, points, order)


def _permuted(
    a: Floats, b: Floats, there: Any, steps: Floats, permutations: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Statistics and differences: pairs of one time are permuted together."""
    points, size, made = len(a), max(1, _AT_ONCE // len(there)), []
    for start in range(0, permutations + 1, size):
        count = min(size, permutations + 1 - start)
        orders = rng.permuted(np.tile(np.arange(points), (count, 1)), axis=1)
        if start == 0:
            orders[0] = np.arange(points)
        made.append(_studentised(_spread(a[orders], there), _spread(b[orders], there), steps))
    statistics, differences = (np.concatenate(parts, axis=1) for parts in zip(*made, strict=True))
    statistics[steps == 0, 1:] = _unconnected(a, b, permutations, rng)
    return statistics, differences


def _met(there: Any, step: int) -> int:
    return int(np.count_nonzero(there[: len(there) - step] & there[step:]))


def _spread(values: Floats, there: Any) -> Floats:
    """(draws, n) values at their times, 0 where there is none."""
    out = np.zeros((len(values), len(there)))
    out[:, there] = values
    return out


def _shifted(a: Floats, b: Floats, step: int) -> tuple[Floats, Floats]:
    """The first at t beside the second at t + step."""
    n = a.shape[-1]
    return (a[..., : n - step], b[..., step:]) if step >= 0 else (a[..., -step:], b[..., : n + step])


def _studentised(a: Floats, b: Floats, steps: Floats) -> tuple[Floats, Floats]:
    """Sums of products over the root of the sum of their squares: right where the spread changes, too.

    Returns:
        (lags, draws) of the products at each lag, and (lags above 0, draws) of their differences from those at the lag
        mirrored: these are right where both sides hang together alike.
    """
    squares, both = (a * a, b * b), a * b
    sums = {int(step): _summed(a, b, int(step)) for step in steps}
    sizes = {step: _summed(*squares, step) for step in sums}
    later = [step for step in sums if step > 0]
    statistics = np.array([_over(sums[step], sizes[step]) for step in sums])
    differences = []
    for step in later:
        whole = sizes[step] + sizes[-step]
        # (x - y)^2 is x^2 + y^2 - 2 x y; what is left of equal sides is rounding.
        spread = whole - 2 * _summed(both, both, step)
        differences.append(_over(sums[step] - sums[-step], np.where(spread > _SAME * whole, spread, 0.0)))
    return statistics, np.array(differences)


def _summed(a: Floats, b: Floats, step: int) -> Floats:
    """(draws,) sums of products at a lag."""
    out: Floats = np.einsum("pt,pt->p", *_shifted(a, b, step))
    return out


def _over(sums: Floats, squares: Floats) -> Floats:
    return np.divide(sums, np.sqrt(squares), out=np.zeros(len(sums)), where=squares > 0)


def _error(a: Floats, b: Floats, there: Any, step: int) -> float:
    """Of the correlation of points that meet."""
    x, y = _shifted(a, b, step)
    met = np.logical_and(*_shifted(there, there, step))
    whole = float(np.sqrt((x[met] @ x[met]) * (y[met] @ y[met])))
    return float(np.sqrt(((x * y) ** 2).sum())) / whole if whole > 0 else 0.0


def _unconnected(a: Floats, b: Floats, permutations: int, rng: np.random.Generator) -> Floats:
    """(permutations,) statistics at lag 0 with the times of one series alone permuted."""
    out = np.empty(permutations)
    size = max(1, _AT_ONCE // len(a))
    for start in range(0, permutations, size):
        count = min(size, permutations - start)
        other = rng.permuted(np.tile(b, (count, 1)), axis=1)
        out[start : start + count] = _over(other @ a, (other * other) @ (a * a))
    return out
