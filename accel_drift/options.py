"""Checks that the options of detectors have in common."""

from __future__ import annotations

from dataclasses import fields
from math import isfinite
from numbers import Integral, Real
from typing import Any

from accel_drift.errors import ConfigError


def is_finite(value: Any) -> bool:
    """Whether an option is a finite number."""
    return not isinstance(value, bool) and isinstance(value, Real) and isfinite(value)


def plain(record: Any) -> dict[str, Any]:
    """The options of a dataclass as plain values: a number of NumPy becomes one of Python."""
    values = {f.name: getattr(record, f.name) for f in fields(record)}
    return {k: v.item() if hasattr(v, "item") and getattr(v, "shape", ()) == () else v for k, v in values.items()}


def truth(value: Any, name: str) -> None:
    """Refuse an option that is not True or False.

    Raises:
        ConfigError: it is not.
    """
    if not isinstance(value, bool):
        raise ConfigError(f"{name} is {value!r}; it is True or False")


def at_least(value: Any, least: int, name: str, meaning: str) -> None:
    """Refuse an option that is no whole number of at least `least`.

    Raises:
        ConfigError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise ConfigError(f"{name} is {value!r}; it is a whole number of at least {least}: {meaning}")


def between(value: Any, low: float, high: float, name: str, meaning: str) -> None:
    """Refuse an option that is no number above `low` and below `high`.

    Raises:
        ConfigError: it is not.
    """
    if not (is_finite(value) and low < value < high):
        bounds = f"above {low:g}" + (f" and below {high:g}" if isfinite(high) else "")
        raise ConfigError(f"{name} is {value!r}; it is a number {bounds}: {meaning}")
