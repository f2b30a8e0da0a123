"""What the CuPy kernel set asks of NVIDIA's compiler and of CuPy, without a GPU: the compiler needs none."""

from __future__ import annotations

import ctypes
import os
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from accel_drift_kernels.cupy_cuda import device
from tests.kernels import nvrtc

NEEDS_NVRTC = pytest.mark.skipif(
    nvrtc.opened() is None and not os.environ.get("CI"), reason="no nvidia-cuda-nvrtc-cu12 here"
)


@NEEDS_NVRTC
@pytest.mark.parametrize(
    ("file", "arch", "defined"),
    [
        ("tiles", "sm_75", ()),
        ("tiles", "sm_90", ()),
        ("histogram", "sm_75", ()),
        ("histogram", "sm_90", ()),
        ("fused", "sm_80", ("KIND=0",)),
        ("fused", "sm_86", ("KIND=1",)),
        ("fused", "sm_120", ("KIND=2",)),
        ("fused", "sm_90a", ("KIND=1", "WGMMA")),
    ],
    ids=lambda x: x if isinstance(x, str) else "-".join(x),
)
def test_the_cuda_files_compile_and_keep_to_their_registers(file: str, arch: str, defined: tuple[str, ...]) -> None:
    made = nvrtc.compiled(device.source(file), arch, defined)
    assert {"tiles": "run_sums", "histogram": "histogram_f32", "fused": "group_sums_mma"}[file] in made.registers
    assert set(made.stack.values()) == set(made.spilled.values()) == {0}
    assert "warning" not in made.log.lower()
    if file == "histogram":
        # Four blocks of 128 threads on a processor of 65,536 registers, and 16 bytes a load.
        assert max(made.registers.values()) <= 128
        assert "ld.global.v4" in made.ptx or "ld.global.nc.v4" in made.ptx
        assert "atom" not in made.ptx
    if file == "fused":
        assert "mma.sync.aligned.m16n8k16" in made.ptx
        # Two blocks of 128 threads, or one of 256, on a processor of 65,536 registers.
        assert max(made.registers.values()) <= 255
    if "WGMMA" in defined:
        assert "wgmma.mma_async" in made.ptx
        assert "serialized" not in made.log
        assert made.registers["label_sums_wgmma"] <= 200


@NEEDS_NVRTC
def test_a_kernel_that_spills_is_seen() -> None:
    code = (
        'extern "C" __global__ void big(float* x, int n) { float y[300]; for (int i = 0; i < 300; ++i) y[i] = x[i * n];'
    )
    made = nvrtc.compiled(code + " for (int i = 0; i < 300; ++i) x[i] = y[(i * n) % 300]; }", "sm_80")
    assert made.stack["big"] >= 1200


