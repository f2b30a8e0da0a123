"""What watches data all year: windows as they complete, how healthy each is, and what a fall of a model costs.

from accel_drift import monitor as mo

monitor = mo.Monitor(mo.Trailing(windows=26, block="date:day"), mo.Windows(time="1w", on="date"), history="sqlite:///drift.db")
"""

from __future__ import annotations

from accel_drift.monitor.background import Background
from accel_drift.monitor.batches import Batch
from accel_drift.monitor.confidence_part import Confidences
from accel_drift.monitor.cost import CostBenefit, cost_benefit
from accel_drift.monitor.estimated_part import Estimated
from accel_drift.monitor.followers import Follower
from accel_drift.monitor.health import Health, health
from accel_drift.monitor.kafka import Kafka
from accel_drift.monitor.late_labels import LabelFolder
from accel_drift.monitor.monitor import Monitor
from accel_drift.monitor.parts import Part, Told
from accel_drift.monitor.performance_part import Performance
from accel_drift.monitor.pieces import ArrowStream, Dataset
from accel_drift.monitor.references import NoReferenceError, Period, Trailing
from accel_drift.monitor.sources import Folder, Source
from accel_drift.monitor.stream_part import Streams
from accel_drift.monitor.watching import watch
from accel_drift.monitor.windows import Windows

__all__ = [
    "ArrowStream",
    "Background",
    "Batch",
    "Confidences",
    "CostBenefit",
    "Dataset",
    "Estimated",
    "Folder",
    "Follower",
    "Health",
    "Kafka",
    "LabelFolder",
    "Monitor",
    "NoReferenceError",
    "Part",
    "Performance",
    "Period",
    "Source",
    "Streams",
    "Told",
    "Trailing",
    "Windows",
    "cost_benefit",
    "health",
    "watch",
]
