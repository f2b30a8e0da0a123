"""Opening backends by name, and choosing one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from accel_drift.backends.base import Backend, on_host
from accel_drift.errors import BackendError, BackendMissingError, ConfigError

HOST = "numpy"
"""The backend that computes on the host's own arrays."""

ASKED = "asked for"
"""The reason for a backend that the caller named."""

_GROUP = "accel_drift.backends"
_AUTO = ("cupy", "jax")
"""Libraries that may have a GPU, in the order in which `auto` tries them."""

_INSTALL = {
    "jax": "try: pip install 'accel-drift[jax]' (CPU) or 'accel-drift[cuda12]' (NVIDIA)",
    "cupy": "try: pip install 'accel-drift[cuda12]' or 'accel-drift[cuda13]', as the driver allows",
}


def names() -> tuple[str, ...]:
    """Every backend that can be asked for, installed or not: this package's, then those of other packages."""
    own = sorted(m.name[1:] for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if m.name.startswith("_"))
    return tuple(own) + tuple(sorted(set(_foreign()) - set(own)))


def _foreign() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=_GROUP)}


def _class(name: str) -> type[Backend]:
    """Find the class of a backend; whatever importing its module raises passes through."""
    # Ours first: to look for entry points takes milliseconds.
    if name.isidentifier() and (Path(__file__).parent / f"_{name}.py").exists():
        own: type[Backend] = importlib.import_module(f"accel_drift.backends._{name}").BACKEND
        return own
    if name not in names():
        valid = ", ".join(("auto", *names()))
        raise ConfigError(f"there is no backend {name!r}; there are {valid}")
    found: type[Backend] = _foreign()[name].load()
    return found


def why_not(name: str) -> str | None:
    """Why a backend cannot be opened here, in words; None where it can.

    Raises:
        ConfigError: there is no backend of that name.
    """
    try:
        _open(name)
    except BackendError as err:
        return str(err)
    return None


@cache
def _open(name: str) -> Backend:
    try:
        found = _class(name)
    except ImportError as err:
        install = _INSTALL.get(name, "install the package that offers it")
        raise BackendMissingError(f"backend {name!r} needs a library that is not here ({err}); {install}") from err
    reason = found.why_not()
    if reason:
        raise BackendMissingError(f"backend {name!r} cannot be used here: {reason}")
    return found()


def get_backend(name: str | Backend = "auto", data: Any = None) -> Backend:
    """Open a backend.

    Args:
        name: a backend's name, "auto" for a usable GPU or else the CPU, or an opened backend, which is
            returned as it is.
        data: what will be computed on; see `choose`.

    Raises:
        ConfigError: there is no backend of that name.
        BackendMissingError: its library, its driver or its device is not there.

    >>> get_backend("numpy").name
    'numpy'
    """
    if isinstance(name, Backend):
        return name
    if not isinstance(name, str):
        raise ConfigError(f"backend is {name!r}; it is one of {', '.join(('auto', *names()))}, or an opened backend")
    return choose(data)[0] if name == "auto" else _open(name)


def open_backend(name: str | Backend = "auto", data: Any = None) -> tuple[Backend, str]:
    """Open a backend as `get_backend` does, and say why it is this one: `ASKED`, or what `choose` said.

    Raises:
        ConfigError: there is no backend of that name.
        BackendMissingError: its library, its driver or its device is not there.
    """
    return choose(data) if name == "auto" else (get_backend(name), ASKED)


def for_columns(opened: Backend, reason: str) -> Backend:
    """What computes on columns that lie on the host: the CPU, unless the caller asked for the backend.

    Sending a column to a device takes longer than sorting and counting it here.

    Args:
        opened: the backend of the whole comparison.
        reason: why it was opened, `ASKED` or what `choose` said.
    """
    return opened if reason == ASKED or why_not(HOST) else _open(HOST)


def available_backends() -> tuple[str, ...]:
    """Names of the backends that open here. Imports each library that is installed.

    >>> "numpy" in available_backends()
    True
    """
    return tuple(name for name in names() if why_not(name) is None)


@cache
def _jax_may_have_gpu() -> bool:
    """Whether JAX is worth importing (a second) in search of a GPU: its GPUs come as plugins."""
    return bool(entry_points(group="jax_plugins"))


def choose(data: Any = None) -> tuple[Backend, str]:
    """The backend that "auto" means here, and the reason in words.

    Args:
        data: a tensor, or a dict that may hold some; the library that has it on a GPU is tried first.
    """
    home = _library_on_device(data)
    reasons = []
    for name in sorted(_AUTO, key=lambda known: known != home):
        missing = None if name != "jax" or _jax_may_have_gpu() else "no GPU plugin is installed"
        missing = missing or why_not(name)
        if missing is None and _open(name).is_gpu:
            lies = f"the data is on a GPU in arrays of {home}, and " if name == home else ""
            return _open(name), f"{lies}{name} has a GPU: {_open(name).device}"
        reasons.append(f"{name}: {missing}" if missing else f"{name} has no GPU here")
    return _open(HOST), "no usable GPU (" + "; ".join(reasons) + ")"


def _library_on_device(data: Any) -> str:
    """The library of the first tensor that is not on the host: `torch`, `cupy`, `jax`; "" where there is none."""
    held = data.values() if isinstance(data, Mapping) else (data,)
    found = next((x for x in held if hasattr(x, "__dlpack_device__") and not on_host(x)), None)
    library = "" if found is None else type(found).__module__.partition(".")[0]
    return "jax" if library.startswith("jax") else library
