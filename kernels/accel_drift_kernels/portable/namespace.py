"""The few places where array libraries need care."""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace
from array_api_compat import device as device_of

from accel_drift_kernels.spec import Array


def namespace(x: Array) -> Any:
    """The array-API namespace of an array's library."""
    return array_namespace(x)


def constants(values: tuple[float, ...], like: Array) -> Array:
    """A float64 array of numbers on the device of `like`."""
    xp = array_namespace(like)
    return xp.asarray(values, dtype=xp.float64, device=device_of(like))


def whole(start: int, stop: int, like: Array, dtype: Any) -> Array:
    """The whole numbers from start up to stop (exclusive) on the device of `like`."""
    return array_namespace(like).arange(start, stop, dtype=dtype, device=device_of(like))


def zeros(shape: tuple[int, ...], like: Array, dtype: Any) -> Array:
    """Zeros on the device of `like`."""
    return array_namespace(like).zeros(shape, dtype=dtype, device=device_of(like))
