"""What the engine runs on: versions, backends and devices, BLAS, threads, caches, and what would make it faster."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from accel_drift._version import version as own_version
from accel_drift.backends import choose, get_backend, names, why_not

_PACKAGES = ("numpy", "scipy", "numba", "pyarrow", "jax", "jaxlib", "cupy-cuda12x", "cupy-cuda13x")
_VARIABLES = (
    "OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_CACHE_DIR",
    "NUMBA_DISABLE_JIT", "NUMBA_NUM_THREADS", "JAX_PLATFORMS", "CUDA_VISIBLE_DEVICES", "XLA_PYTHON_CLIENT_PREALLOCATE",
)  # fmt: skip
_BELOW_AVX512 = {"haswell", "zen", "sandybridge", "nehalem", "prescott", "core2", "barcelona", "excavator"}
_FEW_GB = 4


def lines() -> Iterator[str]:
    """The whole answer, line by line."""
    reasons = {name: why_not(name) for name in names()}
    libraries = _blas()
    yield f"accel-drift {own_version()}, Python {platform.python_version()}, {platform.platform()}"
    yield from _section("Libraries", (f"{name} {v}" for name in _PACKAGES if (v := _installed(name))))
    yield from _section("Backends", _backends(reasons))
    yield from _section("Processor", _processor(libraries))
    set_here = (f"{name}={os.environ[name]}" for name in _VARIABLES if name in os.environ)
    yield from _section("Set in the environment", set_here)
    yield from _section("What would make it faster", advice(reasons, libraries), "nothing that can be seen from here")


def advice(reasons: dict[str, str | None], libraries: list[dict[str, Any]]) -> Iterator[str]:
    """What a person could change, each with the way to do it.

    Args:
        reasons: backend -> why it does not open, or None.
        libraries: the BLAS libraries loaded, as threadpoolctl describes them.
    """
    if not choose()[0].is_gpu:
        if has_nvidia_device():
            yield "there is an NVIDIA device and no backend for it: pip install 'accel-drift[cuda12]' (or cuda13)"
        else:
            yield "no GPU is used; with an NVIDIA card: pip install 'accel-drift[cuda12]' (or cuda13)"
    yield from _blas_advice(libraries)
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        yield "NUMBA_DISABLE_JIT is set: the kernels run as plain Python; unset it"
    if kernel_cache() is None:
        yield "compiled kernels cannot be kept, so every start compiles: set NUMBA_CACHE_DIR to a folder to write to"
    free = _free_gb()
    if free is not None and free < _FEW_GB:
        yield f"only {free:.1f} GB of memory are free: large data sets may not fit; name columns with --columns"
    if "jax" in reasons and reasons["jax"] is None and os.environ.get("JAX_PLATFORMS") == "cpu" and has_nvidia_device():
        yield "JAX_PLATFORMS=cpu keeps JAX off the GPU; unset it"


def _blas_advice(libraries: list[dict[str, Any]]) -> Iterator[str]:
    flags, cpus = cpu_flags(), _cpus()
    for found in libraries:
        kernel = str(found.get("architecture") or "")
        if kernel.lower() in _BELOW_AVX512 and "avx512f" in flags:
            forced = os.environ.get("OPENBLAS_CORETYPE")
            how = "unset OPENBLAS_CORETYPE" if forced else "try OPENBLAS_CORETYPE=SkylakeX, and time it"
            yield f"OpenBLAS of {found['owner']} runs its {kernel} kernel and the processor has AVX-512: {how}"
        threads = int(found.get("num_threads") or cpus)
        if threads < cpus:
            limits = [v for v in _VARIABLES if v.endswith("_NUM_THREADS") and v in os.environ]
            unset = f"; unset {', '.join(limits)}" if limits else ""
            yield f"BLAS of {found['owner']} has {threads} of {cpus} threads{unset}"


def _section(title: str, rows: Iterator[str], otherwise: str = "") -> Iterator[str]:
    listed = list(rows) or ([otherwise] if otherwise else [])
    if listed:
        yield ""
        yield title
        yield from (f"  {row}" for row in listed)


def _backends(reasons: dict[str, str | None]) -> Iterator[str]:
    chosen, reason = choose()
    for name, why in reasons.items():
        if why is None:
            yield f"{name}: {get_backend(name).device}"
        else:
            yield f"{name}: not here. {' '.join(why.split())}"
    yield f"auto takes {chosen.name}: {reason.partition(' (')[0]}"


def _processor(libraries: list[dict[str, Any]]) -> Iterator[str]:
    yield f"{_cpu_name()}, {_cpus()} of {os.cpu_count() or 1} cores for this process"
    for found in libraries:
        parts = [str(found.get("internal_api")), str(found.get("version")), f"kernel {found.get('architecture')}"]
        yield f"BLAS of {found['owner']}: {', '.join(parts)}, {found.get('num_threads')} threads"
    yield f"kernels of the numpy backend: Numba machine code on {_cpus()} Python threads (no threading layer is used)"
    cache = kernel_cache()
    yield f"compiled kernels are kept in {cache}" if cache else "compiled kernels cannot be kept"
    free = _free_gb()
    if free is not None:
        yield f"{free:.1f} GB of memory free"


def _blas() -> list[dict[str, Any]]:
    """The BLAS libraries of NumPy and SciPy, which each bring their own; named by their owner."""
    import scipy.linalg  # noqa: F401  loads SciPy's own BLAS
    from threadpoolctl import threadpool_info

    found = [dict(library) for library in threadpool_info() if library.get("user_api") == "blas"]
    for library in found:
        file = str(library.get("filepath", ""))
        # Not the file's own name: NumPy's wheel carries a libscipy_openblas64_.
        owners = [name for name in ("numpy", "scipy") if {name, f"{name}.libs"} & set(Path(file).parent.parts)]
        library["owner"] = owners[-1] if owners else Path(file).name
    return found


def kernel_cache() -> Path | None:
    """Where Numba keeps compiled kernels: the folder that was set, beside the kernels, or the user's cache; or None."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        return Path(given) if _can_write(Path(given)) else None
    home = find_spec("accel_drift_kernels.numba_cpu")
    beside = [Path(p) / "__pycache__" for p in (home.submodule_search_locations or ())] if home else []
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "numba"
    return next((folder for folder in (*beside, user) if _can_write(folder)), None)


def _can_write(folder: Path) -> bool:
    """Whether the folder, or the nearest one above it that exists, can be written to."""
    there = next((p for p in (folder, *folder.parents) if p.exists()), None)
    return there is not None and there.is_dir() and os.access(there, os.W_OK)


def cpu_flags() -> frozenset[str]:
    """What the processor can do, in Linux's words; empty elsewhere."""
    return frozenset(_cpuinfo("flags").split())


def has_nvidia_device() -> bool:
    """Whether the driver shows a device, without loading any CUDA library."""
    return Path("/dev/nvidia0").exists() or Path("/proc/driver/nvidia/gpus").is_dir()


def _cpu_name() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _cpuinfo(field: str) -> str:
    path = Path("/proc/cpuinfo")
    if sys.platform != "linux" or not path.is_file():
        return ""
    rows = (line.partition(":") for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return next((value.strip() for name, _, value in rows if name.strip() == field), "")


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _free_gb() -> float | None:
    path = Path("/proc/meminfo")
    if not path.is_file():
        return None
    rows = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    kilobytes = next((int(row[1]) for row in rows if row[0] == "MemAvailable:"), None)
    return None if kilobytes is None else kilobytes / 2**20


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
