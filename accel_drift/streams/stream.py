"""Streams that are watched as their values come, with a state that can be kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from accel_drift.backends import Backend, open_backend
from accel_drift.errors import DataError
from accel_drift.options import at_least
from accel_drift.streams.base import StreamDetector
from accel_drift.streams.events import Events
from accel_drift.streams.values import window


class Stream:
    """S streams under one detector, in the middle of their values.

    Attributes:
        detector: what watches them.
        streams: how many there are.
        seen: values of each stream so far, missing ones included.
    """

    def __init__(self, detector: StreamDetector, streams: int = 1, *, backend: str | Backend = "auto") -> None:
        at_least(streams, 1, "streams", "the number of streams")
        self.detector, self.streams, self.seen = detector, streams, 0
        self._backend, _ = open_backend(backend)
        self._state = detector.start(streams, self._backend)

    def update(self, values: Any) -> Events:
        """Go on with the next values, (T,) of a single stream or (T, S); the events in them.

        Their indices count from the first value of all. Where it raises, nothing has changed.

        Raises:
            DataError: values are no numbers, infinite, not what the detector reads, or of another number of streams.
        """
        given, single = window(values, self._backend)
        if given.shape[1] != self.streams:
            raise DataError(
                f"values are of {given.shape[1]:,} streams, and {self.streams:,} are watched: give (T, {self.streams})"
            )
        self._state, events = self.detector.advance(self._state, given, self._backend)
        events = replace(events, index=events.index + self.seen, single=single and self.streams == 1)
        self.seen += int(given.shape[0])
        return events


def scanned(detector: StreamDetector, values: Any, backend: str | Backend) -> Events:
    """See `StreamDetector.scan`."""
    opened, _ = open_backend(backend, values)
    given, single = window(values, opened)
    state = detector.start(int(given.shape[1]), opened)
    _, events = detector.advance(state, given, opened)
    return replace(events, single=single)
