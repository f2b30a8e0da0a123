"""What a measurement ran on: processor, BLAS, load, versions, commit. No paths and no host names."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"

_PACKAGES = ("accel-drift", "numpy", "scipy", "numba", "llvmlite", "pyarrow", "jax", "jaxlib", "cupy-cuda12x", "cupy-cuda13x")  # fmt: skip  # noqa: E501


def facts() -> dict[str, Any]:
    """Everything a reader needs to judge a result by, as plain values."""
    return {
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "processor": processor(),
        "cores": cores(),
        "load_average": load(),
        "blas": blas(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {name: v for name in _PACKAGES if (v := _installed(name))},
        "environment": {k: v for k in _SWITCHES if (v := os.environ.get(k)) is not None},
    }


_SWITCHES = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "JAX_PLATFORMS",
    "XLA_PYTHON_CLIENT_PREALLOCATE",
    "ACCEL_DRIFT_WGMMA",
)


def cores() -> int:
    """CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> float:
    """Processes that wanted a core over the last minute, this one included."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else float("nan")


def busy(load: float, own: int = 0) -> bool:
    """Whether a load average tells of other work, beside `own` threads of ours, on a good part of a core."""
    return load > own + 0.75


def processor() -> str:
    """The processor's name, with family and model where the name alone says little, and whether it has AVX-512."""
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return platform.processor() or platform.machine()
    rows = (line.partition(":") for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    said: dict[str, str] = {}
    for name, _, value in rows:
        said.setdefault(name.strip(), value.strip())
    wide = "AVX-512" if "avx512f" in said.get("flags", "").split() else "no AVX-512"
    return f"{said.get('model name', platform.machine())}, family {said.get('cpu family')} model {said.get('model')}, {wide}"  # noqa: E501


def blas() -> list[dict[str, Any]]:
    """Each BLAS that is loaded: library, kernel, threads. SciPy brings its own beside NumPy's."""
    import scipy.linalg  # noqa: F401  loads SciPy's BLAS
    from threadpoolctl import threadpool_info

    found = []
    for library in threadpool_info():
        if library.get("user_api") == "blas":
            owner = next((o for o in ("scipy.libs", "numpy.libs") if o in str(library.get("filepath"))), "system")
            kept = ("internal_api", "version", "architecture", "num_threads", "threading_layer")
            found.append({"owner": owner.removesuffix(".libs"), **{k: library.get(k) for k in kept}})
    return found


def blas_kernel() -> str:
    """The kernel that NumPy's BLAS chose for this processor."""
    return next((str(b["architecture"]) for b in blas() if b["owner"] != "scipy"), "unknown")


def commit() -> str:
    """The commit measured, "-changed" where the engine's files differ from it; "unknown" outside a checkout."""
    try:
        short = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--", "accel_drift", "kernels")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{short}-changed" if changed else short


def _git(*words: str) -> str:
    made = subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S607
    return made.stdout.strip()


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
