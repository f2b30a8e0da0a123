"""Where messages go: one class each, ours and those of other distributions."""

from accel_drift.alerts.sinks.base import Message, Sink
from accel_drift.alerts.sinks.making import kinds, sink_of

__all__ = ["Message", "Sink", "kinds", "sink_of"]
