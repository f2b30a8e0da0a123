"""Whether a model became less sure than it was on a reference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from accel_drift.backends import Backend
from accel_drift.detectors.ks import KS
from accel_drift.errors import DataError
from accel_drift.predictions.estimates import LEVEL, Estimate

Floats = npt.NDArray[np.float64]

_COLUMN = "confidence"


@dataclass(frozen=True, slots=True)
class Degradation:
    """A batch's confidence beside the reference's, both of rows that come independently of one another.

    Attributes:
        fall: mean confidence of the reference less that of the batch, with Welch's interval at 95 %.
        p_value: chance of such a fall, where the true one is what is put up with; None where the batch has one row.
        distance: largest gap between both distribution functions (Kolmogorov-Smirnov); None where all rows are alike.
        distance_p_value: chance of such a gap where confidence is as it was; None where all rows are alike.
        degraded: whether the model became less sure: `p_value` at most alpha.
    """

    fall: Estimate
    p_value: float | None
    distance: float | None
    distance_p_value: float | None
    degraded: bool


@dataclass(frozen=True, eq=False)
class Reference:
    """Confidences to compare with.

    Attributes:
        values: (n,) at least 2.
        alpha: chance of calling a batch degraded that is not.
        tolerance: fall of the mean that is put up with.
        backend: where to compute.
    """

    values: Floats
    alpha: float
    tolerance: float
    backend: str | Backend

    def __post_init__(self) -> None:
        if len(self.values) < 2:
            raise DataError(f"the reference has {len(self.values)} rows with probabilities; it needs at least 2")

    @cached_property
    def _ks(self) -> Any:
        detector = KS(alpha=self.alpha, min_effect=0.0)
        return detector.fit({_COLUMN: self.values}, columns=[_COLUMN], backend=self.backend)

    def against(self, batch: Floats) -> Degradation:
        """What at least one confidence of a batch says."""
        (found,) = self._ks.detect({_COLUMN: batch}).findings
        fall, p_value = _fall(self.values, batch, self.tolerance)
        if fall.low == fall.high and fall.low is not None and fall.value > self.tolerance:
            # No spread at all, so no test of means: but both sides are apart.
            p_value = found.p_value
        degraded = p_value is not None and p_value <= self.alpha
        return Degradation(fall, p_value, found.statistic, found.p_value, degraded)


def _fall(reference: Floats, batch: Floats, tolerance: float) -> tuple[Estimate, float | None]:
    """How much lower the mean is, and the chance of so much where it is lower by `tolerance`. Source: Welch 1947."""
    value = float(reference.mean() - batch.mean())
    if len(batch) < 2:
        return Estimate(value, None, None), None
    parts = [float(side.var(ddof=1)) / len(side) for side in (reference, batch)]
    error = sqrt(sum(parts))
    if error == 0.0:
        return Estimate(value, value, value), 1.0
    freedom = sum(parts) ** 2 / sum(p * p / (len(side) - 1) for p, side in zip(parts, (reference, batch), strict=True))
    half = float(stdtrit(freedom, (1 + LEVEL) / 2)) * error
    return Estimate(value, value - half, value + half), float(stdtr(freedom, (tolerance - value) / error))
