"""Detectors of concept drift in streams: one module each, found by file name; third parties by entry point.

The group of the entry points is `accel_drift.streams`.
"""

from __future__ import annotations

from accel_drift.named import Named
from accel_drift.streams.base import StreamDetector

_OTHERS = {"base", "charts", "confidences", "events", "file", "rules", "run_lengths", "stream", "values"}
_DETECTORS: Named[StreamDetector] = Named(__name__, "detector of streams", frozenset(_OTHERS))

names, get_class = _DETECTORS.names, _DETECTORS.get_class
