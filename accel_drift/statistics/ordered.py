"""Tests of distances between distribution functions. Shared by every detector of ordered values.

The statistic is exact, from all rows. Where its law is not known it is found by relabelling counts on fine pooled
cells: one for each value up to 128 distinct ones, pooled quantiles above, and the observed labelling goes through the
same cells. Nothing about the cells knows which rows are the reference. All columns of a pair are tested side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from accel_drift.finding import Part
from accel_drift.statistics import intervals, ordered_cells, quadratic, tail
from accel_drift.statistics.comparison import Comparison, Plan
from accel_drift.statistics.outcome import Outcome
from accel_drift.statistics.pairs import Counts, NumericPair, Table

Floats: TypeAlias = npt.NDArray[np.float64]
Places: TypeAlias = npt.NDArray[np.intp]
Resamples: TypeAlias = tuple[Counts, Counts]
Score: TypeAlias = Callable[[Counts, Counts], Floats]
Bootstrap: TypeAlias = intervals.Bootstrap | quadratic.Quadratic
Laws: TypeAlias = tuple[Floats, list[str], npt.NDArray[np.bool_]]

_FULLEST = 0.02
"""Share of the pooled rows on one cell up to which a column is one without atoms."""

_AT_ONCE = 1 << 20
"""Resampled counts in memory at a time."""


@dataclass(frozen=True)
class Columns:
    """Some numeric columns of a pair, with their counts on fine cells."""

    pair: NumericPair
    places: Places
    blocked: bool

    def take(self, some: Places) -> Columns:
        """Some of these columns."""
        return Columns(self.pair, self.places[some], self.blocked)

    @property
    def names(self) -> list[str]:
        """The columns' names."""
        return [self.pair.names[j] for j in self.places]

    @property
    def rows(self) -> tuple[Counts, Counts]:
        """Values of the reference and of the batch, (c,) twice."""
        n, m = (side[self.places] for side in self.pair.present)
        return n, m

    @property
    def tied(self) -> npt.NDArray[np.bool_]:
        """Whether any two values are the same, (c,)."""
        return np.asarray(self.pair.tied[self.places])

    @cached_property
    def fine(self) -> Table:
        """Counts on the fine cells, missing last: shapes (g, c, FINE + 1)."""
        return self.pair.fine.columns(self.places)

    @property
    def smooth(self) -> npt.NDArray[np.bool_]:
        """Whether rows are dealt one by one, and no cell holds many of them, (c,)."""
        a, b = self.fine.sides
        rows = (a + b)[:, :-1]
        return np.asarray((rows.max(axis=1, initial=0) <= _FULLEST * rows.sum(axis=1)) & (not self.blocked))

    @cached_property
    def steps(self) -> tuple[Floats, Floats]:
        """Half of the step from each cell to the next, (c, FINE - 1), and half of the pooled spread, (c,)."""
        a, b = self.fine.sides
        return ordered_cells.half_steps(self.pair.fine_middles[self.places], (a + b)[:, :-1])


@dataclass(frozen=True, slots=True)
class Distance:
    """What distinguishes one detector of ordered values from another.

    Attributes:
        statistic: pair -> (d,) statistics from all rows.
        score: columns -> score of counts on their fine cells, (c, B, k) twice -> (c, B).
        effect: (columns, statistics, means of the score without drift where it was drawn, else NaN) -> (c,) effects.
        bootstrap: (columns, their counts drawn again) -> the effects, give or take; their estimates, where it makes
            them, take the place of `effect`.
        band: the same as `bootstrap`, for smooth columns, from the law of their functions' errors: nothing is drawn.
        parts: columns -> what each statistic is made of.
        laws: columns -> p-values as if no values tied, how they were found, and whether they stand for these columns,
            (c,) each; NaN where there is no law.
        conservative: whether ties only make those p-values too large.
        most: the largest effect that there can be.
        details: columns -> further numbers of each.
    """

    statistic: Callable[[NumericPair], Floats]
    score: Callable[[Columns], Score]
    effect: Callable[[Columns, Floats, Floats], Floats]
    bootstrap: Callable[[Columns, Resamples], Bootstrap]
    parts: Callable[[Columns], Sequence[tuple[Part, ...]]]
    laws: Callable[[Columns], Laws] | None = None
    conservative: bool = False
    band: Callable[[Columns], Bootstrap] | None = None
    most: float = float("inf")
    details: Callable[[Columns], Sequence[dict[str, Any]]] = lambda columns: [{}] * len(columns.places)


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
        sizes = [side.tolist() for side in (*pair.present, pair.distinct)]
        made = [
            replace(
                blank,
                column=name,
                columns=(name,),
                n_reference=n,
                n_batch=m,
                untested=comparison.why_untested(n, m, distinct, plan, min_rows),
            )
            for name, n, m, distinct in zip(pair.names, *sizes, strict=True)
        ]
        places = np.flatnonzero([o.untested is None for o in made])
        columns = Columns(pair, places, comparison.groups is not None)
        test = _Test(columns, comparison, plan, how, permutations, tolerance)
        for j, done in zip(places.tolist(), test.outcomes([made[j] for j in places]), strict=True):
            made[j] = done
        found += made
    return found


