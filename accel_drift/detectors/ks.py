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

    Without ties the p-value is the exact law: for two sides of one size always, else up to 5,000 rows, and above them
    the limit law. With ties, or whole blocks, it is the permutation law on fine pooled cells: exact cells for up to
    128 distinct values, pooled quantiles above. Ties make the first law conservative, so where they are few, or it is
    small enough already, it stands. Counts on a plan's small cells have the limit law at the ends of cells. The effect
    is the gap less what chance adds to it, taken off in squares.

    >>> KS().fit({"x": [1.0, 2.0, 3.0, 4.0]}, backend="numpy").score({"x": [3.0, 4.0, 5.0, 6.0]}).round(3)
    array([0.5])
    """

    name: ClassVar[str] = "ks"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)
    unit: ClassVar[str] = "probability"
    source: ClassVar[str] = "Smirnov 1939; exact law: Gnedenko & Korolyuk 1951, Hodges 1958"
    bands: ClassVar[Bands] = (0.1, 0.2, 0.3)
    of_columns: ClassVar[bool] = True

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
    """P-values as if nothing tied, how they were found, and whether nothing does or the cells are allowed for."""
    gap, (n, m) = columns.pair.gap[columns.places], columns.rows
    p, methods = ks_law.tails(gap, n, m)
    # Numbers of few digits meet now and then: a law that errs on the safe side by so little needs no better one.
    nearly = columns.smooth & (2 * columns.pair.distinct[columns.places] >= n + m) & (n + m > ks_law.EXACT_ROWS)
    stands = ~columns.tied | nearly
    methods = ["asymptotic" if ties else how for ties, how in zip(columns.tied, methods, strict=True)]
    if columns.pair.fixed:
        # Of counts the gap is known at the ends of cells; their rows are relabelled with them.
        stands = columns.smooth & (n + m > ks_law.EXACT_ROWS)
        a, b = columns.fine.sides
        p[stands] = ks_law.on_cells(gap[stands], (a + b)[stands, :-1], n[stands], m[stands])
    return p, methods, stands


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


def _band(columns: ordered.Columns) -> intervals.Bootstrap:
    """The same, where the functions' errors have a limit law."""
    gap = columns.pair.gap[columns.places]
    errors = ks_law.errors(*columns.rows, intervals.RESAMPLES)
    return intervals.Bootstrap(gap, errors, band=True, estimate=intervals.less_chance(gap, errors))


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
    band=_band,
    most=1.0,
)

DETECTOR = KS
