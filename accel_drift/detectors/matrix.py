"""What the tests of all columns together share: how rows become one matrix and how its kernel sums are permuted."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from accel_drift.detectors.base import Detector
from accel_drift.errors import ConfigError
from accel_drift.options import is_finite
from accel_drift.statistics import kernel_draws, matrix_test
from accel_drift.statistics.comparison import VALUE_KINDS, Comparison, Plan
from accel_drift.statistics.kernel_sums import Estimator, Kernel
from accel_drift.statistics.matrix_options import MOST_ROWS, Bandwidth, MaxRows, Mode, Scale, Shape, check
from accel_drift.statistics.outcome import Outcome
from accel_drift.statistics.reduction import COMPONENTS, Reduce
from accel_drift.statistics.resampled import Resamples
from accel_drift.statistics.rounding import Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixDetector(Detector, ABC):
    """A statistic of the kernel sums of all rows; a detector of this kind has only to name its kernel and its length.

    Attributes:
        mode: "rows" permutes single rows; "groups" deals rows into groups of equal size and permutes those; "auto"
            takes rows where this machine is thought to need no more than `time_budget_s` for them, else groups.
        group_size: rows of a group; None for about 32 groups on the smaller side (with calibration rows a power of two,
            so 32 to 64 groups).
        scale: rows that decide column scales and bandwidth: "pooled" (exact), "calibration" (a seeded part of the
            reference that takes no part in the test: exact, and what is computed of the reference's other rows is kept
            for the next batch), "reference" (approximate).
        reduce: "pca" for embeddings on their principal components, "random" for their projection on directions drawn by
            the seed, None for embeddings as they are. Other columns stay as they are. The rows that decide column
            scales decide the components, so the level is as exact as `scale` says. Rows are cheaper to compare then,
            and PCA does not see what changes outside its components: details tell the share of variance that they keep.
        components: numbers that are left of each embedding; all that there are where there are fewer.
        estimator: "unbiased" (may be negative) or "biased".
        precision: arithmetic of the kernel, "float64" or "float32", or rows rounded to "float16", "bfloat16" or "int8"
            (whole steps, 127 up to the furthest), which costs some power and never the level; sums over tiles are
            float64 always. A value more than 1e6 bandwidths from the middle (1e3 below float64, 8 with "int8") counts
            as that far, and the finding says how many do: else the rows near the middle would lose their digits.
        max_rows: rows of a side at most, drawn by the seed; None for all. "auto" is 10,000 where the cost grows with
            their square, and all in a form whose cost grows with the rows alone.
        stop_after: relabellings that reach the statistic, such as 10, after which no more are drawn: without drift a
            few dozen do. The p-value is then that number over the relabellings drawn. None draws all.
        time_budget_s: seconds that permuting rows may take with mode "auto".
    """

    kinds: ClassVar[tuple[Any, ...]] = VALUE_KINDS
    joint: ClassVar[bool] = True
    alone: ClassVar[bool] = True
    kernel: ClassVar[Kernel]

    mode: Mode = "rows"
    group_size: int | None = None
    scale: Scale = "pooled"
    reduce: Reduce | None = None
    components: int = COMPONENTS
    estimator: Estimator = "unbiased"
    precision: Precision = "float64"
    max_rows: MaxRows = "auto"
    stop_after: int | None = None
    time_budget_s: float = 1.0

    def __post_init__(self) -> None:
        super(MatrixDetector, self).__post_init__()
        check(self)
        if not (is_finite(self.time_budget_s) and self.time_budget_s > 0):
            raise ConfigError(
                f"time_budget_s is {self.time_budget_s!r}; it is a number of seconds above 0, such as 1.0"
            )

    @property
    def length(self) -> Bandwidth | None:
        """What scaled rows are divided by: a length, "median" for that of their distances, None for no division."""
        return None

    @property
    def needs_rows(self) -> str:
        return f"{self.name} compares rows"

    @property
    def shape(self) -> Shape:
        """The form of the statistic, and its size."""
        return Shape()

    @property
    def most_rows(self) -> int | None:
        """Rows of a side at most; None for all."""
        if self.max_rows != "auto":
            return self.max_rows
        return MOST_ROWS if self.shape.form == "quadratic" else None

    def statistics(self, comparison: Comparison) -> Mapping[str, float]:
        """The statistic alone, under the name ""."""
        return {"": matrix_test.statistic(comparison, self, self.seed)}

    def of_resamples(self, resamples: Resamples) -> Mapping[str, npt.NDArray[np.float64]]:
        """See `Detector.of_resamples`; where all batches are labellings of the same rows, from one kernel."""
        if kernel_draws.applies(self, resamples):
            return {"": kernel_draws.statistics(resamples, self, self.seed)}
        return super(MatrixDetector, self).of_resamples(resamples)

    def outcomes(self, comparison: Comparison, plan: Plan) -> list[Outcome]:
        """Statistic, p-value, interval and parts of all columns together, not yet corrected."""
        return [matrix_test.outcome(comparison, plan, self, self.blank())]
