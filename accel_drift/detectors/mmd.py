"""Maximum mean discrepancy: a kernel two-sample test of all columns together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from accel_drift.detectors.base import is_finite
from accel_drift.detectors.matrix import MatrixDetector
from accel_drift.errors import ConfigError
from accel_drift.statistics.kernel_sums import Kernel
from accel_drift.statistics.matrix_options import Bandwidth


@dataclass(frozen=True, slots=True, kw_only=True)
class MMD(MatrixDetector):
    """Squared distance between the mean embeddings of reference and batch under a Gaussian kernel.

    With `block` the unbiased form leaves out pairs of rows inside one block: they are alike whatever drifts. With
    `tolerance` the p-value is that of a true value at most so large, by the normal law.

    Attributes:
        bandwidth: "median" (of the distances between pooled rows), or a length.

    >>> round(MMD().fit({"x": [1.0, 2.0, 3.0, 4.0]}, backend="numpy").score({"x": [3.0, 4.0, 5.0, 6.0]}), 3)
    0.239
    """

    name: ClassVar[str] = "mmd"
    unit: ClassVar[str] = "MMD²"
    source: ClassVar[str] = "Gretton et al., JMLR 13 (2012) 723-773; groups: Domingo-Enrich, Dwivedi & Mackey 2025"
    kernel: ClassVar[Kernel] = "gaussian"

    bandwidth: float | Literal["median"] = "median"

    def __post_init__(self) -> None:
        super(MMD, self).__post_init__()
        if self.bandwidth != "median" and not (is_finite(self.bandwidth) and float(self.bandwidth) > 0):
            raise ConfigError(f'bandwidth is {self.bandwidth!r}; it is "median" or a length above 0')

    @property
    def length(self) -> Bandwidth | None:
        return self.bandwidth


DETECTOR = MMD
