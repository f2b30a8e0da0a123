"""Whether values went missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from accel_drift.data.schema import Kind
from accel_drift.detectors.base import Detector
from accel_drift.statistics import draws, intervals, nulls, parts, tail
from accel_drift.statistics.comparison import VALUE_KINDS, Comparison, Plan
from accel_drift.statistics.outcome import Bands, Outcome
from accel_drift.statistics.pairs import Counts, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing(Detector):
    """Share of missing rows in the batch less that in the reference; null and NaN both count as missing.

    Two-sided and exact given the pooled number of missing rows. A rise and a fall both count; the severity is that
    of the change's size. With a `tolerance` the p-value is of the hypothesis that the share changed by at most that,
    by the exact law of two binomial counts at the most likely shares (Storer & Kim 1990), or by a bootstrap of whole
    blocks. A change of twice a tolerance of 0.01, from nothing missing, is found at 0.05 in 96 % of cases with 2,000
    rows on both sides and in 57 % with 500 batch rows; at a tolerance of 0.05, in nearly all.

    >>> Missing().fit({"c": list("aabb")}, backend="numpy").score({"c": ["a", None, "b", "b"]}).round(3)
    array([0.25])
    """

    name: ClassVar[str] = "missing"
    kinds: ClassVar[tuple[Kind, ...]] = VALUE_KINDS
    unit: ClassVar[str] = "share of rows"
    source: ClassVar[str] = "Fisher 1935; interval: Newcombe 1998"
    bands: ClassVar[Bands] = (0.01, 0.05, 0.2)
    alone: ClassVar[bool] = True

    def statistics(self, comparison: Comparison) -> Mapping[str, float]:
        wanted = comparison.of_kind(*self.kinds)
        return {n: float(_gap(*_both(comparison.missing[n]))[0]) for n in wanted}

    def members(self, comparison: Comparison) -> int:
        # A column that misses nothing on either side is not tested, whatever the labels say.
        return sum(any(side[:, 1].any() for side in comparison.missing[n]) for n in comparison.of_kind(*self.kinds))

    def outcomes(self, comparison: Comparison, plan: Plan) -> list[Outcome]:
        return [self._column(n, comparison, plan) for n in comparison.of_kind(*self.kinds)]

    def _column(self, name: str, comparison: Comparison, plan: Plan) -> Outcome:
        table = comparison.missing[name]
        a, b = table.sides
        n, m = int(a.sum()), int(b.sum())
        pooled = int(a[1] + b[1])
        why = comparison.why_untested(n, m, 2, plan, self.min_rows, moved=min(pooled, n + m - pooled))
        sides = {"missing_reference": int(a[1]), "missing_batch": int(b[1])}
        blank = self.blank(column=name, columns=(name,), n_reference=n, n_batch=m, untested=why, details=sides)
        if why is not None:
            return blank
        gap = float(_gap(*_both(table))[0])
        counts = int(a[1]), int(b[1])
        ready = replace(blank, statistic=gap, effect=gap, judged=abs(gap))
        if plan.intervals:
            ready = replace(ready, parts=(parts.part("missing", "missing", gap, gap, counts, (n, m)),))
        if comparison.groups is not None:
            return self._blocked(ready, table, comparison, plan)
        interval = intervals.share_difference((counts[0], n), (counts[1], m))
        if self.tolerance is None:
            p, method = nulls.missing_tail(counts, (n, m)), "exact"
        else:
            p, method = nulls.share_beyond((counts[0], n), (counts[1], m), self.tolerance), "approximate"
        return replace(ready, p_value=p, p_method=method, interval=interval, details={**sides, **self._tolerated})

    @property
    def _tolerated(self) -> dict[str, float]:
        return {} if self.tolerance is None else {"tolerance": self.tolerance}

    def _blocked(self, ready: Outcome, table: Table, comparison: Comparison, plan: Plan) -> Outcome:
        made = intervals.resampled(table, True, _gap, draws.key(plan.seed, "interval", ready.column))
        ready = replace(ready, interval=made.interval(), details={**ready.details, **self._tolerated})
        if self.tolerance is not None:
            p = made.p_beyond_either(self.tolerance)
            return replace(ready, p_value=p, p_method="approximate")
        found = tail.sequential(
            np.abs(_gap(*_both(table))),
            lambda _, first, count: np.abs(
                _gap(*nulls.relabel(table, True, draws.key(plan.seed, "null", ready.column), first, count))
            ),
            self.permutations,
            comparison.needed(plan),
        )
        return replace(
            ready,
            p_value=float(found.p_value[0]),
            p_method="permutation",
            null=found.first[0],
        )


def _both(table: Table) -> tuple[Counts, Counts]:
    a, b = table.sides
    return a[None], b[None]


def _gap(reference: Counts, batch: Counts) -> npt.NDArray[np.float64]:
    """Share of the second cell in the batch less that in the reference, (L,)."""
    p, q = (side[:, 1] / np.maximum(side.sum(axis=1), 1) for side in (reference, batch))
    return np.asarray(q - p)


DETECTOR = Missing
