"""Kernel CUSUM: windows of all lengths at once, against a fixed reference at every row, in constant memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from accel_drift.options import at_least
from accel_drift.sequential.kernel_windows import Floats
from accel_drift.sequential.online import OnlineDetector


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelCUSUM(OnlineDetector):
    """The largest, over windows of the newest rows, of the squared MMD in standard deviations without drift.

    Short windows see a large change soon, long ones a small change at all. Wei & Xie compare each window with N blocks
    of as many reference rows; here it is compared with all rows of the half at once, which is their statistic for ever
    more blocks but for the pairs that they leave out: it varies less and costs no more.

    Attributes:
        window: rows of the longest window; the first look is when that many rows have come.
        shortest: rows of the shortest window. Statistics of very few rows have a long tail, which raises the threshold
            for all.
    """

    name: ClassVar[str] = "kernel_cusum"
    source: ClassVar[str] = (
        "Wei & Xie, arXiv:2211.15070; Li, Xie, Dai & Song, arXiv:1507.01279; the deviations by Hoeffding, Ann. Math. "
        "Statist. 19 (1948) 293-325"
    )

    window: int = 100
    shortest: int = 5

    def __post_init__(self) -> None:
        super(KernelCUSUM, self).__post_init__()
        at_least(self.shortest, 2, "shortest", "rows of the shortest window, such as 5")
        at_least(self.window, self.shortest, "window", "rows of the longest window, no fewer than of the shortest")

    def units(self, deviations: Floats) -> Floats:
        """See `OnlineDetector.units`."""
        return np.where(np.arange(2, self.window + 1) >= self.shortest, deviations, np.inf)
