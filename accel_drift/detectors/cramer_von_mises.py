"""Two-sample Cramér-von Mises test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from accel_drift.data.schema import Kind
from accel_drift.detectors.base import Detector
from accel_drift.finding import Part
from accel_drift.statistics import cvm_law, ordered, ordered_cells, ordered_parts, quadratic
from accel_drift.statistics.comparison import Comparison, Plan
from accel_drift.statistics.outcome import Outcome
from accel_drift.statistics.pairs import NumericPair

_LAW_ROWS = 20
"""Rows a side from which the limit law is right: at 0.05, 0.01 and 0.001 within 6 % of the level, or conservative."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CramerVonMises(Detector):
    """Squared gap between the two empirical distribution functions, over all pooled rows; missing rows stay out.

    T = n m / (n + m) times the integral of (F - G)^2 dH, H being the distribution function of all rows (Anderson
    1962, eq. 1). That holds with ties as well: F and G are taken at the end of each group of equal values, where
    midranks would put them halfway. The effect is that integral less what chance makes of it, so that it estimates
    the integral of the true functions without bias.

    Without ties the p-value is the limit law with T's own mean and variance; with ties, whole blocks, or fewer than 20
    rows on a side it is the permutation law on fine pooled cells.

    >>> CramerVonMises().fit({"x": [1.0, 2.0, 3.0, 4.0]}, backend="numpy").score({"x": [3.0, 4.0, 5.0, 6.0]}).round(3)
    array([0.344])
    """

    name: ClassVar[str] = "cramer_von_mises"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)
    unit: ClassVar[str] = "mean squared gap"
    source: ClassVar[str] = "Anderson 1962, doi:10.1214/aoms/1177704477; limit law: Anderson & Darling 1952"
    of_columns: ClassVar[bool] = True

    def statistics(self, comparison: Comparison) -> Mapping[str, float]:
        return {n: float(t) for pair in comparison.numeric for n, t in zip(pair.names, _statistic(pair), strict=True)}

    def outcomes(self, comparison: Comparison, plan: Plan) -> list[Outcome]:
        return self.unpaired(comparison) + ordered.outcomes(
            comparison,
            plan,
            _SQUARE,
            self.blank(),
            permutations=self.permutations,
            min_rows=self.min_rows,
            tolerance=self.tolerance,
        )


def _pairs(pair: NumericPair) -> npt.NDArray[np.float64]:
    """The factor n m / (n + m) of each column, (d,)."""
    n, m = (side.astype(np.float64) for side in pair.present)
    return n * m / np.maximum(n + m, 1.0)


def _statistic(pair: NumericPair) -> npt.NDArray[np.float64]:
    return pair.square * _pairs(pair)


def _laws(columns: ordered.Columns) -> ordered.Laws:
    n, m = columns.rows
    p = cvm_law.tails(_statistic(columns.pair)[columns.places], n, m)
    return np.where(np.minimum(n, m) >= _LAW_ROWS, p, np.nan), ["asymptotic"] * len(p), ~columns.tied


def _effect(columns: ordered.Columns, _: ordered.Floats, drawn: ordered.Floats) -> ordered.Floats:
    n, m = (side.astype(np.float64) for side in columns.rows)
    chance = np.where(columns.tied, ordered_cells.chance_square(*columns.fine.sides), (n + m + 1) / (6 * n * m))
    if columns.blocked:
        chance = np.where(np.isnan(drawn), chance, drawn)
    return columns.pair.square[columns.places] - chance


def _bootstrap(columns: ordered.Columns, again: ordered.Resamples) -> quadratic.Quadratic:
    return quadratic.around(columns.fine, again)


def _parts(columns: ordered.Columns) -> list[tuple[Part, ...]]:
    """What the rows of each cell add to T."""
    a, b = columns.fine.sides
    rows = (a + b)[:, :-1]
    adds = ordered_cells.difference(a, b) ** 2 * rows / np.maximum(rows.sum(axis=1, keepdims=True), 1)
    return ordered_parts.by_cell(columns, adds * _pairs(columns.pair)[columns.places, None], whole=True)


_SQUARE = ordered.Distance(
    statistic=_statistic,
    score=lambda _: ordered_cells.square,
    effect=_effect,
    bootstrap=_bootstrap,
    parts=_parts,
    laws=_laws,
    most=1.0,
)

DETECTOR = CramerVonMises
