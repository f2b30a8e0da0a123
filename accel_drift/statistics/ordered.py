"""Tests of distances between distribution functions. Shared by every detector of ordered values.

The statistic is exact, from all rows. Where its law is not known it is found by relabelling counts on fine pooled
cells: one for each value up to 128 distinct ones, pooled quantiles above, and the observed labelling goes through the
same cells. Nothing about the cells knows which rows are the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from accel_drift.finding import Part
from accel_drift.statistics import draws, intervals, ordered_cells, quadratic, tail
from accel_drift.statistics.comparison import Comparison, Plan
from accel_drift.statistics.outcome import Outcome
from accel_drift.statistics.pairs import Counts, NumericPair, Table

Floats: TypeAlias = npt.NDArray[np.float64]
Resamples: TypeAlias = tuple[Counts, Counts]
Score: TypeAlias = Callable[[Counts, Counts], Floats]
Bootstrap: TypeAlias = intervals.Bootstrap | quadratic.Quadratic
Laws: TypeAlias = Sequence[tuple[float, str] | None]


@dataclass(frozen=True)
class Column:
    """One numeric column of a pair, with its counts on fine cells."""

    pair: NumericPair
    place: int
    blocked: bool

    @property
    def name(self) -> str:
        """The column's name."""
        return self.pair.names[self.place]

    @property
    def rows(self) -> tuple[int, int]:
        """Values of the reference and of the batch."""
        n, m = (int(side[self.place]) for side in self.pair.present)
        return n, m

    @cached_property
    def fine(self) -> Table:
        """Counts on the fine cells, missing last: shapes (g, FINE + 1)."""
        return self.pair.fine.column(self.place)

    @cached_property
    def steps(self) -> tuple[Floats, float]:
        """Half of the step from each cell to the next, (FINE - 1,), and half of the pooled spread."""
        a, b = self.fine.sides
        return ordered_cells.half_steps(self.pair.fine_middles[self.place], (a + b)[:-1])


@dataclass(frozen=True, slots=True)
class Distance:
    """What distinguishes one detector of ordered values from another.

    Attributes:
        statistic: pair -> (d,) statistics from all rows.
        score: column -> score of counts on its fine cells, (L, k) twice -> (L,).
        effect: (column, statistic, mean of the score without drift if it was drawn) -> effect.
        bootstrap: (column, its counts drawn again) -> the effect, give or take; its estimate, where it makes one,
            takes the place of `effect`.
        parts: column -> what the statistic is made of.
        laws: pair -> p-values as if no values tied, and how they were found, (d,); None where there is no law.
        conservative: whether ties only make those p-values too large.
        most: the largest effect that there can be.
        details: column -> further numbers.
    """

    statistic: Callable[[NumericPair], Floats]
    score: Callable[[Column], Score]
    effect: Callable[[Column, float, float | None], float]
    bootstrap: Callable[[Column, Resamples], Bootstrap]
    parts: Callable[[Column], tuple[Part, ...]]
    laws: Callable[[NumericPair], Laws] | None = None
    conservative: bool = False
    most: float = float("inf")
    details: Callable[[Column], dict[str, Any]] = lambda _: {}


def outcomes(
    comparison: Comparison,
    plan: Plan,
    how: Distance,
    blank: Outcome,
    *,
    permutations: int,
    min_rows: int,
    tolerance: float | None,
) -> list[Outcome]:
    """Test every numeric column."""
    found = []
    for pair in comparison.numeric:
        statistic = how.statistic(pair)
        asked = how.laws is not None and comparison.groups is None and tolerance is None
        laws: Laws = how.laws(pair) if how.laws is not None and asked else [None] * len(pair.names)
        for j, name in enumerate(pair.names):
            column = Column(pair, j, comparison.groups is not None)
            n, m = column.rows
            why = comparison.why_untested(n, m, int(pair.distinct[j]), plan, min_rows)
            ready = replace(blank, column=name, columns=(name,), n_reference=n, n_batch=m, untested=why)
            if why is None:
                test = _Test(column, comparison, plan, how, permutations, tolerance)
                ready = test.outcome(replace(ready, statistic=float(statistic[j])), laws[j])
            found.append(ready)
    return found


@dataclass(frozen=True, slots=True)
class _Test:
    column: Column
    comparison: Comparison
    plan: Plan
    how: Distance
    permutations: int
    tolerance: float | None

    def outcome(self, ready: Outcome, law: tuple[float, str] | None) -> Outcome:
        column, how = self.column, self.how
        boot = None
        if self.plan.intervals or self.tolerance is not None:
            stream = draws.key(self.plan.seed, "interval", column.name)
            again = self.comparison.drawn.resamples(column.fine, column.blocked, stream, intervals.RESAMPLES)
            boot = how.bootstrap(column, again)
        ready, chance = self._tested(replace(ready, details=how.details(column)), law, boot)
        if chance is None and isinstance(boot, quadratic.Quadratic):
            chance = boot.chance
        effect = how.effect(column, float(ready.statistic or 0.0), chance)
        judged = None
        if isinstance(boot, intervals.Bootstrap) and boot.estimate is not None:
            # An infinite effect of a few infinite rows is told, and judged as if they lay near.
            effect, judged = (boot.estimate, None) if np.isfinite(effect) else (effect, boot.estimate)
        ready = replace(ready, effect=effect, judged=judged)
        if boot is None or not self.plan.intervals:
            return ready
        low, high = intervals.clip(boot.interval(), 0.0, how.most)
        return replace(ready, interval=(min(low, effect), max(high, effect)), parts=how.parts(column))

    def _tested(
        self, ready: Outcome, law: tuple[float, str] | None, boot: Bootstrap | None
    ) -> tuple[Outcome, float | None]:
        """The outcome with its p-value, and the mean score without drift where it was drawn."""
        if self.tolerance is not None and boot is not None:
            details = {**ready.details, "tolerance": self.tolerance}
            p = boot.p_beyond(self.tolerance)
            return replace(ready, p_value=p, p_method="approximate", details=details), None
        if law is not None and not self.column.pair.tied[self.column.place]:
            return replace(ready, p_value=law[0], p_method=law[1]), None
        # Where a law errs on the safe side and is small even so, no draw is needed.
        if law is not None and self.how.conservative and law[0] <= self.plan.smallest_p:
            details = {**ready.details, "conservative": True}
            return replace(ready, p_value=law[0], p_method="asymptotic", details=details), None
        found = self._permuted()
        done = replace(
            ready,
            p_value=float(found.p_value[0]),
            p_method="approximate" if found.fitted[0] else "permutation",
            details={**ready.details, "permutations": int(found.draws[0])},
            null=found.first[0],
        )
        return done, float(found.mean[0])

    def _permuted(self) -> tail.Tail:
        column, score = self.column, self.how.score(self.column)
        drawn, stream = self.comparison.drawn, draws.key(self.plan.seed, "null", column.name)
        return tail.sequential(
            score(*(side[None] for side in column.fine.sides)),
            lambda _, first, count: drawn.scores(score, column.fine, column.blocked, stream, first, count),
            self.permutations,
            self.comparison.needed(self.plan),
            column.fine.reference.shape[-1],
        )
