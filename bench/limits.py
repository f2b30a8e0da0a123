"""What the machine can do, measured in the run whose results are held against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from accel_drift.backends import Backend
from bench import exp2, machine, streaming

_EXP_TIMES = 4000


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate to be measured.

    Attributes:
        work: operations, bytes or keys of one call.
        unit: what the rate is counted in.
        call: does the work.
    """

    work: float
    unit: str
    call: Callable[[], object]


def limits(backend: Backend) -> Mapping[str, Limit]:
    """Products, exponentials, memory and sorting on one backend."""
    found = {f"gemm {dtype}": _gemm(backend, dtype) for dtype in ("float64", "float32")}
    if backend.is_gpu:
        return {**found, "gemm float16": _gemm(backend, "float16"), **_device(backend)}
    return {**found, "gemm float32, one core": _one_core(), **_host()}


def _gemm(backend: Backend, dtype: str) -> Limit:
    side = 8192 if backend.is_gpu else 2048
    rng = np.random.default_rng(0)
    with backend.scope():
        a, b = (backend.asarray(rng.standard_normal((side, side)), dtype=dtype) for _ in range(2))

    def product() -> object:
        with backend.scope():
            return backend.to_numpy(backend.xp.matmul(a, b)[0, 0])  # one number comes back: the wait, not the copy

    return Limit(2.0 * side**3, "FLOP", product)


def _one_core() -> Limit:
    from threadpoolctl import threadpool_limits

    side, rng = 2048, np.random.default_rng(0)
    a, b = (rng.standard_normal((side, side)).astype(np.float32) for _ in range(2))

    def product() -> object:
        with threadpool_limits(1, user_api="blas"):
            return a @ b

    return Limit(2.0 * side**3, "FLOP", product)


def _host() -> dict[str, Limit]:
    """Reading, copying and sorting, a part of the array on each core; exponentials within the cache."""
    cores = machine.cores()
    rng = np.random.default_rng(1)
    size = (1 << 26) // (8 * cores) * (8 * cores)
    big = rng.standard_normal(size, dtype=np.float32)  # 256 MiB, beyond every cache
    out = np.empty_like(big)
    small = rng.standard_normal(1 << 22, dtype=np.float32)
    parts = [slice(i * len(big) // cores, (i + 1) * len(big) // cores) for i in range(cores)]
    few = [slice(i * len(small) // cores, (i + 1) * len(small) // cores) for i in range(cores)]

    def spread(work: Callable[[slice], object], pieces: list[slice]) -> Callable[[], object]:
        def call() -> object:
            with ThreadPoolExecutor(cores) as pool:
                return list(pool.map(work, pieces))

        return call

    return {
        "read": Limit(float(big.nbytes), "B", streaming.on_all_cores(big, cores)),
        "copy": Limit(2.0 * big.nbytes, "B", spread(lambda s: np.copyto(out[s], big[s]), parts)),
        **{f"exp {dtype}": _exp(dtype, cores) for dtype in ("float64", "float32")},
        "sort float32": Limit(float(len(small)), "keys", spread(lambda s: np.sort(small[s]), few)),
    }


def _exp(dtype: str, cores: int) -> Limit:
    times = _EXP_TIMES if dtype == "float32" else _EXP_TIMES // 4
    return Limit(float(cores * times * exp2.VALUES), "values", exp2.on_all_cores(dtype, cores, times))


def _device(backend: Backend) -> dict[str, Limit]:
    """The same on a device. Never run so far: no GPU was at hand when this was written."""
    rng = np.random.default_rng(1)
    with backend.scope():
        big = backend.asarray(rng.standard_normal(1 << 28, dtype=np.float32))
        small = backend.asarray(rng.standard_normal(1 << 25, dtype=np.float32))

    def read() -> object:
        with backend.scope():
            return backend.to_numpy(backend.xp.max(big))

    def sort() -> object:
        with backend.scope():
            return backend.to_numpy(backend.xp.sort(small)[0])

    return {"read": Limit(4.0 * (1 << 28), "B", read), "sort float32": Limit(float(1 << 25), "keys", sort)}
