"""Opening backends by name, choosing one, and what is said when that fails."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from accel_drift.backends import available_backends, choose, get_backend, names, registry, why_not
from accel_drift.errors import BackendMissingError, ConfigError
from tests._strict import StrictBackend


def test_backends_are_found_by_file_name() -> None:
    assert names() == ("cupy", "jax", "numpy")
    assert set(available_backends()) <= set(names())
    assert "numpy" in available_backends()


def test_unknown_name_lists_the_valid_ones() -> None:
    with pytest.raises(ConfigError, match=r"no backend 'numppy'; there are auto, cupy, jax, numpy"):
        get_backend("numppy")
    with pytest.raises(ConfigError):
        why_not("nothing")


def test_an_opened_backend_passes_through() -> None:
    opened = StrictBackend()
    assert get_backend(opened) is opened
    assert get_backend("numpy") is get_backend("numpy")


def test_auto_says_which_and_why() -> None:
    backend, reason = choose()
    assert get_backend("auto") is backend
    assert backend.is_gpu or (backend.name == "numpy" and "no usable GPU" in reason)


def missing_library(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    """Make an import fail as it does where the library is not installed."""
    monkeypatch.setitem(sys.modules, library, None)
    for module in [m for m in sys.modules if m.startswith("accel_drift.backends._")]:
        monkeypatch.delitem(sys.modules, module)
    registry._open.cache_clear()
    monkeypatch.setattr(registry, "_open", registry._open.__wrapped__)


@pytest.mark.parametrize(("name", "hint"), [("jax", r"accel-drift\[jax\]"), ("cupy", r"accel-drift\[cuda12\]")])
def test_missing_library_says_what_to_install(name: str, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    missing_library(monkeypatch, name)
    with pytest.raises(BackendMissingError, match=hint):
        get_backend(name)
    assert name not in available_backends()
    backend, reason = choose()
    assert name in reason or backend.is_gpu


def test_auto_takes_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pretended(StrictBackend):
        name = "cupy"
        is_gpu = True

    real = registry._open
    monkeypatch.setattr(registry, "_open", lambda name: Pretended() if name == "cupy" else real(name))
    backend, reason = choose()
    assert backend.name == "cupy"
    assert "has a GPU" in reason


def test_a_backend_that_finds_no_device_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Deviceless(StrictBackend):
        @classmethod
        def why_not(cls) -> str | None:
            return "there is no device"

    monkeypatch.setattr(registry, "_open", registry._open.__wrapped__)
    monkeypatch.setattr(registry, "_class", lambda _name: Deviceless)
    with pytest.raises(BackendMissingError, match="there is no device"):
        get_backend("jax")


def test_other_packages_add_backends(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint(name="outside", value="tests._strict:StrictBackend", group="accel_drift.backends")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == point.group else [])
    assert names()[-1] == "outside"
    assert get_backend("outside").name == "strict"
    assert "outside" in available_backends()


def test_importing_the_package_loads_no_array_library() -> None:
    code = (
        "import sys, accel_drift.backends as b; b.names(); "
        "print([m for m in ('numba', 'jax', 'cupy', 'scipy', 'array_api_compat') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_opening_numpy_leaves_jax_alone() -> None:
    code = (
        "import sys; from accel_drift.backends import get_backend; get_backend('numpy'); "
        "print([m for m in ('jax', 'cupy', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("call", ["ad.mmd(x, x)", "ad.MMD().fit(x, backend='numpy')"])
def test_without_a_compiler_the_cpu_says_so(call: str) -> None:
    code = (
        "import accel_drift as ad, numpy as np; from accel_drift.errors import BackendError; x = np.eye(9)\n"
        f"try: {call}\n"
        "except BackendError as error: print(error)"
    )
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "NUMBA_DISABLE_JIT is set" in done.stdout
    assert "unset it" in done.stdout
