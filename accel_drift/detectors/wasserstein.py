"""Wasserstein distance, or earth mover's distance, of one column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from accel_drift.data.schema import Kind
from accel_drift.detectors.base import Detector
from accel_drift.finding import Part
from accel_drift.statistics import intervals, ordered, ordered_cells, ordered_parts
from accel_drift.statistics.comparison import Comparison, Plan
from accel_drift.statistics.outcome import Bands, Outcome

_LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wasserstein(Detector):
    """Area between the two empirical distribution functions: how far values moved on average; missing rows stay out.

    The statistic is in the column's own unit. The effect is in interquartile ranges of the reference (where that is 0,
    in its 5-95 % range, then its standard deviation, then the spread of all rows), less the bias that resampling
    shows. The p-value is the permutation law on fine pooled cells; no scale enters it.

    Infinite values lie infinitely far from all others: the distance is infinite where their shares differ, and only
    there. For the p-value, the severity and the lower end of the interval they lie one pooled spread beyond the
    finite values.

    >>> Wasserstein().fit({"x": [1.0, 2.0, 3.0, 4.0]}, backend="numpy").score({"x": [3.0, 4.0, 5.0, 6.0]}).round(3)
    array([2.])
    """

    name: ClassVar[str] = "wasserstein"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC,)
    unit: ClassVar[str] = "reference IQR"
    source: ClassVar[str] = "Vallender 1974, eq. 2 (the area); permutation test on cells"
    bands: ClassVar[Bands] = (0.1, 0.25, 0.5)

    def statistics(self, comparison: Comparison) -> Mapping[str, float]:
        return {n: float(w) for pair in comparison.numeric for n, w in zip(pair.names, pair.area, strict=True)}

    def outcomes(self, comparison: Comparison, plan: Plan) -> list[Outcome]:
        return self.unpaired(comparison) + ordered.outcomes(
            comparison,
            plan,
            _AREA,
            self.blank(),
            permutations=self.permutations,
            min_rows=self.min_rows,
            tolerance=self.tolerance,
        )


def _half_scale(column: ordered.Column) -> float:
    return float(column.pair.half_spread[column.place]) or column.steps[1]


def _in_scales(column: ordered.Column, area: float) -> float:
    scale = _half_scale(column)
    if area == 0.0 or not scale:
        return float("inf") if area else 0.0
    # Python's own floats: the ratio of two extremes may overflow, and infinite it is then.
    return float(np.float64(area / 2)) / scale if area / 2 / _LARGEST < scale else float("inf")


def _score(column: ordered.Column) -> ordered.Score:
    """In steps relative to the widest: a test needs no unit, and nothing overflows."""
    steps = column.steps[0]
    return partial(ordered_cells.area, steps=steps / (steps.max(initial=0.0) or 1.0))


def _bootstrap(column: ordered.Column, again: ordered.Resamples) -> intervals.Bootstrap:
    """The area, give or take a band around the functions.

    By the triangle inequality the area is no further from its true value than the area between the difference of the
    functions and the true difference, and that bootstraps well where the area itself, having a corner at 0, does not.
    To it comes what the cells leave out of the observed area: tails are wide.
    """
    steps = np.minimum(column.steps[0] / (_half_scale(column) or 1.0), _LARGEST / 1e3 / len(column.steps[0]))
    there, others = (ordered_cells.difference(*sides)[..., :-1] for sides in (column.fine.sides, again))
    errors = np.abs(others - there) @ steps
    on_cells = float(np.abs(there) @ steps)
    bias = float((np.abs(others) @ steps).mean()) - on_cells
    exact = _in_scales(column, float(column.pair.area[column.place]))
    if not np.isfinite(exact):
        return intervals.Bootstrap(on_cells, errors, band=True, estimate=max(0.0, on_cells - bias))
    left_out = abs(exact - on_cells)
    return intervals.Bootstrap(exact, errors + left_out, band=True, estimate=max(0.0, exact - bias))


def _parts(column: ordered.Column) -> tuple[Part, ...]:
    """The area over each cell, up to the next one."""
    apart = np.abs(ordered_cells.difference(*column.fine.sides))
    steps = np.append(np.minimum(column.steps[0], _LARGEST / 1e3 / len(apart)), 0.0)
    return ordered_parts.by_cell(column, 2.0 * apart * steps, whole=True)


def _details(column: ordered.Column) -> dict[str, Any]:
    return {"scale": min(_half_scale(column), _LARGEST / 2) * 2}


_AREA = ordered.Distance(
    statistic=lambda pair: pair.area,
    score=_score,
    effect=lambda column, area, _: _in_scales(column, area),
    bootstrap=_bootstrap,
    parts=_parts,
    details=_details,
)

DETECTOR = Wasserstein
