"""Energy distance: a two-sample test of all columns together, without a bandwidth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from accel_drift.detectors.base import Detector
from accel_drift.statistics import matrix_test
from accel_drift.statistics.comparison import VALUE_KINDS, Comparison, Plan
from accel_drift.statistics.kernel_test import Estimator, Kernel
from accel_drift.statistics.matrix_rows import Mode, Scale
from accel_drift.statistics.matrix_test import Precision
from accel_drift.statistics.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy(Detector):
    """Twice the mean distance between reference and batch rows, less the mean distances within each side.

    Distances are Euclidean, of all columns together, scaled as for MMD: 1 is about the middle half of a column. The
    unbiased form leaves each row's distance to itself out of the means; `scipy.stats.energy_distance` of one scaled
    column is the root of the biased one. With `block` the unbiased form leaves out all pairs of rows inside one block.
    With `tolerance` the p-value is that of a true value at most so large, by the normal law.

    Attributes:
        mode: "rows" permutes single rows; "groups" deals rows into groups of equal size and permutes those.
        group_size: rows of a group; None for about 32 groups on the smaller side.
        scale: rows that decide column scales: "pooled" (exact), "calibration" (a seeded part of the reference that
            takes no part in the test: exact), "reference" (approximate).
        estimator: "unbiased" (may be negative) or "biased".
        precision: arithmetic of the distances, "float64" or "float32"; sums over tiles are float64 always.
        max_rows: rows of a side at most, drawn by the seed; None for all. The cost grows with their square.

    >>> round(Energy().fit({"x": [1.0, 2.0, 3.0, 4.0]}, backend="numpy").score({"x": [3.0, 4.0, 5.0, 6.0]}), 3)
    0.611
    """

    name: ClassVar[str] = "energy"
    kinds: ClassVar[tuple[Any, ...]] = VALUE_KINDS
    unit: ClassVar[str] = "energy distance"
    source: ClassVar[str] = "Székely & Rizzo 2013, doi:10.1016/j.jspi.2013.03.018; as an MMD: Sejdinovic et al. 2013"
    joint: ClassVar[bool] = True
    alone: ClassVar[bool] = True
    kernel: ClassVar[Kernel] = "distance"

    mode: Mode = "rows"
    group_size: int | None = None
    scale: Scale = "pooled"
    estimator: Estimator = "unbiased"
    precision: Precision = "float64"
    max_rows: int | None = 10_000

    def __post_init__(self) -> None:
        super(Energy, self).__post_init__()
        matrix_test.check(self)

    def statistics(self, comparison: Comparison) -> Mapping[str, float]:
        return {"": matrix_test.statistic(comparison, self, None, self.seed)}

    def outcomes(self, comparison: Comparison, plan: Plan) -> list[Outcome]:
        return [matrix_test.outcome(comparison, plan, self, None, self.blank())]


DETECTOR = Energy