@dataclass(frozen=True, slots=True)
class _Test:
    columns: Columns
    comparison: Comparison
    plan: Plan
    how: Distance
    permutations: int
    tolerance: float | None

    def outcomes(self, blanks: Sequence[Outcome]) -> list[Outcome]:
        """Every column with what its test found; the columns resampled a few at a time."""
        if not blanks:
            return []
        columns, how = self.columns, self.how
        statistic = how.statistic(columns.pair)[columns.places]
        ready = [
            replace(o, statistic=value, details=details)
            for o, value, details in zip(blanks, statistic.tolist(), how.details(columns), strict=True)
        ]
        chance = np.full(len(ready), np.nan)
        if self.tolerance is None:
            ready, chance = self._tested(ready, chance)
        step = max(1, _AT_ONCE // (intervals.RESAMPLES * columns.fine.reference.shape[-1]))
        known = columns.smooth & (how.band is not None)
        for draws in (False, True):
            alike = np.flatnonzero(known != draws)
            for some in (alike[lo : lo + step] for lo in range(0, len(alike), step)):
                some_ready = [ready[j] for j in some]
                made = self._sized(columns.take(some), some_ready, statistic[some], chance[some], draws)
                for j, done in zip(some.tolist(), made, strict=True):
                    ready[j] = done
        return ready

    def _tested(self, ready: list[Outcome], chance: Floats) -> tuple[list[Outcome], Floats]:
        """With p-values, and the mean scores without drift where they were drawn."""
        columns, how = self.columns, self.how
        found: Laws = np.full(len(ready), np.nan), [""] * len(ready), np.zeros(len(ready), np.bool_)
        if how.laws is not None and not columns.blocked:
            found = how.laws(columns)
        p, methods, stands = found
        stands = stands & ~np.isnan(p)
        # Where a law errs on the safe side and is small even so, no draw is needed.
        small = ~stands & (p <= self.plan.smallest_p) & how.conservative
        for j in np.flatnonzero(stands | small):
            method, more = ("asymptotic", {"conservative": True}) if small[j] else (methods[j], {})
            ready[j] = replace(ready[j], p_value=float(p[j]), p_method=method, details={**ready[j].details, **more})
        drawn = np.flatnonzero(~stands & ~small)
        made = self._permuted(columns.take(drawn))
        numbers = (made.p_value.tolist(), made.fitted.tolist(), made.draws.tolist(), made.first)
        for i, value, fitted, count, null in zip(drawn.tolist(), *numbers, strict=True):
            ready[i] = replace(
                ready[i],
                p_value=value,
                p_method="approximate" if fitted else "permutation",
                details={**ready[i].details, "permutations": count},
                null=null,
            )
        chance[drawn] = made.mean
        return ready, chance

    def _permuted(self, columns: Columns) -> tail.Tail:
        drawn, seed = self.comparison.drawn, self.plan.seed

        def draw(at: Places, first: int, count: int) -> Floats:
            some = columns.take(at)
            return self.how.score(some)(*drawn.relabel(some.fine, seed, some.names, first, count))

        return tail.sequential(
            self.how.score(columns)(*(side[:, None] for side in columns.fine.sides))[:, 0],
            draw,
            self.permutations,
            self.comparison.needed(self.plan),
            columns.fine.reference.shape[-1],
        )

    def _bootstrap(self, columns: Columns, draws: bool) -> Bootstrap | None:
        """The effects, give or take, where that is asked for."""
        plan, how = self.plan, self.how
        if not plan.intervals and self.tolerance is None:
            return None
        if how.band is not None and not draws:
            return how.band(columns)
        again = self.comparison.drawn.resample(columns.fine, plan.seed, columns.names, intervals.RESAMPLES)
        return how.bootstrap(columns, again)

    def _sized(
        self, columns: Columns, ready: Sequence[Outcome], statistic: Floats, chance: Floats, draws: bool
    ) -> list[Outcome]:
        """With effects, intervals and parts, and p-values beyond a tolerance."""
        how, plan, judged = self.how, self.plan, np.full(len(ready), np.nan)
        boot = self._bootstrap(columns, draws)
        if isinstance(boot, quadratic.Quadratic):
            chance = np.where(np.isnan(chance), boot.chance, chance)
        effect = how.effect(columns, statistic, chance)
        if isinstance(boot, intervals.Bootstrap) and boot.estimate is not None:
            # An infinite effect of a few infinite rows is told, and judged as if they lay near.
            far = ~np.isfinite(effect)
            effect, judged = np.where(far, effect, boot.estimate), np.where(far, boot.estimate, np.nan)
        sizes = zip(ready, effect.tolist(), judged.tolist(), strict=True)
        made = [replace(o, effect=e, judged=None if np.isnan(j) else j) for o, e, j in sizes]
        if boot is not None and self.tolerance is not None:
            beyond = zip(made, boot.p_beyond(self.tolerance).tolist(), strict=True)
            more = {"tolerance": self.tolerance}
            made = [replace(o, p_value=p, p_method="approximate", details={**o.details, **more}) for o, p in beyond]
        if boot is None or not plan.intervals:
            return made
        low, high = (np.clip(end, 0.0, how.most) for end in boot.interval())
        both = zip(np.minimum(low, effect).tolist(), np.maximum(high, effect).tolist(), strict=True)
        return [
            replace(o, interval=ends, parts=parts)
            for o, ends, parts in zip(made, both, how.parts(columns), strict=True)
        ]
