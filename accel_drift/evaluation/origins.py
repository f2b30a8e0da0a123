"""Whose code a module is: one's own, which may change from run to run, or an installed package of some version."""

from __future__ import annotations

import sys
import sysconfig
from functools import cache
from importlib import metadata, util
from pathlib import Path

_INSTALLED = {"site-packages", "dist-packages"}
_OURS = {"accel_drift", "accel_drift_kernels"}


@cache
def is_installed(module: str | None) -> bool:
    """Whether a module belongs to Python, to accel-drift or to an installed package; one that cannot be found does not.

    A package that is installed in a way that leaves it where it is edited (`pip install -e`) is one's own.
    """
    if not module or module in ("__main__", "__mp_main__"):
        return False
    if module.partition(".")[0] in {*_OURS, "builtins"}:
        return True
    found = file_of(module)
    if found is None:
        return module in sys.builtin_module_names or module.partition(".")[0] in sys.stdlib_module_names
    if _INSTALLED & set(found.parts):
        return True
    homes = (Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib"))
    return any(found.is_relative_to(home) for home in homes)


def file_of(module: str) -> Path | None:
    """Where a module's source is; None where there is none, or no such module. Its packages are imported for that."""
    loaded = sys.modules.get(module)
    path = getattr(loaded, "__file__", None)
    if loaded is None:
        try:
            spec = util.find_spec(module)
        except (ImportError, ValueError, AttributeError):
            return None
        path = spec.origin if spec is not None and spec.has_location else None
    return Path(path).resolve() if path else None


@cache
def version_of(module: str | None) -> str:
    """Name and version of the package that a module was installed with, such as `river 0.26.0`; "" for Python's own.

    Of accel-drift it is "", too: trials know its version by themselves.
    """
    top = (module or "").partition(".")[0]
    named = [] if top in _OURS else sorted(set(_distributions().get(top, ())))
    return ", ".join(f"{name} {metadata.version(name)}" for name in named)


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(metadata.packages_distributions())
