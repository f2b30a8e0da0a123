"""A CUDA device as the kernel sums need it: launches of our own kernels, and cuBLAS products into given memory."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from accel_drift_kernels.spec import Array

_OPTIONS = ("-std=c++17",)
"""Said, and not left to CuPy: the tests compile with the same."""

_WGMMA = "ACCEL_DRIFT_WGMMA"
"""Set to 1, a Hopper device takes the kernel for its own instructions, which no device has proven yet."""


def text(file: str) -> str:
    """One of our CUDA files."""
    return (files("accel_drift_kernels") / "cuda" / f"{file}.cu").read_text(encoding="utf-8")


def source(file: str) -> str:
    """One of our CUDA files, after the instructions that it names."""
    return f"{text('instructions')}\n{text(file)}"


class Device:
    """The current CUDA device.

    Attributes:
        tensor_cores: whether it has the instructions of compute capability 8.0.
        hopper: whether kernels for 9.0 alone are wanted and can run.
        l2_bytes: its level-2 cache.
        shared_bytes: shared memory that one block may ask for.
    """

    def __init__(self, number: int) -> None:
        import cupy  # pyright: ignore[reportMissingImports]

        found = cupy.cuda.runtime.getDeviceProperties(number)
        capability = (int(found["major"]), int(found["minor"]))
        self.tensor_cores = capability >= (8, 0)
        # wgmma belongs to 9.0 and to no other, later ones included.
        self.hopper = capability == (9, 0) and os.environ.get(_WGMMA) == "1"
        self.l2_bytes = int(found["l2CacheSize"])
        self.shared_bytes = int(found["sharedMemPerBlockOptin"])
        self._functions: dict[tuple[str, ...], Any] = {}

    def launch(
        self,
        kernel: str,
        blocks: tuple[int, int],
        threads: int,
        args: tuple[Array | int | float, ...],
        *,
        file: str = "tiles",
        defined: tuple[str, ...] = (),
        shared: int = 0,
    ) -> None:
        """Run a kernel of one of our CUDA files.

        Args:
            kernel: its name.
            blocks: width and height of the grid; nothing is launched where one is 0.
            threads: of a block.
            args: contiguous arrays, whole numbers (64 bits) and floats (64 bits).
            file: the file's name.
            defined: preprocessor names that are set.
            shared: bytes of dynamic shared memory.
        """
        if 0 in blocks:
            return
        function = self._function(kernel, file, defined)
        if shared > 48 << 10:
            function.max_dynamic_shared_size_bytes = shared
        function(blocks, (threads,), tuple(_wide(a) for a in args), shared_mem=shared)

    def _function(self, kernel: str, file: str, defined: tuple[str, ...]) -> Any:
        if (kernel, *defined) not in self._functions:
            options = (*_OPTIONS, *(f"-D{name}" for name in defined))
            make = _for_hopper if "WGMMA" in defined else _for_any
            self._functions[kernel, *defined] = make(source(file), options, kernel)
        return self._functions[kernel, *defined]

    def product(self, a: Array, b: Array, out: Array, turned: str = "") -> None:
        """Write a @ b into `out`, all row-major and contiguous; "a" or "b" in `turned` means its transpose.

        Operands of 16 bits are summed in float32, and `out` is float32. float32 means float32, whatever CUPY_TF32 says.
        """
        import cupy  # pyright: ignore[reportMissingImports]

        if out.size == 0:
            return
        blas, runtime = cupy.cuda.cublas, cupy.cuda.runtime
        kinds = {"float16": runtime.CUDA_R_16F, "float32": runtime.CUDA_R_32F, "float64": runtime.CUDA_R_64F}
        operand, result = str(a.dtype), str(out.dtype)
        compute = blas.CUBLAS_COMPUTE_64F if result == "float64" else blas.CUBLAS_COMPUTE_32F
        one, zero = (np.asarray(x, dtype=result) for x in (1.0, 0.0))
        rows, cols = out.shape
        inner = a.shape["a" not in turned]
        handle = cupy.cuda.device.get_cublas_handle()
        mode = blas.getPointerMode(handle)
        blas.setPointerMode(handle, blas.CUBLAS_POINTER_MODE_HOST)
        try:
            # cuBLAS reads by columns: it sees every matrix transposed, so this is out' = b' a'.
            blas.gemmEx(
                *(handle, blas.CUBLAS_OP_T if "b" in turned else blas.CUBLAS_OP_N),
                *(blas.CUBLAS_OP_T if "a" in turned else blas.CUBLAS_OP_N, cols, rows, inner, one.ctypes.data),
                *(b.data.ptr, kinds[operand], b.shape[1], a.data.ptr, kinds[operand], a.shape[1], zero.ctypes.data),
                *(out.data.ptr, kinds[result], cols, compute, blas.CUBLAS_GEMM_DEFAULT),
            )
        finally:
            blas.setPointerMode(handle, mode)


def _wide(argument: Any) -> Any:
    """Numbers as the kernels' declarations have them: 64 bits."""
    if isinstance(argument, int):
        return np.int64(argument)
    return np.float64(argument) if isinstance(argument, float) else argument


def _for_any(code: str, options: tuple[str, ...], kernel: str) -> Any:
    """A kernel compiled for the device at hand. CuPy keeps the machine code on disk for the next process."""
    import cupy  # pyright: ignore[reportMissingImports]

    return cupy.RawModule(code=code, options=options).get_function(kernel)


def _for_hopper(code: str, options: tuple[str, ...], kernel: str) -> Any:
    """A kernel for compute capability 9.0 with its own instructions, which CuPy's compile call cannot ask for."""
    import cupy  # pyright: ignore[reportMissingImports]

    nvrtc = cupy.cuda.nvrtc
    program = nvrtc.createProgram(code, "accel_drift.cu", (), ())
    try:
        nvrtc.compileProgram(program, (*options, "-arch=sm_90a"))
        cubin = nvrtc.getCUBIN(program)
    except nvrtc.NVRTCError as err:
        raise RuntimeError(f"NVRTC cannot compile for Hopper: {nvrtc.getProgramLog(program)}; unset {_WGMMA}") from err
    finally:
        nvrtc.destroyProgram(program)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "accel_drift.cubin"
        path.write_bytes(cubin)
        function = cupy.RawModule(path=str(path)).get_function(kernel)
        function.compile()  # it reads the file now, and not at the first launch
    return function


@cache
def _opened(number: int) -> Device:
    return Device(number)


def current() -> Device:
    """The device on which CuPy makes arrays now."""
    import cupy  # pyright: ignore[reportMissingImports]

    return _opened(int(cupy.cuda.Device().id))
