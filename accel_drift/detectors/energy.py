"""Energy distance: a two-sample test of all columns together, without a bandwidth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from accel_drift.detectors.matrix import MatrixDetector
from accel_drift.statistics.kernel_sums import Kernel


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy(MatrixDetector):
    """Twice the mean distance between reference and batch rows, less the mean distances within each side.

    Distances are Euclidean, of all columns together, scaled as for MMD: 1 is about the middle half of a column. The
    unbiased form leaves each row's distance to itself out of the means; `scipy.stats.energy_distance` of one scaled
    column is the root of the biased one. With `block` the unbiased form leaves out all pairs of rows inside one block.
    With `tolerance` the p-value is that of a true value at most so large, by the normal law.

    >>> round(Energy().fit({"x": [1.0, 2.0, 3.0, 4.0]}, backend="numpy").score({"x": [3.0, 4.0, 5.0, 6.0]}), 3)
    0.611
    """

    name: ClassVar[str] = "energy"
    unit: ClassVar[str] = "energy distance"
    source: ClassVar[str] = "Székely & Rizzo 2013, doi:10.1016/j.jspi.2013.03.018; as an MMD: Sejdinovic et al. 2013"
    kernel: ClassVar[Kernel] = "distance"


DETECTOR = Energy
