"""Tests of scores of counts: quantile bins of numbers, cells of categories. Shared by every binned detector.

Columns with one number of cells are tested side by side: draws, scores, effects and intervals are arrays over columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.finding import Part, Status
from accel_drift.statistics import draws, intervals, nulls, parts, tail
from accel_drift.statistics.alike_cells import AlikeCells
from accel_drift.statistics.binned_scores import BinnedScore
from accel_drift.statistics.cells import FINE, rebin
from accel_drift.statistics.comparison import Comparison, Plan
from accel_drift.statistics.outcome import Outcome
from accel_drift.statistics.pairs import CategoryPair, Counts, NumericPair, Table, merge_rare

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

_ROWS_A_BIN = 50
"""Reference rows a bin from which fixed bins do no harm (level 0.05 at 50, 0.09 to 0.24 at 2.5 to 5)."""

_FEW_TIES = 10
"""Values that repeat are few where a bin holds so many times as many rows (level 0.05 with all on one cut)."""

MOST_CATEGORIES = 1000
"""Categories up to which each is a cell for every score and an interval is a bootstrap's.

Of more, a score that counts each category deals those of one size together (see `alike_cells`); for others, and where
whole blocks are permuted, the rarest of the pooled sample share cells: see `merge_rare`.
"""

_NUMBERS, _FEWEST = 1_500_000, 199
"""Numbers drawn in the first round for very many categories, and relabellings in it whatever they take."""

_FINER = 4
"""How many times more resamples a p-value takes than an interval."""

_AT_ONCE = 1 << 19
"""Resampled counts in memory at a time."""


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

    def why_untested(self, n: Counts, m: Counts, distinct: Counts) -> list[Status | None]:
        """Why columns of these many values cannot be tested, or None."""
        sizes = zip(n.tolist(), m.tolist(), distinct.tolist(), strict=True)
        return [self.comparison.why_untested(*size, self.plan, self.min_rows) for size in sizes]


@dataclass(frozen=True, slots=True)
class _Law:
    """How scores without drift are drawn of some columns.

    Attributes:
        places: which columns of a group.
        observed: (c,) the scores that the draws are compared with: on fine cells where the draws are.
        draw: (which of these columns, first, count) -> (columns, count) scores.
        width: cells behind one draw.
        method: what the p-values are called.
        many: whether there are too many cells to draw `permutations` times, or to resample.
    """

    places: Places
    observed: Floats
    draw: Callable[[Places, int, int], Floats]
    width: int
    method: str
    many: bool = False


@dataclass(frozen=True, slots=True)
class _Group:
    """Columns tested side by side.

    Attributes:
        names: C columns.
        table: their counts, shapes (g, C, k).
        why: why each is not tested, or None.
        laws: how scores without drift are drawn of those that are.
        explain: (which column, its terms, its counts) -> parts.
        details: what each column's finding tells besides.
    """

    names: Sequence[str]
    table: Table
    why: Sequence[Status | None]
    laws: Sequence[_Law]
    explain: Callable[[int, Floats, tuple[Counts, Counts]], tuple[Part, ...]]
    details: Sequence[dict[str, Any]]


def statistics(comparison: Comparison, how: BinnedScore, bins: int) -> dict[str, float]:
    """The statistic of every column, in the comparison's order."""
    found: dict[str, float] = {}
    for pair in comparison.numeric:
        found.update(zip(pair.names, how.statistic(how.score(*pair.binned(bins).sides)).tolist(), strict=True))
    for columns in _alike(comparison, how):
        shown = how.statistic(how.score(*_stacked(columns).sides))
        found.update(zip((c.name for c in columns), shown.tolist(), strict=True))
    return {n: found[n] for n in comparison.names if n in found}


def outcomes(test: BinnedTest) -> list[Outcome]:
    """Test every numeric and every categorical column."""
    made = [o for pair in test.comparison.numeric for o in _outcomes(_numeric(pair, test), test)]
    of = {o.column: o for c in _alike(test.comparison, test.how) for o in _outcomes(_categorical(c, test), test)}
    return made + [of[pair.name] for pair in test.comparison.categorical]


