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


def _laws(columns: ordered.Columns) -> ordered.Laws:
    """P-values of columns as if nothing tied, and how they were found."""
    return ks_law.tails(columns.pair.gap[columns.places], *columns.rows)


def _bootstrap(columns: ordered.Columns, again: ordered.Resamples) -> intervals.Bootstrap:
    """The largest gap, give or take a band around the functions.

    The largest gap is not smooth where there is no drift, and the bootstrap of the gap itself is wrong there. The
    gap cannot be further from its true value than the difference of the functions is from theirs anywhere, and that
    distance bootstraps well: 95 % coverage or more. To it comes what the cells leave out of the observed gap.
    Source: Bickel & Freedman 1981, section 4, by the triangle inequality.
    """
    gap = columns.pair.gap[columns.places]
    there = ordered_cells.difference(*columns.fine.sides)
    errors = np.abs(ordered_cells.difference(*again) - there[:, None]).max(axis=2)
    left_out = np.abs(gap - np.abs(there).max(axis=1))
    estimate = intervals.less_chance(gap, errors)
    return intervals.Bootstrap(gap, errors + left_out[:, None], band=True, estimate=estimate)


def _parts(columns: ordered.Columns) -> list[tuple[Part, ...]]:
    """The place of the gap, and by how much the share of each cell moved."""
    moved = np.diff(ordered_cells.difference(*columns.fine.sides), prepend=0.0, axis=1)
    cells = ordered_parts.by_cell(columns, moved, whole=False)
    return [(gap, *parts) for gap, parts in zip(ordered_parts.largest_gaps(columns), cells, strict=True)]


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
