"""CuPy arrays on the current CUDA device. Written without one at hand: it has never run on a GPU."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import array_api_compat.cupy as array_namespace
import cupy  # pyright: ignore[reportMissingImports]  (needs no GPU to be checked)
import numpy as np
import numpy.typing as npt

from accel_drift.backends.base import Array, Backend, Namespace, host_dtype, on_host
from accel_drift_kernels import cupy_cuda
from accel_drift_kernels.spec import Kernels


class CupyBackend(Backend):
    """The current CUDA device."""

    name: ClassVar[str] = "cupy"
    is_gpu: bool = True
    low_precision: tuple[str, ...] = ("float16", "int8")
    xp: Namespace = array_namespace
    kernels: Kernels = cupy_cuda

    @classmethod
    def why_not(cls) -> str | None:
        """No driver, no device, or no CUDA toolkit to compile with."""
        try:
            count = cupy.cuda.runtime.getDeviceCount()
        except (cupy.cuda.runtime.CUDARuntimeError, ImportError, OSError) as err:
            # CuPy imports without a driver or a device and raises from the first call.
            return f"CUDA finds no device ({err}); check the NVIDIA driver, nvidia-smi and CUDA_VISIBLE_DEVICES"
        if count == 0:
            return "the CUDA driver is there, but no device; check CUDA_VISIBLE_DEVICES"
        try:
            # The cheapest call that compiles a kernel: it fails without the headers or NVRTC.
            doubled = int((cupy.arange(2) * 2).sum())
        except Exception as err:  # noqa: BLE001  CuPy wraps a missing toolkit in many different errors
            return f"CuPy cannot compile for the device ({err}); try: pip install 'accel-drift[cuda12]'"
        return None if doubled == 2 else "the device gives wrong sums; check its health with nvidia-smi"

    @property
    def device(self) -> str:
        found = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"]
        return found.decode() if isinstance(found, bytes) else str(found)

    def scope(self) -> AbstractContextManager[object]:
        return nullcontext()

    def asarray(self, x: npt.ArrayLike, /, dtype: Any = None) -> Array:
        return cupy.asarray(x, dtype=host_dtype(dtype))

    def to_numpy(self, x: Array, /) -> npt.NDArray[Any]:
        return np.asarray(cupy.asnumpy(x))

    def adopt(self, x: Any, /) -> Array | None:
        if isinstance(x, cupy.ndarray):
            return x
        return None if on_host(x) else cupy.from_dlpack(x)

    def free_bytes(self) -> int:
        free: int = cupy.cuda.runtime.memGetInfo()[0]
        # Blocks that CuPy's pool holds but nobody uses count as free too.
        return int(free) + int(cupy.get_default_memory_pool().free_bytes())


BACKEND = CupyBackend
