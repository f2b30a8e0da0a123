"""A backend on array-api-strict, which refuses whatever the standard does not promise."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import array_api_strict
import numpy as np
import numpy.typing as npt

from accel_drift.backends.base import Array, Backend, Namespace, host_dtype
from accel_drift_kernels import portable
from accel_drift_kernels.spec import Kernels


class StrictBackend(Backend):
    name: ClassVar[str] = "strict"
    xp: Namespace = array_api_strict
    kernels: Kernels = portable

    @property
    def device(self) -> str:
        return "CPU, one step at a time"

    def scope(self) -> AbstractContextManager[object]:
        return nullcontext()

    def asarray(self, x: npt.ArrayLike, /, dtype: Any = None) -> Array:
        # A copy: array-api-strict would share the memory of a NumPy array that the caller may change.
        return array_api_strict.asarray(np.array(x, dtype=host_dtype(dtype)))

    def to_numpy(self, x: Array, /) -> npt.NDArray[Any]:
        return np.from_dlpack(x)

    def adopt(self, x: Any, /) -> Array | None:
        return x if isinstance(x, type(array_api_strict.zeros(1))) else None


BACKEND = StrictBackend