def _numeric(pair: NumericPair, test: BinnedTest) -> _Group:
    """Numeric columns of a pair in the reference's quantile bins.

    Columns without ties: the exact law of counts between order statistics, and a close one where few values repeat.
    Ties or whole blocks: relabelled counts on fine pooled cells, the bins cut anew in every relabelling, and the
    observed table treated the same way. Bins that are fixed by rows outside the test: relabelled counts in them. Ties
    in a reference of which only a sample is at hand, whose bins cannot be cut anew: the same where bins hold many
    reference rows, which is harmless; else the test is made on the sample, whose bins can be.
    """
    table, drawn, seed = pair.binned(test.bins), test.comparison.drawn, test.plan.seed
    why = test.why_untested(pair.known, pair.present[1], pair.distinct)
    tested = np.array([reason is None for reason in why])
    cut_anew = not (test.blocked or pair.fixed)
    untied = ~pair.tied | _hardly_tied(pair, test.bins) if cut_anew else np.zeros(len(why), dtype=np.bool_)
    sampled = np.full(len(why), test.comparison.totals is not None) & (pair.known >= _ROWS_A_BIN * test.bins)

    def untied_law(at: Places) -> _Law:
        rows = test.comparison.n_reference, test.comparison.batch.rows
        missing = sum(rows) - pair.known[at] - pair.present[1][at]
        streams = draws.keys(seed, "null", (pair.names[j] for j in at))

        def draw(i: Places, first: int, count: int) -> Floats:
            return test.how.score(*nulls.untied_bins(rows, missing[i], test.bins, streams[i], first, count))

        method = "approximate" if pair.tied[at[0]] else "monte-carlo"
        return _Law(at, test.how.score(*table.columns(at).sides), draw, test.bins, method)

    def anew(at: Places) -> _Law:
        names, fine = [pair.names[j] for j in at], pair.fine.columns(at)

        def draw(i: Places, first: int, count: int) -> Floats:
            some = [names[j] for j in i]
            return test.how.score(*drawn.relabel_bins(fine.columns(i), test.bins, seed, some, first, count))

        return _Law(at, test.how.score(*rebin(*fine.sides, test.bins)), draw, FINE, "permutation")

    kinds: list[tuple[npt.NDArray[np.bool_], Callable[[Places], _Law]]] = []
    kinds += [(untied & ~pair.tied, untied_law), (untied & pair.tied, untied_law)]
    if pair.fixed:
        kinds.append((~untied, lambda at: _relabelled(at, pair.names, table, test, "permutation")))
    else:
        kinds.append((~untied & sampled, lambda at: _relabelled(at, pair.names, table, test, "approximate")))
        kinds.append((~untied & ~sampled, anew))
    laws = [make(np.flatnonzero(tested & which)) for which, make in kinds if (tested & which).any()]
    cuts = pair.bin_cuts(test.bins)
    return _Group(pair.names, table, why, laws, lambda j, t, s: parts.of_bins(t, s, cuts[j]), [{}] * len(why))


def _hardly_tied(pair: NumericPair, bins: int) -> npt.NDArray[np.bool_]:
    """Columns whose bins are large, and whose ties could move a cut by a tenth of a bin at most, (d,).

    As of float32. Were all repeats of one value and a cut fell on it, the bins beside it would change by a tenth, and
    of large bins the law of the scores hardly depends on their sizes.
    """
    if pair.totals is not None:  # how often values repeat in the sample says little of all rows
        return np.zeros(len(pair.names), dtype=np.bool_)
    rows = sum(pair.present)
    few = (rows - pair.distinct) * _FEW_TIES * bins <= rows
    return np.asarray(few & (pair.present[0] >= _ROWS_A_BIN * bins))


def _categorical(columns: Sequence[CategoryPair], test: BinnedTest) -> _Group:
    """Columns of categories: every pooled category a cell, relabelled counts exactly hypergeometric."""
    table, names = _stacked(columns), [c.name for c in columns]
    a, b = (side[:, :-1] for side in table.sides)
    why = test.why_untested(a.sum(axis=1), b.sum(axis=1), ((a + b) > 0).sum(axis=1))
    tested = np.flatnonzero([reason is None for reason in why])
    if table.reference.shape[-1] > MOST_CATEGORIES + 1:
        laws = [_by_size(int(j), names[j], table, test) for j in tested]
    else:
        laws = [_relabelled(tested, names, table, test, "permutation")] if len(tested) else []
    details: list[dict[str, Any]] = [{"merged_categories": c.merged} if c.merged else {} for c in columns]
    return _Group(names, table, why, laws, lambda j, t, s: parts.of_categories(t, s, columns[j]), details)


