"""The few places where array libraries need care."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from array_api_compat import array_namespace, is_cupy_array
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


def on_host(x: Array) -> npt.NDArray[Any]:
    """An array as a NumPy array."""
    return np.asarray(x.get() if is_cupy_array(x) else x)


def beside(x: npt.NDArray[Any], like: Array) -> Array:
    """A NumPy array as one of the library, and on the device, of `like`."""
    return array_namespace(like).asarray(x, device=device_of(like))
