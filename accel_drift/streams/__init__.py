"""Detectors of concept drift in streams: one module each, found by file name; third parties by entry point.

The group of the entry points is `accel_drift.streams`.
"""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import entry_points

from accel_drift.errors import ConfigError
from accel_drift.streams.base import StreamDetector

_NOT_DETECTORS = {"base", "charts", "confidences", "events", "file", "rules", "stream", "values"}
_GROUP = "accel_drift.streams"


def names() -> tuple[str, ...]:
    """Every detector of streams there is, by name."""
    return tuple(sorted(_own() | {e.name for e in entry_points(group=_GROUP)}))


def get_class(name: str) -> type[StreamDetector]:
    """The class of a detector of streams.

    Raises:
        ConfigError: there is none of that name.
    """
    # Ours first: to look for entry points takes many times as long as to save a stream.
    if name in _own():
        own: type[StreamDetector] = importlib.import_module(f"{__name__}.{name}").DETECTOR
        return own
    for entry in entry_points(group=_GROUP, name=name):
        found: type[StreamDetector] = entry.load()
        return found
    raise ConfigError(f"no detector of streams {name!r}; there are {', '.join(names())}")


def _own() -> set[str]:
    return {m.name for m in pkgutil.iter_modules(__path__)} - _NOT_DETECTORS