class Held:
    """An array as CuPy shows it."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.dtype, self.shape, self.size = values, values.dtype, values.shape, values.size
        self.data = SimpleNamespace(ptr=values.ctypes.data)


KINDS: dict[int, Any] = {2: np.float16, 0: np.float32, 1: np.float64}


def by_columns(pointer: int, kind: int, shape: tuple[int, int], lead: int) -> Any:
    """A matrix as cuBLAS reads it: column after column, `lead` numbers apart."""
    size = np.dtype(KINDS[kind]).itemsize
    raw: Any = (ctypes.c_char * (size * lead * shape[1])).from_address(pointer)
    return np.frombuffer(raw, dtype=KINDS[kind]).reshape(shape[1], lead).T[: shape[0]]


def gemm_ex(*args: Any) -> None:
    """What cuBLAS documents of cublasGemmEx: C = alpha op(A) op(B) + beta C."""
    _, turn_a, turn_b, m, n, k, alpha, a, a_kind, lda, b, b_kind, ldb, beta, c, c_kind, ldc, compute, _ = args
    one, zero = (by_columns(p, c_kind, (1, 1), 1)[0, 0] for p in (alpha, beta))
    assert (one, zero) == (1.0, 0.0)
    assert compute == (70 if c_kind == 1 else 68)
    left = by_columns(a, a_kind, (k, m) if turn_a else (m, k), lda).astype(KINDS[c_kind])
    right = by_columns(b, b_kind, (n, k) if turn_b else (k, n), ldb).astype(KINDS[c_kind])
    by_columns(c, c_kind, (m, n), ldc)[:] = (left.T if turn_a else left) @ (right.T if turn_b else right)


class Function:
    """A kernel that remembers how it was launched."""

    max_dynamic_shared_size_bytes = 0

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, *args: Any, **options: Any) -> None:
        self.calls.append((*args, options))


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """As much of CuPy as `Device` asks for."""
    made: list[dict[str, Any]] = []

    def raw_module(**given: Any) -> SimpleNamespace:
        made.append(given)
        return SimpleNamespace(get_function=Function)

    found = {"major": 9, "minor": 0, "l2CacheSize": 50 << 20, "sharedMemPerBlockOptin": 227 << 10}
    blas = SimpleNamespace(
        CUBLAS_OP_N=0, CUBLAS_OP_T=1, CUBLAS_COMPUTE_32F=68, CUBLAS_COMPUTE_64F=70, CUBLAS_GEMM_DEFAULT=-1,
        CUBLAS_POINTER_MODE_HOST=0, gemmEx=gemm_ex, getPointerMode=lambda _: 1, setPointerMode=lambda *_: None,
    )  # fmt: skip
    runtime = SimpleNamespace(CUDA_R_16F=2, CUDA_R_32F=0, CUDA_R_64F=1, getDeviceProperties=lambda _: found)
    cuda = SimpleNamespace(cublas=blas, runtime=runtime, device=SimpleNamespace(get_cublas_handle=lambda: 7))
    library = SimpleNamespace(cuda=cuda, RawModule=raw_module, made=made)
    monkeypatch.setitem(sys.modules, "cupy", library)
    return library


@pytest.mark.usefixtures("cupy")
@pytest.mark.parametrize("turned", ["", "a", "b", "ab"])
@pytest.mark.parametrize("dtypes", [("float64", "float64"), ("float32", "float32"), ("float16", "float32")])
def test_products_are_row_major(turned: str, dtypes: tuple[str, str]) -> None:
    rng = np.random.default_rng(9)
    a, b = (rng.integers(-4, 5, s).astype(dtypes[0]) for s in ((5, 3), (3, 7)))
    out = np.full((5, 7), np.nan, dtype=dtypes[1])
    given = [np.ascontiguousarray(x.T) if name in turned else x for name, x in (("a", a), ("b", b))]
    device.Device(0).product(Held(given[0]), Held(given[1]), Held(out), turned)
    np.testing.assert_array_equal(out, a.astype("float64") @ b.astype("float64"))


def test_a_kernel_is_compiled_once_and_its_numbers_have_64_bits(cupy: SimpleNamespace) -> None:
    dev = device.Device(0)
    for _ in range(2):
        dev.launch("some", (2, 3), 128, (1, 2.0), file="fused", defined=("KIND=1",), shared=60_000)
    dev.launch("none", (0, 3), 128, ())
    assert [(g["options"], "label_sums_mma" in g["code"]) for g in cupy.made] == [(("-std=c++17", "-DKIND=1"), True)]
    function = dev._functions["some", "KIND=1"]
    assert len(function.calls) == 2
    blocks, threads, args, options = function.calls[0]
    assert (blocks, threads, options) == ((2, 3), (128,), {"shared_mem": 60_000})
    assert [type(a) for a in args] == [np.int64, np.float64]
    assert function.max_dynamic_shared_size_bytes == 60_000


@pytest.mark.usefixtures("cupy")
def test_wgmma_is_taken_on_request_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert device.Device(0).tensor_cores
    assert not device.Device(0).hopper
    monkeypatch.setenv("ACCEL_DRIFT_WGMMA", "1")
    assert device.Device(0).hopper
