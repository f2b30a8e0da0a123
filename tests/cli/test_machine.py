from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accel_drift.backends import names
from accel_drift.cli import machine
from tests.cli.conftest import Cli


def test_info_names_versions_backends_and_blas(cli: Cli) -> None:
    ran = cli("info")
    assert (ran.code, ran.err) == (0, "")
    assert f"numpy {np.__version__}" in ran.out
    for name in names():
        assert f"  {name}: " in ran.out
    for title in ("Libraries", "Backends", "Processor", "What would make it faster"):
        assert f"\n{title}\n" in ran.out
    assert "auto takes " in ran.out
    assert "BLAS of numpy: " in ran.out


def blas(**changes: Any) -> list[dict[str, Any]]:
    return [{"owner": "numpy", "architecture": "SkylakeX", "num_threads": 8, **changes}]


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_cpus", lambda: 8)
    monkeypatch.setattr(machine, "cpu_flags", lambda: frozenset({"avx2", "avx512f"}))
    for name in machine._VARIABLES:
        monkeypatch.delenv(name, raising=False)


def advice(**changes: Any) -> str:
    return "\n".join(machine.advice({"numpy": None}, blas(**changes)))


@pytest.mark.usefixtures("eight_cores")
def test_an_openblas_below_the_processor_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "OpenBLAS" not in advice()
    assert "Haswell kernel and the processor has AVX-512: try OPENBLAS_CORETYPE" in advice(architecture="Haswell")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert "unset OPENBLAS_CORETYPE" in advice(architecture="Haswell")
    monkeypatch.setattr(machine, "cpu_flags", lambda: frozenset({"avx2"}))
    assert "OpenBLAS" not in advice(architecture="Haswell")


@pytest.mark.usefixtures("eight_cores")
def test_threads_that_are_held_back_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "threads" not in advice()
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert "BLAS of numpy has 2 of 8 threads; unset OMP_NUM_THREADS" in advice(num_threads=2)


@pytest.mark.usefixtures("eight_cores")
def test_kernels_that_cannot_be_kept_are_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "new"))
    assert machine.kernel_cache() == tmp_path / "new"
    assert "NUMBA_CACHE_DIR" not in advice()
    monkeypatch.setattr(machine, "_can_write", lambda _: False)
    assert machine.kernel_cache() is None
    assert "set NUMBA_CACHE_DIR" in advice()


@pytest.mark.usefixtures("eight_cores")
def test_plain_python_kernels_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert "NUMBA_DISABLE_JIT is set" in advice()


def test_a_gpu_without_a_backend_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cpu:
        is_gpu = False

    monkeypatch.setattr(machine, "choose", lambda: (Cpu, "no GPU"))
    monkeypatch.setattr(machine, "has_nvidia_device", lambda: True)
    assert "there is an NVIDIA device and no backend for it: pip install" in advice()
    monkeypatch.setattr(Cpu, "is_gpu", True)
    assert "NVIDIA" not in advice()
