"""Pearson's chi-square test of two columns of counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from accel_drift.detectors.base import BinnedDetector
from accel_drift.statistics import intervals, scores
from accel_drift.statistics.binned_scores import BinnedScore, Floats
from accel_drift.statistics.outcome import Bands
from accel_drift.statistics.pairs import Counts, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class ChiSquare(BinnedDetector):
    """Whether category or bin depends on the side a row comes from; effect is bias-corrected Cramer's V.

    P-values are permutation p-values, right where expected counts are small, too.

    >>> ChiSquare().fit({"c": list("aabb")}, backend="numpy").score({"c": list("abbb")}).round(3)
    array([0.533])
    """

    name: ClassVar[str] = "chi_square"
    unit: ClassVar[str] = "Cramér's V"
    source: ClassVar[str] = "Pearson 1900; effect: Bergsma 2013, doi:10.1016/j.jkss.2012.10.002"
    bands: ClassVar[Bands] = (0.1, 0.3, 0.5)

    @property
    def how(self) -> BinnedScore:
        return _Contingency(scores.chi_square_terms)


@dataclass(frozen=True)
class _Contingency(BinnedScore):
    """The statistic grows with the rows; effect and bootstrap belong to the statistic per row, the contingency."""

    def effect(self, score: Floats, _chance: Floats, pooled: Counts, /) -> Floats:
        return self._v(score * self.unit(pooled), pooled)

    def unit(self, pooled: Counts, /) -> Floats:
        return np.asarray(1.0 / np.maximum(pooled.sum(axis=1), 1.0))

    def bootstrap(self, table: Table, again: tuple[Counts, Counts]) -> intervals.Bootstrap:
        return intervals.around(table, scores.phi_square, again)

    def shown(self, truth: Floats, pooled: Counts, /) -> Floats:
        # V corrects for the very bias that reflection has taken off already: give it back first.
        cells, rows = self._size(pooled)
        return self._v(truth + (cells - 1) / np.maximum(rows - 1, 1.0), pooled)

    def truth(self, effect: float, pooled: Counts, /) -> Floats:
        return effect * effect * scores.cramers_v_scale(*self._size(pooled))

    def _v(self, phi_square: Floats, pooled: Counts) -> Floats:
        return scores.cramers_v(phi_square, *self._size(pooled))

    @staticmethod
    def _size(pooled: Counts) -> tuple[Floats, Floats]:
        """Cells with rows, and rows, of each column."""
        return (pooled > 0).sum(axis=1).astype(np.float64), pooled.sum(axis=1).astype(np.float64)


DETECTOR = ChiSquare
