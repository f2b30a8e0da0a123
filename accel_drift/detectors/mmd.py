"""Maximum mean discrepancy: a kernel two-sample test of all columns together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from accel_drift.detectors.base import Detector, is_finite
from accel_drift.errors import ConfigError
from accel_drift.statistics import matrix_test
from accel_drift.statistics.comparison import VALUE_KINDS, Comparison, Plan
from accel_drift.statistics.kernel_test import Estimator, Kernel
from accel_drift.statistics.matrix_rows import Mode, Scale
from accel_drift.statistics.matrix_test import Precision
from accel_drift.statistics.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class MMD(Detector):
    """Squared distance between the mean embeddings of reference and batch under a Gaussian kernel.

    With `block` the unbiased form leaves out pairs of rows inside one block: they are alike whatever drifts. With
    `tolerance` the p-value is that of a true value at most so large, by the normal law.

    Attributes:
        bandwidth: "median" (of the distances between pooled rows), or a length.
        mode: "rows" permutes single rows; "groups" deals rows into groups of equal size and permutes those.
        group_size: rows of a group; None for about 32 groups on the smaller side.
        scale: rows that decide column scales and bandwidth: "pooled" (exact), "calibration" (a seeded part of the
            reference that takes no part in the test: exact), "reference" (approximate).
        estimator: "unbiased" (may be negative) or "biased".
        precision: arithmetic of the kernel, "float64" or "float32"; sums over tiles are float64 always.
        max_rows: rows of a side at most, drawn by the seed; None for all. The cost grows with their square.

    >>> round(MMD().fit({"x": [1.0, 2.0, 3.0, 4.0]}, backend="numpy").score({"x": [3.0, 4.0, 5.0, 6.0]}), 3)
    0.239
    """

    name: ClassVar[str] = "mmd"
    kinds: ClassVar[tuple[Any, ...]] = VALUE_KINDS
    unit: ClassVar[str] = "MMD²"
    source: ClassVar[str] = "Gretton et al., JMLR 13 (2012) 723-773; groups: Domingo-Enrich, Dwivedi & Mackey 2025"
    joint: ClassVar[bool] = True
    alone: ClassVar[bool] = True
    kernel: ClassVar[Kernel] = "gaussian"

    bandwidth: float | Literal["median"] = "median"
    mode: Mode = "rows"
    group_size: int | None = None
    scale: Scale = "pooled"
    estimator: Estimator = "unbiased"
    precision: Precision = "float64"
    max_rows: int | None = 10_000

    def __post_init__(self) -> None:
        super(MMD, self).__post_init__()
        if self.bandwidth != "median" and not (is_finite(self.bandwidth) and float(self.bandwidth) > 0):
            raise ConfigError(f'bandwidth is {self.bandwidth!r}; it is "median" or a length above 0')
        matrix_test.check(self)

    def statistics(self, comparison: Comparison) -> Mapping[str, float]:
        return {"": matrix_test.statistic(comparison, self, self.bandwidth, self.seed)}

    def outcomes(self, comparison: Comparison, plan: Plan) -> list[Outcome]:
        return [matrix_test.outcome(comparison, plan, self, self.bandwidth, self.blank())]


DETECTOR = MMD
