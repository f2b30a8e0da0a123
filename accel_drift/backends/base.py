"""What the engine asks of an array library, and nothing more."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.spec import Kernels

Array: TypeAlias = Any
"""An array of the backend's library."""

Namespace: TypeAlias = Any
"""The library's functions under the names of the array-API standard. The tests run everything on
array-api-strict, which has no others."""

F = TypeVar("F", bound=Callable[..., Any])


class Backend(ABC):
    """An opened array library: arrays, kernels, and the doors between host and device.

    Attributes:
        name: what `get_backend` calls it.
        is_gpu: whether its arrays live on a GPU here.
        xp: the array-API namespace.
        kernels: the kernel set for its arrays.
        low_precision: dtypes below float32 that its kernel sums take as they are; elsewhere rows are rounded to such
            a precision and handed over as float32.
    """

    name: ClassVar[str]
    is_gpu: bool = False
    low_precision: tuple[str, ...] = ()
    xp: Namespace
    kernels: Kernels

    @classmethod
    def why_not(cls) -> str | None:
        """Why it cannot be used here although its library is installed (no driver, no device), or None."""
        return None

    @property
    @abstractmethod
    def device(self) -> str:
        """Where the arrays live, in words."""

    @abstractmethod
    def scope(self) -> AbstractContextManager[object]:
        """Settings that must hold while arrays are made or used. Every public call enters it."""

    @abstractmethod
    def asarray(self, x: npt.ArrayLike, /, dtype: Any = None) -> Array:
        """Host to device. `dtype` is a NumPy dtype or its name."""

    @abstractmethod
    def to_numpy(self, x: Array, /) -> npt.NDArray[Any]:
        """Device to host; waits for the device. The only call that does."""

    def adopt(self, x: Any, /) -> Array | None:  # noqa: ARG002
        """A tensor of this or another library as an array of the backend, in the same memory.

        None where the tensor is not on the backend's device; a tensor on the host is taken by `asarray`.
        """
        return None

    def compile(self, fn: F, /) -> F:
        """A faster `fn` of the same meaning. Its arguments are arrays or NamedTuples of arrays."""
        return fn

    def free_bytes(self) -> int:
        """Memory that temporaries may take."""
        return 1 << 30

    def __reduce__(self) -> tuple[Any, ...]:
        # A device cannot travel: another process opens its own.
        return type(self), ()

    def __repr__(self) -> str:
        return f"<{self.name} backend on {self.device}>"


def host_dtype(dtype: Any) -> np.dtype[Any] | None:
    """The NumPy dtype meant by a dtype, a dtype's name, or None."""
    return None if dtype is None else np.dtype(dtype)


_HOST_DEVICES = (1, 3, 11)
"""DLPack's numbers of memory that the CPU reads: its own, and what CUDA and ROCm pinned."""


def on_host(x: Any) -> bool:
    """Whether the memory of a DLPack tensor can be read by the CPU."""
    try:
        kind = x.__dlpack_device__()[0]
    except (AttributeError, BufferError, RuntimeError, TypeError, ValueError):
        return True  # spread over devices: its library gathers it
    return int(kind) in _HOST_DEVICES
