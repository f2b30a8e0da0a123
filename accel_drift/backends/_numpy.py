"""NumPy arrays on the host, Numba kernels."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import array_api_compat.numpy as array_namespace
import numpy as np
import numpy.typing as npt

from accel_drift.backends.base import Array, Backend, Namespace, host_dtype
from accel_drift_kernels import numba_cpu
from accel_drift_kernels.numba_cpu.threads import COMPILES, thread_count
from accel_drift_kernels.spec import Kernels


class NumpyBackend(Backend):
    """The CPU, without a library that needs a device. Always there, unless Numba was told not to compile."""

    name: ClassVar[str] = "numpy"
    xp: Namespace = array_namespace
    kernels: Kernels = numba_cpu

    @classmethod
    def why_not(cls) -> str | None:
        # Most loops would run without, a hundred times slower; those of vector instructions cannot.
        return None if COMPILES else "NUMBA_DISABLE_JIT is set, and its kernels are compiled by Numba; unset it"

    @property
    def device(self) -> str:
        threads = thread_count()
        return f"CPU, {threads} thread{'s' if threads > 1 else ''}"

    def scope(self) -> AbstractContextManager[object]:
        return nullcontext()

    def asarray(self, x: npt.ArrayLike, /, dtype: Any = None) -> Array:
        # No copy where none is needed: read-only views of Arrow buffers pass as they are.
        return np.asarray(x, dtype=host_dtype(dtype))

    def to_numpy(self, x: Array, /) -> npt.NDArray[Any]:
        return np.asarray(x)

    def free_bytes(self) -> int:
        try:
            return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, ValueError, OSError):
            return super().free_bytes()


BACKEND = NumpyBackend
