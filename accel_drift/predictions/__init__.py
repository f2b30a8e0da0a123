"""What a model says of rows: how sure it is, and whether that changes.

from accel_drift import predictions as pr

ad.compare(pr.predicted(before), pr.predicted(after))
pr.confidence(after, labels)
"""

from __future__ import annotations

from accel_drift.predictions.columns import predicted
from accel_drift.predictions.confidence import Bin, Confidence, confidence
from accel_drift.predictions.degradation import Degradation
from accel_drift.predictions.estimates import Estimate
from accel_drift.predictions.track import ConfidenceTrack, Tracked
from accel_drift.predictions.trend import Trend, trend

__all__ = [
    "Bin",
    "Confidence",
    "ConfidenceTrack",
    "Degradation",
    "Estimate",
    "Tracked",
    "Trend",
    "confidence",
    "predicted",
    "trend",
]
