"""Tests of scores of counts: quantile bins of numbers, cells of categories. Shared by every binned detector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import draws, intervals, nulls, tail
from accel_drift.statistics.cells import FINE, rebin
from accel_drift.statistics.comparison import Comparison, Plan
from accel_drift.statistics.outcome import Outcome
from accel_drift.statistics.pairs import CategoryPair, Counts, NumericPair, Table, merge_rare

Floats = npt.NDArray[np.float64]
Score = Callable[[Counts, Counts], Floats]

_ROWS_A_BIN = 50
"""Reference rows a bin from which fixed bins do no harm (level 0.05 at 50, 0.09 to 0.24 at 2.5 to 5)."""

MOST_CATEGORIES = 1000
"""Cells at most for a column of categories; the rarest of the pooled sample are counted together."""


@dataclass(frozen=True, slots=True)
class BinnedScore:
    """What distinguishes one binned detector from another.

    Attributes:
        score: counts (L, k) of reference and batch -> (L,) statistics.
        effect: (statistic, its null mean, reference counts, batch counts) -> effect.
        interval: (column counts, whole blocks?, stream) -> interval of the effect.
    """

    score: Score
    effect: Callable[[float, float, Counts, Counts], float]
    interval: Callable[[Table, bool, npt.NDArray[np.uint32]], intervals.Interval]


def statistics(comparison: Comparison, score: Score, bins: int) -> dict[str, float]:
    """The score of every column, in the comparison's order."""
    found: dict[str, float] = {}
    for pair in comparison.numeric:
        found.update(zip(pair.names, map(float, score(*pair.binned(bins).sides)), strict=True))
    for column in comparison.categorical:
        a, b = merge_rare(column, MOST_CATEGORIES).counts.sides
        found[column.name] = float(score(a[None], b[None])[0])
    return {n: found[n] for n in comparison.names if n in found}


def outcomes(
    comparison: Comparison,
    plan: Plan,
    how: BinnedScore,
    blank: Outcome,
    *,
    bins: int,
    permutations: int,
    min_rows: int,
) -> list[Outcome]:
    """Test every numeric and every categorical column."""
    found: list[Outcome] = []
    for pair in comparison.numeric:
        found += _numeric(pair, comparison, plan, how, blank, bins, permutations, min_rows)
    found += [
        _categorical(pair, comparison, plan, how, blank, permutations, min_rows) for pair in comparison.categorical
    ]
    return found


def _numeric(
    pair: NumericPair,
    comparison: Comparison,
    plan: Plan,
    how: BinnedScore,
    blank: Outcome,
    bins: int,
    permutations: int,
    min_rows: int,
) -> list[Outcome]:
    """Test every numeric column of a pair in the reference's quantile bins.

    Columns without ties: the exact law of counts between order statistics. Ties or whole blocks: relabelled counts
    on fine pooled cells, the bins cut anew in every relabelling, and the observed table treated the same way.
    """
    observed = pair.binned(bins)
    statistic = how.score(*observed.sides)
    n, m = pair.known, pair.present[1]
    why = [
        comparison.why_untested(int(n[j]), int(m[j]), int(pair.distinct[j]), plan, min_rows)
        for j in range(len(pair.names))
    ]
    tested = [j for j, reason in enumerate(why) if reason is None]
    law = _NumericLaw(pair, comparison, plan, how.score, bins, observed)
    found = tail.sequential(
        np.array([law.observed(j, statistic[j]) for j in tested]),
        lambda i, first, count: law.draw(tested[i], first, count),
        permutations,
        comparison.needed(plan),
        law.width,
    )
    place = {j: i for i, j in enumerate(tested)}
    return [
        _outcome(
            replace(
                blank,
                column=name,
                columns=(name,),
                n_reference=int(observed.reference[:, j].sum()),
                n_batch=int(observed.batch[:, j].sum()),
                untested=why[j],
            ),
            float(statistic[j]),
            observed.column(j),
            None if j not in place else (found, place[j], law.method(j)),
            how,
            comparison,
            plan,
        )
        for j, name in enumerate(pair.names)
    ]


