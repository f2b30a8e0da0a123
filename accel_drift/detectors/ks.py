"""Two-sample Kolmogorov-Smirnov test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from accel_drift.data.schema import Kind
from accel_drift.detectors.base import Detector
from accel_drift.statistics import draws, intervals, ks_law, scores, tail
from accel_drift.statistics.comparison import Comparison, Plan
from accel_drift.statistics.outcome import Bands, Outcome
from accel_drift.statistics.pairs import Counts, NumericPair, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class KS(Detector):
    """Largest gap between the two empirical distribution functions; missing rows stay out.

    Without ties the p-value is the exact law (the limit law for very many rows). With ties, or whole blocks, it is
    the permutation law on fine pooled cells: exact cells for up to 128 distinct values, pooled quantiles above. Ties
    make the first law conservative, so where it is small enough already it stands.
    """

    name: ClassVar[str] = "ks"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)
    unit: ClassVar[str] = "probability"
    source: ClassVar[str] = "Smirnov 1939; exact law: Hodges 1958"
    bands: ClassVar[Bands] = (0.1, 0.2, 0.3)

    def statistics(self, comparison: Comparison) -> Mapping[str, float]:
        return {n: float(d) for pair in comparison.numeric for n, d in zip(pair.names, pair.gap, strict=True)}

    def outcomes(self, comparison: Comparison, plan: Plan) -> list[Outcome]:
        found: list[Outcome] = []
        for pair in comparison.numeric:
            p, method = _law(pair)
            found += [self._column(pair, j, comparison, plan, p[j], method[j]) for j in range(len(pair.names))]
        return self.unpaired(comparison) + found

    def _column(self, pair: NumericPair, j: int, comparison: Comparison, plan: Plan, p: float, method: str) -> Outcome:
        name, (n, m) = pair.names[j], (int(side[j]) for side in pair.present)
        why = comparison.why_untested(n, m, int(pair.distinct[j]), plan, self.min_rows)
        blank = self.blank(column=name, columns=(name,), n_reference=n, n_batch=m, untested=why)
        if why is not None:
            return blank
        gap = float(pair.gap[j])
        interval = self._interval(pair, j, comparison, plan) if plan.intervals else None
        ready = replace(blank, statistic=gap, effect=gap, judged=interval[0] if interval else gap, interval=interval)
        if comparison.groups is None:
            if not pair.tied[j]:
                return replace(ready, p_value=float(p), p_method=method)
            # With ties the law is conservative: good enough where even it is small, and no draw is needed then.
            if p <= plan.smallest_p:
                return replace(ready, p_value=float(p), p_method="asymptotic", details={"conservative": True})
        return self._permuted(ready, pair, j, comparison, plan)

    def _permuted(self, ready: Outcome, pair: NumericPair, j: int, comparison: Comparison, plan: Plan) -> Outcome:
        fine, blocked = pair.fine.column(j), comparison.groups is not None
        stream = draws.key(plan.seed, "null", pair.names[j])
        found = tail.sequential(
            _gap(*(side[None] for side in fine.sides)),
            lambda _, first, count: comparison.drawn.scores(_gap, fine, blocked, stream, first, count),
            self.permutations,
            comparison.needed(plan),
            fine.reference.shape[-1],
        )
        return replace(
            ready,
            p_value=float(found.p_value[0]),
            p_method="approximate" if found.fitted[0] else "permutation",
            details={"permutations": int(found.draws[0])},
            null=found.first[0],
        )

    @staticmethod
    def _interval(pair: NumericPair, j: int, comparison: Comparison, plan: Plan) -> intervals.Interval:
        """On half as many cells: what they lose is far below the width."""
        fine = Table(*(_coarser(side) for side in pair.fine.column(j)))
        stream = draws.key(plan.seed, "interval", pair.names[j])
        made = intervals.cdf_gap(fine, comparison.groups is not None, float(pair.gap[j]), stream)
        return intervals.clip(made.interval(), 0.0, 1.0)


def _law(pair: NumericPair) -> tuple[npt.NDArray[np.float64], list[str]]:
    """P-values of a pair's columns as if nothing tied, and how they were found; 1 where a side has no value."""
    n, m = pair.present
    p, how = ks_law.tails(pair.gap, np.maximum(n, 1), np.maximum(m, 1))
    return np.where((n > 0) & (m > 0), p, 1.0), how


def _coarser(counts: Counts) -> Counts:
    """Neighbouring cells added up, two by two; the last cell, missing, stays."""
    values = counts[:, :-1].reshape(len(counts), -1, 2).sum(axis=2)
    return np.concatenate([values, counts[:, -1:]], axis=1)


def _gap(reference: Counts, batch: Counts) -> npt.NDArray[np.float64]:
    """The gap on cells; the last cell, missing, is no value."""
    return scores.cdf_gap(reference[..., :-1], batch[..., :-1])


DETECTOR = KS
