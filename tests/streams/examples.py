"""Streams that any detector of streams can read, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.streams import get_class, names
from accel_drift.streams.base import StreamDetector
from accel_drift.streams.events import Events

Values = npt.NDArray[np.float64]

KNOWN: dict[str, dict[str, Any]] = {"bounded_mean": {"mean": 0.5, "alpha": 0.001, "guarantee": "run_length"}}
"""What a detector cannot find out about streams that do not change, by its name."""

DETECTORS: tuple[StreamDetector, ...] = tuple(
    get_class(n)(variant=v, **KNOWN.get(n, {})) for n in names() for v in ("paper", "river")
)
"""Every detector that there is, at its defaults beside that."""


def label(detector: StreamDetector) -> str:
    """What a test of a detector is called."""
    return f"{detector.name}-{detector.variant}"


def values(detector: StreamDetector, moments: int, streams: int, at: float = 0.5) -> Values:
    """(T, S) of what the detector reads; at a share of T two of three streams move so far that anyone would see it."""
    rng = np.random.default_rng([6, moments, streams])
    late = np.arange(moments)[:, None] >= int(at * moments)
    moved = np.where(late, np.array([0, 0.7, 1])[np.arange(streams) % 3], 0.0)
    noise = rng.random((moments, streams))
    if detector.reads == "errors":
        return np.asarray(noise < 0.1 + 0.8 * moved, np.float64)
    return np.asarray(0.1 + 0.1 * noise + 0.8 * moved if detector.reads == "shares" else noise + 8 * moved)


def told(*windows: Events) -> dict[str, bytes]:
    """What one or more windows tell, to the last bit."""
    fields = ("index", "stream", "kind", "before", "after")
    return {field: b"".join(getattr(events, field).tobytes() for events in windows) for field in fields}


def by_stream(events: Events, streams: Iterable[int]) -> list[dict[str, bytes]]:
    """What is told of each stream, without its number."""
    return [{k: v for k, v in told(events.of_stream(s)).items() if k != "stream"} for s in streams]