def _categorical(
    pair: CategoryPair,
    comparison: Comparison,
    plan: Plan,
    how: BinnedScore,
    blank: Outcome,
    permutations: int,
    min_rows: int,
) -> Outcome:
    """Test one column of categories: every pooled category a cell, relabelled counts exactly hypergeometric."""
    pair = merge_rare(pair, MOST_CATEGORIES)
    a, b = pair.counts.sides
    statistic = float(how.score(a[None], b[None])[0])
    n, m = int(a[:-1].sum()), int(b[:-1].sum())
    filled = int(((a + b)[:-1] > 0).sum())
    why = comparison.why_untested(n, m, filled, plan, min_rows)
    details = {**blank.details, **({"merged_categories": pair.merged} if pair.merged else {})}
    ready = replace(
        blank,
        column=pair.name,
        columns=(pair.name,),
        n_reference=int(a.sum()),
        n_batch=int(b.sum()),
        untested=why,
        details=details,
    )
    blocked = comparison.groups is not None
    stream = draws.key(plan.seed, "null", pair.name)
    found = None
    if why is None:
        result = tail.sequential(
            np.array([statistic]),
            lambda _, first, count: nulls.relabelled(how.score, pair.counts, blocked, stream, first, count),
            permutations,
            comparison.needed(plan),
            len(a),
        )
        found = (result, 0, "permutation")
    return _outcome(ready, statistic, pair.counts, found, how, comparison, plan)


@dataclass(frozen=True)
class _NumericLaw:
    """Draws of a score of quantile bins without drift, column by column."""

    pair: NumericPair
    comparison: Comparison
    plan: Plan
    score: Score
    bins: int
    table: Table

    @property
    def width(self) -> int:
        """Cells behind one draw, of the dearest column."""
        return self.bins if all(map(self.untied, range(len(self.pair.names)))) else FINE

    def untied(self, j: int) -> bool:
        return self.comparison.groups is None and not self.pair.tied[j]

    def sampled(self, j: int) -> bool:
        """Ties in a reference of which only a sample is at hand: its bins cannot be cut anew.

        Relabelling counts in fixed bins is harmless where bins hold many reference rows. Where they hold few, the
        test is made on the sample, whose bins can be.
        """
        many = self.pair.known[j] >= _ROWS_A_BIN * self.bins
        return self.comparison.totals is not None and not self.untied(j) and bool(many)

    def method(self, j: int) -> str:
        return "monte-carlo" if self.untied(j) else ("approximate" if self.sampled(j) else "permutation")

    def observed(self, j: int, statistic: float) -> float:
        """The statistic that the draws are compared with: on fine cells where the draws are."""
        if self.untied(j) or self.sampled(j):
            return float(statistic)
        a, b = self.pair.fine.column(j).sides
        return float(self.score(*rebin(a[None], b[None], self.bins))[0])

    def draw(self, j: int, first: int, count: int) -> Floats:
        stream = draws.key(self.plan.seed, "null", self.pair.names[j])
        if self.sampled(j):
            return nulls.relabelled(self.score, self.table.column(j), False, stream, first, count)
        if not self.untied(j):
            blocked = self.comparison.groups is not None
            return self.score(*nulls.relabel_bins(self.pair.fine.column(j), self.bins, blocked, stream, first, count))
        rows = (self.comparison.n_reference, self.comparison.batch.rows)
        missing = sum(rows) - int(self.pair.known[j]) - int(self.pair.present[1][j])
        return self.score(*nulls.untied_bins(rows, missing, self.bins, stream, first, count))


def _finite_mean(result: tail.Tail, i: int) -> float:
    """What chance makes of the score on average, infinite draws left out."""
    mean = float(result.mean[i])
    if np.isfinite(mean):
        return mean
    finite = result.first[i][np.isfinite(result.first[i])]
    return float(finite.mean()) if len(finite) else 0.0


def _outcome(
    blank: Outcome,
    statistic: float,
    counts: Table,
    found: tuple[tail.Tail, int, str] | None,
    how: BinnedScore,
    comparison: Comparison,
    plan: Plan,
) -> Outcome:
    if found is None:
        return blank
    if not np.isfinite(statistic):  # a cell empty on one side, and no pseudo-count
        effect, interval = statistic, None
    else:
        effect, interval = how.effect(statistic, _finite_mean(found[0], found[1]), *counts.sides), None
    if plan.intervals and np.isfinite(effect):
        low, high = how.interval(counts, comparison.groups is not None, draws.key(plan.seed, "interval", blank.column))
        # Clipped at the score's bound, it could leave out an effect below what chance makes of it.
        interval = min(low, effect), max(high, effect)
    result, i, method = found
    details: dict[str, Any] = {**blank.details, "permutations": int(result.draws[i])}
    return replace(
        blank,
        statistic=statistic,
        p_value=float(result.p_value[i]),
        p_method="approximate" if result.fitted[i] else method,
        effect=effect,
        interval=interval,
        details=details,
        null=result.first[i],
    )
