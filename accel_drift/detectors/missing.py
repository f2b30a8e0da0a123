"""Whether values went missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from accel_drift.data.schema import Kind
from accel_drift.detectors.base import Detector
from accel_drift.statistics import intervals, nulls, parts, tail
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
    of_columns: ClassVar[bool] = True
    two_sided: ClassVar[bool] = True

    def statistics(self, comparison: Comparison) -> Mapping[str, float]:
        wanted = comparison.of_kind(*self.kinds)
        return {n: float(_gap(*comparison.missing[n].sides)) for n in wanted}

    def members(self, comparison: Comparison) -> int:
        # A column that misses nothing on either side is not tested, whatever the labels say.
        return sum(any(side[:, 1].any() for side in comparison.missing[n]) for n in comparison.of_kind(*self.kinds))

    def outcomes(self, comparison: Comparison, plan: Plan) -> list[Outcome]:
        return [self._column(n, comparison, plan) for n in comparison.of_kind(*self.kinds)]

    def _column(self, name: str, comparison: Comparison, plan: Plan) -> Outcome:
        table = comparison.missing[name]
        (present, absent), (there, gone) = (side.tolist() for side in table.sides)
        n, m, counts = present + absent, there + gone, (absent, gone)
        pooled = absent + gone
        why = comparison.why_untested(n, m, 2, plan, self.min_rows, moved=min(pooled, n + m - pooled))
        sides = {"missing_reference": absent, "missing_batch": gone}
        blank = self.blank(column=name, columns=(name,), n_reference=n, n_batch=m, untested=why, details=sides)
        if why is not None:
            return blank
        gap = gone / m - absent / n
        made = (parts.part("missing", "missing", gap, gap, counts, (n, m)),) if plan.intervals else ()
        ready = replace(blank, statistic=gap, effect=gap, judged=abs(gap), parts=made)
        if comparison.groups is not None:
            return self._blocked(ready, table, comparison, plan)
        interval = intervals.share_difference((absent, n), (gone, m))
        if self.tolerance is None:
            p, method = nulls.missing_tail(counts, (n, m)), "exact"
        else:
            p, method = nulls.share_beyond((absent, n), (gone, m), self.tolerance), "approximate"
        return replace(ready, p_value=p, p_method=method, interval=interval, details={**sides, **self._tolerated})

    @property
    def _tolerated(self) -> dict[str, float]:
        return {} if self.tolerance is None else {"tolerance": self.tolerance}

    def _blocked(self, ready: Outcome, table: Table, comparison: Comparison, plan: Plan) -> Outcome:
        one, drawn, names = Table(table.reference[:, None], table.batch[:, None]), comparison.drawn, [ready.column]
        made = intervals.around(one, _gap, drawn.resample(one, plan.seed, names, intervals.RESAMPLES))
        low, high = (float(end[0]) for end in made.interval())
        ready = replace(ready, interval=(low, high), details={**ready.details, **self._tolerated})
        if self.tolerance is not None:
            p = float(made.p_beyond_either(self.tolerance)[0])
            return replace(ready, p_value=p, p_method="approximate")
        found = tail.sequential(
            np.abs(_gap(*one.sides)),
            lambda _, first, count: np.abs(_gap(*drawn.relabel(one, plan.seed, names, first, count))),
            self.permutations,
            comparison.needed(plan),
        )
        method = "approximate" if found.fitted[0] else "permutation"
        return replace(ready, p_value=float(found.p_value[0]), p_method=method, null=found.first[0])


def _gap(reference: Counts, batch: Counts) -> npt.NDArray[np.float64]:
    """Share of the second cell in the batch less that in the reference, (..., 2) -> (...)."""
    p, q = (side[..., 1] / np.maximum(side.sum(axis=-1), 1) for side in (reference, batch))
    return np.asarray(q - p)


DETECTOR = Missing
