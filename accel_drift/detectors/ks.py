"""Two-sample Kolmogorov-Smirnov test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from accel_drift.data.schema import Kind
from accel_drift.detectors.base import Detector
from accel_drift.finding import Part
from accel_drift.statistics import intervals, ks_law, ordered, ordered_cells, ordered_parts
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


def _bootstrap(column: ordered.Column, stream: npt.NDArray[np.uint32]) -> intervals.Bootstrap:
    """On half as many cells; what they lose of the observed gap is added to the band."""
    fine = Table(*(_coarser(side) for side in column.fine))
    gap = float(column.pair.gap[column.place])
    made = intervals.cdf_gap(fine, column.blocked, gap, stream)
    return replace(made, errors=made.errors + abs(gap - float(ordered_cells.gap(*fine.sides))))


def _coarser(counts: Counts) -> Counts:
    """Neighbouring cells added up, two by two; the last cell, missing, stays."""
    values = counts[:, :-1].reshape(len(counts), -1, 2).sum(axis=2)
    return np.concatenate([values, counts[:, -1:]], axis=1)


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
    lower_end=True,
)

DETECTOR = KS
