"""Spans of OpenTelemetry around windows, where its API is installed; without it, or without an SDK, nothing happens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from accel_drift.report import Report


class Traces:
    """A span `accel_drift.window` for each window, with `accel_drift.read`, `.score` and `.write` in it.

    Batches are read before it is known which window they fill, and one may fill several: all that was read since the
    last window is one span in the next, from the first batch to the last.

    Args:
        monitor: its name, an attribute of every span of a window.
    """

    def __init__(self, monitor: str) -> None:
        self._monitor = monitor
        self._tracer = _tracer()
        self._read: tuple[int, int, int] | None = None
        self._span: Any = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A batch is taken in."""
        began = time.time_ns()
        try:
            yield
        finally:
            first, _, batches = self._read or (began, began, 0)
            self._read = first, time.time_ns(), batches + 1

    @contextmanager
    def window(self, key: str) -> Iterator[None]:
        """A window is compared and written."""
        read, self._read = self._read, None
        if self._tracer is None:
            yield
            return
        about = {"accel_drift.monitor": self._monitor, "accel_drift.window": key}
        began = None if read is None else read[0]
        with self._tracer.start_as_current_span("accel_drift.window", start_time=began, attributes=about) as span:
            if read is not None:
                batches = {"accel_drift.batches": read[2]}
                self._tracer.start_span("accel_drift.read", start_time=read[0], attributes=batches).end(read[1])
            self._span = span
            try:
                yield
            finally:
                self._span = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Something is done with the window at hand."""
        if self._tracer is None:
            yield
            return
        with self._tracer.start_as_current_span(f"accel_drift.{name}"):
            yield

    def tell(self, report: Report) -> None:
        """What was found of the window at hand."""
        if self._span is not None:
            self._span.set_attribute("accel_drift.rows", report.n_batch)
            self._span.set_attribute("accel_drift.drifted", report.drifted)
            self._span.set_attribute("accel_drift.severity", str(report.severity))


def _tracer() -> Any:
    """OpenTelemetry's tracer for us, or None. What the application sets up later, the tracer follows."""
    try:
        from opentelemetry import trace
    except ImportError:
        return None
    return trace.get_tracer("accel_drift")
