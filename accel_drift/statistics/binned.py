"""Tests of scores of counts: quantile bins of numbers, cells of categories. Shared by every binned detector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.finding import Part
from accel_drift.statistics import draws, intervals, parts, tail
from accel_drift.statistics.binned_scores import BinnedScore
from accel_drift.statistics.cells import FINE, rebin
from accel_drift.statistics.comparison import Comparison, Plan
from accel_drift.statistics.outcome import Outcome
from accel_drift.statistics.pairs import CategoryPair, Counts, NumericPair, Table, merge_rare

Floats = npt.NDArray[np.float64]

_ROWS_A_BIN = 50
"""Reference rows a bin from which fixed bins do no harm (level 0.05 at 50, 0.09 to 0.24 at 2.5 to 5)."""

MOST_CATEGORIES = 1000
"""Cells at most for a column of categories; the rarest of the pooled sample share cells: see `merge_rare`."""

_FINER = 4
"""How many times more resamples a p-value takes than an interval."""


@dataclass(frozen=True, slots=True)
class BinnedTest:
    """One binned detector on one comparison.

    Attributes:
        comparison: reference and batch.
        plan: what the report asks for.
        how: the score.
        blank: an outcome of the detector, to be filled in.
        bins: quantile bins of a numeric column.
        permutations: relabellings in the first round.
        min_rows: rows that a side must have.
        tolerance: effect that is put up with, or None for the test of any difference.
    """

    comparison: Comparison
    plan: Plan
    how: BinnedScore
    blank: Outcome
    bins: int
    permutations: int
    min_rows: int
    tolerance: float | None = None

    @property
    def smallest_p(self) -> float:
        """With a tolerance the draws without drift only say what chance makes of the score: one round will do."""
        return self.comparison.needed(self.plan) if self.tolerance is None else 1.0

    @property
    def blocked(self) -> bool:
        """Whether whole blocks of rows are permuted."""
        return self.comparison.groups is not None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the draws without drift said of one column: its place among those drawn, and how they were made."""

    found: tail.Tail
    place: int
    method: str

    @property
    def null(self) -> Floats:
        """Draws of the first round."""
        return np.asarray(self.found.first[self.place])

    @property
    def chance(self) -> float:
        """What chance makes of the score on average, infinite draws left out."""
        mean = float(self.found.mean[self.place])
        if np.isfinite(mean):
            return mean
        finite = self.null[np.isfinite(self.null)]
        return float(finite.mean()) if len(finite) else 0.0


def statistics(comparison: Comparison, how: BinnedScore, bins: int) -> dict[str, float]:
    """The statistic of every column, in the comparison's order."""
    found: dict[str, float] = {}
    for pair in comparison.numeric:
        shown = how.statistic(how.score(*pair.binned(bins).sides))
        found.update(zip(pair.names, map(float, shown), strict=True))
    for column in comparison.categorical:
        a, b = merge_rare(column, MOST_CATEGORIES).counts.sides
        found[column.name] = float(how.statistic(how.score(a[None], b[None]))[0])
    return {n: found[n] for n in comparison.names if n in found}


def outcomes(test: BinnedTest) -> list[Outcome]:
    """Test every numeric and every categorical column."""
    found: list[Outcome] = []
    for pair in test.comparison.numeric:
        found += _numeric(pair, test)
    return found + [_categorical(pair, test) for pair in test.comparison.categorical]


def _numeric(pair: NumericPair, test: BinnedTest) -> list[Outcome]:
    """Test every numeric column of a pair in the reference's quantile bins.

    Columns without ties: the exact law of counts between order statistics. Ties or whole blocks: relabelled counts
    on fine pooled cells, the bins cut anew in every relabelling, and the observed table treated the same way. Bins
    that are fixed by rows outside the test: relabelled counts in them.
    """
    observed = pair.binned(test.bins)
    score = test.how.score(*observed.sides)
    n, m = pair.known, pair.present[1]
    why = [
        test.comparison.why_untested(int(n[j]), int(m[j]), int(pair.distinct[j]), test.plan, test.min_rows)
        for j in range(len(pair.names))
    ]
    tested = [j for j, reason in enumerate(why) if reason is None]
    law = _NumericLaw(pair, test, observed)
    found = tail.sequential(
        np.array([law.observed(j, score[j]) for j in tested]),
        lambda i, first, count: law.draw(tested[i], first, count),
        test.permutations,
        test.smallest_p,
        law.width,
    )
    place = {j: i for i, j in enumerate(tested)}

    def column(j: int, name: str) -> Outcome:
        counts = observed.column(j)
        a, b = counts.sides
        ready = replace(
            test.blank,
            column=name,
            columns=(name,),
            n_reference=int(a.sum()),
            n_batch=int(b.sum()),
            untested=why[j],
        )
        seen = _Seen(found, place[j], law.method(j)) if j in place else None
        cuts = pair.bin_cuts(test.bins)[j]
        return _outcome(ready, float(score[j]), counts, seen, test, lambda terms, s: parts.of_bins(terms, s, cuts))

    return [column(j, name) for j, name in enumerate(pair.names)]


