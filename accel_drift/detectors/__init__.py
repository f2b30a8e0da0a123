"""Detectors: one module each, found by file name; third parties by the entry point group `accel_drift.detectors`."""

from __future__ import annotations

from typing import Any

from accel_drift.detectors.base import Detector
from accel_drift.errors import ConfigError
from accel_drift.named import Named

_DETECTORS: Named[Detector] = Named(__name__, "detector", frozenset({"base", "matrix"}))

names, get_class = _DETECTORS.names, _DETECTORS.get_class


def get_detector(name: str, **options: Any) -> Detector:
    """Make a detector by name; `options` are its fields.

    Raises:
        ConfigError: there is no detector of that name, or no option of one of the names.
    """
    kind = get_class(name)
    known = kind.__dataclass_fields__
    for option in options:
        if option not in known:
            raise ConfigError(f"{name} has no option {option!r}; it has {', '.join(known)}")
    return kind(**options)