def _alike(comparison: Comparison, how: BinnedScore) -> list[list[CategoryPair]]:
    """Columns of categories by their number of cells."""
    found: dict[int, list[CategoryPair]] = {}
    every = how.every and comparison.groups is None
    for column in comparison.categorical:
        merged = column if every else merge_rare(column, MOST_CATEGORIES)
        found.setdefault(merged.counts.reference.shape[-1], []).append(merged)
    return list(found.values())


def _stacked(columns: Sequence[CategoryPair]) -> Table:
    """Counts of columns with one number of cells: shapes (g, C, k)."""
    sides = (np.stack([c.counts[side] for c in columns], axis=1) for side in (0, 1))
    return Table(*sides)


def _relabelled(at: Places, names: Sequence[str], table: Table, test: BinnedTest, method: str) -> _Law:
    """Counts that change sides in the cells as they are."""
    some, own = table.columns(at), [names[j] for j in at]

    def draw(i: Places, first: int, count: int) -> Floats:
        drawn, chosen = test.comparison.drawn, [own[j] for j in i]
        return test.how.score(*drawn.relabel(some.columns(i), test.plan.seed, chosen, first, count))

    return _Law(at, test.how.score(*some.sides), draw, table.reference.shape[-1], method)


def _by_size(j: int, name: str, table: Table, test: BinnedTest) -> _Law:
    """Counts that change sides in very many cells of one column, those of one size together."""
    a, b = table.sides
    cells, terms = AlikeCells.of(a[j], b[j]), test.how.terms
    stream = draws.key(test.plan.seed, "null", name)

    def draw(_: Places, first: int, count: int) -> Floats:
        return cells.score(terms, cells.relabelled(stream, first, count))[None]

    return _Law(np.array([j]), cells.score(terms, cells.observed), draw, cells.width, "permutation", many=True)


def _outcomes(group: _Group, test: BinnedTest) -> list[Outcome]:
    """Every column of a group, tested or not."""
    a, b = group.table.sides
    rows = zip(a.sum(axis=1).tolist(), b.sum(axis=1).tolist(), strict=True)
    made = [
        replace(
            test.blank,
            column=name,
            columns=(name,),
            n_reference=n,
            n_batch=m,
            untested=why,
            details={**test.blank.details, **details},
        )
        for name, (n, m), why, details in zip(group.names, rows, group.why, group.details, strict=True)
    ]
    for law in group.laws:
        for j, done in zip(law.places.tolist(), _tested(law, group, [made[j] for j in law.places], test), strict=True):
            made[j] = done
    return made