def _categorical(pair: CategoryPair, test: BinnedTest) -> Outcome:
    """Test one column of categories: every pooled category a cell, relabelled counts exactly hypergeometric."""
    pair = merge_rare(pair, MOST_CATEGORIES)
    a, b = pair.counts.sides
    score = float(test.how.score(a[None], b[None])[0])
    n, m = int(a[:-1].sum()), int(b[:-1].sum())
    filled = int(((a + b)[:-1] > 0).sum())
    why = test.comparison.why_untested(n, m, filled, test.plan, test.min_rows)
    details = {**test.blank.details, **({"merged_categories": pair.merged} if pair.merged else {})}
    ready = replace(
        test.blank,
        column=pair.name,
        columns=(pair.name,),
        n_reference=int(a.sum()),
        n_batch=int(b.sum()),
        untested=why,
        details=details,
    )
    stream, drawn = draws.key(test.plan.seed, "null", pair.name), test.comparison.drawn
    seen = None
    if why is None:
        result = tail.sequential(
            np.array([score]),
            lambda _, first, count: drawn.scores(test.how.score, pair.counts, test.blocked, stream, first, count),
            test.permutations,
            test.smallest_p,
            len(a),
        )
        seen = _Seen(result, 0, "permutation")
    return _outcome(ready, score, pair.counts, seen, test, lambda terms, s: parts.of_categories(terms, s, pair))


@dataclass(frozen=True)
class _NumericLaw:
    """Draws of a score of quantile bins without drift, column by column."""

    pair: NumericPair
    test: BinnedTest
    table: Table

    @property
    def width(self) -> int:
        """Cells behind one draw, of the dearest column."""
        few = self.pair.fixed or all(map(self.untied, range(len(self.pair.names))))
        return self.test.bins if few else FINE

    def untied(self, j: int) -> bool:
        return not self.test.blocked and not self.pair.tied[j] and not self.pair.fixed

    def sampled(self, j: int) -> bool:
        """Ties in a reference of which only a sample is at hand: its bins cannot be cut anew.

        Relabelling counts in fixed bins is harmless where bins hold many reference rows. Where they hold few, the
        test is made on the sample, whose bins can be.
        """
        many = self.pair.known[j] >= _ROWS_A_BIN * self.test.bins
        known = self.pair.fixed or self.untied(j)
        return self.test.comparison.totals is not None and not known and bool(many)

    def method(self, j: int) -> str:
        return "monte-carlo" if self.untied(j) else ("approximate" if self.sampled(j) else "permutation")

    def observed(self, j: int, score: float) -> float:
        """The score that the draws are compared with: on fine cells where the draws are."""
        if self.pair.fixed or self.untied(j) or self.sampled(j):
            return float(score)
        a, b = self.pair.fine.column(j).sides
        return float(self.test.how.score(*rebin(a[None], b[None], self.test.bins))[0])

    def draw(self, j: int, first: int, count: int) -> Floats:
        test, drawn = self.test, self.test.comparison.drawn
        stream = draws.key(test.plan.seed, "null", self.pair.names[j])
        if self.pair.fixed or self.sampled(j):
            return drawn.scores(test.how.score, self.table.column(j), test.blocked, stream, first, count)
        if not self.untied(j):
            fine = self.pair.fine.column(j)
            return test.how.score(*drawn.relabel_bins(fine, test.bins, test.blocked, stream, first, count))
        rows = (test.comparison.n_reference, test.comparison.batch.rows)
        missing = sum(rows) - int(self.pair.known[j]) - int(self.pair.present[1][j])
        return test.how.score(*drawn.untied_bins(rows, missing, test.bins, stream, first, count))


def _outcome(
    blank: Outcome,
    score: float,
    counts: Table,
    seen: _Seen | None,
    test: BinnedTest,
    explain: Callable[[Floats, tuple[Counts, Counts]], tuple[Part, ...]],
) -> Outcome:
    if seen is None:
        return blank
    result, i, how = seen.found, seen.place, test.how
    a, b = counts.sides
    details: dict[str, Any] = {**blank.details, "permutations": int(result.draws[i])}
    ready = replace(
        blank,
        statistic=float(how.statistic(np.asarray(score))),
        p_value=float(result.p_value[i]),
        p_method="approximate" if result.fitted[i] else seen.method,
        effect=score,
        details=details,
        null=how.statistic(seen.null),
        parts=explain(how.terms(a, b), (a, b)) if test.plan.intervals else (),
    )
    if not np.isfinite(score):  # a cell empty on one side, and no pseudo-count
        return ready
    return _sized(replace(ready, effect=how.effect(score, seen.chance, a + b)), score, counts, seen, test)


def _sized(ready: Outcome, score: float, counts: Table, seen: _Seen, test: BinnedTest) -> Outcome:
    """With the interval where a report wants it, and the p-value beyond a tolerance where there is one."""
    if not test.plan.intervals and test.tolerance is None:
        return ready
    how, (a, b) = test.how, counts.sides
    pooled = a + b
    stream = draws.key(test.plan.seed, "interval", ready.column)
    count = intervals.RESAMPLES * (1 if test.tolerance is None else _FINER)
    made = how.bootstrap(counts, test.comparison.drawn.resamples(counts, test.blocked, stream, count))
    if made.estimate is not None:
        ready = replace(ready, effect=made.estimate)
    if test.plan.intervals:
        unit = made.observed / score if score else 1.0  # resamples may be of the score per row
        law = (made, unit * seen.chance, unit * seen.null)
        ends = made.interval() if made.band else intervals.of_quadratic(*law)
        low, high = (how.shown(end, pooled) for end in ends)
        # Clipped at the score's bound, it could leave out an effect below what chance makes of it.
        effect = ready.effect or 0.0
        ready = replace(ready, interval=(min(low, effect), max(high, effect)))
    if test.tolerance is None:
        return ready
    return replace(
        ready,
        p_value=made.p_beyond(how.truth(test.tolerance, pooled)),
        p_method="approximate",
        details={**ready.details, "tolerance": test.tolerance},
    )
