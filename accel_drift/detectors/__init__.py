"""Detectors: one module each, found by file name; third parties by the entry point group `accel_drift.detectors`."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import entry_points
from typing import Any

from accel_drift.detectors.base import Detector
from accel_drift.errors import ConfigError

_NOT_DETECTORS = {"base", "matrix"}
_GROUP = "accel_drift.detectors"


def names() -> tuple[str, ...]:
    """Every detector there is, by name."""
    own = {m.name for m in pkgutil.iter_modules(__path__)} - _NOT_DETECTORS
    return tuple(sorted(own | {e.name for e in entry_points(group=_GROUP)}))


def get_class(name: str) -> type[Detector]:
    """The class of a detector.

    Raises:
        ConfigError: there is no detector of that name.
    """
    if name not in names():
        raise ConfigError(f"no detector {name!r}; there are {', '.join(names())}")
    for entry in entry_points(group=_GROUP, name=name):
        found: type[Detector] = entry.load()
        return found
    own: type[Detector] = importlib.import_module(f"{__name__}.{name}").DETECTOR
    return own


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
