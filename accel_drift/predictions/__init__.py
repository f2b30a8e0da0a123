"""What a model says of rows: how sure it is, how good it is, and whether that changes.

from accel_drift import predictions as pr

ad.compare(pr.predicted(before), pr.predicted(after))
pr.confidence(after, labels)
pr.performance(after, labels).change(pr.performance(before, earlier_labels))
"""

from __future__ import annotations

from accel_drift.predictions.changed import Change, PerformanceChange
from accel_drift.predictions.columns import predicted
from accel_drift.predictions.confidence import Bin, Confidence, confidence
from accel_drift.predictions.degradation import Degradation
from accel_drift.predictions.early_warning import EarlyWarning, early_warning
from accel_drift.predictions.errors_watched import ConceptDrift
from accel_drift.predictions.estimated import EstimatedPerformance, PerformanceEstimator
from accel_drift.predictions.estimates import Estimate
from accel_drift.predictions.lead import LeadLag, lead_lag
from accel_drift.predictions.performance import Performance, performance
from accel_drift.predictions.performance_track import Joined, PerformanceTrack
from accel_drift.predictions.track import ConfidenceTrack, Tracked
from accel_drift.predictions.trend import Trend, trend

__all__ = [
    "Bin",
    "Change",
    "ConceptDrift",
    "Confidence",
    "ConfidenceTrack",
    "Degradation",
    "EarlyWarning",
    "Estimate",
    "EstimatedPerformance",
    "Joined",
    "LeadLag",
    "Performance",
    "PerformanceChange",
    "PerformanceEstimator",
    "PerformanceTrack",
    "Tracked",
    "Trend",
    "confidence",
    "early_warning",
    "lead_lag",
    "performance",
    "predicted",
    "trend",
]
