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
    of_columns: ClassVar[bool] = True

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


def _half_scale(columns: ordered.Columns) -> ordered.Floats:
    own = columns.pair.half_spread[columns.places]
    return np.where(own != 0.0, own, columns.steps[1])


def _in_scales(columns: ordered.Columns, area: ordered.Floats) -> ordered.Floats:
    scale = _half_scale(columns)
    # The ratio of two extremes may overflow, and infinite it is then.
    with np.errstate(over="ignore"):
        ratio = area / 2 / np.where(scale != 0.0, scale, 1.0)
    return np.where(area == 0.0, 0.0, np.where(scale != 0.0, ratio, np.inf))


def _score(columns: ordered.Columns) -> ordered.Score:
    """In steps relative to the widest: a test needs no unit, and nothing overflows."""
    steps = columns.steps[0]
    widest = steps.max(axis=1, initial=0.0, keepdims=True)
    return partial(ordered_cells.area, steps=steps / np.where(widest > 0.0, widest, 1.0))


def _bootstrap(columns: ordered.Columns, again: ordered.Resamples) -> intervals.Bootstrap:
    """The area, give or take a band around the functions.

    By the triangle inequality the area is no further from its true value than the area between the difference of the
    functions and the true difference, and that bootstraps well where the area itself, having a corner at 0, does not.
    To it comes what the cells leave out of the observed area: tails are wide.
    """
    scale = _half_scale(columns)[:, None]
    with np.errstate(over="ignore"):
        relative = columns.steps[0] / np.where(scale != 0.0, scale, 1.0)
    steps = np.minimum(relative, _LARGEST / 1e3 / relative.shape[1])[:, :, None]
    there, others = (ordered_cells.difference(*sides)[..., :-1] for sides in (columns.fine.sides, again))
    errors = np.matmul(np.abs(others - there[:, None]), steps)[:, :, 0]
    on_cells = np.matmul(np.abs(there)[:, None], steps)[:, 0, 0]
    bias = np.matmul(np.abs(others), steps)[:, :, 0].mean(axis=1) - on_cells
    exact = _in_scales(columns, columns.pair.area[columns.places])
    near = np.where(np.isfinite(exact), exact, on_cells)
    left_out = np.abs(near - on_cells)
    return intervals.Bootstrap(near, errors + left_out[:, None], band=True, estimate=np.maximum(0.0, near - bias))


def _parts(columns: ordered.Columns) -> list[tuple[Part, ...]]:
    """The area over each cell, up to the next one."""
    apart = np.abs(ordered_cells.difference(*columns.fine.sides))
    steps = np.minimum(columns.steps[0], _LARGEST / 1e3 / apart.shape[1])
    adds = 2.0 * apart * np.concatenate([steps, np.zeros((len(steps), 1))], axis=1)
    return ordered_parts.by_cell(columns, adds, whole=True)


def _details(columns: ordered.Columns) -> list[dict[str, Any]]:
    return [{"scale": min(half, _LARGEST / 2) * 2} for half in _half_scale(columns).tolist()]


_AREA = ordered.Distance(
    statistic=lambda pair: pair.area,
    score=_score,
    effect=lambda columns, area, _: _in_scales(columns, area),
    bootstrap=_bootstrap,
    parts=_parts,
    details=_details,
)

DETECTOR = Wasserstein
