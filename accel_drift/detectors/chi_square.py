"""Pearson's chi-square test of two columns of counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from accel_drift.data.schema import Kind
from accel_drift.detectors.base import Detector, at_least
from accel_drift.statistics import binned, intervals, scores
from accel_drift.statistics.comparison import Comparison, Plan
from accel_drift.statistics.outcome import Bands, Outcome
from accel_drift.statistics.pairs import Counts, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class ChiSquare(Detector):
    """Whether category or bin depends on the side a row comes from; effect is bias-corrected Cramer's V.

    P-values are permutation p-values, right where expected counts are small, too.

    Attributes:
        bins: quantile bins of a numeric column.
    """

    name: ClassVar[str] = "chi_square"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN)
    unit: ClassVar[str] = "Cramér's V"
    source: ClassVar[str] = "Pearson 1900; effect: Bergsma 2013, doi:10.1016/j.jkss.2012.10.002"
    bands: ClassVar[Bands] = (0.1, 0.3, 0.5)

    bins: int = 10

    def __post_init__(self) -> None:
        super(ChiSquare, self).__post_init__()
        at_least(self.bins, 2, "bins", "quantile bins of a numeric column, such as 10")

    def statistics(self, comparison: Comparison) -> Mapping[str, float]:
        return binned.statistics(comparison, scores.chi_square, self.bins)

    def outcomes(self, comparison: Comparison, plan: Plan) -> list[Outcome]:
        how = binned.BinnedScore(scores.chi_square, lambda _t, _chance, a, b: _effect(a, b), _interval)
        return self.unpaired(comparison) + binned.outcomes(
            comparison,
            plan,
            how,
            self.blank(),
            bins=self.bins,
            permutations=self.permutations,
            min_rows=self.min_rows,
        )


def _effect(reference: Counts, batch: Counts) -> float:
    return _v(float(scores.phi_square(reference, batch)), reference + batch)


def _interval(counts: Table, blocked: bool, stream: npt.NDArray[np.uint32]) -> intervals.Interval:
    """From the mean-square contingency, whose bootstrap bias the reflection takes off, to V."""
    low, high = intervals.basic(counts, blocked, scores.phi_square, stream)
    pooled = sum(counts.sides)
    # V corrects for the very bias that reflection has taken off already: give it back first.
    bias = (np.count_nonzero(pooled) - 1) / max(float(np.sum(pooled)) - 1, 1.0)
    return _v(low + bias, pooled), _v(high + bias, pooled)


def _v(phi_square: float, pooled: Counts | int) -> float:
    cells = np.asarray(float(np.count_nonzero(pooled)))
    return float(scores.cramers_v(np.asarray(phi_square), cells, np.asarray(float(np.sum(pooled)))))


DETECTOR = ChiSquare
