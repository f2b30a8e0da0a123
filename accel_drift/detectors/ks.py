"""Two-sample Kolmogorov-Smirnov test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from accel_drift.data.schema import Kind
from accel_drift.detectors.base import Detector
from accel_drift.finding import Part
from accel_drift.statistics import intervals, ks_law, ordered, ordered_cells, ordered_parts
from accel_drift.statistics.comparison import Comparison, Plan
from accel_drift.statistics.outcome import Bands, Outcome
from accel_drift.statistics.pairs import NumericPair


@dataclass(frozen=True, slots=True, kw_only=True)
class KS(Detector):
    """Largest gap between the two empirical distribution functions; missing rows stay out.

    Without ties the p-value is the exact law (the limit law for very many rows). With ties, or whole blocks, it is
    the permutation law on fine pooled cells: exact cells for up to 128 distinct values, pooled quantiles above. Ties
    make the first law conservative, so where it is small enough already it stands. The effect is the gap less what
    chance adds to it, taken off in squares.

    >>> KS().fit({"x": [1.0, 2.0, 3.0, 4.0]}, backend="numpy").score({"x": [3.0, 4.0, 5.0, 6.0]}).round(3)
    array([0.5])
    """

    name: ClassVar[str] = "ks"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)
    unit: ClassVar[str] = "probability"
    source: ClassVar[str] = "Smirnov 1939; exact law: Hodges 1958"
    bands: ClassVar[Bands] = (0.1, 0.2, 0.3)

    def statistics(self, comparison: Comparison) -> Mapping[str, float]:
        return {n: float(d) for pair in comparison.numeric for n, d in zip(pair.names, pair.gap, strict=True)}

    def outcomes(self, comparison: Comparison, plan: Plan) -> list[Outcome]:
        return self.unpaired(comparison) + ordered.outcomes(
            comparison,
            plan,
            _GAP,
            self.blank(),
            permutations=self.permutations,
            min_rows=self.min_rows,
            tolerance=self.tolerance,
        )


def _laws(pair: NumericPair) -> ordered.Laws:
    """P-values of a pair's columns as if nothing tied, and how they were found; 1 where a side has no value."""
    n, m = pair.present
    p, how = ks_law.tails(pair.gap, np.maximum(n, 1), np.maximum(m, 1))
    return list(zip(map(float, np.where((n > 0) & (m > 0), p, 1.0)), how, strict=True))


def _bootstrap(column: ordered.Column, again: ordered.Resamples) -> intervals.Bootstrap:
    """The largest gap, give or take a band around the functions.

    The largest gap is not smooth where there is no drift, and the bootstrap of the gap itself is wrong there. The
    gap cannot be further from its true value than the difference of the functions is from theirs anywhere, and that
    distance bootstraps well: 95 % coverage or more. To it comes what the cells leave out of the observed gap.
    Source: Bickel & Freedman 1981, section 4, by the triangle inequality.
    """
    gap = float(column.pair.gap[column.place])
    there = ordered_cells.difference(*column.fine.sides)
    errors = np.abs(ordered_cells.difference(*again) - there).max(axis=1)
    left_out = abs(gap - float(np.abs(there).max()))
    return intervals.Bootstrap(gap, errors + left_out, band=True, estimate=intervals.less_chance(gap, errors))


def _parts(column: ordered.Column) -> tuple[Part, ...]:
    """The place of the gap, and by how much the share of each cell moved."""
    a, b = column.fine.sides
    moved = np.diff(ordered_cells.difference(a, b), prepend=0.0)
    return (ordered_parts.largest_gap(column), *ordered_parts.by_cell(column, moved, whole=False))


_GAP = ordered.Distance(
    statistic=lambda pair: pair.gap,
    score=lambda _: ordered_cells.gap,
    effect=lambda _, gap, __: gap,
    bootstrap=_bootstrap,
    parts=_parts,
    laws=_laws,
    conservative=True,
    most=1.0,
)

DETECTOR = KS