def _tested(law: _Law, group: _Group, blanks: Sequence[Outcome], test: BinnedTest) -> list[Outcome]:
    """The columns of a law with statistic, p-value, effect and parts, and what `_sized` adds."""
    how, table = test.how, group.table.columns(law.places)
    most = max(_FEWEST, _NUMBERS // law.width) if law.many else test.permutations
    found = tail.sequential(law.observed, law.draw, min(test.permutations, most), test.smallest_p, law.width)
    score, (a, b) = how.score(*table.sides), table.sides
    finite = np.isfinite(score)  # else a cell is empty on one side, and there is no pseudo-count
    effect = np.where(finite, score, np.inf)
    chance = _chance(found)
    effect[finite] = how.effect(score[finite], chance[finite], (a + b)[finite])
    null, terms = how.statistic(found.first), how.terms(a, b) if test.plan.intervals else a
    numbers = (how.statistic(score), found.p_value, effect, found.draws, found.fitted)
    made = [
        replace(
            blank,
            statistic=statistic,
            p_value=p,
            p_method="approximate" if fitted else law.method,
            effect=size,
            details={**blank.details, "permutations": count},
            null=null[i],
            parts=group.explain(int(law.places[i]), terms[i], (a[i], b[i])) if test.plan.intervals else (),
        )
        for i, (blank, statistic, p, size, count, fitted) in enumerate(
            zip(blanks, *(values.tolist() for values in numbers), strict=True)
        )
    ]
    if test.plan.intervals or test.tolerance is not None:
        count = intervals.RESAMPLES * (1 if test.tolerance is None else _FINER)
        step, at = max(1, _AT_ONCE // (count * a.shape[1])), np.flatnonzero(finite)
        for some in (at[lo : lo + step] for lo in range(0, len(at), step)):
            few, drawn = table.columns(some), (found.first[some], chance[some])
            if law.many:
                sized = _sized_by_rows([made[i] for i in some], few, *drawn, test)
            else:
                sized = _sized([made[i] for i in some], few, *drawn, count, test)
            for i, done in zip(some.tolist(), sized, strict=True):
                made[i] = done
    return made


def _chance(found: tail.Tail) -> Floats:
    """What chance makes of the scores on average, infinite draws left out."""
    mean = found.mean.copy()
    for j in np.flatnonzero(~np.isfinite(mean)):
        finite = found.first[j][np.isfinite(found.first[j])]
        mean[j] = finite.mean() if len(finite) else 0.0
    return mean


def _sized(
    ready: Sequence[Outcome], table: Table, null: Floats, chance: Floats, count: int, test: BinnedTest
) -> list[Outcome]:
    """With intervals where a report wants them, and p-values beyond a tolerance where there is one."""
    how, (a, b) = test.how, table.sides
    pooled = a + b
    again = test.comparison.drawn.resample(table, test.plan.seed, [o.column for o in ready], count)
    made = how.bootstrap(table, again)
    effect = np.array([o.effect for o in ready]) if made.estimate is None else made.estimate
    if test.plan.intervals:
        unit = how.unit(pooled)
        ends = made.interval() if made.band else intervals.of_quadratic(made, unit * chance, unit[:, None] * null)
        ready = _with_ends(ready, ends, effect, pooled, how)
    ready = [replace(o, effect=e) for o, e in zip(ready, effect.tolist(), strict=True)]
    if test.tolerance is None:
        return list(ready)
    return _beyond(ready, made.p_beyond(how.truth(test.tolerance, pooled)), test.tolerance)


def _sized_by_rows(
    ready: Sequence[Outcome], table: Table, null: Floats, chance: Floats, test: BinnedTest
) -> list[Outcome]:
    """The same of very many cells, without resampling: the variance where nothing drifts is that of the draws."""
    from scipy.special import ndtr

    how, (a, b) = test.how, table.sides
    pooled, score, unit = a + b, how.score(a, b), how.unit(a + b)
    least = unit * unit * intervals.variances(null)
    slope = unit * intervals.of_rows(how.terms, (a, b), np.maximum(score, 1e-300))
    truth = unit * (score - chance)
    effect = np.array([o.effect for o in ready])
    if test.plan.intervals:
        ready = _with_ends(ready, intervals.growing(truth, least + slope * truth, slope), effect, pooled, how)
    if test.tolerance is None:
        return list(ready)
    most = how.truth(test.tolerance, pooled)
    return _beyond(ready, ndtr((most - truth) / np.sqrt(least + slope * most)), test.tolerance)


def _with_ends(
    ready: Sequence[Outcome], ends: intervals.Ends, effect: Floats, pooled: Counts, how: BinnedScore
) -> list[Outcome]:
    low, high = (how.shown(end, pooled) for end in ends)
    # Clipped at the score's bound, it could leave out an effect below what chance makes of it.
    both = np.minimum(low, effect).tolist(), np.maximum(high, effect).tolist()
    return [replace(o, interval=both) for o, both in zip(ready, zip(*both, strict=True), strict=True)]


def _beyond(ready: Sequence[Outcome], p_values: Floats, tolerance: float) -> list[Outcome]:
    return [
        replace(o, p_value=p, p_method="approximate", details={**o.details, "tolerance": tolerance})
        for o, p in zip(ready, p_values.tolist(), strict=True)
    ]
