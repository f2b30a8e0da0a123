"""JAX arrays on the device JAX was given, XLA kernels."""

from __future__ import annotations

import importlib
import os
from contextlib import AbstractContextManager
from typing import Any, ClassVar, cast

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from accel_drift.backends.base import Array, Backend, F, Namespace, host_dtype, on_host
from accel_drift.errors import BackendError
from accel_drift_kernels import jax_xla
from accel_drift_kernels.spec import Kernels


class JaxBackend(Backend):
    """JAX's default device: a GPU or TPU where JAX has one, the CPU otherwise."""

    name: ClassVar[str] = "jax"
    xp: Namespace = jnp
    kernels: Kernels = jax_xla
    low_precision: tuple[str, ...] = ("float16", "bfloat16", "int8")

    @classmethod
    def why_not(cls) -> str | None:
        """No device: the platform asked for is not here, or the driver is older than the CUDA wheels."""
        try:
            jax.devices()
        except RuntimeError as err:
            return f"JAX is installed, but finds no device ({err}); check JAX_PLATFORMS and the driver"
        return None

    def __init__(self) -> None:
        self._process = os.getpid()
        self._device = jax.devices()[0]
        self.is_gpu = self._device.platform in {"gpu", "cuda", "rocm"}

    @property
    def device(self) -> str:
        kind = str(self._device.device_kind)
        return "CPU, through XLA" if self._device.platform == "cpu" else kind

    def scope(self) -> AbstractContextManager[object]:
        """As in the base class; a `BackendError` in a forked child."""
        if os.getpid() != self._process:
            # XLA's threads stayed in the parent: a call here would wait for them for ever.
            raise BackendError(
                "the jax backend was opened before this process was forked, and JAX does not work across a fork; "
                'start processes by "spawn" (or "forkserver"), or use backend="numpy" in forked ones'
            )
        # Scoped to this thread and these calls: the caller's process keeps its own precision.
        # Before JAX 0.8 the switch is in jax.experimental.
        home = jax if hasattr(jax, "enable_x64") else importlib.import_module("jax.experimental")
        return cast("AbstractContextManager[object]", home.enable_x64(True))

    def asarray(self, x: npt.ArrayLike, /, dtype: Any = None) -> Array:
        if isinstance(x, jax.Array):
            return jnp.asarray(x, dtype=host_dtype(dtype))
        # jnp.asarray would be compiled for every shape. On the CPU device_put keeps the memory that it is given.
        return jax.device_put(np.array(x, dtype=host_dtype(dtype), copy=None if self.is_gpu else True))

    def to_numpy(self, x: Array, /) -> npt.NDArray[Any]:
        return np.asarray(x)

    def adopt(self, x: Any, /) -> Array | None:
        if isinstance(x, jax.Array):
            # To where it is already this copies nothing.
            return jax.device_put(x, self._device)
        if self.is_gpu and not on_host(x):
            return jax.dlpack.from_dlpack(x)
        return None

    def compile(self, fn: F, /) -> F:
        return cast("F", jax.jit(fn))

    def free_bytes(self) -> int:
        stats = self._device.memory_stats() or {}
        if "bytes_limit" in stats:
            return int(stats["bytes_limit"]) - int(stats.get("bytes_in_use", 0))
        return super().free_bytes()


BACKEND = JaxBackend
